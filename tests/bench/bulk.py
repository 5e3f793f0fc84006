"""Many rows written and read by this project's table adapter, and by the bare loops over boto3.

    python -m bench.bulk ROWS

Runs in a process of its own against ``AWS_ENDPOINT_URL`` and prints JSON: rows a second of wall time. Rows are handed
over in parts, the contenders by turns; the slowest, a request a row, gets a part of each part.
"""

import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3

from bench import mixes
from healthy_mailing import api
from healthy_mailing.evidence import Evidence, Purpose, Record, Rules, evidence_of
from healthy_mailing.item import to_dynamodb, to_item
from healthy_mailing.notification import parse
from healthy_mailing.table import KEYS_PER_READ, STATEMENTS_PER_WRITE, Table, connect
from healthy_mailing_cli.commands import check
from healthy_mailing_cli.lists.addresses import Source

PART = 10_000
ONE_BY_ONE = 20
"""Of so many rows the loop of a request a row writes one."""

_TABLE = "mailing"
_LONG = 600  # seconds


def main() -> None:
    """Measure by turns; each writer writes rows that were not there."""
    rows = int(sys.argv[1])
    table = Table(connect(), _TABLE, Rules())
    client = boto3.client("dynamodb")
    seconds: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)

    def measure(name: str, count: int, work: Callable[..., object], *arguments: object) -> None:
        start = time.perf_counter()
        work(*arguments)
        seconds[name] += time.perf_counter() - start
        counts[name] += count

    for first in range(0, rows, PART):
        count = min(PART, rows - first)
        evidence = _evidence(3 * first, count)
        batches, singles = _items(3 * first + count, count), _items(3 * first + 2 * count, count // ONE_BY_ONE)
        measure("write", count, table.add, evidence, time.monotonic() + _LONG)
        measure("bare write", len(singles), _put, client, singles)
        measure("bare write in batches", count, put_in_batches, client, batches)
        addresses = list(evidence)
        measure("read", count, partial(table.read, consistent=False), addresses, time.monotonic() + _LONG)
        measure("bare read", count, _get, client, addresses)
        measure("mailing check", count, _check, table, addresses)
    sys.stderr.write(json.dumps({name: counts[name] / taken for name, taken in seconds.items()}))


def _evidence(first: int, rows: int) -> dict[str, Evidence]:
    return {
        address: evidence_of([mark]) for text in mixes.deliveries(first, rows) for address, mark in parse(text).marks
    }


def _items(first: int, rows: int) -> list[dict[str, Any]]:
    return [
        to_dynamodb(to_item(address, Record.of(evidence, Rules())))
        for address, evidence in _evidence(first, rows).items()
    ]


def _put(client: Any, items: list[dict[str, Any]]) -> None:
    for item in items:
        client.put_item(TableName=_TABLE, Item=item)


def put_in_batches(client: Any, items: list[dict[str, Any]]) -> None:
    """Write items by ``BatchWriteItem``, which merges nothing and has no condition."""
    for start in range(0, len(items), STATEMENTS_PER_WRITE):
        writes = [{"PutRequest": {"Item": item}} for item in items[start : start + STATEMENTS_PER_WRITE]]
        client.batch_write_item(RequestItems={_TABLE: writes})


def _check(table: Table, addresses: list[str]) -> None:
    """Do what ``mailing check FILE --json`` does, without its start."""
    source = Source(io.StringIO("".join(f"{address}\n" for address in addresses), newline=""), "list.txt", None)
    for row, answers in check.answers(table, source, Purpose.BULK, consistent=False):
        for answer in answers:
            json.dumps(api.verdict(answer) | {"line": row.line})


def _get(client: Any, addresses: list[str]) -> None:
    for start in range(0, len(addresses), KEYS_PER_READ):
        keys = [{"UserId": {"S": address}} for address in addresses[start : start + KEYS_PER_READ]]
        client.batch_get_item(RequestItems={_TABLE: {"Keys": keys}})


if __name__ == "__main__":
    main()
