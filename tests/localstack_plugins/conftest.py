"""LocalStack as a local process, driven through its HTTP API as its users do."""

import io
import json
import uuid
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from harness import localstack_process
from harness.launched import Launched
from support.eventually import eventually

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient

_CONFIG = Config(proxies={}, retries={"total_max_attempts": 1}, max_pool_connections=20)
_ARGUMENTS: dict[str, Any] = {
    "region_name": "us-east-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
    "config": _CONFIG,
}


def lambda_client(endpoint_url: str) -> "LambdaClient":
    return boto3.client("lambda", endpoint_url=endpoint_url, **_ARGUMENTS)


def dynamodb_client(endpoint_url: str) -> "DynamoDBClient":
    return boto3.client("dynamodb", endpoint_url=endpoint_url, **_ARGUMENTS)


def zipped(source: str) -> bytes:
    """Return a zip with this text as ``app.py``."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", source)
    return content.getvalue()


@dataclass(frozen=True)
class Answer:
    """What an invocation came to."""

    payload: Any
    error: str | None
    """None, or ``Unhandled``."""
    log: str


@dataclass(frozen=True)
class Function:
    """A function in LocalStack."""

    client: "LambdaClient"
    name: str

    def __call__(self, event: Any = None) -> Answer:
        """Invoke it."""
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event).encode(), LogType="Tail")
        log = b64decode(answer["LogResult"]).decode()
        return Answer(json.loads(answer["Payload"].read()), answer.get("FunctionError"), log)

    def update(self, source: str) -> None:
        """Give it another ``app.py``."""
        self.client.update_function_code(FunctionName=self.name, ZipFile=zipped(source))
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until the last change is made. Raise ValueError, with LocalStack's reason, if it can't be."""

        def state() -> tuple[str, str | None]:
            now = self.client.get_function_configuration(FunctionName=self.name)
            if now["State"] == "Failed":
                raise ValueError(now["StateReason"])
            return now["State"], now.get("LastUpdateStatus")  # there once it was active

        eventually(state, ("Active", "Successful"))


def create(client: "LambdaClient", source: str, **settings: Any) -> Function:
    """Create a function whose handler is ``handler`` in this source, and wait until it is active."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    settings = {"Runtime": "python3.13", "Timeout": 60, **settings}
    client.create_function(
        FunctionName=name,
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/test",
        Code={"ZipFile": zipped(source)},
        **settings,
    )
    created = Function(client, name)
    created.wait_until_ready()
    return created


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


# First: where these tests are named on the command line, xdist would otherwise look for groups before.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one worker process, so that they share one LocalStack."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("localstack_process"))
