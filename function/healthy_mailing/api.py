"""The lookup API's requests and responses, apart from AWS.

They are those of ``terraform/modules/lookup/openapi.yaml``. An event is what API Gateway hands a function for a request
to a REST API, and a response what it expects in return (Amazon API Gateway Developer Guide, "Lambda proxy integrations
in API Gateway", input and output format). Errors are problem details (RFC 9457).

No clock, no environment, no AWS.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from healthy_mailing.address import forms, spellings
from healthy_mailing.evidence import Purpose, State
from healthy_mailing.item import ADDRESS, EVIDENCE, REASON, STATE, SUMMARY, TRANSACTIONAL, UPDATED_AT
from healthy_mailing.timestamp import to_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from healthy_mailing.item import Item
    from healthy_mailing.operations import Answer
    from healthy_mailing.row import Spellings
    from healthy_mailing.table import Page

MAX_ADDRESSES = 1000
"""Most addresses that one check takes."""

MAX_BODY = 1 << 20
"""Longest body of a request, in bytes: room for a check's addresses in their longest form, escapes included. The answer
to a check repeats what was given, in up to twice as many bytes. With what is known of each address, it stays below the
6 MB that a function may return (AWS Lambda Developer Guide, "Lambda quotas")."""

MAX_NOTE = 256
"""Longest note of an override, in characters."""

MAX_PAGE = 1000
"""Most addresses on one page of a list."""

DEFAULT_PAGE = 100

Json = dict[str, Any]

_NOT_UTF_8 = "\ufffd"  # what API Gateway puts in place of octets that are not UTF-8

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")

_Choice = TypeVar("_Choice", bound=StrEnum)

_TITLES = {  # RFC 9110
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    503: "Service Unavailable",
}


class Problem(Exception):  # noqa: N818  (what RFC 9457 calls it)
    """Why a request is not answered as asked."""

    def __init__(self, status: int, detail: str, errors: Mapping[str, str] | None = None, allow: str = "") -> None:
        """Take a status of HTTP, a sentence, what is wrong with which field, and for 405 the methods allowed."""
        super().__init__(detail)
        self.status = status
        self._errors = errors or {}
        self._allow = allow

    def response(self) -> Json:
        """Return the response that tells the caller."""
        details: Json = {
            "type": "about:blank",
            "title": _TITLES[self.status],
            "status": self.status,
            "detail": str(self),
        }
        if self._errors:
            details["errors"] = [{"field": field, "detail": detail} for field, detail in self._errors.items()]
        answer = response(self.status, details, "application/problem+json")
        if self._allow:
            answer["headers"]["Allow"] = self._allow
        return answer


@dataclass(frozen=True, slots=True)
class Get:
    """Read the record of an address, a canonical one; ``others`` are more keys that it may have.

    ``spellings`` says how the caller spells it, if not so.
    """

    address: str
    consistent: bool
    others: tuple[str, ...] = ()
    spellings: Spellings = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Check:
    """Ask for each address, as given, whether it may get mail of a purpose."""

    addresses: tuple[str, ...]
    purpose: Purpose
    consistent: bool


@dataclass(frozen=True, slots=True)
class List:
    """List addresses that may not be mailed.

    Attributes:
        state: ``disable`` or ``review``.
        since: Only what changed then or later (see ``timestamp``); empty for all.
        after: The address and time behind which to go on; None to begin.
        limit: Most addresses to return.
    """

    state: State
    since: str
    after: tuple[str, str] | None
    limit: int


@dataclass(frozen=True, slots=True)
class SetOverride:
    """Record an operator's decision; ``by`` is the caller's ARN, the rest as in ``Get``."""

    address: str
    state: State
    note: str
    by: str
    others: tuple[str, ...] = ()
    spellings: Spellings = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class RemoveOverride:
    """Remove an operator's decision; ``spellings`` as in ``Get``."""

    address: str
    spellings: Spellings = field(default_factory=dict, compare=False)


Request = Get | Check | List | SetOverride | RemoveOverride


def parse(event: Mapping[str, Any]) -> Request:
    """Return the request in an event of API Gateway.

    Raises:
        Problem: The operation does not exist, or the request is invalid. The problem names every wrong field.
    """
    operations = _OPERATIONS.get(event["resource"])
    if operations is None:
        # Not 404, by which callers know that nothing is known about an address, so that it may be mailed.
        raise Problem(400, "This path does not exist. Percent-encode an address in a path, its slashes too (%2F).")
    operation = operations.get(event["httpMethod"])
    if operation is None:
        allow = ", ".join(operations)
        raise Problem(405, f"This path supports only {allow}.", allow=allow)
    fields = _Fields(event)
    request = operation(fields)
    if fields.errors or request is None:
        raise Problem(400, "The request has missing, unknown or invalid fields.", fields.errors)
    return request


def response(status: int, body: Json | None = None, media_type: str = "application/json") -> Json:
    """Return a response in the form that API Gateway expects."""
    headers = {"Cache-Control": "no-store"}
    if body is not None:
        headers["Content-Type"] = media_type
    return {"statusCode": status, "headers": headers, "body": "" if body is None else _json(body)}


def found(item: Item | None) -> Json:
    """Return the response with all that is known about one address.

    Raises:
        Problem: Nothing is known.
    """
    if item is None:
        raise Problem(404, "Nothing is known about this address. It may be mailed.")
    return response(200, record(item))


def checked(answers: Iterable[Answer]) -> Json:
    """Return the response that says of each address whether it may be mailed."""
    return response(200, {"addresses": [verdict(answer) for answer in answers]})


def listed(request: List, page: Page) -> Json:
    """Return the response with one page of a list."""
    body: Json = {"addresses": [record(item) for item in page.items]}
    if page.last:
        body["cursor"] = cursor(request.state, request.since, page.last)
    return response(200, body)


def record(item: Item) -> Json:
    """Return the API's form of an item."""
    names = (name for name in (*SUMMARY, UPDATED_AT, EVIDENCE) if name in item)
    return {"address": item[ADDRESS], **_states(item), **{name: item[name] for name in names}}


def verdict(answer: Answer) -> Json:
    """Return the API's form of the answer for a checked address."""
    given, item = answer.given, answer.item
    if answer.problem:
        return {"given": given, "known": False, "mayBeMailed": False, "problem": answer.problem}
    said = {"given": given, "address": answer.address, "known": item is not None, "mayBeMailed": answer.may_be_mailed}
    return said if item is None else {**said, **_states(item), REASON: answer.reason}


def cursor(state: str, since: str, last: tuple[str, str]) -> str:
    """Return the cursor by which a caller asks for what follows the last address of a page.

    It starts with a digest of the rest, so that a changed or truncated cursor is noticed. The digest need not be
    secret: a cursor opens nothing that its caller could not list anyway.
    """
    content = json.dumps([state, since, *last]).encode()
    return base64.urlsafe_b64encode(_digest(content) + content).decode().rstrip("=")


class _Fields:
    """Reads an event field by field, and keeps what is wrong with each, so that the caller learns all at once."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event
        self.errors: dict[str, str] = {}

    def forms(self) -> tuple[str, ...]:
        """Return the keys of the address of the path, or an empty string alone where that is an error."""
        # The path's parameters come as they stand in the URL, percent-encoded, those of the query decoded. The guide
        # does not say so; events recorded on AWS do (LocalStack, tests/aws/services/apigateway/
        # test_apigateway_lambda.snapshot.json, "invocation-payload-with-path-encoded-email").
        text = self._event["pathParameters"]["address"]
        return self._read("address", lambda text: forms(unquote(text, errors="strict")), text) or ("",)

    def spellings(self) -> Spellings:
        """Return how the caller spells the address of the path."""
        return spellings([unquote(self._event["pathParameters"]["address"])])

    def query(self, **readers: Callable[[str], Any]) -> Json:
        """Return the parameters of the query that are there, each read by its reader, which raises ValueError."""
        given = self._event.get("multiValueQueryStringParameters") or {}
        found = {}
        for name, texts in given.items():
            reader = readers.get(name)
            if reader is None:
                self.errors[name] = "is not a parameter of this operation"
            elif len(texts) != 1:
                self.errors[name] = "is given more than once"
            else:
                found[name] = self._read(name, reader, texts[0])
        return found

    def body(self, optional: Mapping[str, str] | None = None, **readers: Callable[[Any], Any]) -> Json:
        """Return the fields of the body, an object, each read by its reader; an absent one is as ``optional`` says."""
        text = self._event.get("body") or ""
        if len(text) > MAX_BODY or len(text.encode(errors="replace")) > MAX_BODY:
            raise Problem(413, f"The body is longer than {MAX_BODY:,} bytes.")
        if _NOT_UTF_8 in text:
            self.errors["body"] = "is not UTF-8"
            return {}
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            self.errors["body"] = "is not a JSON object"
            return {}
        self.errors |= {name: "is not a field of this body" for name in data if name not in readers}
        data = {**(optional or {}), **data}
        return {name: self._read(name, reader, data.get(name)) for name, reader in readers.items()}

    def caller(self) -> str:
        arn = self._event["requestContext"]["identity"].get("userArn")
        if not arn:
            raise Problem(403, "The caller is unknown. This operation needs IAM authorization.")
        return str(arn)

    def _read(self, field: str, reader: Callable[[Any], Any], value: object) -> Any:  # noqa: ANN401  (whatever is read)
        try:
            return reader(value)
        except ValueError as error:
            # Not the text of Python's own errors (UnicodeError), which repeats the value.
            self.errors[field] = "is not UTF-8" if isinstance(error, UnicodeError) else str(error)
            return None


def _get(fields: _Fields) -> Request:
    address, *others = fields.forms()
    consistent = fields.query(consistent=_boolean).get("consistent") or False
    return Get(address, consistent, tuple(others), fields.spellings())


def _check(fields: _Fields) -> Request | None:
    consistent = fields.query(consistent=_boolean).get("consistent") or False
    body = fields.body(
        {"purpose": Purpose.BULK}, addresses=_addresses, purpose=_either(Purpose.BULK, Purpose.TRANSACTIONAL)
    )
    return None if fields.errors else Check(body["addresses"], body["purpose"], consistent)


def _list(fields: _Fields) -> Request | None:
    query = fields.query(state=_either(State.DISABLE, State.REVIEW), since=_time, cursor=str, limit=_limit)
    if "state" not in query:
        fields.errors["state"] = "is missing; it must be disable or review"
    if fields.errors:
        return None
    state, since, after = query["state"], query.get("since", ""), None
    if "cursor" in query:
        after = _after(query["cursor"], state, since)
        if after is None:
            fields.errors["cursor"] = "is not a cursor from this API for the same state and since"
    return List(state, since, after, query.get("limit", DEFAULT_PAGE))


def _set_override(fields: _Fields) -> Request | None:
    address, *others = fields.forms()
    fields.query()
    body = fields.body({"note": ""}, state=_either(State.ENABLE, State.DISABLE), note=_reason_given)
    if fields.errors:
        return None
    return SetOverride(address, body["state"], body["note"], fields.caller(), tuple(others), fields.spellings())


def _remove_override(fields: _Fields) -> Request:
    fields.query()
    return RemoveOverride(fields.forms()[0], fields.spellings())


_OPERATIONS: Mapping[str, Mapping[str, Callable[[_Fields], Request | None]]] = {
    "/addresses": {"GET": _list},
    "/addresses/{address}": {"GET": _get},
    "/addresses/{address}/override": {"PUT": _set_override, "DELETE": _remove_override},
    "/check": {"POST": _check},
}


def _states(item: Item) -> Json:
    """Return both states, so that a caller needs no rule for the one that the table may leave out."""
    return {STATE: item[STATE], TRANSACTIONAL: item.get(TRANSACTIONAL, item[STATE])}


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("must be true or false")
    return text == "true"


def _either(first: _Choice, second: _Choice) -> Callable[[object], _Choice]:
    def read(value: object) -> _Choice:
        if value not in (first, second):
            raise ValueError(f"must be {first} or {second}")
        return first if value == first else second

    return read


def _reason_given(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_NOTE:
        raise ValueError(f"must be a string of at most {MAX_NOTE} characters")
    value.encode()  # raises UnicodeError for a lone surrogate, which DynamoDB cannot store
    return value


def _time(text: str) -> str:
    try:
        return to_utc(text)
    except ValueError:
        raise ValueError("must be a time such as 2026-01-31T12:00:00Z (RFC 3339)") from None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PAGE)) and 1 <= int(text) <= MAX_PAGE):
        raise ValueError(f"must be a whole number from 1 to {MAX_PAGE}")
    return int(text)


def _addresses(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ADDRESSES:
        raise ValueError(f"must be a list of 1 to {MAX_ADDRESSES} addresses")
    wrong = [str(index) for index, each in enumerate(value) if not isinstance(each, str)]
    if wrong:
        items = f"item {wrong[0]} is not a string" if len(wrong) == 1 else f"items {', '.join(wrong)} are not strings"
        raise ValueError(f"must contain only strings; {items}")
    return tuple(value)


def _after(text: str, state: State, since: str) -> tuple[str, str] | None:
    """Return the key and time in a cursor, or None if it is not one of ``cursor`` for this state and time.

    Both are as the table has them: another program may have written a row under another spelling, or its own time.
    """
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[_DIGEST_LENGTH:]
        match json.loads(content):
            case [_, _, str(key), str(updated_at)] if key and updated_at >= (since or "!"):
                last = (key, updated_at)
            case _:
                return None
    except (ValueError, RecursionError):
        return None
    # A cursor that this API gave is the one spelling of its content, digest included.
    return last if text == cursor(state, since, last) else None


def _json(body: Json) -> str:
    # Characters as they are, since an escape takes up to four times as long. Lone surrogates have no other form.
    text = json.dumps(body, ensure_ascii=False)
    return text if text.isascii() else _LONE_SURROGATES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


_DIGEST_LENGTH = 8


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_DIGEST_LENGTH]
