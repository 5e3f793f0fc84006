"""One applied configuration, with the real root for each way of delivery in it, and nothing else (``both``)."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness import emulator as emulators
from harness import run_folder
from harness.emulator import Emulator, running
from harness.errors import HarnessError
from harness.stack import Stack, apply
from support.deployed import QUICK, Deployed, released

MODES = ("queue", "direct")
CALLER = Path(__file__).with_name("both")


def ses_of(mode: str) -> Mapping[str, Any]:
    """Return what module ses creates and points at the topic; an identity has one topic, so each way its own."""
    quiet = {"create": True, "delivery": False, "original_headers": True, "email_forwarding": False}
    return {
        "identities": {f"{mode}.example": {"create": True}, f"quiet@{mode}.example": quiet},
        "configuration_sets": {mode: {"create": True}},
    }


# Of the package, not the session: what is to be destroyed is while other processes still test.
@pytest.fixture(scope="package")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    # Where the next run finds what is left of this one if it is killed.
    with run_folder.kept_on_failure("e2e") as folder:
        with running(None, folder) as started:
            yield started
        log = folder / "emulator.log"
        if log.exists():  # one at a URL keeps its own
            shutil.copy(log, tmp_path_factory.mktemp("emulator"))


@pytest.fixture(scope="package")
def configuration(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The applied configuration. Destroying it leaves nothing."""
    # An emulator that passes on more than 10 messages at once waits for them.
    batches = {"batch_size": 100, "batching_window_seconds": 1} if emulator.large_batches else {}
    variables: dict[str, Any] = {**QUICK, "queue": {**QUICK["queue"], **batches}}
    if emulator.simulates_ses:  # LocalStack 4.14.0 lacks the API (v2) that module ses is made of
        variables["ses"] = {mode: ses_of(mode) for mode in MODES}
    stack = apply(emulator, variables, tmp_path_factory.mktemp("both"), CALLER)
    yield stack
    with released(stack):
        stack.destroy(refresh=False)  # what tests changed they changed back
    assert stack.leftovers() == [], "destroy left something behind"


@pytest.fixture(scope="package")
def deployments(configuration: Stack) -> Mapping[str, Deployed]:
    """The root's stack of each way of delivery."""
    return {
        mode: Deployed(
            replace(configuration, name=f"{configuration.name}-{mode}", outputs=configuration.outputs["all"][mode])
        )
        for mode in MODES
    }


@pytest.fixture(params=MODES)
def deployed(request: pytest.FixtureRequest, deployments: Mapping[str, Deployed]) -> Deployed:
    """A stack in each delivery mode."""
    return deployments[request.param]


@pytest.fixture
def queue_mode(deployments: Mapping[str, Deployed]) -> Deployed:
    return deployments["queue"]


@pytest.fixture
def direct_mode(deployments: Mapping[str, Deployed]) -> Deployed:
    return deployments["direct"]


@cache
def _able() -> Emulator | None:
    """Return what the chosen emulator can do; None if there is none, which the fixture says."""
    try:
        return emulators.kind(emulators.choose())
    except HarnessError:
        return None


def pytest_report_header() -> list[str]:
    """Say what a run on the chosen emulator leaves open."""
    able = _able()
    return [f"not proven on this emulator: {'; '.join(able.limits)}"] if able else []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the chosen emulator can't show (``needs``)."""
    here, able = Path(__file__).parent, _able()
    if able is None:
        return
    lacking = [
        item
        for item in items
        if here in item.path.parents
        and not all(getattr(able, each) for mark in item.iter_markers("needs") for each in mark.args)
    ]
    if lacking:
        config.hook.pytest_deselected(items=lacking)
        items[:] = [item for item in items if item not in lacking]
