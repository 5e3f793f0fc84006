"""How the services of ministack answer, and how to come before one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType

Response = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

OK = 200

Original = Callable[[], Awaitable[Response]]
"""Gets a service's own answer to the request at hand."""


@dataclass(frozen=True)
class Request:
    """What ministack hands a service. ``path`` is without the query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, list[str]]


def answer_before(service: ModuleType, answer: Callable[[Request, Original], Awaitable[Response]]) -> None:
    """Let ``answer`` answer the requests to a service; it may ask the service itself."""
    original = service.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        return await answer(
            Request(method, path, headers, body, query), lambda: original(method, path, headers, body, query)
        )

    service.handle_request = handle_request  # type: ignore[attr-defined]  # each of ministack's has it
