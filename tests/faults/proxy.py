"""A proxy in front of DynamoDB that does to a request what a test asks for. HTTP/1.1, one thread, loopback only.

Of what there is, microburst 0.10.0 comes nearest; it cannot answer a part of a BatchGetItem, and brings 12 packages.
"""

import asyncio
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from support import wire
from support.faults import Answer, Fault, Forward, Request, nothing


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
        assert request.write
        await request.write(b"HTTP/1.1 200 ")
        while not released.is_set():
            await request.write(b" ")
            await asyncio.sleep(0.05)


async def cut_before(_: Request, __: Forward) -> None:
    """Cut the connection before the request reaches DynamoDB."""


async def cut_after(_: Request, forward: Forward) -> None:
    """Cut the connection once the request took effect."""
    await forward()


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
                head, fields, body = await wire.message(reader)
                operation = wire.operation(fields)
                number = self._counts[operation] = self._counts.get(operation, 0) + 1

                async def forward(
                    other: Mapping[str, Any] | None = None, head: bytes = head, body: bytes = body
                ) -> Answer:
                    nonlocal upstream
                    if other is not None:
                        body = json.dumps(other).encode()
                        head = re.sub(rb"(?i)(\r\ncontent-length:) *\d+", rb"\1 %d" % len(body), head)
                    if upstream is None:
                        assert self._upstream.hostname
                        upstream = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
                    upstream[1].write(head + body)
                    answered, _, content = await wire.message(upstream[0])
                    return Answer(int(answered.split(b" ", 2)[1]), content)

                async def write(part: bytes) -> None:
                    writer.write(part)
                    await writer.drain()

                answer = await self.fault(Request(operation, json.loads(body), number, write), forward)
                if answer is None:
                    return
                writer.write(wire.answer(answer.status, answer.body))
                await writer.drain()
        finally:
            if upstream is not None:
                upstream[1].transport.abort()


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
