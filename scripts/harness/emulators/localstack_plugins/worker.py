"""A Lambda execution environment: one process that imports a handler once and serves one invocation after the other."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Empty

import psutil

from harness.emulators.localstack_plugins.runtime_api import Invocation, Outcome, RuntimeApi

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_CHECK_SECONDS = 0.02  # how often a busy worker's life, memory and time are looked at
_MEBIBYTE = 1024 * 1024


class Worker:
    """A process that serves a handler. :meth:`close` it when you are done."""

    def __init__(
        self, handler: str, code: Path, environment: Mapping[str, str], *, memory: int, start_timeout: float
    ) -> None:
        """Start the process for ``handler``, a ``module.function`` in the folder ``code``.

        With more resident memory than ``memory``, in MiB, it is killed. The handler's import may take ``start_timeout``
        seconds.
        """
        self.ended = False  # it takes no further invocation
        self._peak_memory = 0  # MiB
        self._memory = memory
        self._start_timeout = start_timeout
        self._initialised = False
        self._api = RuntimeApi()
        # A file, not a pipe: when the worker has answered, all that it wrote before is there.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        self._output_read = 0
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_BOOTSTRAP), handler],
            cwd=code,
            env={
                "PATH": os.defpath,
                "HOME": tempfile.gettempdir(),  # no ~/.aws
                "TMPDIR": tempfile.gettempdir(),
                "LANG": "en_US.UTF-8",
                **environment,
                "LAMBDA_TASK_ROOT": str(code),
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_port}",
            },
            stdin=subprocess.PIPE,  # held open: the worker ends when it closes
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its children can be killed with it
        )

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run the handler once; the first time, after its import.

        If the import fails, or the worker exits, is killed, or takes too much time or memory, the outcome is the error
        that Lambda answers with in that case, and the worker has ended.
        """
        try:
            if not self._initialised:
                failure = self._next_event(self._start_timeout)
                if failure:  # of the import; the runtime has said why
                    return self._ended_with(failure)
                self._initialised = True
            self._api.invocations.put(invocation)
            outcome = self._next_event(invocation.timeout)
            self._peak_memory = max(self._peak_memory, self._used_memory())
        except _EndedError as end:
            error_type, message = end.args
            error = {"errorType": error_type, "errorMessage": f"RequestId: {invocation.request_id} Error: {message}"}
            return self._ended_with(Outcome(json.dumps(error).encode(), is_error=True))
        assert outcome  # None comes once, and first
        return outcome

    def log(self, invocation: Invocation, outcome: Outcome, version: str, seconds: float) -> str:
        """Return what the handler wrote since the last call, between the lines that Lambda adds to a log stream."""
        size = os.fstat(self._output.fileno()).st_size
        # pread: the process writes at the file's offset, which it shares with us.
        content = os.pread(self._output.fileno(), size - self._output_read, self._output_read)
        self._output_read = size
        output = content.decode(errors="replace")
        if self.ended:
            output += f"{json.loads(outcome.payload)['errorMessage']}\n"
        elif output and not output.endswith("\n"):
            output += "\n"
        return (
            f"START RequestId: {invocation.request_id} Version: {version}\n"
            f"{output}"
            f"END RequestId: {invocation.request_id}\n"
            f"REPORT RequestId: {invocation.request_id}\tDuration: {seconds * 1000:.2f} ms\t"
            f"Memory Size: {self._memory} MB\tMax Memory Used: {self._peak_memory} MB\n"
        )

    def kill(self) -> None:
        """End the process and its children, from any thread; an invocation under way comes to an error."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the process and give back what it took."""
        with self._process:  # closes its standard input
            self.kill()
        self._api.close()
        self._output.close()

    def _ended_with(self, outcome: Outcome) -> Outcome:
        self.kill()
        self.ended = True
        return outcome

    def _next_event(self, timeout: float) -> Outcome | None:
        deadline = time.monotonic() + timeout
        while True:
            end = self._end()  # looked at before the events, for the process may leave one with its last breath
            try:
                return self._api.events.get(timeout=0 if end else _CHECK_SECONDS)
            except Empty:
                if end:
                    raise _EndedError("Runtime.ExitError", end) from None
            if time.monotonic() > deadline:
                raise _EndedError("Sandbox.Timedout", f"Task timed out after {timeout:.2f} seconds")

    def _end(self) -> str | None:
        """Return how the process ended, in Lambda's words; None while it runs within its memory."""
        status = self._process.poll()
        if status is None:
            used = self._used_memory()
            self._peak_memory = max(self._peak_memory, used)
            if used <= self._memory:
                return None
            status = -signal.SIGKILL  # what Lambda's kernel does then
        if status == 0:
            return "Runtime exited without providing a reason"
        if status > 0:
            return f"Runtime exited with error: exit status {status}"
        return f"Runtime exited with error: signal: {(signal.strsignal(-status) or str(-status)).lower()}"

    def _used_memory(self) -> int:
        try:
            resident = int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.NoSuchProcess:  # another thread killed it
            return 0
        return resident // _MEBIBYTE


class _EndedError(Exception):
    """The worker came to an end without an answer. Its arguments are type and message of Lambda's error."""
