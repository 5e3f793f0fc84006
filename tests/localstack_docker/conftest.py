"""LocalStack in Docker, on the engine of this machine; nothing stands in for it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import emulator, run_folder
from harness.emulator import Emulator
from harness.emulators import localstack_docker
from harness.emulators.localstack_docker import Engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    return localstack_docker.find_engine()


@pytest.fixture(scope="session")
def runs() -> Iterator[Path]:
    """A folder in which the next run finds the containers of this one if it is killed."""
    with run_folder.kept_on_failure("docker-tests") as folder:
        yield folder
        for each in folder.rglob(localstack_docker.RECORD):
            localstack_docker.remove(each.parent)


@pytest.fixture
def folder(runs: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own."""
    made: Path = runs / request.node.name
    made.mkdir()
    return made


@pytest.fixture(scope="session")
def localstack(runs: Path) -> Iterator[tuple[Emulator, Path]]:
    """A LocalStack that the tests share, and its run's folder."""
    with emulator.running("localstack-docker", runs / "shared") as started:
        yield started, runs / "shared"


@pytest.fixture(scope="session")
def docker(engine: Engine) -> Callable[..., list[str]]:
    """Ask the engine with arguments of the ``docker`` command; the answer's lines."""
    return lambda *arguments: localstack_docker.ask(engine.endpoint, *arguments)
