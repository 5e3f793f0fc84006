"""However a run ends, nothing of it stays; and a run that lives is left alone."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import emulator, paths, run_folder
from harness.emulators import localstack_docker
from support.eventually import eventually
from support.functions import create
from support.held import detached, held, printed, without_terraform

from .test_container import SOURCE, project_of

Docker = Callable[..., list[str]]


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
def hold(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], tuple[subprocess.Popen[str], Path]]]:
    """Start a run in another process, with a function's container; return the process and the run's folder."""
    monkeypatch.setattr(paths, "RUNS", folder)
    started = []

    def start() -> tuple[subprocess.Popen[str], Path]:
        holder, run, endpoint_url = held("localstack-docker", folder)
        started.append(holder)
        assert create(emulator.running_at(endpoint_url), SOURCE)("x").payload == "x"
        return holder, run

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
    without_terraform(monkeypatch, folder)
    monkeypatch.setenv("EMULATOR", "localstack-docker")
    yield printed
    printed("down")


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
    endpoint_url = detached("localstack-docker", folder)
    assert emulator.answers(endpoint_url)
    emulator.stop_detached({"folder": str(folder)})
    assert not emulator.answers(endpoint_url)
