"""The real zip in processes of its own, a proxy that does the faults, and an emulator's table that starts empty."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.emulator import Emulator
from support.table import TABLE, create_table
from tools import package

from . import database, oracle
from .function import Function
from .proxy import Proxy, proxied

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Functions = Callable[..., list[Function]]
Compare = Callable[[Sequence[str]], None]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with database.database(tmp_path_factory.mktemp("database")) as started:
        yield started


@pytest.fixture(scope="session")
def package_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package.build(tmp_path_factory.mktemp("package") / "healthy-mailing.zip")


@pytest.fixture
def client(emulator: Emulator) -> "DynamoDBClient":
    """A client of the emulator itself, past the proxy; the table is empty."""
    dynamodb = emulator.client("dynamodb")
    with suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.delete_table(TableName=TABLE)
    create_table(dynamodb)
    return dynamodb


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[Proxy]:
    with proxied(emulator.endpoint_url) as started:
        yield started


@pytest.fixture
def functions(client: "DynamoDBClient", proxy: Proxy, package_path: Path, tmp_path: Path) -> Iterator[Functions]:
    """Return functions that reach the empty table through the proxy: how many, and their timeout in seconds."""
    del client
    made: list[Function] = []
    numbers = itertools.count()

    def make(count: int = 1, timeout: float = 30) -> list[Function]:
        new = [
            Function(package_path, proxy.endpoint_url, tmp_path / f"{next(numbers)}.log", timeout) for _ in range(count)
        ]
        made.extend(new)
        return new

    yield make
    for function in made:
        function.kill()


@pytest.fixture
def assert_table_is(client: "DynamoDBClient") -> Compare:
    """Compare the table, item by item, with what the oracle says of all messages."""

    def compare(messages: Sequence[str]) -> None:
        expected, found = oracle.table(messages), database.items(client)
        assert oracle.difference(expected, found) == ""

    return compare
