"""Soak the function that tells of changes: a long stream, with faults at EventBridge, kills and records read again.

    make soak

Prints a summary and writes it into docs/reliability.md. What `make rest` runs is the same with few changes.
"""

import json
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from faults import shards
from faults.function import Function
from faults.proxy import proxied
from soak.report import Summary, main
from support.stream import BUS_ARN, TABLE_ARN
from tools import package

NOWHERE = "http://127.0.0.1:9"
"""Where nothing listens: all requests are answered by the stand-in."""


@dataclass(frozen=True)
class Size:
    """How much of everything; a fault and a kill every so many requests to EventBridge."""

    changes: int = 100_000
    addresses: int = 20_000
    shards: int = 2
    batch_size: int = 100
    fault_every: int = 20
    kill_every: int = 500
    seed: int = 1


def soak(size: Size, folder: Path, progress: Callable[[int], object] = lambda _: None) -> Summary:
    """Hand the changes of a seed to the real zip, shard by shard, and compare the events with the oracle's."""
    records = shards.stream(size.changes, size.addresses, size.seed)

    def shard_of(address: str) -> int:
        return crc32(address.encode()) % size.shards

    functions: list[Function] = []
    eventbridge = shards.EventBridge(
        size.fault_every, size.kill_every, lambda address: functions[shard_of(address)].kill_outright()
    )
    zip_path = package.build(folder / "healthy-mailing.zip")
    logs = [folder / f"changes-{number}.log" for number in range(size.shards)]
    with proxied(NOWHERE) as proxy, ThreadPoolExecutor(size.shards) as pool:
        proxy.fault = eventbridge
        variables = {
            "EVENT_BUS": BUS_ARN,
            "TABLE_ARN": TABLE_ARN,
            "DEAD_LETTER_QUEUE_URL": f"{proxy.endpoint_url}/000000000000/dead-letter",
        }
        functions += [
            Function(zip_path, proxy.endpoint_url, log, handler="changes", variables=variables) for log in logs
        ]
        start = time.monotonic()
        of_shards: list[list[shards.Json]] = [[] for _ in functions]
        for record in records:
            of_shards[shard_of(shards.address_of(record))].append(record)
        try:
            readings = list(
                pool.map(
                    lambda number: shards.read(
                        of_shards[number],
                        functions[number],
                        size.seed + number,
                        batch_size=size.batch_size,
                        progress=progress,
                    ),
                    range(size.shards),
                )
            )
        finally:
            for function in functions:
                function.kill()
        seconds = time.monotonic() - start
        requests = proxy.seen("PutEvents")
    text = "\n".join(log.read_text() for log in logs)
    faults = {name: count for name, count in sorted(eventbridge.faults.items()) if name}
    told = {event["id"] for event in eventbridge.events}
    addresses = {shards.address_of(each) for each in records}
    calls, died, in_part, again = (
        sum(getattr(each, name) for each in readings) for name in ("calls", "died", "failed_in_part", "read_again")
    )
    set_aside = {json.loads(each)["eventID"] for each in eventbridge.letters}
    figures = {
        "changes in the stream": f"{size.changes:,} of {len(addresses):,} addresses",
        "shards": f"{size.shards}, batches of up to {size.batch_size:,}",
        "calls": f"{calls:,}, of which {died:,} died and {in_part:,} failed in part",
        "read again": f"{again:,} times, up to {3 * size.batch_size:,} records",
        "requests to EventBridge": f"{requests:,}, of which {sum(faults.values()):,} met a fault: "
        + ", ".join(f"{count:,} {name}" for name, count in faults.items()),
        "events": f"{len(told):,}, and {len(eventbridge.events) - len(told):,} repeats",
        "set aside": f"{len(set_aside):,} unreadable images",
        "time": f"{seconds:.0f} s, {size.changes / seconds:,.0f} changes/s on {os.cpu_count()} cores",
    }
    in_log = set(re.findall(r"reader-\d+@example\.com", text))
    difference = shards.difference(records, eventbridge.events, eventbridge.letters)
    problems = (difference, *(f"in the log: {each}" for each in sorted(in_log)[:1]))
    return Summary(list(filter(None, problems)), figures)


if __name__ == "__main__":
    held = (
        "Each change sent its event, in order for each address. The last event of each address matched the table; no "
        "whole addresses in the logs."
    )
    main("soak of changes", Size(), soak, held)
