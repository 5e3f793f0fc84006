"""However LocalStack ends, nothing of it stays."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import emulator, paths
from harness.emulators import launched, localstack_process
from harness.emulators.launched import Launched
from support.eventually import eventually
from support.functions import create, lambda_client
from support.processes import runs

# Its handler has a child, as one that uses subprocess or multiprocessing.
SOURCE = """
import os, subprocess

def handler(event, context):
    return [os.getpid(), subprocess.Popen(["sleep", "600"]).pid]
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Launched]:
    emulator = localstack_process.start(tmp_path)
    yield emulator
    emulator.stop()


def workers(endpoint_url: str) -> list[int]:
    """Start an execution environment and return the ids of its processes."""
    answer = create(lambda_client(endpoint_url), SOURCE)()
    assert answer.error is None
    return [int(number) for number in answer.payload]


def running(processes: list[int]) -> list[int]:
    return [number for number in processes if runs(number)]


def stop(emulator: Launched) -> None:
    emulator.stop()


def stop_from_another_process(emulator: Launched) -> None:
    launched.stop(emulator.endpoint_url, emulator.folder)


def terminate(emulator: Launched) -> None:
    os.kill(emulator.process.pid, signal.SIGTERM)


def kill(emulator: Launched) -> None:
    os.kill(emulator.process.pid, signal.SIGKILL)


@pytest.mark.parametrize("end", [stop, stop_from_another_process, terminate, kill])
def test_no_process_outlives_localstack(started: Launched, end: Callable[[Launched], None]) -> None:
    processes = [started.process.pid, *workers(started.endpoint_url)]
    assert running(processes) == processes

    end(started)

    eventually(lambda: running(processes), [])


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    script = f"""
import pathlib, time
from harness.emulators import localstack_process

started = localstack_process.start(pathlib.Path({str(tmp_path)!r}))
print(started.process.pid, started.endpoint_url, flush=True)
time.sleep(600)
"""
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT / "scripts")}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    ) as starter:
        assert starter.stdout
        number, endpoint_url = starter.stdout.readline().split()
        processes = [int(number), *workers(endpoint_url)]
        assert running(processes) == processes
        starter.kill()

    eventually(lambda: running(processes), [])
    assert not (tmp_path / "emulator").exists()


def test_two_run_side_by_side(localstack: Launched, started: Launched) -> None:
    for each in (localstack, started):
        assert launched.answers(each.endpoint_url, each.folder)
        assert workers(each.endpoint_url)
    assert localstack.endpoint_url != started.endpoint_url


def test_its_functions_are_on_this_machine(tmp_path: Path) -> None:
    """So the end-to-end tests that put a proxy before DynamoDB run on it."""
    with emulator.running("localstack-process", tmp_path) as on:
        assert on.functions_reach_loopback
