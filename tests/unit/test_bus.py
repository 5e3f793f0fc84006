"""Events reach EventBridge in tens, and those of one address in their order, whatever it refuses."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing import calls
from healthy_mailing.bus import HELD_BACK, OUT_OF_TIME, Bus, PutResult, client_without_retries
from healthy_mailing.changes import Event
from support.clock import Clock
from support.stream import BUS_ARN, TABLE_ARN

Entry = Mapping[str, Any]
Answer = Callable[[Sequence[Entry]], Sequence[str]]
"""Returns the code of the error of each entry, empty for none, or raises what a client raises."""

NEVER = 1e9
RETRYABLE = ["ThrottlingException", "InternalFailure", "InternalException"]
FOR_GOOD = ["AccessDeniedException", "MalformedDetail", "NotAuthorizedForDetailTypeException", "SomethingNew"]


class EventBridge:
    """Stands in for the client: keeps what it takes."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.taken: list[Entry] = []
        self.requests: list[int] = []

    def put_events(self, *, Entries: Sequence[Entry]) -> dict[str, Any]:  # noqa: N803  (botocore's name)
        self.requests.append(len(Entries))
        assert 1 <= len(Entries) <= 10
        assert len({address_of(each) for each in Entries}) == len(Entries), "two of one address in a request"
        codes = self._answer(Entries)
        self.taken += [entry for entry, code in zip(Entries, codes, strict=True) if not code]
        return {
            "FailedEntryCount": len([code for code in codes if code]),
            "Entries": [{"ErrorCode": code, "ErrorMessage": "no"} if code else {"EventId": "1"} for code in codes],
        }


def address_of(entry: Entry) -> str:
    return str(json.loads(entry["Detail"])["address"])


def id_of(entry: Entry) -> str:
    return str(json.loads(entry["Detail"])["id"])


def events(*addresses: str) -> list[Event]:
    """Return an event of each address given, with its place as id."""
    time = "2026-03-10T12:00:00.123Z"
    return [Event(address, time, {"id": str(place), "address": address}) for place, address in enumerate(addresses)]


def take_all(entries: Sequence[Entry]) -> list[str]:
    return [""] * len(entries)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(calls, "time", clock)
    return clock


def put(given: Sequence[Event], answer: Answer = take_all, deadline: float = NEVER) -> tuple[PutResult, EventBridge]:
    client = EventBridge(answer)
    return Bus(cast("Any", client), BUS_ARN, TABLE_ARN).put(given, deadline), client


def test_an_entry() -> None:
    _, client = put(events("a@example.com"))
    assert client.taken == [
        {
            "Time": datetime(2026, 3, 10, 12, microsecond=123_000, tzinfo=UTC),
            "Source": "healthy-mailing",
            "DetailType": "Address State Changed",
            "Resources": [TABLE_ARN],
            "EventBusName": BUS_ARN,
            "Detail": '{"id": "0", "address": "a@example.com"}',
        }
    ]


def test_nothing_to_put_is_no_request() -> None:
    outcome, client = put([])
    assert (outcome, client.requests) == (PutResult({}, 0), [])


def test_events_go_in_tens() -> None:
    outcome, client = put(events(*(f"{n}@example.com" for n in range(25))))
    assert client.requests == [10, 10, 5]
    assert [id_of(each) for each in client.taken] == [str(n) for n in range(25)]
    assert outcome == PutResult({}, 0)


def test_two_of_one_address_go_in_two_requests() -> None:
    _, client = put(events("a", "a", "b", "a", "c"))
    assert client.requests == [3, 1, 1]
    assert [id_of(each) for each in client.taken] == ["0", "2", "4", "1", "3"]


@pytest.mark.parametrize("code", RETRYABLE)
def test_a_throttled_entry_is_put_again_and_its_neighbours_are_not(clock: Clock, code: str) -> None:
    refusals = Counter({"b": 3})

    def answer(entries: Sequence[Entry]) -> list[str]:
        codes = []
        for each in entries:
            refused = refusals[address_of(each)] > 0
            refusals[address_of(each)] -= refused
            codes.append(code if refused else "")
        return codes

    outcome, client = put(events("a", "b", "c", "b"), answer)

    assert outcome == PutResult({}, 3)
    assert [id_of(each) for each in client.taken] == ["0", "2", "1", "3"]
    assert clock.monotonic() > 1000  # it paused


@pytest.mark.parametrize("code", FOR_GOOD)
def test_an_entry_refused_for_good_holds_back_its_address_alone(clock: Clock, code: str) -> None:
    del clock

    def answer(entries: Sequence[Entry]) -> list[str]:
        return [code if id_of(each) == "1" else "" for each in entries]

    outcome, client = put(events("a", "b", "c", "b", "a", "b"), answer)

    assert outcome == PutResult({1: code, 3: HELD_BACK, 5: HELD_BACK}, 0)
    assert [id_of(each) for each in client.taken] == ["0", "2", "4"]
    assert client.requests == [3, 1]


def test_what_is_refused_until_the_deadline_is_reported_and_the_rest_is_put(clock: Clock) -> None:
    def answer(entries: Sequence[Entry]) -> list[str]:
        return ["ThrottlingException" if address_of(each) == "b" else "" for each in entries]

    outcome, client = put(events("a", "b", "c", "b"), answer, deadline=clock.monotonic() + 20)

    assert outcome.errors == {1: OUT_OF_TIME, 3: OUT_OF_TIME}
    assert outcome.retries > 20  # pauses are half a second at most
    assert [id_of(each) for each in client.taken] == ["0", "2"]


def test_nothing_is_begun_after_the_deadline(clock: Clock) -> None:
    outcome, client = put(events("a"), deadline=clock.monotonic())
    assert (outcome.errors, client.requests) == ({0: OUT_OF_TIME}, [])


def refusal(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutEvents")


@pytest.mark.parametrize(
    "error",
    [
        refusal("ThrottlingException", 400),
        refusal("InternalException", 500),
        refusal("503", 503),
        ReadTimeoutError(endpoint_url="https://events"),
    ],
    ids=["throttled", "failed", "unavailable", "no answer"],
)
def test_a_request_that_failed_is_made_again(clock: Clock, error: Exception) -> None:
    del clock
    failures = iter([error, error])

    def answer(entries: Sequence[Entry]) -> list[str]:
        if failure := next(failures, None):
            raise failure
        return take_all(entries)

    outcome, client = put(events("a", "b"), answer)
    assert outcome == PutResult({}, 4)
    assert [id_of(each) for each in client.taken] == ["0", "1"]


def test_a_request_refused_for_good_is_reported() -> None:
    def answer(_: Sequence[Entry]) -> list[str]:
        raise refusal("AccessDeniedException", 400)

    outcome, _ = put(events("a", "a"), answer)
    assert outcome == PutResult({0: "AccessDeniedException", 1: HELD_BACK}, 0)


@given(st.lists(st.sampled_from("abcde"), max_size=60), st.data())
def test_of_each_address_a_first_part_is_put_in_order_whatever_is_refused(
    addresses: list[str], data: st.DataObject
) -> None:
    """And each event is put once, or has an error. Where an answer is lost it may be put twice, in a row."""
    faults = st.sampled_from([""] * 8 + RETRYABLE + FOR_GOOD[:2])
    lost = False

    def answer(entries: Sequence[Entry]) -> list[str]:
        nonlocal lost
        match data.draw(st.integers(0, 9)):
            case 0:
                raise refusal("ThrottlingException", 400)
            case 1:
                client.taken += entries
                lost = True
                raise ReadTimeoutError(endpoint_url="https://events")
            case _:
                return [data.draw(faults) for _ in entries]

    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "time", clock)
        client = EventBridge(answer)
        outcome = Bus(cast("Any", client), BUS_ARN, TABLE_ARN).put(events(*addresses), clock.monotonic() + 5)

    for address in set(addresses):
        mine = [str(place) for place, each in enumerate(addresses) if each == address]
        taken = [id_of(each) for each in client.taken if address_of(each) == address]
        once = list(dict.fromkeys(taken))
        failed = [place for place in mine if int(place) in outcome.errors]
        assert taken == sorted(taken, key=int), "an earlier one came after a later one"
        assert once == mine[: len(once)]
        if not lost:
            assert taken == once
            assert once + failed == mine
        else:
            assert set(mine) - set(failed) <= set(once)


def test_clients_ask_once_and_do_not_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for service in ("events", "sqs"):
        client = client_without_retries(service)
        assert client.meta.service_model.service_name == service
        assert client.meta.config.retries["total_max_attempts"] == 1
        assert client.meta.config.connect_timeout + client.meta.config.read_timeout < 5
