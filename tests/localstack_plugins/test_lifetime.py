"""However LocalStack ends, nothing of it stays."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import emulator
from harness.emulator import Emulator
from harness.emulators import launched, localstack_process
from harness.emulators.launched import Launched
from support.eventually import eventually
from support.functions import create
from support.held import held
from support.processes import runs

# Its handler has a child, as one that uses subprocess or multiprocessing.
SOURCE = """
import os, subprocess

def handler(event, context):
    return [os.getpid(), subprocess.Popen(["sleep", "600"]).pid]
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Launched]:
    localstack = localstack_process.start(tmp_path)
    yield localstack
    localstack.stop()


def workers(endpoint_url: str) -> list[int]:
    """Start an execution environment and return the ids of its processes."""
    answer = create(emulator.running_at(endpoint_url), SOURCE)()
    assert answer.error is None
    return [int(number) for number in answer.payload]


def running(processes: list[int]) -> list[int]:
    return [number for number in processes if runs(number)]


@pytest.mark.parametrize(
    "end",
    [
        lambda started: started.stop(),
        lambda started: launched.stop(started.endpoint_url, started.folder),
        lambda started: os.kill(started.process.pid, signal.SIGTERM),
        lambda started: os.kill(started.process.pid, signal.SIGKILL),
    ],
    ids=["stopped", "stopped by another process", "SIGTERM", "SIGKILL"],
)
def test_no_process_outlives_localstack(started: Launched, end: Callable[[Launched], None]) -> None:
    processes = [started.process.pid, *workers(started.endpoint_url)]
    assert running(processes) == processes

    end(started)

    eventually(lambda: running(processes), [])


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    starter, folder, endpoint_url = held("localstack-process", tmp_path)
    with starter:
        processes = workers(endpoint_url)
        assert running(processes) == processes
        starter.kill()

    eventually(lambda: running(processes), [])
    eventually(lambda: launched.answers(endpoint_url, folder / "emulator"), expected=False)
    eventually((folder / "emulator").exists, expected=False)


def test_two_run_side_by_side(localstack: Emulator, started: Launched) -> None:
    assert localstack.endpoint_url != started.endpoint_url
    for each in (localstack, started):
        assert workers(each.endpoint_url)


def test_its_functions_are_on_this_machine(localstack: Emulator) -> None:
    """So the end-to-end tests that put a proxy before DynamoDB run on it."""
    assert localstack.functions_reach_loopback
