"""The container that the compose file describes, and what runs in it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import emulator
from harness.emulator import Emulator
from harness.emulators import localstack_docker
from harness.emulators.localstack_docker import Engine
from harness.errors import HarnessError
from support.eventually import eventually
from support.functions import create

Docker = Callable[..., list[str]]
LocalStack = tuple[Emulator, Path]

SOURCE = """
def handler(event, context):
    return event
"""


def project_of(folder: Path) -> str:
    project: str = json.loads((folder / localstack_docker.RECORD).read_text())["name"]
    return project


def inspected(docker: Docker, folder: Path, field: str) -> str:
    (container,) = docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={project_of(folder)}")
    return " ".join(docker("inspect", "--format", field, container))


def test_runs_whose_folders_have_one_name_do_not_meet(localstack: LocalStack, runs: Path) -> None:
    """As those of pytest-xdist's workers and of two checkouts do."""
    shared, folder = localstack
    with emulator.running("localstack-docker", runs / "elsewhere" / folder.name) as other:
        assert other.endpoint_url != shared.endpoint_url
        shared.client("sns").create_topic(Name="only-here")
        assert other.client("sns").list_topics()["Topics"] == []
    assert shared.client("sns").list_topics()["Topics"] != []


def test_it_serves_every_service_that_the_modules_use(localstack: LocalStack) -> None:
    """A list of services in the compose file would be strict."""
    on = localstack[0]
    assert on.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert on.client("kms").create_key()["KeyMetadata"]["KeyId"]
    assert on.client("dynamodb").list_tables()["TableNames"] == []


def test_it_is_reached_on_loopback_alone(localstack: LocalStack, docker: Docker) -> None:
    assert localstack[0].endpoint_url.startswith("http://127.0.0.1:")
    ports = json.loads(inspected(docker, localstack[1], "{{json .NetworkSettings.Ports}}"))
    assert {each["HostIp"] for each in ports["4566/tcp"]} == {"127.0.0.1"}


def test_a_function_for_arm64_runs_on_this_machine_s_engine(localstack: LocalStack) -> None:
    """In a container that LocalStack starts on the engine whose socket it was given."""
    function = create(localstack[0], SOURCE, Architectures=["arm64"])
    answer = function({"is": "echoed"})
    assert (answer.error, answer.payload) == (None, {"is": "echoed"})
    assert not localstack[0].functions_reach_loopback
    assert "START RequestId" in answer.log


def test_the_socket_of_the_engine_in_use_is_mounted(localstack: LocalStack, docker: Docker, engine: Engine) -> None:
    mounts = json.loads(inspected(docker, localstack[1], "{{json .HostConfig.Mounts}}"))
    mounted = {each["Target"]: each["Source"] for each in mounts}
    assert mounted == {"/var/run/docker.sock": engine.socket}


def test_a_socket_that_is_not_there_is_refused_and_not_made_a_folder(
    folder: Path, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = folder / "missing.sock"
    monkeypatch.setenv("DOCKER_SOCKET", str(missing))
    with pytest.raises(HarnessError, match=r"did not start \(its log: .*emulator.log\)"):
        emulator.start("localstack-docker", folder / "run")
    assert not missing.exists()
    assert not (folder / "run" / localstack_docker.RECORD).exists()
    assert not any("missing.sock" in each for each in docker("ps", "--all", "--format", "{{.Mounts}}", "--no-trunc"))


def test_the_log_is_there_while_it_runs(localstack: LocalStack) -> None:
    path = localstack[1] / "emulator.log"
    eventually(lambda: "Ready." in path.read_text())  # LocalStack is healthy a moment before it says so
    log = path.read_text()
    assert "\x1b[2K" not in log  # compose erases a line before each of its own
    assert not log.startswith("localstack-1")
