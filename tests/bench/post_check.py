"""``POST /check`` of the lookup API, beside the ten bare reads that nobody who asks of 1,000 addresses gets below.

    python -m bench.post_check ROUNDS

Runs in a process of its own, with the packaged zip's ``lookup.handler``, against ``AWS_ENDPOINT_URL``. The contenders
ask by turns, so that whatever else runs on the machine slows all of them. Prints JSON: the median CPU milliseconds of
a request, waiting left out, and the median and the 99th percentile of its wall milliseconds.
"""

import json
import statistics
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3

import lookup
from bench import mixes, pipeline
from healthy_mailing.table import connect
from support import gateway

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESSES = 1_000
"""As many as one request may ask of."""

_KEYS = 100  # of one BatchGetItem
_PUTS = 25
_TABLE = "mailing"
_WARM_UP = 5  # rounds

# Written down here once more: what an answer needs of an item.
_PROJECTION = {
    "ProjectionExpression": "#UserId,#state,#transactional,#reason",
    "ExpressionAttributeNames": {f"#{name}": name for name in ("UserId", "state", "transactional", "reason")},
}


def main() -> None:
    """Fill the table with what a newsletter's feedback amounts to, and ask for all of it in each round."""
    rounds = int(sys.argv[1])
    client, own_client = boto3.client("dynamodb"), connect()
    items = pipeline.merged(mixes.newsletter(ADDRESSES))
    _fill(client, list(items.values()))
    addresses = list(items)
    event = json.dumps(gateway.event("POST", "/check", json.dumps({"addresses": addresses})))
    context = SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 600_000)

    def post_check() -> int:
        body: str = lookup.handler(json.loads(event), context)["body"]
        return body.count('"known": true')

    contenders: dict[str, Callable[[], int]] = {
        "POST /check": post_check,
        "ten BatchGetItem of whole items": lambda: _get(client, addresses, {}),
        "ten BatchGetItem, same projection": lambda: _get(client, addresses, _PROJECTION),
        "the same, by this project's client": lambda: _get(own_client, addresses, _PROJECTION),
    }
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(_WARM_UP + rounds):
        for name, ask in contenders.items():
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            found = ask()
            wall_end, cpu_end = time.perf_counter(), time.process_time()
            assert found == ADDRESSES
            if number >= _WARM_UP:
                wall[name].append((wall_end - wall_start) * 1000)
                cpu[name].append((cpu_end - cpu_start) * 1000)
    results = {
        name: {
            "cpu ms": statistics.median(cpu[name]),
            "p50 ms": statistics.median(wall[name]),
            "p99 ms": statistics.quantiles(wall[name], n=100)[-1],
        }
        for name in contenders
    }
    sys.stderr.write(json.dumps(results))


def _fill(client: Any, items: list[dict[str, Any]]) -> None:
    written = {"version": {"N": "1"}, "updatedAt": {"S": "2026-03-02T06:00:05.000Z"}}
    for start in range(0, len(items), _PUTS):
        writes = [{"PutRequest": {"Item": item | written}} for item in items[start : start + _PUTS]]
        client.batch_write_item(RequestItems={_TABLE: writes})


def _get(client: Any, addresses: list[str], projection: dict[str, Any]) -> int:
    found = 0
    for start in range(0, len(addresses), _KEYS):
        keys = [{"UserId": {"S": address}} for address in addresses[start : start + _KEYS]]
        answer = client.batch_get_item(RequestItems={_TABLE: {"Keys": keys, **projection}})
        found += len(answer["Responses"][_TABLE])
    return found


if __name__ == "__main__":
    main()
