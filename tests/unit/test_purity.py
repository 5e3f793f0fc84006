"""The core knows nothing of AWS, of the environment, of the clock."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

FUNCTION = Path(__file__).parents[2] / "function"

PURE = ["record", "notification", "address", "timestamp", "envelope"]
FOREIGN = {"boto3", "botocore", "os", "sys", "time", "random", "socket", "urllib", "http", "requests", "logging"}


def imported(path: Path) -> set[str]:
    """Return the modules that a source file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_imports_only_pure_ones(name: str) -> None:
    modules = imported(FUNCTION / "healthy_mailing" / f"{name}.py")
    assert not {module.partition(".")[0] for module in modules} & FOREIGN
    assert {module for module in modules if module.startswith("healthy_mailing")} <= {
        f"healthy_mailing.{each}" for each in PURE
    }


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_asks_no_clock(name: str) -> None:
    tree = ast.parse((FUNCTION / "healthy_mailing" / f"{name}.py").read_text(encoding="utf-8"))
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"now", "utcnow", "today", "environ", "getenv"}


def test_importing_the_pure_modules_loads_no_client_of_aws() -> None:
    imports = ", ".join(f"healthy_mailing.{name}" for name in PURE)
    code = f"import sys; sys.path.insert(0, sys.argv[1]); import {imports}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", code, FUNCTION], check=True, capture_output=True, text=True)
    loaded = {module.partition(".")[0] for module in run.stdout.split()}
    assert not loaded & {"boto3", "botocore", "urllib3", "logging", "socket"}
