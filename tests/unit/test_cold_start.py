"""What is loaded at a cold start, which pays for it. Who may import whom at all, `make check` sees to."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "function" / "healthy_mailing"

PURE = ["address", "timestamp", "envelope", "evidence", "notification", "item", "changes"]


def test_importing_the_pure_files_and_the_api_loads_no_client_of_aws() -> None:
    imports = ", ".join(f"healthy_mailing.{name}" for name in [*PURE, "api"])
    code = f"import sys; sys.path.insert(0, sys.argv[1]); import {imports}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", code, PACKAGE.parent], check=True, capture_output=True, text=True)
    loaded = {module.partition(".")[0] for module in run.stdout.split()}
    assert not loaded & {"boto3", "botocore", "urllib3", "logging", "socket"}


OF_CHANGES = {"changes", "bus", "dead_letters"}
NOT_OF_CHANGES = {"row", "table", "notification", "operations", "envelope", "api"}
SETTINGS = {
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "TABLE_NAME": "mailing",
    "EVENT_BUS": "arn:aws:events:eu-west-1:123456789012:event-bus/default",
    "TABLE_ARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letter",
}


@pytest.mark.parametrize(
    ("handler", "foreign"), [("feedback", OF_CHANGES), ("lookup", OF_CHANGES), ("changes", NOT_OF_CHANGES)]
)
def test_a_handler_loads_nothing_of_another_s(handler: str, foreign: set[str]) -> None:
    code = f"import sys; sys.path.insert(0, sys.argv[1]); import {handler}; print(*sys.modules)"
    command = [sys.executable, "-P", "-c", code, str(PACKAGE.parent)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=SETTINGS)
    loaded = {module.removeprefix("healthy_mailing.") for module in run.stdout.split() if "healthy_mailing." in module}
    assert loaded
    assert not loaded & foreign
    assert not {"boto3", "moto"} & set(run.stdout.split())
