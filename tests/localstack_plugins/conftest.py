"""LocalStack as a local process, driven through its HTTP API as its users do."""

from collections.abc import Callable, Iterator

import pytest

from harness.emulators import localstack_process
from harness.emulators.launched import Launched
from support.functions import Function, create, lambda_client


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    started = localstack_process.start(tmp_path_factory.mktemp("localstack"))
    yield started
    started.stop()


@pytest.fixture
def function(localstack: Launched) -> Callable[..., Function]:
    """Create a function from the source of its handler and, say, ``Timeout`` or ``MemorySize``."""
    client = lambda_client(localstack.endpoint_url)
    return lambda source, **settings: create(client, source, **settings)
