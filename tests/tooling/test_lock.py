"""Nothing is installed that was not locked: every package at one version, known by its hashes.

Whether a locked version is known to be vulnerable, only a service on the internet can tell (``pip-audit``).
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as normal

from harness import environment, paths

LOCKS = sorted((paths.ROOT / "requirements").glob("*.txt"))
# Name, version, marker, hashes, and whom it is there for: packages, or a group of `pyproject.toml`.
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ \\;]+)(?: ; ([^\\\n]+?))? \\\n"
    r"((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
    r"((?:    #.*\n)+)",
    re.MULTILINE,
)
OF_EACH_LOCK = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)


def entries(name: str) -> list[tuple[str, str, str, str, str]]:
    return ENTRY.findall((paths.ROOT / "requirements" / f"{name}.txt").read_text())


@OF_EACH_LOCK
def test_a_lock_holds_versions_with_hashes_and_nothing_else(lock: Path) -> None:
    """No option of pip's, and no address: a lock does not say where packages come from."""
    assert entries(lock.stem)
    assert ENTRY.sub("", lock.read_text()) == ""
    assert "://" not in lock.read_text()


@OF_EACH_LOCK
def test_a_lock_holds_what_was_asked_for_and_what_that_needs(lock: Path) -> None:
    asked = list(asked_for(lock.stem))
    locked = [(normal(name), version, *reasons(why)) for name, version, *_, why in entries(lock.stem)]
    assert asked
    for each in asked:
        assert [each for name, version, *_ in locked if name == normal(each.name) and version in each.specifier]
    needed = {name for name, _, *wanted_by in locked if "pyproject-toml" in wanted_by}
    while grown := {name for name, _, *wanted_by in locked if needed & {*wanted_by}} - needed:
        needed |= grown
    assert {name for name, *_ in locked} == needed >= {normal(each.name) for each in asked}


@pytest.mark.parametrize("name", ["command-line", "harness"])
def test_what_goes_into_the_same_environment_agrees(name: str) -> None:
    """Each entry of the smaller lock stands in the whole one too, with the same version and marker."""
    part, whole = ({entry[:3] for entry in entries(each)} for each in (name, "dev"))
    assert part <= whole


def test_demo_has_what_it_imports_and_none_of_the_tests() -> None:
    locked = {normal(name) for name, *_ in entries("harness")}
    imported = {
        name
        for path in (paths.ROOT / "scripts" / "harness").rglob("*.py")
        for name in top_level_imports(path)
        if name not in sys.stdlib_module_names
        if "localstack_plugins" not in path.parts  # which have an environment of their own
    } - {"harness", "tools", "mypy_boto3"}
    distributions = metadata.packages_distributions()
    needed = {normal(distributions[name][0]) for name in imported if not name.startswith("mypy_boto3_")}
    assert {normal(each.name) for each in asked_for("harness")} <= needed <= locked
    assert locked.isdisjoint({"moto", "hypothesis", "mypy", "ruff", "schemathesis", "typer", "pydantic"})


def test_what_is_installed_is_what_is_locked() -> None:
    locked = {name: version for name, version, marker, *_ in entries("dev") if not marker}
    assert {name: metadata.version(name) for name in locked} == locked


def test_nothing_is_installed_past_the_locks() -> None:
    """One function calls pip, for one lock, with hashes, and lets nothing be fetched to build what comes as source.

    The exception is LocalStack's environment: the plugins are this project's own folder.
    """
    sources = [paths.ROOT / "Makefile", *(paths.ROOT / "scripts").rglob("*.py")]
    calls = {
        path.name: call
        for path in sources
        for call in re.findall(r"pip install(?!`)[^\n]*|(?<!def )pip_install\([^\n]*", path.read_text())
    }
    assert set(calls) == {"environment.py", "localstack_process.py"}
    assert "*locked" in calls["environment.py"]
    assert '"--no-deps", "--no-build-isolation", "--force-reinstall", str(copy)' in calls["localstack_process.py"]
    locked = re.search(r"locked = (\(.*\))", Path(environment.__file__).read_text())
    assert locked
    assert {"--require-hashes", "--no-deps", "--no-build-isolation"} <= set(re.findall(r"--[a-z-]+", locked[1]))


def asked_for(name: str) -> Iterator[Requirement]:
    """Return the requirements in ``pyproject.toml`` that a lock is made from, as the Makefile's ``lock`` does."""
    plugins = paths.ROOT / "scripts" / "harness" / "emulators" / "localstack_plugins"
    folder = plugins if name == "localstack" else paths.ROOT
    document = tomllib.loads((folder / "pyproject.toml").read_text())
    if name in {"command-line", "dev", "localstack"}:
        yield from map(Requirement, document["project"]["dependencies"])
    if name != "command-line":
        yield from group(document, "build" if name == "localstack" else name)


def group(document: dict[str, Any], name: str) -> Iterator[Requirement]:
    for each in document["dependency-groups"][name]:
        if isinstance(each, dict):
            yield from group(document, each["include-group"])
        else:
            yield Requirement(each)


def reasons(comments: str) -> set[str]:
    """Return what the comments after an entry name: packages, and ``pyproject-toml``."""
    listed = (line.removeprefix("# via").strip("# ") for line in map(str.strip, comments.splitlines()))
    return {normal("pyproject.toml" if "(pyproject.toml" in each else each) for each in listed if each[:2] != "-c"}


def top_level_imports(path: Path) -> set[str]:
    """Return the first names of all modules that a source imports, in functions too."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}
