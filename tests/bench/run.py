"""Measure the functions and the command line beside what a user would write instead, and beside the floor.

    make bench

Writes ``tests/bench/results.json`` and the tables of ``docs/benchmarks.md``, and says which goals are met.
``make bench BENCH_ARGS='--only lists changes'`` measures these parts and keeps the others, and
``make bench BENCH_ARGS=--report`` measures nothing and writes the tables, for example after a price has changed.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore

from bench import end_to_end, functions, lists, pipeline, processes, report

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).with_name("results.json")


def measure(only: list[str], share: float) -> dict[str, Any]:
    """Return everything, part by part; some parts measured and the others as they were, if there are any of them.

    Args:
        only: Parts.
        share: Of the usual amounts of everything.
    """

    def some(count: int) -> int:
        return max(2, round(count * share))

    with processes.stand_in() as table, tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        parts: dict[str, Callable[[], Any]] = {
            "cold start": lambda: functions.cold_starts(some(15), table),
            "mixes": lambda: pipeline.measure(some(3), some(1_500), table),
            "batches": lambda: functions.batches(table),
            "growth": lambda: functions.growth(some(1_000) * 1_000),
            "POST /check": lambda: functions.post_check(some(200), table),
            "changes": lambda: functions.changes(some(100), table),
            "lists": lambda: lists.measure([some(20_000), some(200_000)], table, folder),
            "end to end": lambda: end_to_end.measure(folder, some(200), some(500)),
        }
        if unknown := set(only) - parts.keys():
            raise SystemExit(f"error: there is no part {', '.join(sorted(unknown))}: there are {', '.join(parts)}")
        results: dict[str, Any] = json.loads(RESULTS.read_text()) if only else {"measured": {}}
        results["machine"] = _machine()
        if not only or "mixes" in only:
            processes.install_article()
        for part in only or parts:
            print(part, flush=True)
            table.ask("delay?0")
            table.ask("reset")
            results["measured"][part] = {"date": time.strftime("%Y-%m-%d"), "load": round(os.getloadavg()[0], 1)}
            results[part] = parts[part]()
    return results


def _machine() -> dict[str, str]:
    node = subprocess.run(["node", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S607  (found on PATH)
    return {
        "processors": f"{len(os.sched_getaffinity(0))}, {platform.machine()} {platform.system()}",
        "Python": platform.python_version(),
        "botocore": botocore.__version__,
        "Node.js": node,
    }


def main() -> int:
    """Measure, write, and print the goals; the exit code is 0 even if one is missed, since machines differ."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--report", action="store_true", help="measure nothing, write the tables")
    arguments.add_argument("--only", metavar="PART", nargs="+", default=[], help="measure these parts alone")
    arguments.add_argument("--share", type=float, default=1, help="of the usual amounts, 10 or 0.1 (default 1)")
    options = arguments.parse_args()
    if not options.report:
        RESULTS.write_text(json.dumps(measure(options.only, options.share), indent=1) + "\n")
    results = json.loads(RESULTS.read_text())
    report.DOCUMENT.write_text(report.document(results), encoding="utf-8")
    for goal in report.goals(results):
        print(
            f"{goal.name:<60} {goal.measured:>8.2f} {goal.unit:<2} of at most {goal.most:.2f}",
            "" if goal.met else "NOT MET",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
