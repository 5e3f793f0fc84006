"""DynamoDB's stand-in for measurements: a process of its own, so that its CPU time is not counted.

It keeps items, checks conditions, and counts requests and units. It knows what the contenders use of DynamoDB and
refuses anything else: BatchGetItem, BatchWriteItem, PutItem, UpdateItem with ``SET`` and ``REMOVE`` of whole
attributes, BatchExecuteStatement of statements that amount to the last two, and Scan of the table or of a segment.
There is one table, whatever its name.
Paths below ``/_bench/`` are the bench's own: ``reset`` empties the table and the counts, ``delay?SECONDS`` sets how
long each answer takes, ``counts`` and ``items`` tell what happened.
"""

import asyncio
import json
import re
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from operator import itemgetter
from typing import Any

from bench import capacity
from harness.emulators import partiql
from support import wire
from support.table import INDEX_KEYS, KEY

Json = dict[str, Any]

_PAGE = 1 << 20
"""The bytes that end a page of a scan (Amazon DynamoDB API Reference, Scan: 1 MB)."""


class Refused(Exception):  # noqa: N818  (an answer, not an error of this program)
    """An answer other than success, as DynamoDB would give it."""

    def __init__(self, code: str, **fields: Any) -> None:
        super().__init__(code)
        self.fields = wire.error(code, code, **fields)


class Table:
    """The items, and what was done with them."""

    def __init__(self) -> None:
        self.items: dict[str, Json] = {}
        self._listing: list[tuple[str, int]] = []  # for scans: all keys in order, and the size of each item
        self.counts: Counter[str] = Counter()

    def answer(self, operation: str, request: Json) -> Json:
        self.counts["requests"] += 1
        self.counts[operation] += 1
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
        if not self._listing:
            self._listing = [(key, capacity.item_bytes(self.items[key])) for key in sorted(self.items)]
        segment, segments = request.get("Segment", 0), request.get("TotalSegments", 1)
        next_one, end = (len(self._listing) * each // segments for each in (segment, segment + 1))
        if "ExclusiveStartKey" in request:
            next_one = bisect_right(self._listing, request["ExclusiveStartKey"][KEY]["S"], key=itemgetter(0))
        found, size = [], 0
        while next_one < end and size < _PAGE:
            key, bytes_more = self._listing[next_one]
            found.append(self.items[key])
            size += bytes_more
            next_one += 1
        self.counts["half read units"] += int(2 * capacity.page_read_units(size))
        return {"Items": found} | ({"LastEvaluatedKey": {KEY: found[-1][KEY]}} if next_one < end else {})

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
        self.counts["failed conditions"] += 1
        wants_item = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and held is not None
        raise Refused("ConditionalCheckFailedException", **({"Item": held} if wants_item else {}))

    def _store(self, after: Json) -> None:
        key = after[KEY]["S"]
        before = self.items.get(key)
        self.counts["write units"] += capacity.write_units(before, after)
        self.counts["index write units"] += capacity.index_write_units(before, after, INDEX_KEYS)
        self.items[key] = after
        self._listing = []


_OPERATIONS: Mapping[str, Callable[[Table, Json], Json]] = {
    "BatchExecuteStatement": Table.batch_execute_statement,
    "BatchGetItem": Table.batch_get_item,
    "BatchWriteItem": Table.batch_write_item,
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
                status, answer = await self._answer(head.split(b" ", 2)[1].decode(), fields, body)
                writer.write(wire.answer(status, json.dumps(answer, separators=(",", ":")).encode()))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the other side is done, or this program is
        finally:
            writer.close()

    async def _answer(self, path: str, fields: Mapping[bytes, bytes], body: bytes) -> tuple[int, object]:
        match path.partition("?"):
            case "/_bench/reset", _, _:
                self.table = Table()
                return 200, {}
            case "/_bench/delay", _, seconds:
                self.seconds = float(seconds)
                return 200, {}
            case "/_bench/counts", _, _:
                return 200, self.table.counts
            case "/_bench/items", _, _:
                return 200, list(self.table.items.values())
        if self.seconds:
            await asyncio.sleep(self.seconds)
        try:
            return 200, self.table.answer(wire.operation(fields), json.loads(body))
        except Refused as refusal:
            return 400, refusal.fields


async def main() -> None:
    """Serve on a free loopback port, print it, and end with standard input."""
    server = await asyncio.start_server(Server().serve, "127.0.0.1", 0, backlog=128)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
