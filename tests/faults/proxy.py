"""A proxy in front of DynamoDB that does to a request what a test asks for. HTTP/1.1, one thread, loopback only.

Of what there is, microburst 0.10.0 comes nearest; it cannot answer a part of a BatchGetItem, and brings 12 packages.
"""

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.emulators import partiql


@dataclass(frozen=True)
class Request:
    """A request on its way.

    Attributes:
        operation: DynamoDB's.
        body: Its JSON.
        number: Which of that operation it is, from 1.
        write: Sends the client a part of an answer before the fault is done.
    """

    operation: str
    body: Mapping[str, Any]
    number: int
    write: Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @classmethod
    def refusal(cls, code: str, status: int = 400) -> "Answer":
        """Return DynamoDB's answer of an error."""
        name = f"com.amazonaws.dynamodb.v20120810#{code}"
        return cls(status, json.dumps({"__type": name, "message": "refused by the test"}).encode())


Forward = Callable[..., Awaitable[Answer]]
"""Has DynamoDB answer the request, or the same one with another body."""

Fault = Callable[[Request, Forward], Awaitable[Answer | None]]
"""Answers in DynamoDB's place, with or without its answer; None cuts the connection."""


async def nothing(_: Request, forward: Forward) -> Answer:
    """Let every request through."""
    return await forward()


def refuse(code: str, status: int = 400) -> Fault:
    """Refuse a request."""

    async def fault(_: Request, __: Forward) -> Answer:
        return Answer.refusal(code, status)

    return fault


def delay(seconds: float, *, before: bool = True) -> Fault:
    """Answer late; the write takes effect at once, or after the time."""

    async def fault(_: Request, forward: Forward) -> Answer:
        if before:
            await asyncio.sleep(seconds)
            return await forward()
        answer = await forward()
        await asyncio.sleep(seconds)
        return answer

    return fault


async def hold(_: Request, __: Forward) -> None:
    """Leave a request without an answer as long as the proxy runs."""
    await asyncio.Event().wait()


def together(operation: str, parties: int) -> Fault:
    """Answer the first ``parties`` requests of an operation once DynamoDB has answered them all, later ones at once.

    What these requests read, nobody has changed when the last of those who asked learns of it.
    """
    barrier = asyncio.Barrier(parties)

    async def fault(request: Request, forward: Forward) -> Answer:
        answer = await forward()
        if request.operation == operation and request.number <= parties:
            await barrier.wait()
        return answer

    return fault


class Stall:
    """A fault: an answer that begins and does not end, until :meth:`release`, which cuts the connection.

    botocore gives up a connection on which nothing comes for a while and tries again; on this one something always
    comes. So only the function's own deadline ends its wait, however fast or slow the machine is.
    """

    def __init__(self) -> None:
        """Stall every request until it is released."""
        self._released = threading.Event()

    def release(self) -> None:
        """Cut what was stalled, from any thread; what comes later is stalled again."""
        released, self._released = self._released, threading.Event()
        released.set()

    async def __call__(self, request: Request, _: Forward) -> None:
        """Stall one request."""
        released = self._released
        await request.write(b"HTTP/1.1 200 ")
        while not released.is_set():
            await request.write(b" ")
            await asyncio.sleep(0.05)


async def cut_before(_: Request, __: Forward) -> None:
    """Cut the connection before the request reaches DynamoDB."""


async def cut_after(_: Request, forward: Forward) -> None:
    """Cut the connection once the request took effect."""
    await forward()


async def keep_back(request: Request, forward: Forward) -> Answer:
    """Answer at most three keys of a BatchGetItem and leave the rest unprocessed."""
    answer = await forward()
    data = json.loads(answer.body)
    for table, asked in request.body["RequestItems"].items():
        answered, rest = asked["Keys"][:3], asked["Keys"][3:]
        names = {key["UserId"]["S"] for key in answered}
        data["Responses"][table] = [item for item in data["Responses"][table] if item["UserId"]["S"] in names]
        if rest:
            data["UnprocessedKeys"] = {table: {**asked, "Keys": rest}}
    return Answer(200, json.dumps(data).encode())


def refuse_statements(code: str, about: Callable[[str], bool]) -> Fault:
    """Refuse the statements of a BatchExecuteStatement that are about some addresses, and let the others through."""

    def hit(statement: Mapping[str, Any]) -> bool:
        _, request = partiql.translate(statement["Statement"], statement["Parameters"])
        return about((request.get("Key") or request["Item"])["UserId"]["S"])

    async def fault(request: Request, forward: Forward) -> Answer:
        if request.operation != "BatchExecuteStatement":
            return await forward()
        statements = request.body["Statements"]
        rest = [each for each in statements if not hit(each)]
        answered: list[Any] = []
        if rest:
            answer = await forward(json.dumps({"Statements": rest}).encode())
            assert answer.status == 200
            answered = json.loads(answer.body)["Responses"]
        left = iter(answered)
        responses = [{"Error": {"Code": code}} if hit(each) else next(left) for each in statements]
        return Answer(200, json.dumps({"Responses": responses}).encode())

    return fault


def only(operation: str, fault: Fault) -> Fault:
    """Apply a fault to the requests of one operation."""

    async def chosen(request: Request, forward: Forward) -> Answer | None:
        return await (fault if request.operation == operation else nothing)(request, forward)

    return chosen


class Proxy:
    """A proxy that listens; ``fault`` may be changed at any time."""

    def __init__(self, upstream: str) -> None:
        """Stand in front of the endpoint ``upstream``."""
        self.fault: Fault = nothing
        self.endpoint_url = ""
        self._upstream = urlsplit(upstream)
        self._counts: dict[str, int] = {}
        self._stopped = asyncio.Event()
        self._loop = asyncio.new_event_loop()

    def seen(self, operation: str) -> int:
        """Return how many requests of an operation came."""
        return self._counts.get(operation, 0)

    def run(self, ready: threading.Event) -> None:
        """Serve until :meth:`stop`."""
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    def stop(self) -> None:
        """End it, whatever is under way."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _serve(self, ready: threading.Event) -> None:
        connections: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            connections.add(task)
            try:
                await self._connection(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                pass  # the client went away, or the test ended
            finally:
                connections.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=256)
        self.endpoint_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await self._stopped.wait()
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                head, fields, body = await _message(reader)
                operation = fields[b"x-amz-target"].decode().rpartition(".")[2]
                number = self._counts[operation] = self._counts.get(operation, 0) + 1

                async def forward(other: bytes | None = None, head: bytes = head, body: bytes = body) -> Answer:
                    nonlocal upstream
                    if other is not None:
                        head = re.sub(rb"(?i)(\r\ncontent-length:) *\d+", rb"\1 %d" % len(other), head)
                        body = other
                    if upstream is None:
                        assert self._upstream.hostname
                        upstream = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
                    upstream[1].write(head + body)
                    answered, _, content = await _message(upstream[0])
                    return Answer(int(answered.split(b" ", 2)[1]), content)

                async def write(part: bytes) -> None:
                    writer.write(part)
                    await writer.drain()

                answer = await self.fault(Request(operation, json.loads(body), number, write), forward)
                if answer is None:
                    return
                writer.write(
                    b"HTTP/1.1 %d -\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
                    % (answer.status, len(answer.body))
                    + answer.body
                )
                await writer.drain()
        finally:
            if upstream is not None:
                upstream[1].transport.abort()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Return the head, the header fields and the body of an HTTP message."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    fields = {name.strip().lower(): value.strip() for name, _, value in lines}
    return head, fields, await reader.readexactly(int(fields.get(b"content-length", b"0")))


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """Run a proxy for a ``with`` block."""
    proxy, ready = Proxy(upstream), threading.Event()
    thread = threading.Thread(target=proxy.run, args=[ready])
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()
