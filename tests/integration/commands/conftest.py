"""A stack without Terraform for the commands of a file, in an emulator that they have to themselves."""

from collections.abc import Iterator

import pytest

from harness.emulator import Emulator, running
from support.hand_made import Filled, filled, hand_made


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The embedded emulator, which enforces IAM and has SES's list."""
    with running("embedded", tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture(scope="module")
def stack(emulator: Emulator) -> Filled:
    """A stack by hand; what is published is in its table at once."""
    return filled(hand_made(emulator))
