"""LocalStack in Docker, by pytest-docker and ``tests/e2e/compose.yaml``."""

import os
import shutil
import subprocess
from pathlib import Path

from pytest_docker.plugin import DockerComposeExecutor, Services, get_docker_ip

from harness import paths
from harness.errors import HarnessError, tail

COMPOSE_FILE = paths.ROOT / "tests" / "e2e" / "compose.yaml"

_ENGINE_SECONDS = 10
_EDGE_PORT = 4566


def engine_answers() -> bool:
    """Return whether a Docker engine with compose can be used."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        for arguments in (["version"], ["compose", "version"]):
            subprocess.run([docker, *arguments], capture_output=True, timeout=_ENGINE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


class LocalStack:
    """A running LocalStack container. Make one with :meth:`start`."""

    def __init__(self, compose: DockerComposeExecutor, endpoint_url: str, log: Path) -> None:
        """Take over a project that is up."""
        self._compose = compose
        self._log = log
        self.endpoint_url = endpoint_url

    @classmethod
    def start(cls, project: str, folder: Path) -> "LocalStack":
        """Start the compose file's project under this name and wait until it is healthy.

        Raises:
            HarnessError: the container did not become healthy.
        """
        compose = DockerComposeExecutor("docker compose", str(COMPOSE_FILE), project)
        log = folder / "emulator.log"
        try:
            compose.execute("up --wait")
            endpoint_url = f"http://{get_docker_ip()}:{Services(compose).port_for('localstack', _EDGE_PORT)}"
        except BaseException as error:
            _remove(compose, log)
            # pytest-docker raises nothing more precise.
            if isinstance(error, Exception):
                image = os.environ.get("LOCALSTACK_IMAGE", "localstack/localstack:4.14.0")
                raise HarnessError(f"{image} did not start (its log: {log}):\n{tail(str(error))}") from error
            raise
        return cls(compose, endpoint_url, log)

    def stop(self) -> None:
        """Remove the container and what belongs to it; its log stays in the run's folder."""
        _remove(self._compose, self._log)


def remove(project: str, folder: Path) -> None:
    """Remove a project that another process started."""
    _remove(DockerComposeExecutor("docker compose", str(COMPOSE_FILE), project), folder / "emulator.log")


def _remove(compose: DockerComposeExecutor, log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(compose.execute("logs --no-color", success_codes=range(256)))
    compose.execute("down --volumes")
