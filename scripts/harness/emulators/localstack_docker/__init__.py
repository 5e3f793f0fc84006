"""LocalStack in Docker, by pytest-docker and ``compose.yaml`` beside this file.

Each run has a compose project of its own. A file in the run's folder names it, so that :func:`remove` can bring it down
from another process, also after the run was killed.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_docker.plugin import DockerComposeExecutor, Services

from harness.errors import HarnessError, tail

COMPOSE_FILE = Path(__file__).with_name("compose.yaml")
IMAGE = "localstack/localstack:4.14.0"

RECORD = "docker.json"
"""The file in a run's folder that names its compose project and engine."""

_ASK_SECONDS = 120  # a busy engine takes its time; one that is gone says so at once
_LOG_SECONDS = 10
_EDGE_PORT = 4566


class NoEngineError(HarnessError):
    """There is no Docker engine that can be used here; the message is a clause that says why."""


class EngineGoneError(HarnessError):
    """The engine that a run's containers are on does not answer, so they can't be removed."""

    def __init__(self, endpoint: str, project: str) -> None:
        """Name the engine's endpoint and the compose project of the containers."""
        super().__init__(
            f"The Docker engine at {endpoint} does not answer, so the containers of compose project {project} can't be "
            "removed. Start the engine and try again, or forget them with `make clean`."
        )
        self.endpoint = endpoint
        self.project = project


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers on a Unix socket of this machine, and has compose."""

    endpoint: str
    """Such as ``unix:///var/run/docker.sock``."""
    socket: str
    """The same socket's path as containers must mount it."""


def find_engine() -> Engine:
    """Return the engine that the ``docker`` command uses: that of ``DOCKER_HOST``, ``DOCKER_CONTEXT`` or the context.

    Raises:
        NoEngineError: there is none, or it can't be used.
    """
    if shutil.which("docker") is None:
        raise NoEngineError("there is no `docker` command")
    asked = _ask("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    if asked.returncode:
        raise NoEngineError(f"`docker context inspect` fails ({_last_line(asked)})")
    endpoint = asked.stdout.strip()
    if not endpoint.startswith("unix://"):
        raise NoEngineError(
            f"the Docker engine is at {endpoint}; it must be on a local Unix socket, because a remote engine "
            "publishes ports on its own machine"
        )
    asked = _ask("docker", "--host", endpoint, "info", "--format", "{{.OperatingSystem}}")
    if not answers(endpoint):
        # Only then: a warning about the user's own settings may say so too.
        if "permission denied" in asked.stderr:
            raise NoEngineError(f"you may not use the Docker engine at {endpoint} (permission denied)")
        raise NoEngineError(f"no Docker engine answers at {endpoint}")
    if _ask("docker", "compose", "version").returncode:
        raise NoEngineError("the `docker` command has no compose plugin")
    return Engine(endpoint, mounted_socket(endpoint, sys.platform, asked.stdout))


def mounted_socket(endpoint: str, platform: str, operating_system: str) -> str:
    """Return the path by which containers can mount an engine's socket.

    It is the endpoint's, unless the engine runs in a virtual machine: there it is the usual one, whatever path leads to
    it from this machine (Docker Desktop, and every engine on macOS). ``platform`` is as in :data:`sys.platform`,
    ``operating_system`` as in ``docker info``.
    """
    virtual = platform == "darwin" or "Docker Desktop" in operating_system
    return "/var/run/docker.sock" if virtual else endpoint.removeprefix("unix://")


def answers(endpoint: str) -> bool:
    """Return whether an engine answers at this endpoint."""
    return _ask("docker", "--host", endpoint, "version").returncode == 0


def provide_image(engine: Engine) -> str:
    """Return the image to run, ``LOCALSTACK_IMAGE`` or else :data:`IMAGE`, once the engine has it.

    Raises:
        HarnessError: it has not, and can't pull it.
    """
    image = os.environ.get("LOCALSTACK_IMAGE") or IMAGE
    if _ask("docker", "--host", engine.endpoint, "image", "inspect", image).returncode:
        print(f"Pulling {image} (only once) …", flush=True)
        quiet = [] if sys.stdout.isatty() else ["--quiet"]
        pulled = subprocess.run(
            ["docker", "--host", engine.endpoint, "pull", *quiet, image],
            stdout=None if sys.stdout.isatty() else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if pulled.returncode:
            raise HarnessError(
                f"{image} is not on the Docker engine at {engine.endpoint} and could not be pulled "
                f"({_last_line(pulled)}). Connect the engine to its registry, or choose EMULATOR=embedded or "
                "localstack-process."
            )
    return image


@dataclass(frozen=True)
class LocalStack:
    """A running LocalStack container. Make one with :meth:`start`."""

    endpoint_url: str
    folder: Path
    _project: "_Project"
    _log: subprocess.Popen[bytes]

    @property
    def state(self) -> dict[str, str]:
        """Return what :func:`remove` needs in another process."""
        return {"folder": str(self.folder)}

    @classmethod
    def start(cls, engine: Engine, folder: Path) -> "LocalStack":
        """Start a container and wait until it is healthy. Its log is written to ``emulator.log`` in the folder.

        Raises:
            HarnessError: its image is missing, or it did not become healthy.
        """
        image = provide_image(engine)
        digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
        project = _Project(f"healthy-mailing-{digest}", engine.endpoint)
        # Before it exists: so that it can be found if this process is killed.
        (folder / RECORD).write_text(json.dumps(asdict(project)))
        settings = folder / "compose.env"
        settings.write_text(f"DOCKER_SOCKET={engine.socket}\n")
        words = ("docker", "--host", engine.endpoint, "compose", "--ansi", "never", "--env-file", str(settings))
        compose = DockerComposeExecutor(shlex.join(words), str(COMPOSE_FILE), project.name)
        log = folder / "emulator.log"
        try:
            compose.execute("up --wait")
            port = Services(compose).port_for("localstack", _EDGE_PORT)
            (container,) = ask(engine.endpoint, "ps", "--quiet", "--filter", project.label)
            with log.open("wb") as stream:
                follower = subprocess.Popen(  # it ends when the container is removed
                    ["docker", "--host", engine.endpoint, "logs", "--follow", container],
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for the harness, and a detached container's log goes on
                )
        except BaseException as error:
            log.write_bytes(compose.execute("logs --no-color --no-log-prefix", success_codes=range(256)))
            project.remove(folder)
            # pytest-docker raises nothing more precise.
            if isinstance(error, Exception):
                raise HarnessError(f"{image} did not start (its log: {log}):\n{tail(str(error))}") from error
            raise
        return cls(f"http://127.0.0.1:{port}", folder, project, follower)

    def detach(self) -> None:
        """Let it live on when this process ends; :func:`remove` ends it then."""
        # The process that writes its log is left on purpose; without this Python warns that it was.
        self._log.returncode = 0

    def stop(self) -> None:
        """Remove the container and what belongs to it; its log stays."""
        self._project.remove(self.folder)
        try:
            self._log.wait(_LOG_SECONDS)
        except subprocess.TimeoutExpired:
            self._log.kill()
            self._log.wait()


def remove(folder: Path) -> None:
    """Remove the containers, network and volumes of the run in this folder, if it has any left.

    Raises:
        EngineGoneError: its engine does not answer.
        HarnessError: the engine refused to remove something.
    """
    try:
        project = _Project(**json.loads((folder / RECORD).read_text()))
    except (OSError, ValueError):  # ValueError: killed while it was written, before there was a container
        return
    project.remove(folder)


@dataclass(frozen=True)
class _Project:
    """A run's compose project, and the endpoint of the engine that has its containers."""

    name: str
    endpoint: str

    @property
    def label(self) -> str:
        """Return the filter that finds what belongs to it."""
        return f"label=com.docker.compose.project={self.name}"

    def remove(self, folder: Path) -> None:
        """Remove what is left of it, then the run's record of it. Raises as :func:`remove`."""
        if not answers(self.endpoint):
            raise EngineGoneError(self.endpoint, self.name)
        # LocalStack's Lambda containers are on the project's network but not of the project, and nobody else removes
        # them when it is killed. It goes first, so that it starts no more of them.
        for own in (self.label, f"network={self.name}_default"):
            self._remove(ask(self.endpoint, "ps", "--all", "--quiet", "--filter", own), "rm", "--force", "--volumes")
        for kind in ("network", "volume"):
            self._remove(ask(self.endpoint, kind, "ls", "--quiet", "--filter", self.label), kind, "rm")
        (folder / RECORD).unlink(missing_ok=True)  # gone if somebody removed build/

    def _remove(self, ids: list[str], *command: str) -> None:
        if not ids:
            return
        removed = _ask("docker", "--host", self.endpoint, *command, *ids)
        # Another process may be removing it too.
        if removed.returncode and "No such" not in removed.stderr and "already in progress" not in removed.stderr:
            raise HarnessError(f"`docker {' '.join([*command, *ids])}` failed:\n{tail(removed.stderr)}")


def ask(endpoint: str, *arguments: str) -> list[str]:
    """Return the words that ``docker`` prints with these arguments.

    Raises:
        HarnessError: it failed.
    """
    asked = _ask("docker", "--host", endpoint, *arguments)
    if asked.returncode:
        raise HarnessError(f"`docker {' '.join(arguments)}` failed: {_last_line(asked)}")
    return asked.stdout.split()


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _last_line(process: subprocess.CompletedProcess[str]) -> str:
    return (process.stderr.strip().splitlines() or ["nothing"])[-1]
