"""The contenders side by side: time, units, invocations, logs and the final table, by mix."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import mixes, processes
from bench.processes import Run, StandIn
from faults import oracle
from healthy_mailing.evidence import Record, Rules, evidence_of
from healthy_mailing.item import from_dynamodb, to_dynamodb, to_item
from healthy_mailing.notification import parse

BATCH = 1_000
COUNT = 1_500  # messages a mix
SAMPLE = 200  # of them, for contenders that wait for each answer before the next request, when answers take time
SECONDS = (0.0, 0.005)  # that an answer takes
_WARM_UP = 100  # messages

Json = dict[str, Any]


@dataclass(frozen=True)
class Contender:
    """One way to do it.

    Attributes:
        name: What results call it.
        program: What ``processes.run`` starts.
        batch: Messages an invocation, 1 from the topic, more from the queue.
        one_by_one: Whether it waits for each answer before its next request.
        table: The rule for its final table: ``merged`` (all evidence counts), ``last`` (whatever came last), or
            ``state`` (of the last, with another time).
    """

    name: str
    program: str
    batch: int
    one_by_one: bool
    table: str


CONTENDERS = (
    Contender("article", "index.mjs", 1, one_by_one=True, table="last"),
    Contender("article, awaiting", "awaiting.mjs", BATCH, one_by_one=True, table="last"),
    Contender("obvious Python", "obvious", BATCH, one_by_one=True, table="last"),
    Contender("project, direct", "project", 1, one_by_one=True, table="merged"),
    Contender("project, queue", "project", BATCH, one_by_one=False, table="merged"),
    Contender("floor", "floor", BATCH, one_by_one=True, table="state"),
    Contender("blind floor", "blind_floor", BATCH, one_by_one=True, table="last"),
)


def measure(rounds: int, table: StandIn) -> Json:
    """Return what each contender did with each mix; ``rounds`` of the newsletter, by turns, one of the others.

    Of each invocation the best round counts: whatever else runs on the machine only adds.
    """
    results: Json = {}
    for mix, generate in mixes.MIXES.items():
        messages = generate(COUNT)
        results[mix] = {}
        for seconds in SECONDS:
            table.ask(f"delay?{seconds}")
            times = rounds if mix == "newsletter" else 1
            runs: dict[str, list[tuple[Run, int]]] = {contender.name: [] for contender in CONTENDERS}
            for _ in range(times):
                for contender in CONTENDERS:
                    part = messages[:SAMPLE] if contender.one_by_one and seconds else messages
                    run = _run(contender, part, table)
                    _check(contender, part, run, mix)
                    runs[contender.name].append((run, len(part)))
            for contender in CONTENDERS:
                entry = results[mix].setdefault(contender.name, {})
                run, count = runs[contender.name][0]
                entry[f"{seconds * 1000:.0f} ms"] = _times([each for each, _ in runs[contender.name]], count)
                if not seconds:
                    entry |= _counts(run, count)
            print(f"  {mix}, answers after {seconds * 1000:.0f} ms: done", flush=True)
        results[mix]["states that differ"] = _differences(messages)
    return results


def _run(contender: Contender, messages: Sequence[str], table: StandIn) -> Run:
    warm_up = list(mixes.deliveries(10_000_000, _WARM_UP))
    if contender.batch == 1:
        first, events = processes.from_topic(warm_up), processes.from_topic(messages)
    else:
        first, events = processes.from_queue(warm_up, contender.batch), processes.from_queue(messages, contender.batch)
    return processes.run(contender.program, first + events, len(first), table)


def _times(runs: Sequence[Run], count: int) -> Json:
    wall = [min(each) for each in zip(*(run.wall for run in runs), strict=True)]
    cpu = [min(each) for each in zip(*(run.cpu for run in runs), strict=True)]
    # Lambda bills each invocation by the millisecond begun (aws.amazon.com/lambda/pricing).
    billed = sum(math.ceil(seconds * 1000) for seconds in wall)
    return {
        "billed ms per 1,000": billed * 1000 / count,
        "cpu ms per 1,000": sum(cpu) * 1e6 / count,
        "wall ms per 1,000": sum(wall) * 1e6 / count,
    }


def _counts(run: Run, count: int) -> Json:
    per_thousand = 1000 / count
    return {
        "invocations per 1,000": len(run.wall) * per_thousand,
        "requests per 1,000": run.counts["requests"] * per_thousand,
        "write units per 1,000": run.counts.get("write units", 0) * per_thousand,
        "index write units per 1,000": run.counts.get("index write units", 0) * per_thousand,
        "read units per 1,000": run.counts.get("half read units", 0) / 2 * per_thousand,
        "log bytes per 1,000": run.log_bytes * per_thousand,
        "peak megabytes": run.peak_bytes / 1e6,
        "largest item bytes": max(len(json.dumps(item)) for item in run.items),
    }


def _check(contender: Contender, messages: Sequence[str], run: Run, mix: str) -> None:
    """Compare the final table with what the contender's own rule makes of the messages.

    Raises:
        SystemExit: It differs.
    """
    if contender.table == "merged":
        items = {item["UserId"]["S"]: from_dynamodb(_without_version(item)) for item in run.items}
        if difference := oracle.difference(oracle.table(messages), items):
            raise SystemExit(f"error: {contender.name} with the mix {mix}: {difference}")
        return
    names = ("state",) if contender.table == "state" else ("state", "timestamp", "notificationType", "from")
    expected = {address: {name: item[name] for name in names} for address, item in last(messages).items()}
    found = {item["UserId"]["S"]: {name: item[name] for name in names} for item in run.items}
    if found != expected:
        wrong = sum(found.get(address) != item for address, item in expected.items())
        raise SystemExit(f"error: {contender.name} with the mix {mix}: {wrong} of {len(expected)} items are wrong")


def merged(messages: Iterable[str]) -> dict[str, Json]:
    """Return the items that all messages together amount to, whatever their order: this project's rule."""
    marks: dict[str, list[Any]] = {}
    for message in messages:
        for address, mark in parse(message).marks:
            marks.setdefault(address, []).append(mark)
    return {
        address: to_dynamodb(to_item(address, Record.of(evidence_of(each), Rules()))) for address, each in marks.items()
    }


def last(messages: Iterable[str]) -> dict[str, Json]:
    """Return the items that remain if each message overwrites the one before: the article's rule."""
    items = {}
    for text in messages:
        message = json.loads(text)
        kind = message["notificationType"]
        for address, _ in parse(text).marks:
            items[address] = {
                "notificationType": {"S": kind},
                "from": {"S": message["mail"]["source"]},
                "timestamp": {"S": message["mail"]["timestamp"]},
                "state": {"S": "enable" if kind == "Delivery" else "disable"},
            }
    return items


def _differences(messages: Sequence[str]) -> Mapping[str, int]:
    ours, theirs = merged(messages), last(messages)
    return {
        "addresses": len(ours),
        "article mails, though it must not": sum(
            theirs[address]["state"]["S"] == "enable" != item["state"]["S"] for address, item in ours.items()
        ),
        "article blocks, though it need not": sum(
            item["state"]["S"] == "enable" != theirs[address]["state"]["S"] for address, item in ours.items()
        ),
    }


def _without_version(item: Mapping[str, Any]) -> Json:
    return {name: value for name, value in item.items() if name not in {"version", "updatedAt"}}
