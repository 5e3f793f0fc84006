"""The lookup function, started on the table that moto stands in for, as API Gateway calls it."""

import importlib
import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from support.gateway import CALLER, event
from support.table import TABLE

from .conftest import DynamoDB, Faults, put_between


class Reply(NamedTuple):
    """What API Gateway passes on to the caller; the body is JSON, or None if there is none."""

    status: int
    body: Any
    headers: dict[str, str]


class Api:
    """The API: called with method and URL and, as options, ``body`` (a text is sent as it is) and ``caller``."""

    def __init__(self, handler: Callable[[Any, Any], Any], client: DynamoDB, seconds: float) -> None:
        """Wrap a handler that has some seconds for each request; ``client`` is its own."""
        self.client = client
        self._handler = handler
        self._context = SimpleNamespace(
            aws_request_id="request-1", get_remaining_time_in_millis=lambda: int(seconds * 1000)
        )

    def __call__(self, method: str, url: str, body: Any = None, caller: str | None = CALLER) -> Reply:
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        response = self._handler(event(method, url, text, caller), self._context)
        content = json.loads(response["body"]) if response["body"] else None
        return Reply(response["statusCode"], content, response["headers"])


def start(client: DynamoDB, faults: Faults, monkeypatch: pytest.MonkeyPatch, seconds: float = 600) -> Api:
    """Return the API over the table, with the function freshly started."""
    del client  # the table is there
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.delitem(sys.modules, "lookup", raising=False)
    lookup = importlib.import_module("lookup")
    put_between(lookup.client, faults)
    return Api(lookup.handler, lookup.client, seconds)
