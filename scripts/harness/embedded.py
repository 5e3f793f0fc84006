"""The embedded emulator: ministack as a child process on a free loopback port. See :mod:`harness.launcher`."""

import contextlib
import os
import select
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from harness.errors import HarnessError, tail

LAUNCHER = Path(__file__).with_name("launcher.py")
CONTROL_PATH = "/_harness/"  # answered by the launcher, see there

_START_SECONDS = 60
_STOP_SECONDS = 10


class Embedded:
    """A running embedded emulator. Make one with :meth:`start`."""

    def __init__(self, process: subprocess.Popen[str], endpoint_url: str, folder: Path) -> None:
        """Take over a launcher that reported its port."""
        self._process = process
        self.endpoint_url = endpoint_url
        self.folder = folder

    @classmethod
    def start(cls, folder: Path) -> "Embedded":
        """Start the emulator with IAM enforced and wait until it answers.

        Its log and its temporary files lie in ``folder``. It lives as long as this process and no longer, unless
        :meth:`detach` is called.

        Raises:
            HarnessError: it did not start; the message holds the end of its log.
        """
        temporary = folder / "emulator"
        temporary.mkdir(parents=True)
        log = folder / "emulator.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                # -I: neither PYTHONPATH nor the user's own packages reach the emulator or the Lambda worker.
                [sys.executable, "-I", str(LAUNCHER), str(temporary)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env=_environment(temporary),
                # Ctrl-C is for the harness, which then stops the emulator after Terraform.
                start_new_session=True,
            )
        try:
            port = _reported_port(process)
        except BaseException:
            _end(process)
            raise
        if port is None:
            _end(process)
            raise HarnessError(f"The embedded emulator did not start; the end of {log}:\n{tail(log.read_text())}")
        return cls(process, f"http://127.0.0.1:{port}", temporary)

    def detach(self) -> None:
        """Let the emulator live on when this process ends; :func:`stop` ends it then."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("detach\n")
        self._process.stdin.close()
        self._process.stdout.close()
        # It is left on purpose; without this Python warns that it was.
        self._process.returncode = 0

    def stop(self) -> None:
        """End the emulator, its Lambda workers and its temporary files."""
        _end(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)  # left if it had to be killed


def answers(endpoint_url: str, folder: Path) -> bool:
    """Return whether the emulator at this address is the one that :meth:`Embedded.start` began in this folder."""
    return _control("GET", endpoint_url, folder)


def stop(endpoint_url: str, folder: Path) -> None:
    """End a detached emulator; nothing happens when another process, or none, has its port.

    Raises:
        HarnessError: it still answers after 10 seconds.
    """
    _control("DELETE", endpoint_url, folder)
    deadline = time.monotonic() + _STOP_SECONDS
    while answers(endpoint_url, folder) or folder.exists():
        if time.monotonic() > deadline:
            if not answers(endpoint_url, folder):  # it died without its last step
                return
            raise HarnessError(f"The emulator at {endpoint_url} does not stop.")
        time.sleep(0.05)


def _control(method: str, endpoint_url: str, folder: Path) -> bool:
    request = urllib.request.Request(f"{endpoint_url}{CONTROL_PATH}{folder.parent.name}", method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return bool(response.read().decode() == str(folder))
    except (urllib.error.URLError, OSError):
        return False


def _environment(folder: Path) -> dict[str, str]:
    """Return all of the launcher's environment, which its Lambda workers inherit: nothing of the user's but PATH."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),  # no ~/.aws
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "AUTH": "true",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        # Off: both listen on fixed ports.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It removes containers that an earlier ministack left, whoever's they are.
        "DOCKER_HOST": "unix:///nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _reported_port(process: subprocess.Popen[str]) -> int | None:
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
    line = process.stdout.readline().strip() if readable else ""
    return int(line) if line else None


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
