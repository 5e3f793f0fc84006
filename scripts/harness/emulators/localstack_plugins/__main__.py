"""Serve LocalStack in this process, as :mod:`harness.emulators.launched` asks of a launcher.

    python -P -m harness.emulators.localstack_plugins FOLDER

It listens on loopback: on port 4566, where LocalStack's users expect it, or a free one where that is taken. It ends,
and takes FOLDER with it, on SIGTERM and SIGINT too.
"""

import os
import shutil
import signal
import socket
import sys
import tempfile
import warnings
from pathlib import Path
from threading import Thread
from typing import TextIO

import typing_extensions

from harness import lifeline

_USUAL_PORT = 4566
_REMOVALS = 100  # a worker that writes into the folder meanwhile makes rmtree give up


def main() -> None:
    """Serve until told to stop."""
    folder = Path(sys.argv[1]).resolve()
    report = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # LocalStack and its plugins print.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lifeline.watch(lambda: _end(folder))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _end(folder))
    try:
        listener = socket.create_server(("127.0.0.1", _USUAL_PORT))
    except OSError:
        listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    tempfile.tempdir = str(folder)  # LocalStack 4.14.0 complains about TMPDIR
    os.environ.update(_settings(folder, port))

    if not hasattr(warnings, "deprecated"):
        # LocalStack 4.14.0 is made for Python 3.13; this is all that it lacks in 3.12.
        warnings.deprecated = typing_extensions.deprecated  # type: ignore[attr-defined]  # 3.13 has it
    # These read their settings when they are imported.
    from localstack.logging.setup import setup_logging_from_config
    from localstack.runtime.current import initialize_runtime

    from harness.emulators.localstack_plugins import catalog

    catalog.use()
    _take_over(listener)
    _answer_starter(folder)
    Thread(target=_report_when_ready, args=(report, port), daemon=True).start()
    # As in localstack.runtime.main, but for its signal handlers: it takes more than 10 seconds to shut down.
    setup_logging_from_config()
    initialize_runtime().run()


def _settings(folder: Path, port: int) -> dict[str, str]:
    """Return LocalStack's settings, from https://docs.localstack.cloud/references/configuration/ and its source."""
    return {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "GATEWAY_SERVER": "hypercorn",
        # All files in the folder; a /.dockerenv, as CI has it, would move them to /var/lib.
        "OVERRIDE_IN_DOCKER": "0",
        "FILESYSTEM_ROOT": str(folder),
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder),
        # Nothing of the internet.
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
        # Terraform can't parse the queue URLs of the other strategies.
        "SQS_ENDPOINT_STRATEGY": "off",
        # Seconds before Lambda tries an asynchronous call again, times the number of the attempt; AWS waits a minute.
        # (The documentation adds _SECONDS to the name.)
        "LAMBDA_RETRY_BASE_DELAY": "1",
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "PROVIDER_OVERRIDE_DYNAMODB": "moto",
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "moto",
        "PROVIDER_OVERRIDE_S3": "temporary",
    }


def _take_over(listener: socket.socket) -> None:
    from localstack.runtime.server.hypercorn import HypercornRuntimeServer

    original = HypercornRuntimeServer.register

    def register(self: HypercornRuntimeServer, gateway: object, _listen: object, *arguments: object) -> None:
        original(self, gateway, [f"fd://{listener.fileno()}"], *arguments)

    HypercornRuntimeServer.register = register


def _answer_starter(folder: Path) -> None:
    from localstack.http import Request, Response
    from localstack.services.edge import ROUTER

    def answer(request: Request) -> Response:
        if request.method == "DELETE":
            _end(folder)
        return Response(str(folder))

    ROUTER.add(f"/_harness/{folder.parent.name}", answer, methods=["GET", "DELETE"])


def _report_when_ready(report: TextIO, port: int) -> None:
    from localstack.runtime.events import infra_ready

    infra_ready.wait()
    with report:
        report.write(f"{port}\n")


def _end(folder: Path) -> None:
    """End at once: there is no state worth a shutdown, and the workers notice that their pipe is closed."""
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
