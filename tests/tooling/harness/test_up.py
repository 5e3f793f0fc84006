"""`make up` and `make down` on the real embedded emulator; only Terraform is left out."""

import fcntl
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import emulator, paths, stack
from harness.commands import up
from harness.emulator import Emulator
from harness.errors import HarnessError
from harness.stack import Stack
from harness.terraform import TerraformError
from support.held import printed, without_terraform


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("EMULATOR", "embedded")
    without_terraform(monkeypatch, tmp_path)
    yield
    printed("down")


def endpoint_url() -> str:
    state = json.loads((paths.UP / "state.json").read_text())
    return str(state["environment"]["AWS_ENDPOINT_URL"])


def test_up_says_how_to_use_it_and_down_ends_it() -> None:
    explained = printed("up")
    assert emulator.answers(endpoint_url())
    for expected in (f"export AWS_ENDPOINT_URL={endpoint_url()}", "arn:topic", "http://queue", "mailing", "make down"):
        assert expected in explained
    url = endpoint_url()
    assert printed("down") == f"Removed the stack and the emulator at {url}.\n"
    assert not emulator.answers(url)
    assert not paths.UP.exists()


def test_up_suggests_commands_of_the_command_line_and_has_an_identity_that_sends() -> None:
    explained = printed("up")
    suggested = re.findall(r"^scripts/mailing (.+)$", explained, re.MULTILINE)
    assert suggested == list(up.examples("mailing-1@example.com"))
    assert "export MAILING_TABLE=mailing\nexport MAILING_NAME=mailing-1\n" in explained
    (identity,) = emulator.running_at(endpoint_url()).client("sesv2").list_email_identities()["EmailIdentities"]
    assert (identity["IdentityName"], identity["SendingEnabled"]) == ("mailing-1@example.com", True)


def test_up_twice_leaves_one_emulator_and_says_that_it_is_up() -> None:
    printed("up")
    url = endpoint_url()
    again = printed("up")
    assert again.startswith("It is already up")
    assert f"export AWS_ENDPOINT_URL={url}" in again
    assert endpoint_url() == url


def test_down_without_up_is_harmless() -> None:
    assert printed("down") == "Nothing is up.\n"


@pytest.mark.parametrize(("command", "said"), [("up", "export AWS_ENDPOINT_URL="), ("down", "had already stopped")])
def test_an_emulator_that_died_is_cleaned_up_after(command: str, said: str) -> None:
    printed("up")
    dead = endpoint_url()
    emulator.stop_detached(json.loads((paths.UP / "state.json").read_text())["emulator"])
    assert said in printed(command)
    assert not paths.UP.exists() or endpoint_url() != dead


def test_up_removes_what_a_killed_run_left() -> None:
    killed = paths.RUNS / "demo-1"
    killed.mkdir(parents=True)
    (killed / "lock").touch()
    printed("up")
    assert not killed.exists()


def test_what_an_interrupted_up_left_does_not_disturb_the_next(tmp_path: Path) -> None:
    (tmp_path / "up" / "emulator").mkdir(parents=True)
    printed("up")
    assert emulator.answers(endpoint_url())


def test_a_failed_apply_leaves_no_emulator_and_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Emulator] = []

    def fail(on: Emulator, variables: Mapping[str, Any], folder: Path) -> Stack:
        del variables, folder
        seen.append(on)
        raise TerraformError("no")

    monkeypatch.setattr(stack, "apply", fail)
    with pytest.raises(TerraformError):
        printed("up")
    assert not emulator.answers(seen[0].endpoint_url)
    assert not paths.UP.exists()


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(HarnessError, match="Another `make up` or `make down` is running here"):
            printed("up")
