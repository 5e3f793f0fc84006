"""Serve ministack in this process, as :mod:`harness.emulators.launched` asks of a launcher.

    python -I launcher.py FOLDER

It listens on a free loopback port that it binds itself, so that nobody can take the port in between. When it ends, on
SIGTERM and SIGINT too, it takes the Lambda workers and FOLDER with it.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, cast

sys.path.append(str(Path(__file__).parents[3]))  # Python's option -I leaves it out
from harness import lifeline

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_SHUTDOWN_SECONDS = 1.0  # for requests under way


def main() -> None:
    """Serve until told to stop."""
    folder = sys.argv[1]
    listener = socket.create_server(("127.0.0.1", 0))
    # ministack reads it when it is imported.
    os.environ["GATEWAY_PORT"] = str(listener.getsockname()[1])
    try:
        asyncio.run(_serve(listener, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        sys.stderr.flush()
        # Not a plain return: ministack's queue pollers and a handler that is still busy would keep the interpreter.
        os._exit(0)


async def _serve(listener: socket.socket, folder: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    lifeline.watch(lambda: os.kill(os.getpid(), signal.SIGTERM))

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app
    from ministack.core import lambda_runtime

    from harness.emulators.embedded import ministack_gaps

    ministack_gaps.fill()
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.graceful_timeout = _SHUTDOWN_SECONDS
    config.keep_alive_timeout = 75
    config.accesslog = None
    try:
        front = _front(app.app, listener.getsockname()[1], folder, stop)
        await serve(cast("Any", front), config, shutdown_trigger=stop.wait)
    finally:
        # ministack 1.5.33 kills its workers on a reset but not when it ends.
        await asyncio.to_thread(lambda_runtime.reset)


def _front(application: Application, port: int, folder: str, stop: asyncio.Event) -> Application:
    """Wrap ministack: report the port when it is ready, count loopback as TLS, answer the harness."""
    control_path = f"/_harness/{Path(folder).parent.name}"

    async def front(scope: Message, receive: Receive, send: Send) -> None:
        async def report(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                # The socket listens already: every connection from now on is served.
                print(port, flush=True)
                # Nobody reads standard output after this line: a later print would meet a closed pipe.
                os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

        if scope["type"] == "lifespan":
            await application(scope, receive, report)
        elif scope["path"] == control_path:
            # GET says who this is, DELETE ends it: a process id may belong to somebody else by then.
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": folder.encode()})
            if scope["method"] == "DELETE":
                stop.set()
        else:
            # ministack 1.5.33 serves plain HTTP, and enforces policies that deny it (aws:SecureTransport). It counts an
            # "https" scope as TLS. A client that wants to be refused says so, as a load balancer would.
            plain = (b"x-forwarded-proto", b"http") in scope["headers"]
            await application({**scope, "scheme": "http" if plain else "https"}, receive, send)

    return front


if __name__ == "__main__":
    main()
