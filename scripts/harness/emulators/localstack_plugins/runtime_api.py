"""The Lambda Runtime API for one worker, on a loopback port of its own.

Paths, headers and answers as in https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (version 2018-06-01).
"""

import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread


@dataclass(frozen=True)
class Invocation:
    """One call of a function. ``payload`` is JSON; ``timeout`` in seconds."""

    request_id: str
    function_arn: str
    trace_id: str
    payload: bytes
    timeout: float


@dataclass(frozen=True)
class Outcome:
    """What an invocation, or the handler's import, came to. ``payload`` is JSON: an answer or Lambda's error object."""

    payload: bytes
    is_error: bool


class RuntimeApi(ThreadingHTTPServer):
    """Hands invocations to the worker that connects, and what it reports to ``events``.

    The first event is None once the handler's module is imported, else the error.
    """

    def __init__(self) -> None:
        """Listen and serve."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.invocations: SimpleQueue[Invocation | None] = SimpleQueue()
        self.events: SimpleQueue[Outcome | None] = SimpleQueue()
        self.initialised = False
        Thread(target=self.serve_forever, name="lambda-runtime-api", daemon=True).start()

    def close(self) -> None:
        """Stop serving, and release a worker's request for an invocation that will not come."""
        self.invocations.put(None)
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer ``…/runtime/invocation/next`` when there is one."""
        if not self.server.initialised:
            self.server.initialised = True
            self.server.events.put(None)
        invocation = self.server.invocations.get()
        if invocation is None:
            self.close_connection = True
            return
        self._answer(
            200,
            invocation.payload,
            {
                "Content-Type": "application/json",  # awslambdaric 4.2.2 crashes when there is none
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": invocation.trace_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.timeout) * 1000)),
            },
        )

    def do_POST(self) -> None:
        """Take ``…/invocation/ID/response``, ``…/invocation/ID/error`` and ``…/init/error``."""
        payload = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.events.put(Outcome(payload, is_error=self.path.endswith("/error")))
        self._answer(202, b"{}", {})

    def log_message(self, *_: object) -> None:
        """Log nothing: an access log of this server helps nobody."""

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
