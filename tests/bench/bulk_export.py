"""Many rows read by ``mailing export``, and by a bare loop over ``scan`` that writes what it gets.

    python -m bench.bulk_export ROWS

Runs in a process of its own against ``AWS_ENDPOINT_URL`` and prints JSON: rows a second of wall time. The table has a
fifth of the rows, and each contender reads it five times, by turns.
"""

import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import boto3

from bench import mixes, pipeline
from healthy_mailing.evidence import State
from healthy_mailing_cli.commands import export
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.table.scan import Scan

_TABLE = "mailing"
_PUTS = 25  # of one BatchWriteItem
_ROUNDS = 5
_SEGMENTS = 4  # the command's default


class _Here(Connection):
    """The connection of the environment."""

    def place(self) -> str:
        """Return a name, without asking AWS of which account the table is."""
        return self.table


def main() -> None:
    """Fill the table and measure."""
    rows = int(sys.argv[1]) // _ROUNDS
    client = boto3.client("dynamodb")
    _fill(client, rows)
    source = Scan(_Here(_TABLE), set(State), _SEGMENTS)
    seconds: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as name:
        to = Path(name) / "list"
        for _ in range(_ROUNDS):
            for contender, form in (("mailing export", export.Form.NDJSON), ("mailing export, CSV", export.Form.CSV)):
                start = time.perf_counter()
                count = _export(to, source, form)
                seconds[contender] += time.perf_counter() - start
                assert count == rows
            start = time.perf_counter()
            count = _scan(client, to)
            seconds["bare scan"] += time.perf_counter() - start
            assert count == rows
    sys.stderr.write(json.dumps({contender: _ROUNDS * rows / taken for contender, taken in seconds.items()}))


def _fill(client: Any, rows: int) -> None:
    items = list(pipeline.merged(mixes.deliveries(0, rows)).values())
    written = {"version": {"N": "1"}, "updatedAt": {"S": "2026-03-02T06:00:05.000Z"}}
    for start in range(0, rows, _PUTS):
        writes = [{"PutRequest": {"Item": item | written}} for item in items[start : start + _PUTS]]
        client.batch_write_item(RequestItems={_TABLE: writes})


def _export(to: Path, source: Scan, form: export.Form) -> int:
    """Do what ``mailing export --output FILE`` does, without its start."""
    lines = export.Lines(form, set(State))
    export.to_file(to, source, lines, lambda _: None, resume=False)
    return lines.count


def _scan(client: Any, to: Path) -> int:
    count = 0
    with to.open("w", encoding="utf-8") as file:
        for page in client.get_paginator("scan").paginate(TableName=_TABLE):
            file.writelines(f"{json.dumps(item)}\n" for item in page["Items"])
            count += len(page["Items"])
    return count


if __name__ == "__main__":
    main()
