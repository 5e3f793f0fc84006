"""Invoke one contender with events, as Lambda would, and write down what each invocation took.

    python -m bench.worker CONTENDER EVENTS WARM_UP RESULT

Runs in a process of its own. EVENTS holds one event a line; the first WARM_UP of them are not measured, and after them
the stand-in is reset. RESULT becomes JSON: ``wall`` and ``cpu`` seconds of each invocation, decoding of the event
included, and ``peak`` memory in bytes.
"""

import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

from bench import contenders


def peak_bytes(process: int | str = "self") -> int:
    """Return the most memory that a process has had; 0 if it has ended.

    Not getrusage's ru_maxrss: it begins at the memory of the process that started this one.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return int((status.partition("VmHWM:")[2].split() or ["0"])[0]) * 1024


def main() -> None:
    """Measure."""
    contender, events, warm_up, result = sys.argv[1:]
    handler = getattr(contenders, contender)()
    context = SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 600_000)
    wall: list[float] = []
    cpu: list[float] = []
    with Path(events).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            handler(json.loads(line), context)
            wall_end, cpu_end = time.perf_counter(), time.process_time()
            wall.append(wall_end - wall_start)
            cpu.append(cpu_end - cpu_start)
            if number == int(warm_up):
                urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_bench/reset").close()  # noqa: S310  (loopback)
                wall, cpu = [], []
    Path(result).write_text(json.dumps({"wall": wall, "cpu": cpu, "peak": peak_bytes()}))


if __name__ == "__main__":
    main()
