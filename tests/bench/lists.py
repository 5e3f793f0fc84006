"""Long lists through the program itself: how long its commands take, and how much memory, whatever the length.

Each command runs in a process of its own, against AWS's stand-in.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import processes
from bench.processes import StandIn
from bench.worker import peak_bytes
from harness.polling import until

_LONG = 24 * 60 * 60.0  # seconds


def measure(rows: Sequence[int], table: StandIn, folder: Path) -> list[dict[str, Any]]:
    """Return what each command took, with each number of rows."""
    return [found for count in rows for found in _commands(count, table, folder)]


def _commands(rows: int, table: StandIn, folder: Path) -> list[dict[str, Any]]:
    """Import bounces, twice, export what that makes, and check addresses, of which half bounced."""
    bounces, addresses, exported = folder / "bounces.csv", folder / "addresses.txt", folder / "exported"
    with bounces.open("w") as file:
        file.write("status,reason,email,created\n")
        file.writelines(f"5.1.1,550 no such user,b{each}@example.com,{1_700_000_000 + each}\n" for each in range(rows))
    addresses.write_text("".join(f"b{2 * each}@example.com\n" for each in range(rows)))
    options = (str(bounces), "--as", "sendgrid-bounces", "--yes")
    table.ask("reset")
    found = []
    for name, ends, arguments in (
        ("import --dry-run", 0, ("import", *options, "--dry-run")),
        ("import", 0, ("import", *options)),
        ("import, repeated", 0, ("import", *options)),
        ("export as ndjson", 0, ("export", "--format", "ndjson", "--output", str(exported))),
        ("export as csv", 0, ("export", "--format", "csv", "--output", str(exported))),
        ("check", 1, ("check", str(addresses))),  # half of them may not be mailed
    ):
        found.append({"command": name, "rows": rows} | _mailing(table, folder, ends, *arguments))
    if table.ask("size") != rows:
        sys.exit("error: the table lacks rows")
    return found


def _mailing(table: StandIn, folder: Path, ends: int, *arguments: str) -> dict[str, float]:
    """Run the program, which must end so, and return seconds of wall and CPU time and the peak of resident memory."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "healthy_mailing_cli", *arguments]
    with (
        (folder / "out").open("w+") as out,
        subprocess.Popen(
            command, env=processes.environment(table.endpoint_url), stdout=out, stderr=subprocess.STDOUT
        ) as process,
    ):
        peak = 0

        def has_ended() -> bool:
            nonlocal peak
            peak = max(peak, peak_bytes(process.pid))
            return process.poll() is not None

        until(has_ended, _LONG)
    if process.returncode != ends:
        sys.exit(f"error: mailing {' '.join(arguments)}: {(folder / 'out').read_text()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": time.monotonic() - start,
        "CPU seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak MB": peak / 1e6,
    }
