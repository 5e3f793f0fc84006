"""Requests and responses of the lookup API, without a table."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing import api
from healthy_mailing.evidence import Purpose, State
from healthy_mailing.item import is_answer
from healthy_mailing.operations import Answer
from support.gateway import CALLER, DOCUMENT, event

AFTER = ("a@example.com", "2026-03-01T12:00:00.000Z")


def parse(method: str, url: str, body: Any = None, caller: str | None = CALLER) -> api.Request:
    return api.parse(event(method, url, body if body is None or isinstance(body, str) else json.dumps(body), caller))


def refused(method: str, url: str, body: Any = None, caller: str | None = CALLER) -> tuple[int, dict[str, str]]:
    """Return the status with which a request is refused, and what is wrong with which field."""
    with pytest.raises(api.Problem) as problem:
        parse(method, url, body, caller)
    details = json.loads(problem.value.response()["body"])
    return details["status"], {error["field"]: error["detail"] for error in details.get("errors", [])}


def test_requests_are_read() -> None:
    assert parse("GET", "/addresses/a%40example.com") == api.Get("a@example.com", consistent=False)
    assert parse("GET", "/addresses/a%40example.com?consistent=true") == api.Get("a@example.com", consistent=True)
    assert parse("POST", "/check", {"addresses": ["B@x.org", "nobody"]}) == api.Check(
        ("B@x.org", "nobody"), Purpose.BULK, consistent=False
    )
    for purpose in Purpose:
        assert parse("POST", "/check?consistent=true", {"addresses": ["b@x.org"], "purpose": str(purpose)}) == (
            api.Check(("b@x.org",), purpose, consistent=True)
        )
    assert parse("GET", "/addresses?state=review") == api.List(State.REVIEW, "", None, 100)
    assert parse("GET", "/addresses?state=disable&limit=7&since=2026-03-01T14:00:00%2B02:00") == api.List(
        State.DISABLE, "2026-03-01T12:00:00.000Z", None, 7
    )
    assert parse("PUT", "/addresses/a@example.com/override", {"state": "disable"}) == api.SetOverride(
        "a@example.com", State.DISABLE, "", CALLER
    )
    assert parse("PUT", "/addresses/a@example.com/override", {"state": "enable", "note": "by phone"}) == (
        api.SetOverride("a@example.com", State.ENABLE, "by phone", CALLER)
    )
    assert parse("DELETE", "/addresses/a@example.com/override") == api.RemoveOverride("a@example.com")


@pytest.mark.parametrize(
    ("segment", "address"),
    [
        ("jane%40example.com", "jane@example.com"),
        ("jane@example.com", "jane@example.com"),
        ("Jane%20%3CJane%40Example.COM%3E", "jane@example.com"),
        ("jane%2Bnews%40example.com", "jane+news@example.com"),
        ("jane+news@example.com", "jane+news@example.com"),  # a plus sign is itself in a path
        ("a%2Fb%40example.com", "a/b@example.com"),
        ("a%2541%40example.com", "a%41@example.com"),  # decoded once
        ("j%C3%BCrgen%40example.com", "jürgen@example.com"),
        ("jane%40b%C3%BCcher.example", "jane@xn--bcher-kva.example"),
    ],
)
def test_the_address_in_the_path_is_decoded_and_made_canonical(segment: str, address: str) -> None:
    assert parse("GET", f"/addresses/{segment}") == api.Get(address, consistent=False)


def test_a_request_for_a_record_has_every_key_of_the_address() -> None:
    assert parse("GET", "/addresses/jane%40stra%C3%9Fe.de") == api.Get(
        "jane@xn--strae-oqa.de", consistent=False, others=("jane@strasse.de",)
    )


@pytest.mark.parametrize(
    ("method", "url", "body", "fields"),
    [
        ("GET", "/addresses/nobody", None, {"address"}),
        ("GET", "/addresses/j%FC%40example.com", None, {"address"}),
        ("GET", "/addresses/%ED%A0%80%40example.com", None, {"address"}),
        ("GET", "/addresses/a%40example.com?consistent=yes", None, {"consistent"}),
        ("GET", "/addresses/a%40example.com?consistent", None, {"consistent"}),
        ("GET", "/addresses/a%40example.com?consistent=true&consistent=true", None, {"consistent"}),
        ("GET", "/addresses/nobody?consistent=1&verbose=true", None, {"address", "consistent", "verbose"}),
        ("GET", "/addresses", None, {"state"}),
        ("GET", "/addresses?state=enable", None, {"state"}),
        ("GET", "/addresses?state=disable&consistent=true", None, {"consistent"}),
        ("GET", "/addresses?state=disable&limit=0", None, {"limit"}),
        ("GET", "/addresses?state=disable&limit=1001", None, {"limit"}),
        ("GET", "/addresses?state=disable&limit=-1", None, {"limit"}),
        ("GET", "/addresses?state=disable&limit=1.0", None, {"limit"}),
        ("GET", "/addresses?state=disable&limit=%D9%A1", None, {"limit"}),
        ("GET", "/addresses?state=disable&since=yesterday", None, {"since"}),
        ("GET", "/addresses?state=disable&since=2026-02-30T00:00:00Z", None, {"since"}),
        ("GET", "/addresses?state=disable&since=2026-03-01T12:00:00+02:00", None, {"since"}),  # "+" is a space here
        ("GET", "/addresses?state=disable&cursor=", None, {"cursor"}),
        ("GET", "/addresses?state=disable&cursor=AAAA", None, {"cursor"}),
        ("GET", "/addresses?state=all&since=x&limit=x&cursor=x", None, {"state", "since", "limit"}),
        ("POST", "/check", None, {"body"}),
        ("POST", "/check", "{", {"body"}),
        ("POST", "/check", "[" * 100_000, {"body"}),
        ("POST", "/check", "9" * 10_000, {"body"}),
        ("POST", "/check", ["a@example.com"], {"body"}),
        ("POST", "/check", {}, {"addresses"}),
        ("POST", "/check", {"addresses": []}, {"addresses"}),
        ("POST", "/check", {"addresses": "a@example.com"}, {"addresses"}),
        ("POST", "/check", {"addresses": ["a@example.com", 1, None]}, {"addresses"}),
        ("POST", "/check", {"addresses": ["a@example.com"] * 1001}, {"addresses"}),
        ("POST", "/check", {"addresses": ["a@example.com"], "purpose": "marketing"}, {"purpose"}),
        ("POST", "/check", {"addresses": ["a@example.com"], "purpose": ["bulk"]}, {"purpose"}),
        ("POST", "/check", {"addresses": ["a@example.com"], "purpose": None}, {"purpose"}),
        ("POST", "/check", {"addresses": [], "purpose": ""}, {"addresses", "purpose"}),
        ("POST", "/check?dry=1", {"addresses": ["a@example.com"], "adresses": []}, {"dry", "adresses"}),
        ("PUT", "/addresses/a%40example.com/override", {}, {"state"}),
        ("PUT", "/addresses/a%40example.com/override", {"state": "review"}, {"state"}),
        ("PUT", "/addresses/a%40example.com/override", {"state": ["enable"]}, {"state"}),
        ("PUT", "/addresses/a%40example.com/override", {"state": "enable", "note": None}, {"note"}),
        ("PUT", "/addresses/a%40example.com/override", {"state": "enable", "note": "x" * 257}, {"note"}),
        ("PUT", "/addresses/a%40example.com/override", {"state": "enable", "note": "\ud800"}, {"note"}),
        ("PUT", "/addresses/a%40example.com/override", {"state": "enable", "by": "me"}, {"by"}),
        ("PUT", "/addresses/nobody/override?force=1", {"note": 1}, {"address", "force", "state", "note"}),
        ("DELETE", "/addresses/nobody/override", None, {"address"}),
        ("DELETE", "/addresses/a%40example.com/override?at=now", None, {"at"}),
    ],
)
def test_a_wrong_request_is_refused_with_every_field_at_fault(
    method: str, url: str, body: Any, fields: set[str]
) -> None:
    status, errors = refused(method, url, body)
    assert status == 400
    assert errors.keys() == fields


def test_what_is_said_of_a_text_that_is_not_utf_8_does_not_repeat_it() -> None:
    assert refused("GET", "/addresses/secret%FC%40example.com") == (400, {"address": "is not UTF-8"})


@pytest.mark.parametrize(
    ("addresses", "named"),
    [(["a", 1, None], "items 1, 2 are not strings"), (["a", "b", "c", 1], "item 3 is not a string")],
)
def test_addresses_that_are_not_strings_are_named(addresses: list[object], named: str) -> None:
    _, errors = refused("POST", "/check", {"addresses": addresses})
    assert errors["addresses"] == f"must contain only strings; {named}"


@pytest.mark.parametrize(
    ("method", "url", "allow"),
    [
        ("POST", "/addresses", "GET"),
        ("HEAD", "/addresses/a%40example.com", "GET"),
        ("GET", "/addresses/a%40example.com/override", "PUT, DELETE"),
        ("GET", "/check", "POST"),
    ],
)
def test_another_method_is_refused_with_those_allowed(method: str, url: str, allow: str) -> None:
    with pytest.raises(api.Problem) as problem:
        parse(method, url)
    response = problem.value.response()
    assert response["statusCode"] == 405
    assert response["headers"]["Allow"] == allow


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "url",
    ["/", "/address/a@example.com", "/addresses/a/b@example.com", "/addresses/a/b@example.com/override", "/check/a"],
)
def test_another_path_is_not_taken_for_an_address_that_may_be_mailed(method: str, url: str) -> None:
    """Callers take 404 for that."""
    assert refused(method, url, {"state": "enable"}) == (400, {})


def test_a_body_that_is_too_long_is_refused_unread() -> None:
    for text, longest in ((" ", api.MAX_BODY), ("ü", api.MAX_BODY // 2)):
        assert refused("POST", "/check", text * longest)[0] == 400
        assert refused("POST", "/check", text * (longest + 1))[0] == 413


def test_a_body_that_is_not_utf_8_is_refused() -> None:
    """API Gateway puts U+FFFD in place of what it can't read, as in a body in Latin-1."""
    body = b'{"addresses": ["j\xfcrgen@example.com", "a@example.com"]}'.decode(errors="replace")
    assert refused("POST", "/check", body) == (400, {"body": "is not UTF-8"})


# The longest answers: texts that take most room, escaped by the function and by Lambda, and known addresses.
@pytest.mark.parametrize("text", ['"', "\\", "\n", "\x01", "x", "ü", "😀", "\ud800"], ids=ascii)
def test_the_answer_to_the_longest_check_is_one_that_a_function_may_return(text: str) -> None:
    in_body = json.dumps(text) if text == "\ud800" else json.dumps(text, ensure_ascii=False)
    room = api.MAX_BODY // api.MAX_ADDRESSES - len('"",')
    given = text * (room // (len(in_body.encode()) - 2))
    item = {"UserId": "ü" * 160, "state": "disable", "transactional": "review", "reason": "\x01" * 300}
    assert is_answer(item)
    assert not is_answer(item | {"reason": "x" * 301})
    answer = Answer(given, item["UserId"], Purpose.BULK, item, item["reason"])
    returned = json.dumps(api.checked([answer] * api.MAX_ADDRESSES), ensure_ascii=False).encode()
    assert len(returned) < 6_000_000
    assert json.loads(json.loads(returned)["body"])["addresses"][-1]["given"] == given


def test_the_longest_possible_list_of_addresses_fits() -> None:
    longest = "ü" * 28 + "@" + ".".join(["x" * 61] * 4)  # 320 octets at most, every one beyond ASCII escaped in JSON
    assert len(json.dumps({"addresses": [longest] * api.MAX_ADDRESSES})) < api.MAX_BODY


def test_an_unsigned_caller_overrides_nothing() -> None:
    assert refused("PUT", "/addresses/a%40example.com/override", {"state": "enable"}, caller=None)[0] == 403


def test_problems_are_problem_details() -> None:
    with pytest.raises(api.Problem) as problem:
        parse("GET", "/addresses/nobody")
    response = problem.value.response()
    assert response["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(response["body"]) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The request has missing, unknown or invalid fields.",
        "errors": [{"field": "address", "detail": "has no @"}],
    }


def listing(text: str, query: str = "") -> api.Request:
    return parse("GET", f"/addresses?state=disable{query}&cursor={quote(text)}")


def test_a_cursor_leads_on_from_where_it_was_given() -> None:
    assert listing(api.cursor("disable", "", AFTER)) == api.List(State.DISABLE, "", AFTER, 100)


@pytest.mark.parametrize(
    "key", ["Jane.Doe@Example.com", "Jane <jane@example.com>", '"jane"@x.org', "orders", "ü@x.org"]
)
@pytest.mark.parametrize("updated_at", [AFTER[1], "2026-03-01T12:00:00Z", "yesterday"])
def test_a_cursor_leads_on_behind_any_row_of_the_index(key: str, updated_at: str) -> None:
    """Another program, such as the original article's function, may have written it."""
    last = (key, updated_at)
    assert listing(api.cursor("disable", "", last)) == api.List(State.DISABLE, "", last, 100)


def test_a_cursor_serves_the_same_state_and_time_only() -> None:
    since = "2026-01-01T00:00:00.000Z"
    text = api.cursor("disable", since, AFTER)
    assert listing(text, f"&since={since}") == api.List(State.DISABLE, since, AFTER, 100)
    assert refused("GET", f"/addresses?state=disable&cursor={text}")[1].keys() == {"cursor"}
    assert refused("GET", f"/addresses?state=review&since={since}&cursor={text}")[1].keys() == {"cursor"}


@given(st.data())
def test_a_cursor_that_was_changed_is_refused(data: st.DataObject) -> None:
    text = api.cursor("disable", "", AFTER)
    place = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.sampled_from(["", "A", "b", "-", "=", "\n", "é"]).filter(lambda each: each != text[place]))
    changed = text[:place] + change + text[place + 1 :]
    assert refused("GET", f"/addresses?state=disable&cursor={quote(changed)}")[1].keys() == {"cursor"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"[" * 10_000,
        b"\xff",
        b'["disable", "", "a@example.com"]',
        b'["disable", "", 1, 2]',
        b'["disable", "", "", "2026-03-01T12:00:00.000Z"]',
        b'["disable", "", "a@example.com", ""]',
    ],
)
def test_a_cursor_of_another_make_is_refused_even_with_the_right_digest(content: bytes) -> None:
    text = base64.urlsafe_b64encode(api._digest(content) + content).decode().rstrip("=")  # noqa: SLF001  (as a forger would)
    assert refused("GET", f"/addresses?state=disable&cursor={quote(text)}")[1].keys() == {"cursor"}


def test_the_limits_are_those_of_the_document() -> None:
    addresses = DOCUMENT["paths"]["/check"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    override = DOCUMENT["paths"]["/addresses/{address}/override"]["put"]["requestBody"]["content"]["application/json"]
    limit = next(each for each in DOCUMENT["paths"]["/addresses"]["get"]["parameters"] if each["name"] == "limit")
    assert addresses["properties"]["addresses"]["maxItems"] == api.MAX_ADDRESSES
    assert override["schema"]["properties"]["note"]["maxLength"] == api.MAX_NOTE
    assert (limit["schema"]["maximum"], limit["schema"]["default"]) == (api.MAX_PAGE, api.DEFAULT_PAGE)
    assert f"{api.MAX_BODY:,}" in DOCUMENT["components"]["responses"]["ContentTooLarge"]["description"]


@pytest.mark.parametrize("path", DOCUMENT["paths"])
@pytest.mark.parametrize("method", ["get", "put", "post", "delete", "patch", "head", "options"])
def test_the_operations_are_those_of_the_document(path: str, method: str) -> None:
    url = path.replace("{address}", "nobody") + "?surplus=1"  # wrong for every operation
    assert refused(method.upper(), url)[0] == (400 if method in DOCUMENT["paths"][path] else 405)
