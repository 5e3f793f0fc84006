"""Run a command that must not outlive the process that started it.

    python -I guard.py COMMAND ARGUMENT…

Standard input is a pipe that the caller holds open. When it closes (the caller ended, even by ``kill -9``) or on
SIGTERM or SIGINT, the command is asked to stop with SIGINT, which Terraform takes as "stop cleanly", and killed with
everything it started if it takes longer than 30 seconds. Its output and exit status are passed on.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

_STOP_SECONDS = 30


def main() -> None:
    """Run the command that the arguments name, and exit as it does."""
    asked = threading.Event()
    started: list[subprocess.Popen[bytes]] = []

    def ask_to_stop(*_: object) -> None:
        # Once: at the second SIGINT, Terraform abandons what it is doing.
        if not asked.is_set():
            asked.set()
            for each in started:
                _stop(each)

    def watch_caller() -> None:
        sys.stdin.buffer.read()
        ask_to_stop()

    # Before the command starts, so that no signal is lost and it inherits none that is ignored.
    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    started.append(process)
    if asked.is_set():
        _stop(process)
    threading.Thread(target=watch_caller, daemon=True).start()
    status = process.wait()
    # Terraform's provider is a process of its own.
    _kill_group(process)
    # Not a plain return: the thread that watches the caller still reads.
    os._exit(status if status >= 0 else 128 - status)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    timer = threading.Timer(_STOP_SECONDS, _kill_group, [process])
    timer.daemon = True
    timer.start()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
