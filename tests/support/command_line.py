"""The program ``mailing``, run as a user runs it: in a process of its own, with or without a terminal."""

import atexit
import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from harness import paths

PROGRAM = [sys.executable, "-m", "healthy_mailing_cli"]


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[Any]:
        """What it printed, as JSON line by line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Mailing:
    """The program, with the environment that says where AWS is and who calls, and the table of a stack."""

    environment: Mapping[str, str]
    table: str
    options: list[str] = field(default_factory=list)
    folder: Path = paths.ROOT
    actions: Path | None = None

    def __call__(self, command: str, *arguments: str | bytes, stdin: str | bytes = b"") -> Ran:
        """Run a command without a terminal; the table is named."""
        request = {
            "arguments": [*map(os.fsdecode, (command, *arguments)), "--table", self.table, *self.options],
            "environment": self.whole_environment(),
            "folder": str(self.folder),
            "actions": str(self.actions or ""),
        }
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin.encode() if isinstance(stdin, str) else stdin)
            given.seek(0)
            server = _server()
            line = json.dumps(request).encode() + b"\n"
            sent = socket.send_fds(server, [line], [each.fileno() for each in (given, out, err)])
            server.sendall(line[sent:])
            code = int(server.recv(16))
            for each in (out, err):
                each.seek(0)
            return Ran(code, out.read().decode(), err.read().decode())

    def noting(self, actions: Path) -> "Mailing":
        """Return the same, but each command appends the IAM actions of its requests to a file, a line each."""
        return replace(self, actions=actions)

    def started(self, command: str, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command, to be interrupted."""
        return subprocess.Popen(
            [*PROGRAM, command, *arguments, "--table", self.table, *self.options],
            env=self.whole_environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def at_a_terminal(self, command: str, *arguments: str, answer: str = "", width: int = 80) -> Ran:
        """Run a command at a terminal of so many columns, type an answer, and return all that it shows."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        try:
            with subprocess.Popen(
                [*PROGRAM, command, *arguments, "--table", self.table, *self.options],
                env=self.whole_environment() | {"TERM": "xterm"},
                cwd=self.folder,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
            ) as process:
                os.close(theirs)
                os.write(ours, answer.encode())
                shown = b""
                with suppress(OSError):  # which is how a terminal says that its other end was closed
                    while chunk := os.read(ours, 65536):
                        shown += chunk
        finally:
            os.close(ours)
        return Ran(process.returncode, shown.decode(errors="replace"), "")

    def whole_environment(self) -> dict[str, str]:
        """Return what a command's process gets: the given, and else this process's own."""
        return {**_own_environment(), **self.environment}


def _own_environment() -> dict[str, str]:
    # As a user's: a terminal's width is not that of the one who runs the tests.
    own = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "FORCE_COLOR"}}
    return {**own, "PYTHONPATH": f"{paths.ROOT / 'scripts'}:{paths.ROOT / 'function'}"}


@cache
def _server() -> socket.socket:
    """Start what runs the commands. It ends with this process, however that ends: the connection closes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    own = _own_environment()
    environment = {**own, "PYTHONPATH": f"{paths.ROOT / 'tests'}:{own['PYTHONPATH']}"}
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("forked.py"), str(theirs.fileno())],
        env=environment,
        cwd=paths.ROOT,
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # so that Ctrl-C in the tests' terminal does not reach a command
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
