"""How the services of ministack answer, and how to come before one."""

from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any, NamedTuple

Response = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

OK = 200

Original = Callable[[], Awaitable[Response]]
"""Gets a service's own answer to the request at hand."""


class Request(NamedTuple):
    """What ministack hands a service. ``path`` is without the query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, list[str]]


def answer_before(service: ModuleType, answer: Callable[[Request, Original], Awaitable[Response]]) -> None:
    """Let ``answer`` answer the requests to a service; it may ask the service itself."""
    original = service.handle_request

    async def handle_request(*request: Any) -> Response:  # noqa: ANN401  (the fields of Request)
        return await answer(Request(*request), lambda: original(*request))

    service.handle_request = handle_request  # type: ignore[attr-defined]  # each of ministack's has it
