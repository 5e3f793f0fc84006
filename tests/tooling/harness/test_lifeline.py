"""A command with a guard must not outlive its starter, nor may what it started itself."""

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from harness import lifeline
from support.eventually import SECONDS, eventually
from support.processes import runs

GUARD = lifeline.__file__
# Like Terraform: starts a helper, and stops on the first SIGINT.
COMMAND = """
import signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # so that one which comes early is waited for too
deaf = "import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(600)"
helper = subprocess.Popen([sys.executable, "-c", deaf])
print(helper.pid, flush=True)
signal.sigwait([signal.SIGINT])
sys.exit(7)
"""


def started() -> tuple[subprocess.Popen[str], int]:
    """Return the guard, once its command has started a helper, and the helper's process id."""
    guard = subprocess.Popen(
        [sys.executable, "-I", GUARD, sys.executable, "-c", COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert guard.stdout
    return guard, int(guard.stdout.readline())


def close_standard_input(guard: subprocess.Popen[str]) -> None:
    assert guard.stdin
    guard.stdin.close()


@pytest.mark.parametrize(
    "stop",
    [
        close_standard_input,  # what the kernel does when the starter is killed
        lambda guard: guard.send_signal(signal.SIGTERM),
        lambda guard: guard.send_signal(signal.SIGINT),
    ],
    ids=["closed", "SIGTERM", "SIGINT"],
)
def test_the_command_is_stopped_cleanly_and_its_helper_with_it(
    stop: Callable[[subprocess.Popen[str]], None],
) -> None:
    guard, helper = started()
    with guard:
        stop(guard)
        assert guard.wait(SECONDS) == 7
    eventually(lambda: runs(helper), expected=False)


def test_the_command_has_nothing_to_read() -> None:
    """The guard's own standard input is open all the while."""
    program = "import sys; assert sys.stdin.read() == ''"
    with subprocess.Popen([sys.executable, "-I", GUARD, sys.executable, "-c", program], stdin=subprocess.PIPE) as guard:
        assert guard.wait(SECONDS) == 0
