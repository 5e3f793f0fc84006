#!/opt/lambda/bin/python
"""What LocalStack starts in a Lambda container, in place of its own init program, which is downloaded from GitHub.

It says that it is ready, takes one invocation after the other on port 9563, and reports each one's log and outcome to
LocalStack 4.14.0 (its side: localstack/services/lambda_/invocation/executor_endpoint.py).
"""

import json
import os
import signal
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from harness.emulators.localstack_plugins.runtime_api import Invocation
from harness.emulators.localstack_plugins.worker import Worker

_PORT = 9563
_START_SECONDS = 10  # for the import of the handler, as in Lambda
_taken: SimpleQueue[dict[str, Any]] = SimpleQueue()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take an invocation (POST /invoke)."""
        _taken.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    """Serve until the container is stopped."""
    # The container's first process: without a handler, the kernel would ignore the signal.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server = HTTPServer(("0.0.0.0", _PORT), _Handler)  # noqa: S104  (LocalStack is in another container)
    Thread(target=server.serve_forever, daemon=True).start()
    _tell(f"status/{os.environ['LOCALSTACK_RUNTIME_ID']}/ready", b"")
    worker = None
    while True:
        worker = worker or _new_worker()
        _run(worker, _taken.get())
        if worker.ended:
            worker.close()
            worker = None


def _new_worker() -> Worker:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCALSTACK_")}
    return Worker(
        os.environ["_HANDLER"],
        Path("/var/task"),
        environment,
        memory=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
        start_timeout=_START_SECONDS,
    )


def _run(worker: Worker, request: dict[str, Any]) -> None:
    invocation = Invocation(
        request_id=request["invoke-id"],
        function_arn=request["invoked-function-arn"],
        trace_id=request["trace-id"],
        payload=request["payload"].encode(),
        timeout=float(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"]),
    )
    started = time.monotonic()
    outcome = worker.invoke(invocation)
    log = worker.log(invocation, outcome, os.environ["AWS_LAMBDA_FUNCTION_VERSION"], time.monotonic() - started)
    _tell(f"invocations/{invocation.request_id}/logs", json.dumps({"logs": log}).encode())
    _tell(f"invocations/{invocation.request_id}/{'error' if outcome.is_error else 'response'}", outcome.payload)


def _tell(path: str, body: bytes) -> None:
    url = f"{os.environ['LOCALSTACK_RUNTIME_ENDPOINT']}/{path}"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request) as response:
        response.read()


if __name__ == "__main__":
    main()
