"""A change of the delivery mode on a live stack."""

import itertools
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.emulator import Emulator
from harness.stack import applied
from support import ses

from .conftest import QUICK, Deployed, eventually

# With a stack of its own, it need not wait for the others.
pytestmark = pytest.mark.xdist_group("switch")


@pytest.fixture
def switched(emulator: Emulator, zip_path: Path, tmp_path: Path) -> Iterator[Deployed]:
    """A stack in direct mode whose mode a test may change."""
    variables = {**QUICK, "delivery": "direct", "package": {"path": str(zip_path)}}
    with applied(emulator, variables, tmp_path) as stack:
        yield Deployed(stack)
    assert stack.leftovers() == []


@contextmanager
def publishing(deployed: Deployed) -> Iterator[list[str]]:
    """Publish a bounce to an address of its own, over and over, and give the growing list of addresses."""
    label = uuid.uuid4().hex[:12]
    addresses: list[str] = []
    stop = threading.Event()

    def publish() -> None:
        for number in itertools.count():
            address = f"{number}-{label}@example.com"
            deployed.publish(ses.text(ses.bounce(address)))
            addresses.append(address)
            if stop.wait(0.1):
                return

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield addresses
    finally:
        stop.set()
        thread.join()


def test_a_change_of_delivery_and_back_loses_nothing(switched: Deployed) -> None:
    with publishing(switched) as addresses:
        for change in (
            {"delivery": "queue"},
            {"delivery": "direct", "queue": {"keep": True}},
            {"delivery": "direct", "queue": {"keep": False}},
        ):
            switched.stack.change(change)
            before = len(addresses)
            eventually(lambda before=before: len(addresses) > before, expected=True)  # type: ignore[misc]

    assert len(addresses) > 20
    eventually(lambda: set(switched.states(*addresses).values()), {"disable"}, seconds=60)
