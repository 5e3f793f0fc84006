"""Another provider's list taken in by ``mailing import``, and by a bare loop over ``batch_write_item``.

    python -m bench.bulk_import ROWS

Runs in a process of its own against ``AWS_ENDPOINT_URL`` and prints JSON: rows a second of wall time. Rows are handed
over in parts, the contenders by turns; each writes rows that were not there. The bare loop's items are made beforehand.
"""

import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import boto3

from bench.bulk import PART, put_in_batches
from healthy_mailing.evidence import Evidence, Record, Rules
from healthy_mailing.item import to_dynamodb, to_item
from healthy_mailing.table import Table, connect
from healthy_mailing_cli.commands import import_list
from healthy_mailing_cli.lists.formats import reading, sources

_TABLE = "mailing"


def main() -> None:
    """Measure by turns."""
    rows = int(sys.argv[1])
    table = Table(connect(), _TABLE, Rules())
    client = boto3.client("dynamodb")
    seconds: dict[str, float] = defaultdict(float)
    for first in range(0, rows, PART):
        count = min(PART, rows - first)
        listed, others = _list("l", first, count), _items_of(_list("o", first, count))
        start = time.perf_counter()
        _import(table, listed)
        between = time.perf_counter()
        put_in_batches(client, others)
        seconds["mailing import"] += between - start
        seconds["bare import in batches"] += time.perf_counter() - between
    sys.stderr.write(json.dumps({name: rows / taken for name, taken in seconds.items()}))


def _list(prefix: str, first: int, rows: int) -> str:
    """Return SendGrid's bounces as CSV."""
    lines = (
        f'5.1.1,"550 5.1.1 The email account that you tried to reach does not exist, {number}",'
        f"{prefix}{number}@example.com,{1_700_000_000 + number}"
        for number in range(first, first + rows)
    )
    return "\n".join(["status,reason,email,created", *lines])


def _windows(text: str) -> Iterator[dict[str, Evidence]]:
    listing = reading.read(io.StringIO(text, newline=""))
    kind = sources.recognised(listing.names, "sendgrid-bounces")
    reader = sources.Reader.of(kind, listing.names, "", "2026-01-31T12:00:00.000Z")
    return import_list.windows(import_list.marks(listing, reader, import_list.Tally()))


def _import(table: Table, text: str) -> None:
    """Do what ``mailing import FILE`` does, without its start and its note of how far it is."""
    for window in _windows(text):
        for outcome in import_list.merged(table, window):
            assert outcome.written


def _items_of(text: str) -> list[dict[str, Any]]:
    return [
        to_dynamodb(to_item(address, Record.of(evidence, Rules())))
        for window in _windows(text)
        for address, evidence in window.items()
    ]


if __name__ == "__main__":
    main()
