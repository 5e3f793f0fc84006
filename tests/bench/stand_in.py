"""AWS's stand-in for measurements: a process of its own, so that its CPU time is not counted.

It keeps DynamoDB's items, checks conditions, and counts requests and units. It knows what the contenders use of
DynamoDB and refuses anything else: BatchGetItem, BatchWriteItem, PutItem, UpdateItem with ``SET`` and ``REMOVE`` of
whole attributes, BatchExecuteStatement of statements that amount to the last two, and Scan without a filter. There is
one table, whatever its name. EventBridge takes every event, and STS and Lambda answer what a command asks about its
stack. Paths below ``/_bench/`` are the bench's own: ``reset`` empties the table and the counts, ``delay?SECONDS`` sets
how long each answer takes, and ``counts``, ``items`` and ``size`` tell what happened.
"""

import asyncio
import bisect
import gc
import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from bench import capacity
from harness.emulators import partiql
from support import wire
from support.table import INDEX_KEYS, KEY

Json = dict[str, Any]

_PAGE = 1_000_000  # bytes of items, about what DynamoDB reads for a page
_CALLER = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/bench</Arn><UserId>A</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
_FUNCTION = b'{"FunctionName": "mailing-feedback", "Environment": {"Variables": {"TABLE_NAME": "mailing"}}}'


class Refused(Exception):  # noqa: N818  (an answer, not an error of this program)
    """An answer other than success, as DynamoDB would give it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.fields = wire.error(code, code)


class Table:
    """The items, and what was done with them."""

    def __init__(self) -> None:
        self.items: dict[str, Json] = {}
        self.counts: Counter[str] = Counter()
        self._sorted: list[str] | None = None

    def answer(self, operation: str, request: Json) -> Json:
        self.counts["requests"] += 1
        return _OPERATIONS[operation](self, request)

    def batch_get_item(self, request: Json) -> Json:
        responses = {}
        for name, wanted in request["RequestItems"].items():
            found = [self.items.get(key[KEY]["S"]) for key in wanted["Keys"]]
            consistent = wanted.get("ConsistentRead", False)
            for item in found:
                self.counts["half read units"] += int(2 * capacity.read_units(item, consistent=consistent))
            # All that is asked for by a projection: attributes of the first level.
            names = wanted.get("ExpressionAttributeNames", {}).values()
            responses[name] = [
                {name: item[name] for name in names if name in item} if names else item
                for item in found
                if item is not None
            ]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def batch_write_item(self, request: Json) -> Json:
        for writes in request["RequestItems"].values():
            for write in writes:
                self._store(write["PutRequest"]["Item"])
        return {"UnprocessedItems": {}}

    def batch_execute_statement(self, request: Json) -> Json:
        def call(operation: str, translated: Json) -> str:
            try:
                _OPERATIONS[operation](self, translated)
            except Refused as refusal:
                return str(refusal)
            return ""

        return partiql.execute(request["Statements"], call)

    def put_item(self, request: Json) -> Json:
        self._check(request, self.items.get(request["Item"][KEY]["S"]))
        self._store(request["Item"])
        return {}

    def update_item(self, request: Json) -> Json:
        before = self.items.get(request["Key"][KEY]["S"])
        self._check(request, before)
        after = dict(before or request["Key"])
        names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
        assigned, removed = update_expression(request["UpdateExpression"])
        for name, value in assigned:
            after[names.get(name, name)] = values[value]
        for name in removed:
            after.pop(names.get(name, name), None)
        self._store(after)
        return {}

    def scan(self, request: Json) -> Json:
        if self._sorted is None:
            self._sorted = sorted(self.items)
        segment, segments = request.get("Segment", 0), request.get("TotalSegments", 1)
        first, end = (len(self._sorted) * number // segments for number in (segment, segment + 1))
        if "ExclusiveStartKey" in request:
            first = bisect.bisect_right(self._sorted, request["ExclusiveStartKey"][KEY]["S"])
        found, size = [], 0
        for key in itertools.islice(self._sorted, first, end):
            item = self.items[key]
            found.append(item)
            size += capacity.item_bytes(item)
            if size >= _PAGE:
                return {"Items": found, "LastEvaluatedKey": {KEY: {"S": key}}}
        return {"Items": found}

    def put_events(self, request: Json) -> Json:
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * len(request["Entries"])}

    def _check(self, request: Json, held: Json | None) -> None:
        condition = request.get("ConditionExpression")
        if condition is None:
            return
        names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
        item = held or {}
        if all(
            names.get(name, name) in item
            if wanted is ANY
            else item.get(names.get(name, name)) == (wanted and values[wanted])
            for name, wanted in condition_expression(condition)
        ):
            return
        self.counts["write units"] += capacity.write_units(held, held)
        raise Refused("ConditionalCheckFailedException")

    def _store(self, after: Json) -> None:
        key = after[KEY]["S"]
        before = self.items.get(key)
        self.counts["write units"] += capacity.write_units(before, after)
        self.counts["index write units"] += capacity.index_write_units(before, after, INDEX_KEYS)
        self.items[key] = after
        if before is None:
            self._sorted = None


_OPERATIONS: Mapping[str, Callable[[Table, Json], Json]] = {
    "BatchExecuteStatement": Table.batch_execute_statement,
    "BatchGetItem": Table.batch_get_item,
    "BatchWriteItem": Table.batch_write_item,
    "PutEvents": Table.put_events,
    "PutItem": Table.put_item,
    "Scan": Table.scan,
    "UpdateItem": Table.update_item,
}


@cache
def update_expression(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the assignments and the removals of ``SET #a = :a, b = :b REMOVE #c``."""
    match = re.fullmatch(r"(?:SET (.+?))?(?: ?REMOVE (.+))?", text)
    if match is None:
        raise ValueError(f"the stand-in does not know this update: {text}")
    assigned, removed = match.groups(default="")
    pairs = [tuple(part.split(" = ")) for part in assigned.split(", ") if part]
    return [(name, value) for name, value in pairs], [name for name in removed.split(", ") if name]


ANY = ":any"
"""As a wanted value: there is one. None: there is none."""


@cache
def condition_expression(text: str) -> list[tuple[str, str | None]]:
    """Return name and wanted value of each of ``#a = :a AND attribute_exists(b) AND attribute_not_exists(#c)``."""
    found: list[tuple[str, str | None]] = []
    for part in text.split(" AND "):
        if match := re.fullmatch(r"attribute_(not_)?exists\((\S+)\)", part):
            found.append((match[2], None if match[1] else ANY))
        elif match := re.fullmatch(r"(\S+) = (:\S+)", part):
            found.append((match[1], match[2]))
        else:
            raise ValueError(f"the stand-in does not know this condition: {part}")
    return found


class Server:
    """The table behind HTTP."""

    def __init__(self) -> None:
        self.table = Table()
        self.seconds = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until the other side closes it."""
        try:
            while True:
                head, fields, body = await wire.message(reader)
                writer.write(wire.answer(*await self._answer(head.split(b" ", 2)[1].decode(), fields, body)))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the other side is done, or this program is
        finally:
            writer.close()

    async def _answer(self, path: str, fields: Mapping[bytes, bytes], body: bytes) -> tuple[int, bytes]:
        name, _, value = path.partition("?")
        if name.startswith("/_bench/"):
            return 200, _json(self._own(name.removeprefix("/_bench/"), value))
        if b"x-amz-target" not in fields:
            return 200, _FUNCTION if "/functions/" in name else _CALLER
        if self.seconds:
            await asyncio.sleep(self.seconds)
        try:
            return 200, _json(self.table.answer(wire.operation(fields), json.loads(body)))
        except Refused as refusal:
            return 400, _json(refusal.fields)

    def _own(self, name: str, value: str) -> object:
        """Do what one of the bench's own paths asks for."""
        match name:
            case "reset":
                self.table = Table()
            case "delay":
                self.seconds = float(value)
            case "size":
                return len(self.table.items)
            case "counts":
                return self.table.counts
            case "items":
                return list(self.table.items.values())
        return {}


def _json(answer: object) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


async def main() -> None:
    """Serve on a free loopback port, print it, and end with standard input."""
    # Among millions of items a collection takes so long that clients think an answer lost. Few cycles are made here.
    gc.disable()
    server = await asyncio.start_server(Server().serve, "127.0.0.1", 0, backlog=128)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
