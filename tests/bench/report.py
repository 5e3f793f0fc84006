"""The tables of the benchmarks' document, out of ``results.json``; people write the rest of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import costs
from bench.processes import ROOT
from support.document import filled, shown, table

DOCUMENT = ROOT / "docs" / "benchmarks.md"

Json = Mapping[str, Any]
Row = Mapping[str, Any]

_WRITES = {"newsletter": 1, "transactional": 1 / 3, "cleanup": 1, "storm": 1, "replays": 1 / 3}
_READS = {"ten BatchGetItem of whole items": 0.8, "ten BatchGetItem, same projection": 1.15}
_COUNTED = ("invocations", "requests", "write units", "index write units", "read units")


@dataclass(frozen=True)
class Goal:
    """Something that is to be at most so much, and what was measured."""

    name: str
    measured: float
    most: float
    unit: str

    @property
    def met(self) -> bool:
        return self.measured <= self.most + 1e-9  # a third of 1,998 is no exact float


def goals(results: Json) -> list[Goal]:
    """Return every goal of this project's performance."""
    mixes = {mix: each["contenders"] for mix, each in results["mixes"].items()}
    queue, article, floor = (mixes["newsletter"][name] for name in ("project, queue", "article", "floor"))
    billed, cpu, written = (f"{each} per 1,000" for each in ("billed ms", "cpu ms", "write units"))
    cold, check, largest = results["cold start"], results["POST /check"], results["batches"][-1]
    first, last = results["growth"][0], results["growth"][-1]
    grown = f"after {last['notifications']:,} notifications / after {first['notifications']:,}"
    found = [
        Goal("newsletter, billed time, queue / article", queue["5 ms"][billed] / article["5 ms"][billed], 0.1, "x"),
        Goal("newsletter, CPU, queue / floor", queue["0 ms"][cpu] / floor["0 ms"][cpu], 3, "x"),
    ]
    for mix, most in _WRITES.items():
        ratio = mixes[mix]["project, queue"][written] / mixes[mix]["article"][written]
        found.append(Goal(f"{mix}, write units, queue / article", ratio, most, "x"))
    found += [
        Goal("cold start to first write, project / bare boto3", cold["project"] / cold["bare boto3"], 1.35, "x"),
        Goal(f"time a notification, {grown}", last["µs"] / first["µs"], 1.1, "x"),
        Goal(f"memory, {grown}", last["MB"] / first["MB"], 1.1, "x"),
        Goal(f"peak memory, {largest['batch']:,} messages in a call", largest["peak MB"], 256, "MB"),
    ]
    for bare, most in _READS.items():
        ratio = check["POST /check"]["CPU ms"] / check[bare]["CPU ms"]
        found.append(Goal(f"`POST /check`, CPU, project / {bare}", ratio, most, "x"))
    for each in results["lists"]:
        if not each["command"].startswith("export"):
            found.append(Goal(f"peak memory, {each['command']}, {each['rows']:,} rows", each["peak MB"], 200, "MB"))
    return found


def document(results: Json) -> str:
    """Return the document with these results in its tables."""
    return filled(DOCUMENT.read_text(encoding="utf-8"), _parts(results))


def _parts(results: Json) -> dict[str, str]:
    mixes = results["mixes"]
    entries = [(mix, name, entry) for mix, each in mixes.items() for name, entry in each["contenders"].items()]
    dollars = {
        (mix, name): costs.for_a_million(entry, queue=name not in {"article", "project, direct"})
        for mix, name, entry in entries
    }
    names = list(mixes["newsletter"]["contenders"])
    measured = [
        {"part": name, "measured on": each["date"], "load of the machine before": each["load"]}
        for name, each in results["measured"].items()
    ]
    parts: dict[str, Sequence[Row]] = {
        "machine": [{"": name, " ": value} for name, value in results["machine"].items()],
        "measured": measured,
        "goals": [
            {
                "goal": each.name,
                "at most": f"{shown(each.most)} {each.unit}",
                "measured": f"{shown(each.measured)} {each.unit}",
                "": "met" if each.met else "**not met**",
            }
            for each in goals(results)
        ],
        "mixes": [
            {
                "mix": mix,
                "": name,
                "billed ms, answers after 5 ms": entry["5 ms"]["billed ms per 1,000"],
                "CPU ms, answers at once": entry["0 ms"]["cpu ms per 1,000"],
                **{each: entry[f"{each} per 1,000"] for each in _COUNTED},
                "peak MB": entry["peak megabytes"],
            }
            for mix, name, entry in entries
        ],
        "wrong": [{"mix": mix, **each["wrong"]} for mix, each in mixes.items()],
        "dollars": [{"": name, **{mix: dollars[mix, name]["sum"] for mix in mixes}} for name in names],
        "services": [{"": name, **dollars["newsletter", name]} for name in names],
        "cold start": [{"": name, "ms": ms} for name, ms in results["cold start"].items()],
        "batches": results["batches"],
        "growth": results["growth"],
        "post check": [{"": name, **each} for name, each in results["POST /check"].items()],
        "lists": results["lists"],
        "end to end": [results["end to end"]],
        "changes": [
            {"": name, "µs CPU a record": us, **_of_changes(name, us)} for name, us in results["changes"].items()
        ],
    }
    return {name: table(rows) for name, rows in parts.items()}


def _of_changes(name: str, us: float) -> dict[str, float]:
    _, does, size = name.split(", ")
    return costs.of_changes(us, events=does != "no event", size=int(size.removesuffix(" a call")))
