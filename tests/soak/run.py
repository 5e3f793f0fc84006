"""Soak the function: much feedback, several workers at once, faults and kills among it; then the table, item by item.

    make soak

Prints a summary and writes it into docs/reliability.md. What `make rest` runs is the same with few messages.
"""

import collections
import itertools
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults import database, oracle, workload
from faults.delivery import deliver
from faults.function import Function
from faults.proxy import cut_after, cut_before, proxied
from soak.report import Summary, main
from support.faults import Fault, in_turn, refuse, refuse_statements
from tools import package

FAULTS: tuple[Fault, ...] = (
    refuse("ThrottlingException"),
    refuse("InternalServerError", 500),
    refuse_statements("ThrottlingError", about=lambda text: text.startswith("reader-1")),
    cut_before,
    cut_after,
)


@dataclass(frozen=True)
class Size:
    """How much of everything; a fault every so many requests to DynamoDB, a kill every so many messages."""

    messages: int = 100_000
    addresses: int = 20_000
    duplicates: float = 0.1
    workers: int = 4
    batch_size: int = 500
    fault_every: int = 50
    kill_every: int = 10_000
    seed: int = 1


def soak(size: Size, folder: Path, progress: Callable[[int], object] = lambda _: None) -> Summary:
    """Deliver the feedback of a seed to the real zip, and compare the table with the oracle's."""
    messages = workload.feedback(size.messages, size.addresses, size.duplicates, size.seed)
    expected = oracle.table(messages)
    zip_path = package.build(folder / "healthy-mailing.zip")
    logs = [folder / f"{number}.log" for number in range(size.workers)]
    with database.database(folder / "emulator") as emulator, proxied(emulator.endpoint_url) as proxy:
        proxy.fault = in_turn(*FAULTS, every=size.fault_every)
        functions = [Function(zip_path, proxy.endpoint_url, log) for log in logs]
        kills = killing(functions, size.kill_every)
        start = time.monotonic()
        result = deliver(
            messages,
            functions,
            batch_size=size.batch_size,
            tries=50,
            progress=lambda count: (kills(count), progress(count)),
        )
        seconds = time.monotonic() - start
        for function in functions:
            function.kill()
        requests = [proxy.seen(operation) for operation in ("BatchGetItem", "BatchExecuteStatement")]
        found = database.items(emulator.client("dynamodb"))
    faults = sum(each // size.fault_every for each in requests)
    lines = [line for log in logs for line in log.read_text().splitlines()]
    counts = metrics(lines)
    rate = f"{size.messages / seconds:,.0f} messages/s"
    states = collections.Counter(item["state"] for item in found.values())
    text = "\n".join(lines).lower()
    figures = {
        "messages": f"{size.messages:,}, of which {size.duplicates:.0%} are repeated",
        "addresses": f"{len(found):,} ({', '.join(f'{count:,} {state}' for state, count in sorted(states.items()))})",
        "workers": f"{size.workers}, batches of up to {size.batch_size:,}",
        "calls": f"{result.calls:,}, of which {result.failed_calls:,} died",
        "requests to DynamoDB": f"{sum(requests):,}, of which {faults:,} were refused or cut",
        "writes": f"{counts['Written']:,}; {counts['Conflicts']:,} retried after another call changed the item first",
        "failed and redelivered": f"{counts['Failed']:,} addresses",
        "time": f"{seconds:.0f} s, {rate} on {os.cpu_count()} cores, emulator and proxy included",
    }
    in_log = found.keys() & set(re.findall(r"[\w.-]+@example\.com", text))
    problems = (
        oracle.difference(expected, found),
        *(f"a dead letter: {each}" for each in result.dead_letters[:1]),
        *(f"in the log: {each}" for each in sorted(in_log)[:1]),
    )
    return Summary(list(filter(None, problems)), figures)


def killing(functions: list[Function], every: int) -> Callable[[int], None]:
    """Return a callback that kills one function after the other, each after so many messages more."""
    done = 0
    victims = itertools.cycle(functions)

    def note(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        if before // every != done // every:
            next(victims).kill_outright()

    return note


def metrics(lines: list[str]) -> collections.Counter[str]:
    """Return the sums of the metrics in a log."""
    sums: collections.Counter[str] = collections.Counter()
    for line in lines:
        if line.startswith('{"_aws"'):
            data = json.loads(line)
            sums.update({each["Name"]: data[each["Name"]] for each in data["_aws"]["CloudWatchMetrics"][0]["Metrics"]})
    return sums


if __name__ == "__main__":
    held = "Every item of the table matched the oracle; no dead letters, and no whole addresses in the logs."
    main("soak", Size(), soak, held)
