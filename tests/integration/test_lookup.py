"""The lookup function as API Gateway calls it, with a table that moto stands in for."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from healthy_mailing.address import canonical, forms
from healthy_mailing.evidence import MADE_BY_PEOPLE, Mark, MarkKind, State, override
from support.clock import Clock
from support.eventually import SECONDS
from support.faults import Fault, first, keep_back, lose_answer, refuse, refuse_statements
from support.gateway import CALLER
from support.marks import item_of, mark
from support.table import TABLE

from .conftest import (
    ADDRESS,
    DynamoDB,
    Faults,
    add,
    between,
    calls,
    dynamodb,
    items,
    meet_after_reading,
    once_before,
    refusal,
)
from .lookup_api import Api, start

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse

A, OVERRIDE = "/addresses/a%40example.com", "/addresses/a%40example.com/override"
MIDNIGHT = datetime(2026, 3, 20, tzinfo=UTC)
OPERATOR = override(State.DISABLE, "2026-03-01T12:00:00.000Z", "dana", "asked by phone")


@pytest.fixture
def api(client: DynamoDB, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Api:
    return start(client, faults, monkeypatch)


def put(client: DynamoDB, address: str, *marks: Mark, now: datetime = MIDNIGHT) -> None:
    """Merge marks into an address's record, at a time."""
    assert not add(client, *marks, address=address, now=now).error


def check(api: Api, *addresses: str, purpose: str = "bulk") -> list[dict[str, Any]]:
    """Ask who may get mail of a purpose."""
    answers: list[dict[str, Any]] = api("POST", "/check", {"addresses": addresses, "purpose": purpose}).body[
        "addresses"
    ]
    return answers


def test_all_that_is_known_of_an_address_is_given(client: DynamoDB, api: Api) -> None:
    marks = mark(MarkKind.HARD_BOUNCE, 2, 7), mark(MarkKind.DELIVERY, 1)
    put(client, "jane@example.com", *marks)

    reply = api("GET", "/addresses/Jane%20%3CJANE%40example.com%3E")

    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.body == {
        "address": "jane@example.com",
        "state": "disable",
        "transactional": "disable",
        "reason": "bounce:Permanent/General",
        "notificationType": "Bounce",
        "from": "news@example.org",
        "timestamp": "2026-03-02T12:00:07.000Z",
        "updatedAt": "2026-03-20T00:00:00.000Z",
        "evidence": item_of(*marks)["evidence"],
    }


def test_an_item_of_the_original_article_is_understood(client: DynamoDB, api: Api) -> None:
    item = {"UserId": "a@x.org", "notificationType": "Complaint", "from": "b@x.org", "state": "disable"}
    item["timestamp"] = "2015-10-01T12:00:00.000Z"
    client.put_item(TableName=TABLE, Item={name: {"S": text} for name, text in item.items()})

    assert api("GET", "/addresses/a%40x.org").body == {
        "address": "a@x.org",
        "state": "disable",
        "transactional": "disable",
        "reason": "complaint",
        "notificationType": "Complaint",
        "from": "b@x.org",
        "timestamp": "2015-10-01T12:00:00.000Z",
        "evidence": {"complaint": {"at": "2015-10-01T12:00:00.000Z", "from": "b@x.org", "messageId": ""}},
    }


def test_an_unknown_address_is_not_found(api: Api) -> None:
    reply = api("GET", A)
    assert (reply.status, reply.headers["Content-Type"]) == (404, "application/problem+json")
    assert reply.body["title"] == "Not Found"


def test_who_may_be_mailed_is_told_of_each_address_in_order(client: DynamoDB, api: Api) -> None:
    put(client, "bounced@example.com", mark(MarkKind.HARD_BOUNCE))
    put(client, "fine@example.com", mark(MarkKind.DELIVERY))
    put(client, "unclear@example.com", mark(MarkKind.UNDETERMINED))

    def known(name: str, state: str, reason: str) -> dict[str, Any]:
        states = {"state": state, "transactional": state, "mayBeMailed": state == "enable"}
        return {"address": f"{name}@example.com", "known": True, "reason": reason, **states}

    answers = {
        "Fine <FINE@example.com>": known("fine", "enable", "delivery"),
        "bounced@example.com": known("bounced", "disable", "bounce:Permanent/General"),
        "unclear@example.com": known("unclear", "review", "undetermined"),
        "new@example.com": {"address": "new@example.com", "known": False, "mayBeMailed": True},
        "nobody": {"known": False, "mayBeMailed": False, "problem": "has no @"},
        "fine@example.com": known("fine", "enable", "delivery"),
    }
    given = [*answers, "nobody"]

    assert check(api, *given) == [{"given": each, **answers[each]} for each in given]


OPT_OUT, HARD_BOUNCE = MarkKind.OPT_OUT, MarkKind.HARD_BOUNCE

# What is known, the states and the reasons, each for bulk and for transactional mail.
CHOICES = """
optOut               disable enable   opt-out opt-out
optOut+delivery      disable enable   opt-out opt-out
optOut+hardBounce    disable disable  opt-out bounce:Permanent/General
optOut+undetermined  disable review   opt-out undetermined
complaint+optOut     disable disable  complaint complaint
undetermined         review review    undetermined undetermined
delivery             enable enable    delivery delivery
"""


@pytest.mark.parametrize("case", CHOICES.strip().splitlines())
def test_an_opt_out_keeps_bulk_mail_back_and_no_other(client: DynamoDB, api: Api, case: str) -> None:
    kinds, *states_and_reasons = case.split()
    states, reasons = tuple(states_and_reasons[:2]), states_and_reasons[2:]
    put(client, ADDRESS, *(mark(MarkKind(kind)) for kind in kinds.split("+")))

    record = api("GET", A).body
    answers = [check(api, ADDRESS, purpose=purpose)[0] for purpose in ("bulk", "transactional")]

    assert [(each["state"], each["transactional"]) for each in (record, *answers)] == [states] * 3
    assert [each["mayBeMailed"] for each in answers] == [state == "enable" for state in states]
    assert [each["reason"] for each in answers] == reasons
    assert record["reason"] == reasons[0]
    assert api("POST", "/check", {"addresses": [ADDRESS]}).body["addresses"] == answers[:1]


@pytest.mark.parametrize("kinds", [[OPT_OUT], [OPT_OUT, MarkKind.DELIVERY], [OPT_OUT, HARD_BOUNCE]], ids=str)
def test_an_item_without_the_second_answer_allows_no_more_than_it_says(
    client: DynamoDB, api: Api, kinds: list[MarkKind]
) -> None:
    """As before there was one."""
    put(client, ADDRESS, *(mark(kind) for kind in kinds))
    key = {"UserId": {"S": ADDRESS}}
    client.update_item(TableName=TABLE, Key=key, UpdateExpression="REMOVE transactional")

    (answer,) = check(api, ADDRESS, purpose="transactional")
    assert (answer["mayBeMailed"], answer["state"], answer["transactional"]) == (False, "disable", "disable")
    assert answer["reason"] == ("bounce:Permanent/General" if HARD_BOUNCE in kinds else "opt-out")


@pytest.mark.parametrize("purpose", ["bulk", "transactional"])
@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("jane@straße.de", "jane@xn--strae-oqa.de"),
        ("jane@straße.de", "jane@strasse.de"),  # as senders with IDNA2003 mail it, and as earlier versions kept it
        ('"Jane"@example.com', "jane@example.com"),
        ('"Jane"@example.com', '"jane"@example.com'),  # of the same mailbox, so that both are weighed together
    ],
)
def test_an_address_is_blocked_under_any_of_its_keys(
    client: DynamoDB, api: Api, given: str, key: str, purpose: str
) -> None:
    put(client, key, mark(MarkKind.COMPLAINT))
    for other in set(forms(given)) - {key}:
        put(client, other, mark(MarkKind.DELIVERY))

    (answer,) = check(api, given, purpose=purpose)
    assert (answer["address"], answer["mayBeMailed"], answer["reason"]) == (canonical(key), False, "complaint")
    record = api("GET", f"/addresses/{quote(given)}").body
    assert (record["address"], record["state"]) == (canonical(key), "disable")


@pytest.mark.parametrize("state", ["enable", "disable"])
@pytest.mark.parametrize("given", ["jane@straße.de", '"Jane"@example.com', "Jane@Example.com"])
def test_a_decision_is_answered_as_a_lookup_is(client: DynamoDB, api: Api, given: str, state: str) -> None:
    """Where another form of the domain is blocked, which may be another's, the answer says so."""
    path = f"/addresses/{quote(given)}"
    for key in dict.fromkeys([*forms(given), given]):
        put(client, key, mark(MarkKind.COMPLAINT))
        reply = api("PUT", f"{path}/override", {"state": state})
        assert (reply.status, reply.body) == (200, api("GET", f"{path}?consistent=true").body)
        assert reply.body["state"] == ("disable" if canonical(key) != canonical(given) else state)
        if canonical(key) != canonical(given):
            assert reply.body["address"] == (key if state == "enable" else canonical(given))
            assert api("PUT", f"/addresses/{quote(key)}/override", {"state": state}).body["state"] == state


def test_a_decision_in_another_spelling_can_be_removed(client: DynamoDB, api: Api) -> None:
    put(client, "Jane@Example.com", OPERATOR)
    assert api("DELETE", "/addresses/Jane%40Example.com/override").status == 204
    assert api("GET", "/addresses/Jane%40Example.com").status == 404


def test_an_address_of_several_keys_may_be_mailed_if_none_is_blocked(client: DynamoDB, api: Api) -> None:
    def asked() -> tuple[str, bool, bool]:
        (answer,) = check(api, "jane@straße.de")
        return answer["address"], answer["known"], answer["mayBeMailed"]

    assert asked() == ("jane@xn--strae-oqa.de", False, True)
    put(client, "jane@strasse.de", mark(MarkKind.DELIVERY))
    assert asked() == ("jane@strasse.de", True, True)


def test_a_check_asks_for_no_more_than_the_answer(client: DynamoDB, api: Api) -> None:
    """The evidence is asked for only where the reason follows from it, or where an item does not say its state."""
    put(client, "fine@example.com", mark(MarkKind.DELIVERY))
    put(client, "left@example.com", mark(OPT_OUT))
    put(client, "gone@example.com", mark(OPT_OUT), mark(HARD_BOUNCE))
    client.put_item(TableName=TABLE, Item={"UserId": {"S": "odd@example.com"}})
    reads = calls(api.client, "BatchGetItem")

    for purpose in ("bulk", "transactional"):
        given = ["fine@example.com", "left@example.com", "gone@example.com", "odd@example.com", "new@example.com"]
        answers = check(api, *given, purpose=purpose)
        assert [each["known"] for each in answers] == [True, True, True, True, False]

    whole = [
        [key["UserId"]["S"] for key in read["RequestItems"][TABLE]["Keys"]]
        for read in reads
        if "ProjectionExpression" not in read["RequestItems"][TABLE]
    ]
    assert whole == [["odd@example.com"], ["odd@example.com"], ["gone@example.com"]]


def test_a_thousand_addresses_are_checked_though_not_all_are_read_at_once(
    client: DynamoDB, api: Api, faults: Faults
) -> None:
    given = [f"{number}@example.com" for number in range(1000)]
    for address in given[::10]:
        put(client, address, mark(MarkKind.COMPLAINT))
    faults["BatchGetItem"] = between(keep_back(all_but=40))
    reads = calls(api.client, "BatchGetItem")

    answers = check(api, *given)

    assert max(len(read["RequestItems"][TABLE]["Keys"]) for read in reads) == 100  # which is all that DynamoDB takes
    assert [answer["given"] for answer in answers] == given
    assert [answer["given"] for answer in answers if not answer["mayBeMailed"]] == given[::10]


@pytest.mark.parametrize(
    ("query", "consistent"), [("", False), ("?consistent=false", False), ("?consistent=true", True)]
)
def test_reads_are_eventually_consistent_unless_asked(api: Api, query: str, consistent: bool) -> None:
    reads = calls(api.client, "BatchGetItem")

    api("GET", f"/addresses/a%40example.com{query}")
    api("POST", f"/check{query}", {"addresses": [ADDRESS]})

    assert [read["RequestItems"][TABLE]["ConsistentRead"] for read in reads] == [consistent, consistent]


def test_an_override_that_was_just_made_is_seen_when_it_is_removed(client: DynamoDB, api: Api) -> None:
    put(client, ADDRESS, OPERATOR)
    reads = calls(api.client, "BatchGetItem")

    assert api("DELETE", OVERRIDE).status == 204
    assert [read["RequestItems"][TABLE]["ConsistentRead"] for read in reads] == [True]


def test_an_item_that_is_no_record_is_for_a_person_to_look_at(client: DynamoDB, api: Api) -> None:
    foreign = {"UserId": {"S": "odd@example.com"}, "evidence": {"M": {"newKind": {"M": {"at": {"S": "x"}}}}}}
    client.put_item(TableName=TABLE, Item=foreign)  # type: ignore[arg-type]  # plain dicts are what the API takes
    put(client, ADDRESS, mark(MarkKind.DELIVERY))

    assert api("GET", "/addresses/odd%40example.com").body == {
        "address": "odd@example.com",
        "state": "review",
        "transactional": "review",
        "reason": "unreadable",
    }
    answers = check(api, "odd@example.com", ADDRESS)
    assert [(answer["known"], answer["mayBeMailed"]) for answer in answers] == [(True, False), (True, True)]
    assert api("PUT", "/addresses/odd%40example.com/override", {"state": "enable"}).status == 409
    assert api("DELETE", "/addresses/odd%40example.com/override").status == 409
    assert items(client)["odd@example.com"] == foreign


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"state": {"S": "disable"}},
        {"state": {"L": [{"S": "disable"}]}, "reason": {"S": "theirs"}},
        {"state": {"S": "disable"}, "reason": {"N": "5"}},
        {"state": {"S": "off"}, "reason": {"S": "theirs"}},
        {"state": {"S": "disable"}, "reason": {"S": "theirs" * 1000}},
        *(
            {"state": {"S": "disable"}, "reason": {"S": "theirs"}, name: value}
            for name, value in [
                ("transactional", {"B": b"no"}),
                ("transactional", {"S": "off"}),
                ("from", {"B": b"us"}),
                ("notificationType", {"SS": ["Bounce"]}),
                ("timestamp", {"N": "1773144000"}),
            ]
        ),
    ],
    ids=repr,
)
def test_what_another_program_wrote_spoils_no_answer_about_others(
    client: DynamoDB, api: Api, attributes: dict[str, Any]
) -> None:
    """A state, a reason or a detail that is absent or of another kind, in an item that the index has."""
    put(client, ADDRESS, mark(MarkKind.COMPLAINT))
    index = {"suppressed": {"S": "disable"}, "updatedAt": {"S": "2026-03-19T12:00:00.000Z"}}
    foreign = {"UserId": {"S": "odd@example.com"}, **index, **attributes}
    client.put_item(TableName=TABLE, Item=foreign)

    for purpose in ("bulk", "transactional"):
        answers = check(api, "odd@example.com", ADDRESS, purpose=purpose)
        told = [(each["state"], each["reason"]) for each in answers]
        # A check does not ask for details.
        answered = attributes.keys() & {"from", "notificationType", "timestamp"}
        assert told == [("disable", "theirs") if answered else ("review", "unreadable"), ("disable", "complaint")]
    assert api("GET", "/addresses/odd%40example.com").body["reason"] == "unreadable"
    listed = api("GET", "/addresses?state=disable").body["addresses"]
    assert {each["address"]: each["reason"] for each in listed} == {
        "odd@example.com": "unreadable",
        ADDRESS: "complaint",
    }


@pytest.mark.parametrize("state", [None, {"L": []}])
def test_evidence_tells_the_state_where_another_program_spoilt_it(client: DynamoDB, api: Api, state: Any) -> None:
    put(client, ADDRESS, mark(MarkKind.COMPLAINT))
    spoilt = {name: value for name, value in items(client)[ADDRESS].items() if name != "state"}
    client.put_item(TableName=TABLE, Item=spoilt if state is None else {**spoilt, "state": state})

    (told,) = check(api, ADDRESS)
    assert (told["state"], told["reason"]) == ("disable", "complaint")
    assert api("GET", A).body["state"] == "disable"
    assert api("PUT", OVERRIDE, {"state": "enable"}).body["state"] == "enable"


def test_an_override_outranks_the_feedback_and_says_who_made_it(
    client: DynamoDB, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(client, ADDRESS, mark(MarkKind.COMPLAINT))
    monkeypatch.setattr("lookup.datetime", SimpleNamespace(now=lambda zone: datetime(2026, 3, 20, 12, tzinfo=zone)))

    reply = api("PUT", "/addresses/A%40Example.com/override", {"state": "enable", "note": "asked by phone"})

    assert reply.status == 200
    assert (reply.body["state"], reply.body["reason"]) == ("enable", "operator")
    made = reply.body["evidence"]["override"]
    assert (made["by"], made["note"], made["state"]) == (CALLER, "asked by phone", "enable")
    assert made["at"] == "2026-03-20T12:00:00.000Z"
    assert api("GET", "/addresses/a%40example.com?consistent=true").body == reply.body
    assert items(client)[ADDRESS]["evidence"]["M"].keys() == {"complaint", "override"}


def test_an_override_of_an_unknown_address_makes_a_record(client: DynamoDB, api: Api) -> None:
    assert api("PUT", "/addresses/new%40example.com/override", {"state": "disable"}).body["state"] == "disable"
    assert items(client)["new@example.com"]["suppressed"] == {"S": "disable"}


def test_without_its_override_an_address_is_what_the_feedback_says(client: DynamoDB, api: Api) -> None:
    enabled = override(State.ENABLE, "2026-03-09T00:00:00.000Z", "dana")
    put(client, ADDRESS, mark(MarkKind.COMPLAINT), mark(MarkKind.DELIVERY), enabled)
    assert api("GET", A).body["state"] == "enable"

    assert api("DELETE", OVERRIDE) == (204, None, {"Cache-Control": "no-store"})

    record = api("GET", A).body
    assert (record["state"], record["reason"]) == ("disable", "complaint")
    assert record["evidence"].keys() == {"complaint", "delivery"}
    assert items(client)[ADDRESS]["version"] == {"N": "2"}
    assert api("DELETE", OVERRIDE).status == 404


@pytest.mark.parametrize("marks", [[], [mark(MarkKind.DELIVERY)]], ids=["unknown address", "record without override"])
def test_there_may_be_no_override_to_remove(client: DynamoDB, api: Api, marks: list[Mark]) -> None:
    if marks:
        put(client, ADDRESS, *marks)
    held = items(client)

    assert api("DELETE", OVERRIDE).status == 404
    assert items(client) == held


def test_an_address_of_which_only_an_override_was_known_is_unknown_without_it(client: DynamoDB, api: Api) -> None:
    put(client, ADDRESS, OPERATOR)

    assert api("DELETE", OVERRIDE).status == 204

    assert api("GET", A).status == 404
    (answer,) = check(api, ADDRESS)
    assert (answer["known"], answer["mayBeMailed"]) == (False, True)
    assert api("GET", "/addresses?state=disable").body == {"addresses": []}
    # Whoever reads the state alone may mail it, and the version counts on.
    item = items(client)[ADDRESS]
    assert item.keys() == {"UserId", "state", "evidence", "version", "updatedAt"}
    assert (item["state"], item["version"]) == ({"S": "enable"}, {"N": "2"})

    put(client, ADDRESS, mark(MarkKind.COMPLAINT))
    assert api("GET", A).body["state"] == "disable"
    assert items(client)[ADDRESS]["version"] == {"N": "3"}


def test_feedback_that_comes_first_is_kept_when_an_override_is_removed(client: DynamoDB, api: Api) -> None:
    put(client, ADDRESS, OPERATOR, mark(MarkKind.DELIVERY))
    once_before(api.client, "BatchExecuteStatement", lambda: put(client, ADDRESS, mark(MarkKind.HARD_BOUNCE, 2)))

    assert api("DELETE", OVERRIDE).status == 204
    assert items(client)[ADDRESS]["evidence"]["M"].keys() == {"delivery", "hardBounce"}


def test_feedback_that_was_merged_with_the_override_brings_it_not_back(client: DynamoDB, api: Api) -> None:
    put(client, ADDRESS, OPERATOR)
    removed: list[int] = []

    def remove() -> None:
        removed.append(api("DELETE", OVERRIDE).status)

    once_before(client, "BatchExecuteStatement", remove)
    put(client, ADDRESS, mark(MarkKind.COMPLAINT))

    assert removed == [204]
    assert items(client)[ADDRESS]["evidence"]["M"].keys() == {"complaint"}


def test_removal_among_many_writers_loses_nothing(client: DynamoDB, api: Api) -> None:
    """All have read the override before any of them writes."""
    put(client, ADDRESS, OPERATOR)
    kinds = [kind for kind in MarkKind if kind not in MADE_BY_PEOPLE]
    marks = [mark(kinds[number % len(kinds)], 1 + number % 25, number) for number in range(24)]
    tasks: list[Callable[[], object]] = [lambda each=each: put(client, ADDRESS, each) for each in marks]  # type: ignore[misc]  # the default binds it
    tasks.insert(12, lambda: api("DELETE", OVERRIDE))
    meet_after_reading(len(tasks), client, api.client)

    with ThreadPoolExecutor(len(tasks)) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result()

    evidence = {name: value["M"] for name, value in items(client)[ADDRESS]["evidence"]["M"].items()}
    assert "override" not in evidence
    assert evidence.keys() == {kind.value for kind in kinds}


def test_an_override_takes_effect_where_a_clock_is_ahead(client: DynamoDB, api: Api) -> None:
    put(client, ADDRESS, mark(MarkKind.COMPLAINT, "2999-01-01T00:00:00.000Z"))
    reply = api("PUT", OVERRIDE, {"state": "enable"})
    assert (reply.status, reply.body["state"], reply.body["transactional"]) == (200, "enable", "enable")
    assert items(client)[ADDRESS]["evidence"]["M"].keys() == {"complaint", "override"}


@pytest.mark.parametrize(
    "fault",
    [
        refuse("InternalServerError", 500),
        refuse_statements("InternalServerError", about=ADDRESS.__eq__),
    ],
    ids=["request", "statement"],
)
def test_removing_twice_because_an_answer_was_lost_is_done(
    client: DynamoDB, api: Api, faults: Faults, fault: Fault
) -> None:
    put(client, ADDRESS, OPERATOR, mark(MarkKind.DELIVERY))
    faults["BatchExecuteStatement"] = between(first(1, lose_answer(fault)))

    assert api("DELETE", OVERRIDE).status == 204
    assert items(client)[ADDRESS]["version"] == {"N": "2"}


def suppress(client: DynamoDB, count: int) -> list[str]:
    """Disable addresses a minute after each other, and return them, newest first."""
    addresses = [f"{number}@example.com" for number in range(count)]
    for number, address in enumerate(addresses):
        put(client, address, mark(MarkKind.COMPLAINT), now=datetime(2026, 3, 20, 12, number, tzinfo=UTC))
    return addresses[::-1]


def pages(api: Api, url: str) -> Iterator[list[str]]:
    """Yield the addresses on each page of a list."""
    cursor = ""
    while True:
        body = api("GET", url + (f"&cursor={cursor}" if cursor else "")).body
        yield [record["address"] for record in body["addresses"]]
        cursor = body.get("cursor", "")
        if not cursor:
            return


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 8])
def test_pages_hold_all_addresses_once_newest_first(client: DynamoDB, api: Api, limit: int) -> None:
    newest_first = suppress(client, 7)
    put(client, "fine@example.com", mark(MarkKind.DELIVERY))
    put(client, "unclear@example.com", mark(MarkKind.UNDETERMINED))

    found = list(pages(api, f"/addresses?state=disable&limit={limit}"))

    assert list(chain(*found)) == newest_first
    assert max(map(len, found)) <= limit
    assert list(chain(*pages(api, f"/addresses?state=review&limit={limit}"))) == ["unclear@example.com"]


def test_a_list_can_begin_at_a_time(client: DynamoDB, api: Api) -> None:
    newest_first = suppress(client, 7)
    url = "/addresses?state=disable&limit=2&since=2026-03-20T14:03:00%2B02:00"
    assert list(chain(*pages(api, url))) == newest_first[:4]


def test_a_listed_record_is_whole_but_for_its_evidence(client: DynamoDB, api: Api) -> None:
    put(client, ADDRESS, mark(OPT_OUT))
    (listed,) = api("GET", "/addresses?state=disable").body["addresses"]
    record = api("GET", A).body
    assert (record["state"], record["transactional"]) == ("disable", "enable")
    assert listed == {name: value for name, value in record.items() if name != "evidence"}


REQUESTS: Mapping[str, tuple[str, str, Any]] = {
    "get": ("GET", A, None),
    "check": ("POST", "/check", {"addresses": [ADDRESS]}),
    "list": ("GET", "/addresses?state=disable", None),
    "set": ("PUT", OVERRIDE, {"state": "enable"}),
    "remove": ("DELETE", OVERRIDE, None),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_when_the_table_does_not_answer_the_caller_is_told_to_try_again(
    client: DynamoDB,
    api: Api,
    faults: Faults,
    capsys: pytest.CaptureFixture[str],
    request_: tuple[str, str, Any],
) -> None:
    put(client, ADDRESS, OPERATOR)
    for operation in ("BatchGetItem", "Query", "BatchExecuteStatement"):
        faults[operation] = refusal("AccessDeniedException")

    reply = api(*request_)

    assert (reply.status, reply.headers["Content-Type"]) == (503, "application/problem+json")
    assert "AccessDeniedException" not in json.dumps(reply.body)
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["level"], line["error"]) == ("ERROR", "AccessDeniedException")


def test_a_write_that_is_refused_is_not_taken_for_done(client: DynamoDB, api: Api, faults: Faults) -> None:
    put(client, ADDRESS, OPERATOR)
    faults["BatchExecuteStatement"] = refusal("ThrottlingException")
    assert api("PUT", "/addresses/b%40example.com/override", {"state": "enable"}).status == 503
    assert api("DELETE", OVERRIDE).status == 503


def test_the_caller_gets_an_answer_before_the_time_is_up(
    client: DynamoDB, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = start(client, faults, monkeypatch, seconds=29)
    clock = Clock()
    monkeypatch.setattr("lookup.time", clock)
    monkeypatch.setattr("healthy_mailing.calls.time", clock)
    faults["BatchGetItem"] = between(keep_back(all_but=0))
    began = clock.monotonic()

    assert api("GET", A).status == 503
    assert 28 <= clock.monotonic() - began < 29


def test_a_list_that_gets_no_answer_is_answered_before_the_time_is_up(
    client: DynamoDB, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time for a request is up from the start, and DynamoDB answers only once the caller has been answered."""
    api = start(client, faults, monkeypatch, seconds=1)
    answered = threading.Event()

    def hang(**event: Any) -> "AWSResponse":
        answered.wait(SECONDS)
        return dynamodb(**event)

    faults["Query"] = hang
    try:
        reply = api("GET", "/addresses?state=disable")
    finally:
        answered.set()

    assert reply.status == 503


def test_logs_hold_no_whole_address(client: DynamoDB, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    put(client, "secret.person@example.com", mark(MarkKind.COMPLAINT))
    for method, url, body in (
        ("GET", "/addresses/secret.person%40example.com", None),
        ("GET", "/addresses/secret.person%40example.com?x=1", None),
        ("POST", "/check", {"addresses": ["secret.person@example.com", "secret.person"]}),
        ("GET", "/addresses?state=disable", None),
        ("PUT", "/addresses/secret.person%40example.com/override", {"state": "enable", "note": "secret.person asked"}),
        ("DELETE", "/addresses/secret.person%40example.com/override", None),
    ):
        api(method, url, body)

    printed = capsys.readouterr().out
    assert ".person" not in printed
    assert [json.loads(line) for line in printed.splitlines()] == [
        {
            "level": "INFO",
            "message": message,
            "requestId": "request-1",
            "address": "s***@example.com",
            "before": before,
            "after": after,
            "transactional": after,
            "reason": reason,
        }
        for message, before, after, reason in (
            ("override set", "disable", "enable", "operator"),
            ("override removed", "enable", "disable", "complaint"),
        )
    ]
