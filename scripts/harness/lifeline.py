"""A process that ends with the one that started it, however that one ends.

The starter holds the other end of standard input open. It closes when the starter ends, even by ``kill -9``. (Linux's
parent-death signal would not do: it goes by the thread that started the process, and threads come and go.)

    python -I lifeline.py COMMAND ARGUMENT…

gives one to a command that has none, such as Terraform. When it closes, or on SIGTERM or SIGINT, the command gets
a SIGINT, which Terraform takes as "stop cleanly". If it takes longer than 30 seconds, it is killed with everything that
it started. Its output and exit status are passed on.

This file needs nothing but the standard library, and is also installed into LocalStack's environment.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

DETACH = "detach\n"
"""What a starter writes to let the process outlive it."""

_STOP_SECONDS = 30


def watch(end: Callable[[], object]) -> None:
    """Call ``end``, in a thread of its own, once the starter is gone; never if it wrote :data:`DETACH`.

    Standard input is empty from here on, for this process and for those that it starts.
    """
    lifeline = os.dup(sys.stdin.fileno())  # which no child inherits
    with Path(os.devnull).open() as empty:
        os.dup2(empty.fileno(), sys.stdin.fileno())

    def wait() -> None:
        # Not through a file object: as the interpreter ends, it would wait for this thread to let go of that.
        if os.read(lifeline, len(DETACH)) != DETACH.encode():
            end()

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Run the command that the arguments name, and exit as it does."""
    asked, ask = os.pipe()
    os.set_blocking(ask, False)
    # Signals write to the pipe themselves: Python would not run a handler for one that comes just before wait() blocks.
    signal.set_wakeup_fd(ask)
    # Before the command starts, so that no signal is lost and it inherits none that is ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    watch(lambda: os.write(ask, b"\0"))
    process = subprocess.Popen(sys.argv[1:], start_new_session=True)
    threading.Thread(target=_stop, args=(process, asked), daemon=True).start()
    status = process.wait()
    # Terraform's provider is a process of its own.
    _kill_group(process)
    sys.exit(status if status >= 0 else 128 - status)


def _stop(process: subprocess.Popen[bytes], asked: int) -> None:
    # Once: at the second SIGINT, Terraform abandons what it is doing.
    os.read(asked, 1)
    process.send_signal(signal.SIGINT)
    time.sleep(_STOP_SECONDS)
    _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
