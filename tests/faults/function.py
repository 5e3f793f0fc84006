"""The real zip as Lambda runs it: one invocation at a time in a process, which is killed if it does not answer."""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.table import TABLE

from .worker import READY

WORKER = Path(__file__).with_name("worker.py")

# The time that a call has begins once the handler is imported, as Lambda's does, and the function is told how much that
# is. Whether it keeps to it shows in what it does, not in how fast this machine is: it is killed only much later.
_PATIENCE = 120


class Function:
    """One instance of the function; a killed process is replaced at the next call, as Lambda does."""

    def __init__(  # noqa: PLR0913  (each is a fact of its own)
        self,
        package: Path,
        endpoint_url: str,
        log: Path,
        timeout: float = 30,
        *,
        handler: str = "feedback",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Run a zip against AWS's endpoint; its log goes to a file. ``timeout`` may be changed.

        Of the zip, the module ``handler`` is called, with these variables in its environment.
        """
        self.timeout = timeout
        self.log = log
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(package),
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "HANDLER": handler,
            **({"TABLE_NAME": TABLE} if variables is None else variables),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the worker's answer: ``answer``, or ``error`` where the call raised, died or took too long."""
        process = self._started()
        if process is None:
            return {"error": "Died"}
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(json.dumps({"event": event, "timeout": self.timeout}).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            self.kill()
            return {"error": "Died"}
        line = _line(process, self.timeout + _PATIENCE)
        if line is None or not line.endswith(b"\n"):
            self.kill()
            return {"error": "TimedOut" if line is None else "Died"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    @property
    def process_id(self) -> int | None:
        """Return the id of the process that there is now."""
        process = self._process
        return process.pid if process else None

    def kill(self) -> None:
        """Kill it, whatever it does."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                assert stream
                with contextlib.suppress(BrokenPipeError):  # it died with a part of an event unread
                    stream.close()

    def kill_outright(self) -> None:
        """Kill it from another thread, in the middle of a call."""
        if self._process:
            self._process.kill()

    def _started(self) -> subprocess.Popen[bytes] | None:
        """Return the process with the handler imported; None if it died before."""
        if self._process is None:
            with self.log.open("a") as log:
                self._process = subprocess.Popen(
                    [sys.executable, str(WORKER)],
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                )
            if _line(self._process, _PATIENCE) != READY.encode() + b"\n":
                self.kill()
        return self._process


def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """Return a line that a process wrote, cut off if it died meanwhile; None if there is none after this time."""
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], seconds)
    return process.stdout.readline() if readable else None
