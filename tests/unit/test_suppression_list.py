"""SES's own list, through a real client whose requests are answered here."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from moto.core.botocore_stubber import MockRawResponse

from healthy_mailing_cli.ses.suppression_list import Entry, Pace, SesReason, SuppressionList
from healthy_mailing_cli.shell.connection import Connection
from support.clock import Clock

DATE = "Tue, 15 Dec 2020 10:00:07 GMT"
Reply = tuple[int, dict[str, Any]]
ListOf = Callable[..., SuppressionList]


@pytest.fixture
def asked() -> list[tuple[str, str, dict[str, list[str]]]]:
    """What was asked: method, path, and query."""
    return []


@pytest.fixture
def list_of(monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, str, dict[str, list[str]]]]) -> ListOf:
    """Return a list whose service gives these answers, one after the other."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr("botocore.endpoint.time", Clock())

    def build(*replies: Reply, pace: Pace | None = None) -> SuppressionList:
        made = SuppressionList(Connection("mailing", region="eu-west-1"), pace)
        left = iter(replies)

        def answer(request: AWSPreparedRequest, **_: object) -> Any:
            url = urlsplit(str(request.url))
            asked.append((str(request.method), unquote(url.path), parse_qs(url.query)))
            status, body = next(left)
            body = dict(body)
            headers = HTTPHeaders.from_dict({"Date": DATE})
            if status != 200:
                headers["x-amzn-ErrorType"] = body["code"]
            raw: Any = MockRawResponse(json.dumps(body).encode())
            return AWSResponse(str(request.url), status, headers, raw)

        made._client.meta.events.register("before-send.sesv2", answer)  # noqa: SLF001  (nothing public sends a request)
        return made

    return build


def summary(address: str, time: float) -> dict[str, Any]:
    return {"EmailAddress": address, "Reason": "BOUNCE", "LastUpdateTime": time}


NOT_FOUND = (404, {"code": "NotFoundException", "message": "no"})


def test_all_pages_are_read_and_what_is_not_of_the_time_is_left_out(list_of: ListOf, asked: list[Any]) -> None:
    start, end = 1607984160, 1607992680  # 2020-12-14T22:16:00Z, 2020-12-15T00:38:00Z
    found = list_of(
        (
            200,
            {"SuppressedDestinationSummaries": [summary("A@x.org", start - 0.001), summary("B@x.org", start)]}
            | {"NextToken": "more"},
        ),
        (200, {"SuppressedDestinationSummaries": []} | {"NextToken": "even more"}),
        (200, {"SuppressedDestinationSummaries": [summary("c@x.org", end), summary("d@x.org", end + 0.001)]}),
    ).bounced_between("2020-12-14T22:16:00.000Z", "2020-12-15T00:38:00.000Z")

    assert list(found) == [
        Entry("B@x.org", "2020-12-14T22:16:00.000Z", SesReason.BOUNCE),
        Entry("c@x.org", "2020-12-15T00:38:00.000Z", SesReason.BOUNCE),
    ]
    assert [query.get("NextToken") for _, _, query in asked] == [None, ["more"], ["even more"]]
    assert [(query["Reason"], query["PageSize"]) for _, _, query in asked] == [(["BOUNCE"], ["1000"])] * 3


def test_each_spelling_is_asked_for_once_and_found_with_its_reason(list_of: ListOf, asked: list[Any]) -> None:
    complaint = {**summary("b@x.org", 1607984160), "Reason": "COMPLAINT"}
    found = list_of(
        (200, {"SuppressedDestination": summary("A@x.org", 1607984160)}),
        (200, {"SuppressedDestination": complaint}),
        NOT_FOUND,
    ).find(["A@x.org", "A@x.org", "b@x.org", "c@x.org"])
    assert list(found) == [
        Entry("A@x.org", "2020-12-14T22:16:00.000Z", SesReason.BOUNCE),
        Entry("b@x.org", "2020-12-14T22:16:00.000Z", SesReason.COMPLAINT),
    ]
    assert [path.rpartition("/")[2] for _, path, _ in asked] == ["A@x.org", "b@x.org", "c@x.org"]


@pytest.mark.parametrize("answer", [(200, {}), NOT_FOUND], ids=["there", "gone"])
def test_an_address_is_taken_off_in_its_spelling_at_a_time_of_the_service(
    list_of: ListOf, asked: list[Any], answer: Reply
) -> None:
    assert list_of(answer).remove("Jane/1@x.org") == "2020-12-15T10:00:07.999Z"
    assert asked[0][0] == "DELETE"
    assert asked[0][1].endswith("/suppression/addresses/Jane/1@x.org")


def test_an_entry_tells_the_mail_for_which_ses_made_it(list_of: ListOf) -> None:
    made = {**summary("a@x.org", 1607984160), "Attributes": {"MessageId": "m", "FeedbackId": "f"}}
    listed = list_of((200, {"SuppressedDestination": made}), NOT_FOUND)
    found = listed.look_up("a@x.org")
    assert found is not None
    assert found.message_id == "m"
    assert listed.look_up("b@x.org") is None


@pytest.mark.parametrize(
    ("answer", "reasons"),
    [
        ({"SuppressionAttributes": {"SuppressedReasons": ["COMPLAINT"]}}, {SesReason.COMPLAINT}),
        ({"SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}}, {*SesReason}),
        ({"SuppressionAttributes": {}}, set()),
        ({}, set()),
    ],
)
def test_the_account_says_for_which_reasons_the_list_is_used(
    list_of: ListOf, answer: dict[str, Any], reasons: set[SesReason]
) -> None:
    assert list_of((200, answer)).enforced() == reasons


def test_an_address_is_put_there_at_a_time_of_the_service(list_of: ListOf, asked: list[Any]) -> None:
    assert list_of((200, {})).put("a@x.org", SesReason.COMPLAINT) == "2020-12-15T10:00:07.999Z"
    assert [(method, path) for method, path, _ in asked] == [("PUT", "/v2/email/suppression/addresses")]


def test_what_the_service_takes_for_no_address_is_told(list_of: ListOf) -> None:
    refused = (400, {"code": "BadRequestException", "message": "Invalid email address."})
    with pytest.raises(ValueError, match=r"Invalid email address\."):
        list_of(refused).put("a@x", SesReason.BOUNCE)


def test_a_pace_lets_one_request_a_second_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("healthy_mailing_cli.ses.suppression_list.time", clock)
    pace, begun = Pace(), clock.monotonic()
    passed = []
    for pause in (0, 0, 0.4, 2.5, 0):
        clock.sleep(pause)
        pace()
        passed.append(round(clock.monotonic() - begun, 6))
    # Time in which nothing was asked for is not saved up.
    assert passed == [0, 1, 2, 4.5, 5.5]


def test_a_throttled_request_is_sent_again_at_the_same_pace(
    list_of: ListOf, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_, **__: True)  # which waits
    passed: list[float] = []

    class Counted(Pace):
        def __call__(self, **_: object) -> None:
            passed.append(1)

    throttled = (429, {"code": "TooManyRequestsException", "message": "slowly"})
    listed = list_of(*[throttled] * 12, (200, {}), (200, {"SuppressedDestinationSummaries": []}), pace=Counted())
    assert listed.put("a@x.org", SesReason.BOUNCE) == "2020-12-15T10:00:07.999Z"
    assert list(listed.entries()) == []
    assert len(passed) == len(asked) == 14


def test_a_refusal_is_an_error(list_of: ListOf) -> None:
    refused = (403, {"code": "AccessDeniedException", "message": "no"})
    with pytest.raises(ClientError, match="DeleteSuppressedDestination"):
        list_of(refused).remove("a@x.org")
