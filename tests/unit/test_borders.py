"""What each file of the package may import: the core knows nothing of AWS, of the environment, of the clock."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "function" / "healthy_mailing"

IMPORTS = {
    "address": set(),
    "timestamp": set(),
    "envelope": set(),
    "calls": set(),
    "evidence": {"timestamp"},
    "notification": {"address", "evidence", "timestamp"},
    "item": {"evidence", "timestamp"},
    "row": {"evidence", "item"},
    "table": {"calls", "evidence", "item", "row", "timestamp"},
    "operations": {"address", "evidence", "item", "row", "table", "timestamp"},
    "api": {"address", "evidence", "item", "operations", "row", "table", "timestamp"},  # three of them for types alone
    "changes": {"address", "evidence", "item", "timestamp"},
    "bus": {"calls", "changes"},
    "dead_letters": set(),
    "settings": {"evidence"},
    "telemetry": {"settings"},
}
"""Of each file: which others of the package."""

PURE = ["address", "timestamp", "envelope", "evidence", "notification", "item", "row", "changes"]
FOREIGN = {"boto3", "botocore", "os", "sys", "time", "random", "socket", "urllib", "http", "requests", "logging"}


def imported(name: str) -> set[str]:
    """Return the modules that a file of the package imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "healthy_mailing":
            found |= {f"healthy_mailing.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_every_file_has_its_place() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == {*IMPORTS, "__init__"}


@pytest.mark.parametrize("name", IMPORTS)
def test_a_file_imports_what_it_may_and_needs(name: str) -> None:
    modules = {module for module in imported(name) if module.startswith("healthy_mailing")}
    assert modules == {f"healthy_mailing.{each}" for each in IMPORTS[name]}


@pytest.mark.parametrize("name", PURE)
def test_a_pure_file_imports_only_pure_ones(name: str) -> None:
    assert not {module.partition(".")[0] for module in imported(name)} & FOREIGN
    assert IMPORTS[name] <= set(PURE)


@pytest.mark.parametrize("name", PURE)
def test_a_pure_file_asks_no_clock(name: str) -> None:
    tree = ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"now", "utcnow", "today", "environ", "getenv"}


def test_importing_the_pure_files_and_the_api_loads_no_client_of_aws() -> None:
    imports = ", ".join(f"healthy_mailing.{name}" for name in [*PURE, "api"])
    code = f"import sys; sys.path.insert(0, sys.argv[1]); import {imports}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", code, PACKAGE.parent], check=True, capture_output=True, text=True)
    loaded = {module.partition(".")[0] for module in run.stdout.split()}
    assert not loaded & {"boto3", "botocore", "urllib3", "logging", "socket"}


HANDLERS = {
    "feedback": {"TABLE_NAME": "mailing"},
    "lookup": {"TABLE_NAME": "mailing"},
    "changes": {
        "EVENT_BUS": "arn:aws:events:eu-west-1:123456789012:event-bus/default",
        "TABLE_ARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing",
        "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letter",
    },
}
OF_CHANGES = {"changes", "bus", "dead_letters"}
NOT_OF_CHANGES = {"row", "table", "notification", "operations", "envelope", "api"}


@pytest.mark.parametrize(
    ("handler", "foreign"),
    [
        ("feedback", OF_CHANGES),
        ("lookup", OF_CHANGES),
        ("changes", NOT_OF_CHANGES),
    ],
    ids=["feedback", "lookup", "changes"],
)
def test_a_handler_loads_nothing_of_another_s(handler: str, foreign: set[str]) -> None:
    """Its cold start would pay for it."""
    code = f"import sys; sys.path.insert(0, sys.argv[1]); import {handler}; print(*sys.modules)"
    environment = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", **HANDLERS[handler]}
    run = subprocess.run(
        [sys.executable, "-P", "-c", code, PACKAGE.parent], check=True, capture_output=True, text=True, env=environment
    )
    loaded = {module.removeprefix("healthy_mailing.") for module in run.stdout.split() if "healthy_mailing." in module}
    assert loaded
    assert not loaded & foreign
    assert not {"boto3", "moto"} & set(run.stdout.split())
