"""Functions as local processes behave as in Lambda (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.eventually import eventually
from support.functions import Answer, Function

Create = Callable[..., Function]

PROCESS_ID = """
import os

def handler(event, context):
    return os.getpid()
"""


def test_a_handler_finds_what_lambda_gives_it(function: Create) -> None:
    source = """
import os
import boto3

print("imported")

def handler(event, context):
    print("called")
    return {
        "event": event,
        "name": context.function_name,
        "has time": 0 < context.get_remaining_time_in_millis() <= 60_000,
        "setting": os.environ["SETTING"],
        "task": os.path.dirname(__file__) == os.environ["LAMBDA_TASK_ROOT"] == os.getcwd(),
        "user": os.path.exists(os.path.expanduser("~/.aws")),
        "role": boto3.client("sts").get_caller_identity()["Arn"].split("/")[:2],
    }
"""

    made = function(source, Environment={"Variables": {"SETTING": "value"}})
    answer = made({"key": ["välue"]})

    assert answer.error is None
    assert answer.payload == {
        "event": {"key": ["välue"]},
        "name": made.name,
        "has time": True,
        "setting": "value",
        "task": True,
        "user": False,
        "role": ["arn:aws:sts::000000000000:assumed-role", "test"],
    }
    kinds = [line.split()[0] for line in answer.log.splitlines()]
    assert kinds == ["START", "imported", "called", "END", "REPORT"]


def test_calls_at_the_same_time_have_environments_of_their_own(function: Create, tmp_path: Path) -> None:
    # Each handler returns only when the others have come.
    made = function("""
import os, pathlib, time

def handler(event, context):
    folder = pathlib.Path(event)
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 3:
        time.sleep(0.01)
    return os.getpid()
""")

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(made, [str(tmp_path)] * 3))

    assert sorted(str(answer.payload) for answer in answers) == sorted(path.name for path in tmp_path.iterdir())


def test_an_exception_is_reported_and_leaves_the_environment_warm(function: Create) -> None:
    made = function("""
import os

def handler(event, context):
    if event:
        raise ValueError(os.getpid())
    return os.getpid()
""")

    failed = made(event=True)

    assert failed.error == "Unhandled"
    assert (failed.payload["errorType"], failed.payload["errorMessage"]) == (
        "ValueError",
        str(made(event=False).payload),
    )
    assert "[ERROR] ValueError" in failed.log


ENDS = {
    "crash": (
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "Runtime.ExitError",
        "Runtime exited with error: signal: segmentation fault",
    ),
    "exit of Python": ("sys.exit(4)", "Runtime.ExitError", "Runtime exited with error: exit status 4"),
    "exit without an error": ("os._exit(0)", "Runtime.ExitError", "Runtime exited without providing a reason"),
    "out of memory": (
        "memory = b'x' * 300_000_000; time.sleep(600)",
        "Runtime.ExitError",
        "Runtime exited with error: signal: killed",
    ),
}


@pytest.mark.parametrize(("statement", "error_type", "message"), ENDS.values(), ids=ENDS.keys())
def test_an_environment_that_ends_is_reported_and_replaced(
    function: Create, statement: str, error_type: str, message: str
) -> None:
    made = function(ending(statement), MemorySize=256)
    before = made().payload

    assert_reported(made("end"), error_type, message)

    assert made().payload not in {before, None}


def test_an_environment_that_takes_longer_than_the_timeout_is_reported_and_replaced(function: Create) -> None:
    made = function(ending("time.sleep(600)"), Timeout=1)

    def process_id() -> Any:
        """Ask again where this machine was too busy to answer in a second."""
        return eventually(made, found=lambda answer: answer.error is None).payload

    before = process_id()

    ended = eventually(lambda: made("end"), found=lambda answer: "last words" in answer.log)

    assert_reported(ended, "Sandbox.Timedout", "Task timed out after 1.00 seconds")
    assert process_id() not in {before, None}


def ending(statement: str) -> str:
    """Return a handler that tells its process, or ends with this statement when it is asked to."""
    return f"""
import os, signal, sys, time

def handler(event, context):
    if event == "end":
        print("last words")
        {statement}
    return os.getpid()
"""


def assert_reported(ended: Answer, error_type: str, message: str) -> None:
    assert ended.error == "Unhandled"
    assert ended.payload["errorType"] == error_type
    assert ended.payload["errorMessage"].endswith(f" Error: {message}")
    assert "last words" in ended.log
    assert message in ended.log


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        ("import nonexistent", "Runtime.ImportModuleError", "No module named 'nonexistent'"),
        ("", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("raise KeyError('TABLE')", "KeyError", "'TABLE'"),
    ],
)
def test_a_handler_that_can_not_be_imported_says_why_until_it_can(
    function: Create, source: str, error_type: str, message: str
) -> None:
    made = function(source)

    for answer in (made(), made()):
        assert answer.error == "Unhandled"
        assert answer.payload["errorType"] == error_type
        assert message in answer.payload["errorMessage"]
        assert message in answer.log

    made.update(PROCESS_ID)
    assert made().error is None


def test_deleting_a_function_ends_its_environments(function: Create, tmp_path: Path) -> None:
    made = function("""
import pathlib, time

def handler(event, context):
    pathlib.Path(event).touch()
    time.sleep(600)
""")
    started = tmp_path / "started"

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(made, str(started))
        eventually(lambda: started.exists() or call.done())
        assert not call.done()
        made.client.delete_function(FunctionName=made.name)
        assert call.result().payload["errorMessage"].endswith("signal: killed")


def test_what_needs_more_than_a_local_process_is_refused(function: Create) -> None:
    with pytest.raises(ValueError, match="Only a zip with a Python runtime and without layers"):
        function(PROCESS_ID, Runtime="nodejs22.x")
