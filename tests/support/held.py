"""Emulators that another process started, and ``make up`` with all but Terraform."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness import paths, stack
from harness.commands import up
from harness.emulator import Emulator
from harness.stack import Stack
from harness.terraform import Terraform

OUTPUTS = {"topic_arn": "arn:topic", "queue_url": "http://queue", "table_name": "mailing"}

# Starts an emulator in a run's folder, says where they are, and waits to be killed.
_HELD = """
import sys, threading
from pathlib import Path
from harness import emulator, paths, run_folder
paths.RUNS = Path(sys.argv[2])
with run_folder.kept_on_failure("held") as folder, emulator.running(sys.argv[1], folder) as started:
    print(folder, started.endpoint_url, flush=True)
    threading.Event().wait()
"""
_DETACHED = """
import sys
from pathlib import Path
from harness import emulator
started = emulator.start(sys.argv[1], Path(sys.argv[2]))
started.detach()
print(started.emulator.endpoint_url)
"""
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(paths.ROOT / "scripts")}


def held(choice: str, runs: Path) -> tuple[subprocess.Popen[str], Path, str]:
    """Start a process that runs an emulator in a folder below ``runs``; return it, the folder and the endpoint."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HELD, choice, str(runs)],
        env=_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    process.stdout.readline()  # which emulator
    folder, endpoint_url = process.stdout.readline().split()
    return process, Path(folder), endpoint_url


def detached(choice: str, folder: Path) -> str:
    """Return the endpoint of an emulator that was started and left by a process that has ended."""
    command = [sys.executable, "-W", "error", "-c", _DETACHED, choice, str(folder)]
    done = subprocess.run(command, env=_ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.split()[-1]


def without_terraform(monkeypatch: pytest.MonkeyPatch, build: Path) -> None:
    """Give ``make up`` a build folder of its own, and Terraform that applies at once."""

    def apply(on: Emulator, variables: Mapping[str, Any], folder: Path) -> Stack:
        del variables
        terraform = Terraform(Path("terraform"), "Terraform", "1.11.4")
        return Stack(on, "mailing-1", folder / "terraform", terraform, OUTPUTS)

    monkeypatch.setattr(paths, "BUILD", build)
    monkeypatch.setattr(paths, "UP", build / "up")
    monkeypatch.setattr(paths, "RUNS", build / "runs")
    monkeypatch.setattr(stack, "apply", apply)


def printed(command: str) -> str:
    """Run ``up`` or ``down``, and return what it prints."""
    output = io.StringIO()
    getattr(up, command)(Console(file=output, width=200))
    return output.getvalue()
