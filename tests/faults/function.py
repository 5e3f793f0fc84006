"""The real zip as Lambda runs it: one invocation at a time in a process that is killed at its timeout."""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("worker.py")


class Function:
    """One instance of the function; a killed process is replaced at the next call, as Lambda does."""

    def __init__(self, package: Path, endpoint_url: str, log: Path, timeout: float = 30) -> None:
        """Run a zip against DynamoDB's endpoint; its log is added to a file."""
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
            "TABLE_NAME": "mailing",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the worker's answer: ``answer``, or ``error`` where the call raised, died or took too long."""
        process = self._started()
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(json.dumps({"event": event, "timeout": self.timeout}).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            self.kill()
            return {"error": "Died"}
        readable, _, _ = select.select([process.stdout], [], [], self.timeout)
        line = process.stdout.readline() if readable else b""
        if not line.endswith(b"\n"):
            self.kill()
            return {"error": "Died" if readable else "TimedOut"}
        answer: dict[str, Any] = json.loads(line)
        return answer

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

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            with self.log.open("a") as log:
                self._process = subprocess.Popen(
                    [sys.executable, str(WORKER)],
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                )
        return self._process
