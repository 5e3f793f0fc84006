"""Choosing an emulator. What a Docker engine has a part in is tested on one, in tests/localstack_docker."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from harness import emulator
from harness.emulators import localstack_docker, localstack_process
from harness.errors import HarnessError


@pytest.fixture(autouse=True)
def no_choice_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMULATOR", raising=False)


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without the ``docker`` command, and without any other on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(
    ("variable", "argument", "expected"),
    [
        ("", None, "embedded"),  # on every machine: nothing asks for a Docker engine
        ("localstack-process", None, "localstack-process"),
        ("localstack-process", "embedded", "embedded"),
        ("http://127.0.0.1:4566/", None, "http://127.0.0.1:4566"),
        ("https://localhost.localstack.cloud:4566", None, "https://localhost.localstack.cloud:4566"),
    ],
)
def test_an_argument_chooses_else_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, argument: str | None, expected: str
) -> None:
    monkeypatch.setenv("EMULATOR", variable)
    assert emulator.choose(argument).name == expected


@pytest.mark.parametrize("asked", ["auto", "moto", "127.0.0.1:4566", "Embedded"])
def test_another_choice_is_refused_with_the_alternatives(asked: str) -> None:
    alternatives = r"Choose embedded, localstack \(.*\), localstack-docker, localstack-process, or the URL"
    with pytest.raises(HarnessError, match=f"EMULATOR is '{asked}'. {alternatives}"):
        emulator.choose(asked)


@pytest.mark.usefixtures("no_docker")
def test_localstack_without_docker_is_a_process_and_says_why() -> None:
    chosen = emulator.choose("localstack")
    assert chosen.name == "localstack-process"
    assert "because there is no `docker` command" in str(chosen)
    with pytest.raises(
        HarnessError, match=r"EMULATOR is localstack-docker, but there is no `docker` command. Fix that"
    ):
        emulator.choose("localstack-docker")


@pytest.mark.usefixtures("no_docker")
def test_localstack_without_docker_and_a_python_ends_in_one_line_with_the_alternatives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(localstack_process, "ENVIRONMENT", tmp_path / "not-installed")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.delenv("LOCALSTACK_PYTHON", raising=False)
    with pytest.raises(HarnessError, match=r"without Docker needs Python .* EMULATOR=embedded or the URL") as raised:
        emulator.start("localstack", tmp_path / "run")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("platform", "operating_system", "expected"),
    [
        ("linux", "Debian GNU/Linux 13 (trixie)", "/run/user/1000/docker.sock"),
        # Engines in a virtual machine: containers find the socket where it is there.
        ("linux", "Docker Desktop", "/var/run/docker.sock"),
        ("darwin", "Docker Desktop", "/var/run/docker.sock"),
        ("darwin", "Ubuntu 24.04.3 LTS", "/var/run/docker.sock"),  # colima
    ],
)
def test_the_socket_that_containers_mount(platform: str, operating_system: str, expected: str) -> None:
    endpoint = "unix:///run/user/1000/docker.sock"
    assert localstack_docker.mounted_socket(endpoint, platform, operating_system) == expected


def test_a_record_that_was_not_finished_is_that_of_no_container(tmp_path: Path) -> None:
    (tmp_path / localstack_docker.RECORD).write_text('{"proj')
    localstack_docker.remove(tmp_path)


def test_a_url_where_nothing_answers_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        url = f"http://127.0.0.1:{closed_soon.getsockname()[1]}"
    with pytest.raises(HarnessError, match=f"No AWS emulator answers at EMULATOR={url}. Start it") as raised:
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
