"""Long lists through the program itself: how long its commands take, and how much memory, whatever the length.

    python -m bench.lists ROWS LONG SECONDS

Runs ``mailing`` in processes of its own against ``AWS_ENDPOINT_URL`` and prints JSON, by command:

- ``import`` of ROWS rows, killed half-way (SIGKILL), and the same command again, until all of them are in the table;
- ``export`` of what that left, as NDJSON and as CSV, and ``check`` of ROWS addresses;
- ``import --dry-run`` of LONG rows, ten of each address, and ``import`` of them into a table that forgets what is
  written. Of that, at most SECONDS are measured, in two parts: memory at the end, and at half of that time, tells
  whether it grows.

Megabytes are the process's peak of resident memory, as Linux counts it.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.processes import StandIn
from harness.polling import until

_LONG = 24 * 60 * 60.0
_CALLER = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/bench</Arn><UserId>A</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
_FUNCTION = b'{"FunctionName": "mailing-feedback", "Environment": {"Variables": {"TABLE_NAME": "mailing"}}}'


class _Aws(BaseHTTPRequestHandler):
    """What an import asks of AWS beside the table: who calls, and by which rules the function decides."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(_CALLER)

    def do_GET(self) -> None:
        self._answer(_FUNCTION)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _aws() -> Iterator[dict[str, str]]:
    """Answer for a ``with`` block, and give the environment that says where."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Aws) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield {**os.environ, "AWS_ENDPOINT_URL_STS": url, "AWS_ENDPOINT_URL_LAMBDA": url}
        server.shutdown()


@dataclass(frozen=True)
class Ran:
    """What a run of the program took, and said; None as its exit code if it was killed."""

    code: int | None
    seconds: float
    cpu: float
    megabytes: float
    out: str

    def told(self, rows: int) -> dict[str, Any]:
        return {
            "rows": rows,
            "seconds": round(self.seconds, 1),
            "cpu": round(self.cpu, 1),
            "megabytes": round(self.megabytes),
        }


@dataclass(frozen=True)
class Bench:
    """The program's environment, the table, and a folder for files."""

    environment: dict[str, str]
    table: StandIn
    folder: Path

    def mailing(self, *arguments: str, seconds: float = _LONG, enough: Callable[[], bool] = lambda: False) -> Ran:
        """Run the program; it is killed after some seconds, or once it did enough."""
        start, before = time.monotonic(), _cpu_of_children()
        command = [sys.executable, "-m", "healthy_mailing_cli", *arguments]
        with (
            (self.folder / "out").open("w+") as out,
            subprocess.Popen(command, env=self.environment, stdout=out, stderr=subprocess.STDOUT) as process,
        ):
            peak = 0.0

            def ended() -> bool:
                nonlocal peak
                peak = max(peak, _peak_megabytes(process.pid))
                return process.poll() is not None or enough()

            if not until(ended, seconds) or process.poll() is None:
                process.send_signal(signal.SIGKILL)
            code = process.wait()
            out.seek(0)
            took = time.monotonic() - start, _cpu_of_children() - before
            return Ran(None if code == -signal.SIGKILL else code, *took, peak, out.read())


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_megabytes(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


def _bounces(path: Path, rows: int, of_an_address: int = 1) -> None:
    with path.open("w") as file:
        file.write("status,reason,email,created\n")
        file.writelines(
            f"5.1.1,550 no such user,b{each // of_an_address}@example.com,{1_700_000_000 + each}\n"
            for each in range(rows)
        )


def _noted(path: Path) -> int:
    """Return of how many rows an import has noted that they are in the table."""
    try:
        return int(json.loads(path.with_name(f"{path.name}.progress").read_text())["rows"])
    except (OSError, ValueError):
        return 0


def measure(bench: Bench, rows: int, long: int, seconds: float) -> dict[str, Any]:
    """Return what each command took."""
    found: dict[str, Any] = {}
    path, addresses = bench.folder / "bounces.csv", bench.folder / "addresses.txt"
    _bounces(path, rows)
    addresses.write_text("".join(f"b{2 * each}@example.com\n" for each in range(rows)))
    options = ("--as", "sendgrid-bounces", "--yes", "--json")

    first = bench.mailing("import", str(path), *options, enough=lambda: _noted(path) >= rows // 2)
    noted = _noted(path)
    found["import, killed half-way"] = first.told(noted)
    rest = bench.mailing("import", str(path), *options)
    found["import, the rest"] = rest.told(rows - noted)
    (said,) = [json.loads(line) for line in rest.out.splitlines() if line.startswith("{")]
    _expect(first.code is None and rest.code == 0 and said["rows"] == rows, rest.out)
    _expect(sum(said["addresses"].values()) == rows and said["addresses"]["importedBefore"] == noted, rest.out)
    _expect(bench.table.ask("size") == rows, "the table lacks rows")

    for form in ("ndjson", "csv"):
        target = bench.folder / f"all.{form}"
        ran = bench.mailing("export", "--format", form, "--output", str(target))
        found[f"export as {form}"] = ran.told(rows)
        with target.open("rb") as file:
            lines = sum(1 for _ in file)
        _expect(ran.code == 0 and lines == rows + (form == "csv"), ran.out)
        target.unlink()
    ran = bench.mailing("check", str(addresses))
    found["check"] = ran.told(rows)
    _expect(ran.code == 1, ran.out)  # half of them may not be mailed

    bench.table.ask("forget")
    _bounces(path, long, of_an_address=10)
    ran = bench.mailing("import", str(path), *options, "--dry-run")
    found["import --dry-run"] = ran.told(long)
    _expect(ran.code == 0, ran.out)
    for part in (1, 2):  # the second goes on behind the first
        before = _noted(path)
        ran = bench.mailing("import", str(path), *options, seconds=seconds / 2)
        if ran.code == 0 and part == 1:
            found[f"import of {long:,} rows"] = ran.told(long)
            break
        found[f"import of {long:,} rows, part {part}"] = ran.told((long if ran.code == 0 else _noted(path)) - before)
    return found


def _expect(holds: bool, said: str) -> None:  # noqa: FBT001  (what holds)
    if not holds:
        sys.exit(f"error: the program did not do what is measured: {said[-2000:]}")


def main(arguments: Sequence[str]) -> None:
    """Measure, and print JSON."""
    rows, long, seconds = (int(each) for each in arguments)
    with tempfile.TemporaryDirectory() as folder, _aws() as environment:
        bench = Bench(environment, StandIn(os.environ["AWS_ENDPOINT_URL"]), Path(folder))
        sys.stderr.write(f"{json.dumps(measure(bench, rows, long, seconds))}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
