"""LocalStack as a local process, driven through its HTTP API as its users do."""

from collections.abc import Callable, Iterator

import pytest

from harness import emulator
from harness.emulator import Emulator
from support.functions import Function, create


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator.running("localstack-process", tmp_path_factory.mktemp("localstack")) as started:
        yield started


@pytest.fixture
def function(localstack: Emulator) -> Callable[..., Function]:
    """Create a function from the source of its handler and, say, ``Timeout`` or ``MemorySize``."""
    return lambda source, **settings: create(localstack, source, **settings)
