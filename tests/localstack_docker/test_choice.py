"""Which engine is used, and what is said where none can be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import emulator
from harness.emulators import localstack_docker, localstack_process
from harness.emulators.localstack_docker import Engine
from harness.errors import HarnessError

NOBODY = 65534


def test_localstack_is_in_docker_where_an_engine_answers(engine: Engine) -> None:
    for asked in ("localstack", "localstack-docker"):
        chosen = emulator.choose(asked)
        assert chosen.name == "localstack-docker"
        assert chosen.engine == engine
        assert engine.endpoint in str(chosen)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("PATH", "{folder}", "there is no `docker` command"),
        ("DOCKER_HOST", "unix://{folder}/none.sock", "no Docker engine answers at unix://{folder}/none.sock"),
        ("DOCKER_HOST", "tcp://127.0.0.1:2375", "the Docker engine is at tcp://127.0.0.1:2375; it must be on a local"),
        ("DOCKER_HOST", "ssh://build.example.com", "the Docker engine is at ssh://build.example.com; it must be on a"),
        ("DOCKER_CONFIG", "{folder}", "the `docker` command has no compose plugin"),
        ("DOCKER_CONTEXT", "no-such-context", "`docker context inspect` fails ("),
    ],
)
def test_an_engine_that_can_not_be_used_is_left_and_the_reason_said(  # noqa: PLR0913, PLR0917  (the columns of the table)
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str, reason: str
) -> None:
    # Where compose is installed for all users, a plugin of the user's own that fails comes before it.
    plugin = tmp_path / "cli-plugins" / "docker-compose"
    plugin.parent.mkdir()
    plugin.write_text("#!/bin/sh\nexit 1\n")
    plugin.chmod(0o755)
    if variable == "DOCKER_CONTEXT":
        monkeypatch.delenv("DOCKER_HOST", raising=False)  # which would win
    else:
        monkeypatch.setenv("DOCKER_HOST", engine.endpoint)
    monkeypatch.setenv(variable, value.format(folder=tmp_path))
    reason = reason.format(folder=tmp_path)

    chosen = emulator.choose("localstack")
    assert chosen.name == "localstack-process"
    assert f"because {reason}" in str(chosen)

    with pytest.raises(HarnessError) as raised:
        emulator.choose("localstack-docker")
    assert f"EMULATOR is localstack-docker, but {reason}" in str(raised.value)
    assert "\n" not in str(raised.value)


# Python 3.12 and later warn of a fork beside threads, of which this child uses none.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without permission")
def test_a_user_without_permission_is_told_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is asked by a child process that is nobody."""
    monkeypatch.setenv("DOCKER_HOST", engine.endpoint)
    monkeypatch.setenv("DOCKER_CONFIG", "/nonexistent")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chdir("/")
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            localstack_docker.find_engine()
        except HarnessError as error:
            os.write(writing, str(error).encode())
        finally:  # never on as a second pytest
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        assert answer.read() == f"you may not use the Docker engine at {engine.endpoint} (permission denied)"


def test_an_image_that_can_not_be_pulled_is_named_with_what_to_do(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCALSTACK_IMAGE", "127.0.0.1:1/no/such:image")
    with pytest.raises(HarnessError, match=r"could not be pulled \(.*\)\. .* EMULATOR=embedded") as raised:
        emulator.start("localstack-docker", folder)
    message = str(raised.value)
    assert message.startswith(f"127.0.0.1:1/no/such:image is not on the Docker engine at {engine.endpoint}")
    assert "\n" not in message
    assert capfd.readouterr().out == "Pulling 127.0.0.1:1/no/such:image (only once) …\n"
    assert list(folder.iterdir()) == []


def test_localstack_as_a_process_is_not_installed_where_docker_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(localstack_process, "ENVIRONMENT", tmp_path / "localstack-venv")
    emulator.prepare(emulator.choose("localstack"))
    assert list(tmp_path.iterdir()) == []


def test_make_e2e_says_which_emulator_it_takes(engine: Engine) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "EMULATOR"}
    said = subprocess.run(
        [sys.executable, "-m", "harness", "e2e", "--collect-only", "-q"],
        env={**environment, "PYTHONPATH": "scripts"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.startswith(
        f"End-to-end tests. Emulator: LocalStack in Docker (the engine at {engine.endpoint} answers).\n"
    )
    assert "tests/e2e/test_feedback.py" in said
    assert "tests/localstack_docker/test_choice.py" in said
