"""Invoke one contender with events, as Lambda would, and write down what each invocation took.

    python -m bench.worker CONTENDER EVENTS WARM_UP RESULT

Runs in a process of its own. EVENTS holds one event a line; after the first WARM_UP of them the stand-in is reset and
measuring begins. RESULT becomes JSON: ``wall`` and ``cpu`` seconds of each invocation, decoding of the event included,
and ``peak`` memory in bytes.
"""

import importlib
import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def load(contender: str) -> Any:
    """Return a contender's handler."""
    if contender == "project":
        return importlib.import_module("feedback").handler
    return getattr(importlib.import_module("bench.contenders"), contender)()


def main() -> None:
    """Measure."""
    contender, events, warm_up, result = sys.argv[1:]
    handler = load(contender)
    context = SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 600_000)
    wall: list[float] = []
    cpu: list[float] = []
    with Path(events).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number == int(warm_up):
                urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_bench/reset").close()  # noqa: S310  (loopback)
                wall, cpu = [], []
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            answer = handler(json.loads(line), context)
            wall_end, cpu_end = time.perf_counter(), time.process_time()
            if answer and answer["batchItemFailures"]:
                raise RuntimeError("the stand-in refused a write")
            wall.append(wall_end - wall_start)
            cpu.append(cpu_end - cpu_start)
    # Not getrusage's ru_maxrss: it begins at the memory of the process that started this one.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    Path(result).write_text(json.dumps({"wall": wall, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
