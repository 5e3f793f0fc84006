"""Faults of DynamoDB: a fault answers a request in DynamoDB's place, or changes the answer.

``faults.proxy`` applies them between processes, ``integration/conftest.py`` within one. Faults that cut a connection or
take time are in ``faults.proxy``.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from harness.emulators import partiql
from support import wire
from support.table import KEY


@dataclass(frozen=True)
class Request:
    """A request on its way.

    Attributes:
        operation: DynamoDB's.
        body: Its JSON.
        number: Which of its operation it is, from 1.
        write: Sends the client a part of an answer before the fault is done; None within one process.
    """

    operation: str
    body: Mapping[str, Any]
    number: int
    write: Callable[[bytes], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @classmethod
    def of(cls, content: Mapping[str, Any], status: int = 200) -> "Answer":
        return cls(status, json.dumps(content).encode())


Forward = Callable[..., Awaitable[Answer]]
"""Has DynamoDB answer the request, or one of the same operation with another body."""

Fault = Callable[[Request, Forward], Coroutine[Any, Any, Answer | None]]
"""Answers in DynamoDB's place, with or without its answer; None cuts the connection."""


async def nothing(_: Request, forward: Forward) -> Answer:
    """Let every request through."""
    return await forward()


def refuse(code: str, status: int = 400) -> Fault:
    """Refuse a request."""

    async def fault(_: Request, __: Forward) -> Answer:
        return Answer.of(wire.error(code, "refused by the test"), status)

    return fault


def refuse_statements(code: str, about: Callable[[str], bool], times: int | None = None) -> Fault:
    """Refuse the statements about some addresses, all or the first ``times``, and let the rest of the batch through."""
    refusals = repeat(code) if times is None else repeat(code, times)

    def is_refused(statement: Mapping[str, Any]) -> bool:
        _, request = partiql.translate(statement["Statement"], statement["Parameters"])
        return about((request.get("Key") or request["Item"])[KEY]["S"]) and next(refusals, None) is not None

    async def fault(request: Request, forward: Forward) -> Answer:
        if request.operation != "BatchExecuteStatement":
            return await forward()
        statements = [(each, is_refused(each)) for each in request.body["Statements"]]
        rest = [each for each, refused in statements if not refused]
        left = iter(content(await forward({"Statements": rest}))["Responses"] if rest else ())
        responses = [{"Error": {"Code": code}} if refused else next(left) for _, refused in statements]
        return Answer.of({"Responses": responses})

    return fault


def keep_back(all_but: int) -> Fault:
    """Answer the first ``all_but`` keys of a BatchGetItem and leave the others unprocessed."""

    async def fault(request: Request, forward: Forward) -> Answer:
        if request.operation != "BatchGetItem":
            return await forward()
        ((table, asked),) = request.body["RequestItems"].items()
        some, rest = ({table: {**asked, "Keys": keys}} for keys in (asked["Keys"][:all_but], asked["Keys"][all_but:]))
        responses = content(await forward({"RequestItems": some}))["Responses"] if all_but else {}
        return Answer.of({"Responses": responses, "UnprocessedKeys": rest if rest[table]["Keys"] else {}})

    return fault


def only(operation: str, fault: Fault) -> Fault:
    """Apply a fault to the requests of one operation."""

    async def chosen(request: Request, forward: Forward) -> Answer | None:
        return await (fault if request.operation == operation else nothing)(request, forward)

    return chosen


def in_turn(*faults: Fault, every: int = 3) -> Fault:
    """Apply one fault after the other, each to one in ``every`` requests of an operation; a retry is a request."""

    async def chosen(request: Request, forward: Forward) -> Answer | None:
        turn, rest = divmod(request.number, every)
        return await (nothing if rest else faults[turn % len(faults)])(request, forward)

    return chosen


def first(times: int, fault: Fault) -> Fault:
    """Apply a fault to the first ``times`` requests and let later ones through."""
    left = repeat(fault, times)

    async def chosen(request: Request, forward: Forward) -> Answer | None:
        return await next(left, nothing)(request, forward)

    return chosen


def lose_answer(fault: Fault) -> Fault:
    """Let a request take effect, and then answer as the fault does."""

    async def chosen(request: Request, forward: Forward) -> Answer | None:
        await forward()
        return await fault(request, forward)

    return chosen


def content(answer: Answer) -> Any:
    """Return what an answer of DynamoDB holds; it must not be an error."""
    assert answer.status == 200
    return json.loads(answer.body)
