"""The contenders side by side: time, units, invocations, logs and the final table, by mix."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import contenders, mixes, processes
from bench.processes import Run, StandIn
from faults import oracle
from healthy_mailing.item import from_dynamodb

BATCH = 1_000
SAMPLE = 200  # messages for contenders that wait for each answer before the next request, when answers take time
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
    """

    name: str
    program: str
    batch: int
    one_by_one: bool = True


CONTENDERS = (
    Contender("article", "index.mjs", 1),
    Contender("obvious Python", "obvious", BATCH),
    Contender("project, direct", "project", 1),
    Contender("project, queue", "project", BATCH, one_by_one=False),
    Contender("floor", "floor", BATCH),
)


def measure(rounds: int, count: int, table: StandIn) -> Json:
    """Return what each contender did with ``count`` messages of each mix.

    They take turns, in ``rounds`` of the newsletter and one of the others. Of each invocation the best round counts:
    whatever else runs on the machine only adds.
    """
    results: Json = {}
    for mix, generate in mixes.MIXES.items():
        messages = generate(count)
        entries: dict[str, Json] = defaultdict(dict)
        for seconds in SECONDS:
            table.ask(f"delay?{seconds}")
            runs: dict[Contender, list[Run]] = defaultdict(list)
            for _ in range(rounds if mix == "newsletter" else 1):
                for contender in CONTENDERS:
                    runs[contender].append(_run(contender, _part(contender, messages, seconds), table, mix))
            for contender, each in runs.items():
                size = len(_part(contender, messages, seconds))
                entries[contender.name][f"{seconds * 1000:.0f} ms"] = _times(each, size)
                if not seconds:
                    entries[contender.name] |= _counts(each[0], size)
        results[mix] = {"contenders": entries, "wrong": _wrong(messages)}
        print(f"  {mix}: done", flush=True)
    return results


def _part(contender: Contender, messages: Sequence[str], seconds: float) -> Sequence[str]:
    return messages[:SAMPLE] if contender.one_by_one and seconds else messages


def _run(contender: Contender, messages: Sequence[str], table: StandIn, mix: str) -> Run:
    """Run it, and compare the final table with what the contender's own rule makes of the messages.

    Raises:
        SystemExit: It differs.
    """
    warm_up = processes.events(list(mixes.deliveries(10_000_000, _WARM_UP)), contender.batch)
    events = processes.events(messages, contender.batch)
    run = processes.run(contender.program, warm_up + events, table, len(warm_up))
    if contender.program == "project":
        unstamped = ({name: item[name] for name in item.keys() - {"version", "updatedAt"}} for item in run.items)
        difference = oracle.difference(
            oracle.table(messages), {item["UserId"]["S"]: from_dynamodb(item) for item in unstamped}
        )
    else:
        # What the floor holds may be of another time.
        states = {item["UserId"]["S"]: item["state"] for item in run.items}
        is_right = states == {address: item["state"] for address, item in contenders.last(messages).items()}
        difference = "" if is_right else "its table is not what the last message of each address says"
    if difference:
        raise SystemExit(f"error: {contender.name} with the mix {mix}: {difference}")
    return run


def _times(runs: Sequence[Run], count: int) -> Json:
    wall = [min(each) for each in zip(*(run.wall for run in runs), strict=True)]
    cpu = [min(each) for each in zip(*(run.cpu for run in runs), strict=True)]
    # Lambda bills each invocation by the millisecond begun (aws.amazon.com/lambda/pricing).
    billed = sum(math.ceil(seconds * 1000) for seconds in wall)
    return {"billed ms per 1,000": billed * 1000 / count, "cpu ms per 1,000": sum(cpu) * 1e6 / count}


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
    }


def _wrong(messages: Sequence[str]) -> Mapping[str, int]:
    """Return of how many addresses the article's table says that they may be mailed, or not, against the rules."""
    ours = {address: item["state"] == "enable" for address, item in oracle.table(messages).items()}
    theirs = {address: item["state"]["S"] == "enable" for address, item in contenders.last(messages).items()}
    return {
        "addresses": len(ours),
        "mailed": sum(theirs[address] and not may for address, may in ours.items()),
        "blocked": sum(may and not theirs[address] for address, may in ours.items()),
    }
