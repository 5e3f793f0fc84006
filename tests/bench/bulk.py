"""Many rows written and read by this project's table adapter, and by the bare loop over boto3.

    python -m bench.bulk ROWS

Runs in a process of its own against ``AWS_ENDPOINT_URL`` and prints JSON: seconds of wall time, the better of
two turns.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3

from bench import mixes
from mailing.notification import parse
from mailing.record import Evidence, Rules, evidence_of, to_item
from mailing.table import KEYS_PER_READ, Table, _to_attribute, connect

_TURNS = 2
_TABLE = "mailing"
_LONG = 600  # seconds


def main() -> None:
    """Measure by turns; each turn of a writer writes rows that were not there."""
    rows = int(sys.argv[1])
    table = Table(connect(), _TABLE, Rules())
    client = boto3.client("dynamodb")
    seconds: dict[str, list[float]] = defaultdict(list)
    for turn in range(_TURNS):
        ours, bare = _evidence(2 * turn * rows, rows), _evidence((2 * turn + 1) * rows, rows)
        items = [
            {name: _to_attribute(value) for name, value in to_item(*each, Rules()).items()} for each in bare.items()
        ]
        seconds["write"].append(_taken(partial(table.add, ours, time.monotonic() + _LONG)))
        seconds["bare write"].append(_taken(partial(_put, client, items)))
        addresses = list(ours)
        read = partial(table.read, addresses, time.monotonic() + _LONG, consistent=False)
        seconds["read"].append(_taken(read))
        seconds["bare read"].append(_taken(partial(_get, client, addresses)))
    sys.stderr.write(json.dumps({name: min(taken) for name, taken in seconds.items()}))


def _evidence(first: int, rows: int) -> dict[str, Evidence]:
    return {
        address: evidence_of([mark]) for text in mixes.deliveries(first, rows) for address, mark in parse(text).marks
    }


def _put(client: Any, items: list[dict[str, Any]]) -> None:
    for item in items:
        client.put_item(TableName=_TABLE, Item=item)


def _get(client: Any, addresses: list[str]) -> None:
    for start in range(0, len(addresses), KEYS_PER_READ):
        keys = [{"UserId": {"S": address}} for address in addresses[start : start + KEYS_PER_READ]]
        client.batch_get_item(RequestItems={_TABLE: {"Keys": keys}})


def _taken(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
