"""An emulator in a child process that lives as long as the harness, or until it is told to stop.

The child is a launcher. Its last argument is a folder for its files. It prints the port that it listens on once it
answers, and logs to standard error. It ends, and removes the folder, when its lifeline does
(:func:`harness.lifeline.watch`) and on ``DELETE /_harness/<name of the folder's parent>``; a GET there returns the
folder.
"""

import contextlib
import select
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import lifeline
from harness.errors import HarnessError, tail
from harness.polling import until

_START_SECONDS = 60
_STOP_SECONDS = 30


@dataclass(frozen=True)
class Launched:
    """A running emulator. Make one with :meth:`start`."""

    process: subprocess.Popen[str]
    endpoint_url: str
    folder: Path

    @property
    def state(self) -> dict[str, str]:
        """Return what :func:`stop` needs in another process."""
        return {"endpoint_url": self.endpoint_url, "folder": str(self.folder)}

    @classmethod
    def start(cls, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> "Launched":
        """Start a launcher with a new folder, and its log beside that, and wait until it answers.

        Raises:
            HarnessError: it did not start; the message holds the end of its log.
        """
        folder.mkdir(parents=True)
        log = folder.parent / "emulator.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [*command, str(folder)],
                stdin=subprocess.PIPE,  # its lifeline
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env=environment,
                # Ctrl-C is for the harness, which then stops the emulator after Terraform.
                start_new_session=True,
            )
        try:
            assert process.stdout
            readable, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
            port = process.stdout.readline().strip() if readable else ""
        except BaseException:
            _end(process)
            raise
        if not port:
            _end(process)
            raise HarnessError(f"The emulator did not start; the end of {log}:\n{tail(log.read_text())}")
        return cls(process, f"http://127.0.0.1:{port}", folder)

    def detach(self) -> None:
        """Let the emulator live on when this process ends; :func:`stop` ends it then."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(lifeline.DETACH)
        self.process.stdin.close()
        self.process.stdout.close()
        # It is left on purpose; without this Python warns that it was.
        self.process.returncode = 0

    def stop(self) -> None:
        """End the emulator, its Lambda workers and its temporary files."""
        _end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)  # left if it was killed


def stop(endpoint_url: str, folder: Path) -> None:
    """End a detached emulator; nothing happens when another process, or none, has its port.

    Raises:
        HarnessError: it still answers after 30 seconds.
    """
    answers(endpoint_url, folder, "DELETE")
    gone = until(lambda: not answers(endpoint_url, folder) and not folder.exists(), _STOP_SECONDS)
    # One that died without its last step leaves the folder.
    if not gone and answers(endpoint_url, folder):
        raise HarnessError(f"The emulator at {endpoint_url} does not stop.")


def answers(endpoint_url: str, folder: Path, method: str = "GET") -> bool:
    """Return whether the emulator at this address is the one with this folder; method ``DELETE`` also ends it."""
    with contextlib.suppress(OSError):
        return fetch(f"{endpoint_url}/_harness/{folder.parent.name}", method) == str(folder).encode()
    return False


def fetch(url: str, method: str = "GET") -> bytes:
    """Return the body of an answer, asked for without the user's proxy.

    Raises:
        OSError: nothing answers within 5 seconds, or with an error.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, method=method), timeout=5) as response:
        return bytes(response.read())


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    assert process.stdout
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
