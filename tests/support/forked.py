"""A process that has the command line loaded and forks for each command; ``command_line`` starts it.

A forked command is a process as a user's is, with a standard input, output and exit code of its own, for a tenth of the
CPU (0.15 s in place of 1.7 s): the rest goes into importing boto3 and Typer.
"""

import gc
import io
import json
import os
import socket
import sys
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

import botocore.endpoint

from healthy_mailing_cli.__main__ import run
from support import botocore_models

# IAM's actions that have another name than the operation (AWS Service Authorization Reference; for the statements,
# Amazon DynamoDB Developer Guide, "IAM security policies with PartiQL for DynamoDB").
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
_PREFIXES = {"monitoring": "cloudwatch"}


def main(descriptor: int) -> None:
    """Answer requests until the other end is closed, one at a time."""
    connection = socket.socket(fileno=descriptor)
    gc.freeze()  # or each child would copy all of it when it first collects
    while True:
        request, streams, *_ = socket.recv_fds(connection, 1 << 16, 3)
        if not request:
            return
        while not request.endswith(b"\n"):
            request += connection.recv(1 << 16)
        child = os.fork()
        if child == 0:
            connection.close()
            _become(json.loads(request), streams)
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: dict[str, Any], streams: list[int]) -> NoReturn:
    """Run a command with these streams, as the interpreter does, and end."""
    code: Any = 1
    try:
        for descriptor, stream in enumerate(streams):
            os.dup2(stream, descriptor)
            os.close(stream)
        sys.stdin, sys.stdout, sys.stderr = _opened(sys.stdin, "r"), _opened(sys.stdout, "w"), _opened(sys.stderr, "w")
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv = ["mailing", *request["arguments"]]
        if request["actions"]:
            _note_actions(request["actions"])
        run()
        code = 0
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)  # noqa: T201  (what the interpreter prints)
    except BaseException:  # noqa: BLE001  (what the interpreter prints too)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _opened(stream: TextIO, mode: str) -> TextIO:
    """Open a standard stream once more, whose descriptor is another file's now."""
    raw = io.FileIO(stream.fileno(), mode, closefd=False)
    buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding=stream.encoding, errors=stream.errors)


def _note_actions(path: str) -> None:
    """Append to a file the IAM action of each request that is sent, a line each."""
    make_request = botocore.endpoint.Endpoint.make_request

    def noting(self: Any, operation: Any, request: Any) -> Any:
        with open(path, "a") as file:  # noqa: PTH123  (appends, from several threads)
            file.write("".join(f"{action}\n" for action in _actions(operation, request)))
        return make_request(self, operation, request)

    botocore.endpoint.Endpoint.make_request = noting  # type: ignore[method-assign,assignment]  # below each client


def _actions(operation: Any, request: Any) -> Iterator[str]:
    service = operation.service_model.signing_name
    if operation.name == "BatchExecuteStatement":
        for each in json.loads(request["body"])["Statements"]:
            yield f"{service}:PartiQL{each['Statement'].split()[0].capitalize()}"
        return
    action = f"{_PREFIXES.get(service, service)}:{operation.name}"
    if action != "sts:GetCallerIdentity":  # which IAM never refuses
        yield _ACTIONS.get(action, action)


if __name__ == "__main__":
    botocore_models.share()
    botocore_models.read("cloudwatch", "dynamodb", "lambda", "s3", "ses", "sesv2", "sns", "sqs", "sts")
    main(int(sys.argv[1]))
