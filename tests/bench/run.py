"""Measure the pipeline beside what a user would write instead, and beside the floor.

    make bench

Writes ``tests/bench/results.json``, ``BENCHMARKS.md`` and the charts beside the results, and says which goals are met.
``make bench BENCH_ARGS=--report`` writes the report anew from results that are there, and ``BENCH_ARGS='--only bulk'``
measures that part alone; the report then says when, and keeps what it had of the others.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore

from bench import changes, end_to_end, mixes, pipeline, processes, report
from bench.processes import StandIn
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).with_name("results.json")
LAMBDA_LIMIT = 6_291_456
"""Most bytes of an event (AWS Lambda Developer Guide, "Lambda quotas": 6 MB, synchronous)."""

_EVENT = processes.from_queue([next(mixes.deliveries(0, 1))], 1)[0]
COLD_STARTS = {
    "bare boto3": """
import boto3
client = boto3.client("dynamodb")
client.put_item(TableName="mailing", Item={"UserId": {"S": "a@example.com"}})
""",
    "bare botocore": """
import botocore.session
client = botocore.session.get_session().create_client("dynamodb")
client.put_item(TableName="mailing", Item={"UserId": {"S": "a@example.com"}})
""",
    "project": """
import json, os, types, feedback
context = types.SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 30_000)
feedback.handler(json.loads(os.environ["EVENT"]), context)
""",
}

_BATCHES = {1: 300, 10: 1_000, 100: 1_000, 1_000: 3_000}
"""Messages to measure, by batch size."""

Json = dict[str, Any]


def cold_starts(rounds: int, table: StandIn) -> Json:
    """Return the median milliseconds from the start of Python to the end of the first write, by contender."""
    table.ask("delay?0")
    environment = processes.environment(table.endpoint_url) | {"EVENT": _EVENT}
    seconds: dict[str, list[float]] = {name: [] for name in COLD_STARTS}
    for _ in range(rounds):
        for name, program in COLD_STARTS.items():
            table.ask("reset")
            start = time.perf_counter()
            command = [*processes.on_processor(0), sys.executable, "-c", program]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) * 1000 for name, taken in seconds.items()}


def batches(table: StandIn) -> list[Json]:
    """Return what a notification takes, and peak memory, by batch size."""
    table.ask("delay?0")
    points = []
    for batch, count in _BATCHES.items():
        events = processes.from_queue(list(mixes.deliveries(0, count + batch)), batch)
        run = processes.run("project", events, 1, table)
        points.append({"batch": batch, "us": sum(run.cpu) * 1e6 / count, "megabytes": run.peak_bytes / 1e6})
    return points


def largest_batch(table: StandIn) -> Json:
    """Return size, milliseconds and peak memory of the largest event that Lambda hands over: 10,000 messages, 6 MB."""
    bodies = [mixes.small_delivery(number) for number in range(10_000)]
    records = [{"messageId": str(n), "body": body, "eventSource": "aws:sqs"} for n, body in enumerate(bodies)]
    event = json.dumps({"Records": records})
    # What is left of 6 MB is shared out as an attribute that every record has.
    padding = (LAMBDA_LIMIT - len(event)) // len(records) - len(', "receiptHandle": ""')
    event = json.dumps({"Records": [{**record, "receiptHandle": "x" * padding} for record in records]})
    run = processes.run("project", [event], 0, table)
    return {
        "messages": len(records),
        "bytes": len(event),
        "wall ms": run.wall[0] * 1000,
        "cpu ms": run.cpu[0] * 1000,
        "megabytes": run.peak_bytes / 1e6,
    }


def script(name: str, argument: int, table: StandIn) -> Any:
    """Return the JSON that one of the bench's own programs leaves on standard error."""
    environment = processes.environment(table.endpoint_url) | {"LOG_LEVEL": "WARNING"}
    command = [*processes.on_processor(0), sys.executable, "-m", f"bench.{name}", str(argument)]
    done = subprocess.run(
        command, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise SystemExit(f"error: bench.{name} failed: {done.stderr[-2000:]}")
    return json.loads(done.stderr.splitlines()[-1])


def bulk(program: str, rows: int, table: StandIn) -> Json:
    """Return rows a second of one of the bulk programs, by answer time; fewer rows if there is one."""
    speeds: Json = {}
    for milliseconds, count in ((0, rows), (5, rows // 5)):
        table.ask("reset")
        table.ask(f"delay?{milliseconds / 1000}")
        speeds[f"{milliseconds} ms"] = script(program, count, table)
    return {"rows": rows, "rows a second": speeds}


def post_check(rounds: int, table: StandIn) -> Json:
    """Return milliseconds of ``POST /check`` and of the bare reads, by answer time."""
    times: Json = {}
    for milliseconds in (0, 5):
        table.ask("reset")
        table.ask(f"delay?{milliseconds / 1000}")
        times[f"{milliseconds} ms"] = script("post_check", rounds, table)
    return {"rounds": rounds, "times": times}


def changes_told(records: int, messages: int) -> Json:
    """Return what telling of changes takes; see ``changes``."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        return changes.measure(records, messages, Path(folder))


def lists(options: argparse.Namespace, table: StandIn) -> Json:
    """Return seconds and megabytes of the program's commands with long lists; see ``bench.lists``."""
    table.ask("reset")
    arguments = [str(each) for each in (options.list_rows, options.long_list_rows, options.long_list_seconds)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.lists", *arguments],
        env=processes.environment(table.endpoint_url),
        check=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    found: Json = json.loads(done.stderr.splitlines()[-1])
    return found


def on_emulator(messages: int, burst: int) -> Json:
    """Return latency and throughput on the embedded emulator, or why there are none."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        return end_to_end.measure(folder, messages, burst)
    except HarnessError as error:
        return {"error": str(error)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(options: argparse.Namespace) -> Json:
    """Return everything, part by part; with ``--only``, some parts measured and the others as they were."""
    started = time.monotonic()
    with processes.stand_in() as table:
        parts: dict[str, Callable[[], Any]] = {
            "cold start ms": lambda: cold_starts(options.cold_starts, table),
            "mixes": lambda: pipeline.measure(options.rounds, table),
            "batches": lambda: batches(table),
            "largest batch": lambda: largest_batch(table),
            "changes": lambda: changes_told(options.changes, options.messages),
            "growth": lambda: script("growth", options.growth, table),
            "bulk": lambda: bulk("bulk", options.rows, table),
            "import": lambda: bulk("bulk_import", options.rows, table),
            "export": lambda: bulk("bulk_export", options.rows, table),
            "lists": lambda: lists(options, table),
            "POST /check": lambda: post_check(options.checks, table),
            "end to end": lambda: on_emulator(options.messages, options.burst),
        }
        unknown = set(options.only) - parts.keys()
        if unknown:
            raise SystemExit(f"error: there is no part {', '.join(sorted(unknown))}: there are {', '.join(parts)}")
        new: Json = {"machine": _machine(), "measured again": {}}
        results: Json = json.loads(RESULTS.read_text()) if options.only else new
        chosen = options.only or parts
        if "mixes" in chosen:
            processes.install_article()
        for name in chosen:
            print(f"{time.monotonic() - started:4.0f} s  {name}", flush=True)
            table.ask("delay?0")
            table.ask("reset")
            load = _load()
            results[name] = parts[name]()
            if options.only:
                results["measured again"][name] = {"date": _today(), "load before": load, "load after": _load()}
    if not options.only:
        results["machine"] |= {"seconds": round(time.monotonic() - started), "load after": _load()}
    return results


def _machine() -> Json:
    node = subprocess.run(["node", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S607  (found on PATH)
    return {
        "date": _today(),
        "processors": len(os.sched_getaffinity(0)),
        "processor": f"{platform.machine()} {platform.system()}",
        "Python": platform.python_version(),
        "botocore": botocore.__version__,
        "Node.js": node,
        "load before": _load(),
    }


def _today() -> str:
    return time.strftime("%Y-%m-%d")


def _load() -> float:
    return round(os.getloadavg()[0], 1)


def main() -> int:
    """Measure, write, and print the goals; the exit code is 0 even if one is missed, since machines differ."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--report", action="store_true", help="measure nothing, write the report anew")
    arguments.add_argument("--only", metavar="PART", nargs="+", default=[], help="measure these parts alone")
    arguments.add_argument("--rounds", type=int, default=3, help="of the newsletter mix (default 3)")
    arguments.add_argument("--cold-starts", type=int, default=15, help="of each contender (default 15)")
    arguments.add_argument("--growth", type=int, default=1_000_000, help="notifications of the longest run")
    arguments.add_argument("--rows", type=int, default=100_000, help="rows written and read in bulk")
    arguments.add_argument("--checks", type=int, default=200, help="POST /check of 1,000 addresses")
    arguments.add_argument("--changes", type=int, default=10_000, help="records of the stream told of")
    arguments.add_argument("--list-rows", type=int, default=100_000, help="rows imported, exported and checked")
    arguments.add_argument("--long-list-rows", type=int, default=1_000_000, help="rows read, and imported in part")
    arguments.add_argument("--long-list-seconds", type=int, default=120, help="for how long they are imported")
    arguments.add_argument("--messages", type=int, default=200, help="messages end to end, one by one")
    arguments.add_argument("--burst", type=int, default=500, help="messages end to end, as fast as possible")
    options = arguments.parse_args()
    if not options.report:
        results = measure(options)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    report.write(json.loads(RESULTS.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
