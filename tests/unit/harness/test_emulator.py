"""Choosing an emulator; a fake docker command stands in for the real one."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from harness import emulator, localstack, localstack_process
from harness.errors import HarnessError

AddDocker = Callable[[str], None]

ANSWERS = "exit 0"
NO_ENGINE = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"
NO_COMPOSE = 'if [ "$1" = compose ]; then exit 1; fi'


@pytest.fixture(autouse=True)
def no_choice_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EMULATOR", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def add_docker(tmp_path: Path) -> AddDocker:
    def add(script: str) -> None:
        program = tmp_path / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return add


@pytest.mark.parametrize(
    ("docker", "expected"),
    [(None, "embedded"), (NO_ENGINE, "embedded"), (NO_COMPOSE, "embedded"), (ANSWERS, "localstack")],
)
def test_auto_is_localstack_only_where_docker_answers(add_docker: AddDocker, docker: str | None, expected: str) -> None:
    if docker:
        add_docker(docker)
    assert emulator.choose() == emulator.choose("auto") == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("embedded", "embedded"),
        ("localstack", "localstack"),
        ("http://127.0.0.1:4566/", "http://127.0.0.1:4566"),
        ("https://localhost.localstack.cloud:4566", "https://localhost.localstack.cloud:4566"),
    ],
)
def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch, asked: str, expected: str) -> None:
    monkeypatch.setenv("EMULATOR", asked)
    assert emulator.choose() == expected


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR", "localstack")
    assert emulator.choose("embedded") == "embedded"


@pytest.mark.parametrize("asked", ["moto", "127.0.0.1:4566", "Embedded"])
def test_another_choice_is_refused_with_the_alternatives(asked: str) -> None:
    with pytest.raises(HarnessError, match=f"EMULATOR is '{asked}': choose auto, embedded, localstack, or the URL"):
        emulator.choose(asked)


@pytest.mark.parametrize("docker", [None, NO_ENGINE, NO_COMPOSE])
def test_localstack_without_an_engine_and_a_python_ends_in_one_line_with_the_alternatives(
    add_docker: AddDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker: str | None
) -> None:
    if docker:
        add_docker(docker)
    monkeypatch.setattr(localstack_process, "ENVIRONMENT", tmp_path / "not-installed")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.delenv("LOCALSTACK_PYTHON", raising=False)
    with pytest.raises(
        HarnessError, match=r"needs a Docker engine, or Python .* EMULATOR=embedded or the URL"
    ) as raised:
        emulator.start("localstack", tmp_path / "run")
    assert "\n" not in str(raised.value)


def test_localstack_is_started_on_the_port_that_compose_reports_and_removed(
    add_docker: AddDocker, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    add_docker(
        f'echo "$@" >> {calls}\ncase "$*" in *"port localstack 4566"*) echo 127.0.0.1:32768;; *) echo log;; esac'
    )
    with emulator.running("localstack", tmp_path / "run-1") as started:
        assert started.endpoint_url == "http://127.0.0.1:32768"
        assert (started.name, started.enforces_iam, started.simulates_ses) == ("localstack", False, False)
        assert started.client("sns").meta.endpoint_url == "http://127.0.0.1:32768"
    projects = [call for call in calls.read_text().splitlines() if str(localstack.COMPOSE_FILE) in call]
    assert [call.split(" -p healthy-mailing-run-1 ")[1] for call in projects] == [
        "up --wait",
        "port localstack 4566",
        "logs --no-color",
        "down --volumes",
    ]
    assert (tmp_path / "run-1" / "emulator.log").read_text() == "log\n"


def test_a_container_that_does_not_become_healthy_is_removed_and_its_log_named(
    add_docker: AddDocker, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    add_docker(f'echo "$@" >> {calls}\ncase "$*" in *"up --wait"*) echo "no such image"; exit 1;; esac')
    with pytest.raises(
        HarnessError, match=r"localstack/localstack:4.14.0 did not start .*emulator.log(.|\n)*no such image"
    ):
        emulator.start("localstack", tmp_path / "run")
    assert calls.read_text().endswith("down --volumes\n")


def test_a_url_where_nothing_answers_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        url = f"http://127.0.0.1:{closed_soon.getsockname()[1]}"
    with pytest.raises(HarnessError, match=f"No AWS emulator answers at EMULATOR={url}: start it") as raised:
        emulator.start(url, tmp_path)
    assert "\n" not in str(raised.value)


def test_a_url_of_another_web_server_is_refused(tmp_path: Path, serve: Callable[[bytes | None, str], str]) -> None:
    with pytest.raises(HarnessError, match=r"No AWS emulator answers"):
        emulator.start(serve(None, ""), tmp_path)


IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::000000000000:root</Arn><UserId>root</UserId><Account>000000000000</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


@pytest.mark.parametrize(
    ("health", "enforces_iam", "simulates_ses"),
    [
        ({"auth": "enabled"}, True, True),  # ministack with AUTH=true
        ({"auth": "disabled"}, False, True),  # ministack
        ({"services": {"sns": "available"}, "edition": "community"}, False, False),  # LocalStack
        (None, False, False),  # moto, which has no such page
    ],
)
def test_what_an_emulator_at_a_url_can_do_follows_from_its_health_page(
    tmp_path: Path,
    serve: Callable[[bytes | None, str], str],
    health: dict[str, str] | None,
    enforces_iam: bool,  # noqa: FBT001  (a column of the table)
    simulates_ses: bool,  # noqa: FBT001  (as above)
) -> None:
    url = serve(IDENTITY, json.dumps(health) if health else "not found")
    found = emulator.start(url, tmp_path).emulator
    assert (found.name, found.enforces_iam, found.simulates_ses, found.disposable) == (
        "url",
        enforces_iam,
        simulates_ses,
        False,
    )
    assert found.limits


def test_the_users_aws_configuration_does_not_reach_an_emulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, serve: Callable[[bytes | None, str], str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://production.example.com")
    url = serve(IDENTITY, "")
    client = emulator.start(url, tmp_path).emulator.client("sts")
    assert client.meta.endpoint_url == url
    assert client.get_caller_identity()["Account"] == "000000000000"


@pytest.fixture
def serve() -> Iterator[Callable[[bytes | None, str], str]]:
    """Serve one answer to POST (404 if None) and one to GET on a free port, and return its address."""
    servers = []

    def start(post: bytes | None, get: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            answers: ClassVar = {"POST": post, "GET": get.encode()}

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                content = self.answers[self.command]
                self.send_response(404 if content is None else 200)
                self.end_headers()
                self.wfile.write(content or b"")

            do_POST = do_GET = answer  # noqa: N815  (the names that http.server looks for)

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
