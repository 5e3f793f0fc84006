"""However a run ends, nothing of it stays; and a run that lives is left alone."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness import emulator, paths, run_folder, stack
from harness.commands import up
from harness.emulator import Emulator
from harness.emulators import localstack_docker
from harness.stack import Stack
from harness.terraform import Terraform
from support.eventually import eventually
from support.functions import create, lambda_client

from .test_container import SOURCE, project_of

Docker = Callable[..., list[str]]

# Starts LocalStack in a run's folder under RUNS, says where, and waits to be killed.
HOLDER = """
import sys, threading
from pathlib import Path
from harness import emulator, paths, run_folder
paths.RUNS = Path(sys.argv[1])
with run_folder.kept_on_failure("held") as folder, emulator.running("localstack-docker", folder) as started:
    print(folder, started.endpoint_url, flush=True)
    threading.Event().wait()
"""


def left_of(docker: Docker, project: str) -> list[str]:
    """Return the ids of a project's containers, those of its functions too, and of its networks and volumes."""
    label, network = f"label=com.docker.compose.project={project}", f"network={project}_default"
    return [
        *docker("ps", "--all", "--quiet", "--filter", label),
        *docker("ps", "--all", "--quiet", "--filter", network),
        *docker("network", "ls", "--quiet", "--filter", label),
        *docker("volume", "ls", "--quiet", "--filter", label),
    ]


def end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with process:  # closes its output
        process.send_signal(number)  # nothing happens if it has ended


@pytest.fixture
def held_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs, for a test alone."""
    monkeypatch.setattr(paths, "RUNS", folder)
    return folder


@pytest.fixture
def hold(held_runs: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], Path]]]:
    """Start a run in another process, with a function's container; return the process and the run's folder."""
    started = []

    def start() -> tuple[subprocess.Popen[str], Path]:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(held_runs)],
            env={**os.environ, "PYTHONPATH": str(paths.ROOT / "scripts")},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(holder)
        assert holder.stdout
        holder.stdout.readline()  # which emulator
        folder, endpoint_url = holder.stdout.readline().split()
        assert create(lambda_client(endpoint_url), SOURCE)("x").payload == "x"
        return holder, Path(folder)

    yield start
    for each in started:
        end(each, signal.SIGINT)


def test_what_a_killed_run_left_goes_with_the_next_and_a_live_run_stays(
    hold: Callable[[], tuple[subprocess.Popen[str], Path]], docker: Docker
) -> None:
    killed, folder = hold()
    alive, other = hold()
    project, others = project_of(folder), project_of(other)
    assert len(left_of(docker, project)) >= 4  # LocalStack, counted twice, its function, the network

    end(killed, signal.SIGKILL)
    assert left_of(docker, project)
    before = left_of(docker, others)
    with run_folder.kept_on_failure("next"):
        assert left_of(docker, project) == []
        assert not folder.exists()
        assert left_of(docker, others) == before

    end(alive, signal.SIGINT)
    assert left_of(docker, others) == []


def test_an_engine_that_is_gone_is_tried_again_by_the_next_run(
    hold: Callable[[], tuple[subprocess.Popen[str], Path]], docker: Docker
) -> None:
    holder, folder = hold()
    end(holder, signal.SIGKILL)
    record = folder / localstack_docker.RECORD
    told = json.loads(record.read_text())
    record.write_text(json.dumps({**told, "endpoint": f"unix://{folder}/gone.sock"}))

    (error,) = run_folder.sweep()
    assert str(error).startswith(f"The Docker engine at unix://{folder}/gone.sock does not answer")
    assert folder.exists()

    record.write_text(json.dumps(told))
    assert run_folder.sweep() == []
    assert left_of(docker, told["name"]) == []


@pytest.fixture
def up_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Run `make up` or `make down`, for which Terraform alone is left out; return what it prints."""

    def apply(on: Emulator, variables: Mapping[str, Any], folder: Path) -> Stack:
        del variables
        outputs = {"topic_arn": "arn:topic", "queue_url": "http://queue", "table_name": "mailing"}
        terraform = Terraform(Path("terraform"), "Terraform", "1.11.4")
        return Stack(on, "mailing-1", folder / "terraform", terraform, outputs)

    monkeypatch.setattr(paths, "BUILD", folder)
    monkeypatch.setattr(paths, "UP", folder / "up")
    monkeypatch.setattr(stack, "apply", apply)
    monkeypatch.setenv("EMULATOR", "localstack-docker")

    def run(command: str) -> str:
        output = io.StringIO()
        getattr(up, command)(Console(file=output, width=160))
        return output.getvalue()

    yield run
    run("down")


def test_up_names_a_log_that_is_there_and_down_leaves_nothing(up_here: Callable[[str], str], docker: Docker) -> None:
    explained = up_here("up")
    log = paths.UP / "emulator.log"
    assert os.path.relpath(log) in explained
    eventually(lambda: "Ready." in log.read_text())
    project = project_of(paths.UP)
    assert left_of(docker, project)

    assert "Removed the stack and the emulator" in up_here("down")

    assert left_of(docker, project) == []
    assert not paths.UP.exists()


def test_down_cleans_up_after_a_container_that_vanished(up_here: Callable[[str], str], docker: Docker) -> None:
    up_here("up")
    project = project_of(paths.UP)
    eventually(lambda: (paths.UP / "emulator.log").read_text() != "")
    docker("rm", "--force", *docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={project}"))
    assert (paths.UP / "emulator.log").read_text()  # what it said before

    assert "had already stopped" in up_here("down")

    assert left_of(docker, project) == []


def test_what_an_interrupted_up_left_is_removed_by_the_next(up_here: Callable[[str], str], docker: Docker) -> None:
    up_here("up")
    project = project_of(paths.UP)
    (paths.UP / "state.json").unlink()  # which is written last

    assert "Nothing is up" in up_here("down")

    assert left_of(docker, project) == []
    assert not paths.UP.exists()


def test_a_detached_container_outlives_its_starter(folder: Path) -> None:
    script = HOLDER.split("paths.RUNS", maxsplit=1)[0] + (
        "server = emulator.start('localstack-docker', Path(sys.argv[1]))\n"
        "server.detach()\n"
        "print(server.emulator.endpoint_url)"
    )
    endpoint_url = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(folder)],
        env={**os.environ, "PYTHONPATH": str(paths.ROOT / "scripts")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.split()[-1]
    assert emulator.answers(endpoint_url)
    emulator.stop_detached({"folder": str(folder)})
    assert not emulator.answers(endpoint_url)
