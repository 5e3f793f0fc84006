"""Nothing is installed that was not locked: every package at one version, known by its hashes.

Whether a locked version is known to be vulnerable, only a service on the internet can tell (``pip-audit``).
"""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from harness import environment, paths

LOCKS = sorted([*paths.ROOT.glob("requirements*.txt"), *paths.ROOT.glob("scripts/**/requirements*.txt")])
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ \\;]+)(?: ; ([^\\\n]+?))? \\\n"
    r"((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)


def name_of(lock: Path) -> str:
    return str(lock.relative_to(paths.ROOT))


@pytest.mark.parametrize("lock", LOCKS, ids=name_of)
def test_every_package_is_pinned_by_version_and_hash(lock: Path) -> None:
    requirements = [line for line in lock.read_text().splitlines() if re.match(r"[A-Za-z0-9]", line)]
    assert len(ENTRY.findall(lock.read_text())) == len(requirements) > 0


@pytest.mark.parametrize("lock", LOCKS, ids=name_of)
def test_what_was_asked_for_is_locked_at_a_version_that_was_asked_for(lock: Path) -> None:
    locked = versions(lock)
    asked = [Requirement(text) for text in asked_for(lock)]
    assert asked
    assert [
        str(each) for each in asked if not any(map(each.specifier.contains, locked.get(normal(each.name), ())))
    ] == []


@pytest.mark.parametrize("lock", LOCKS, ids=name_of)
def test_nothing_is_locked_that_nothing_asks_for(lock: Path) -> None:
    """Each entry says whom it is there for (``# via``): a group, or a package that leads to one."""
    wanted_by = {normal(name): {normal(each) for each in names} for name, names in reasons(lock).items()}
    needed = {name for name, names in wanted_by.items() if "pyproject-toml" in names}
    while grown := {name for name, names in wanted_by.items() if names & needed} - needed:
        needed |= grown
    assert {normal(Requirement(text).name) for text in asked_for(lock)} <= needed
    assert set(wanted_by) == set(versions(lock)) == needed


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-harness.txt"])
def test_what_goes_into_the_same_environment_agrees(name: str) -> None:
    """Each entry of the smaller lock stands in the whole one too, with the same version, marker and hashes."""
    part, whole = (set(ENTRY.findall((paths.ROOT / each).read_text())) for each in (name, "requirements-dev.txt"))
    assert sorted(entry[:3] for entry in part - whole) == []


def test_demo_has_what_it_imports_and_none_of_the_tests() -> None:
    locked = set(versions(paths.ROOT / "requirements-harness.txt"))
    asked = {normal(Requirement(text).name) for text in asked_for(paths.ROOT / "requirements-harness.txt")}
    imported = {
        name
        for path in (paths.ROOT / "scripts" / "harness").rglob("*.py")
        for name in top_level_imports(path)
        if name not in sys.stdlib_module_names
        if "localstack_plugins" not in path.parts  # which have an environment of their own
    } - {"harness", "package", "mypy_boto3"}
    distributions = metadata.packages_distributions()
    needed = {normal(distributions[name][0]) for name in imported if not name.startswith("mypy_boto3_")}
    assert needed <= locked
    assert asked - needed == set()
    assert locked.isdisjoint({"moto", "hypothesis", "mypy", "ruff", "schemathesis", "typer", "pydantic"})


def test_what_is_installed_is_what_is_locked() -> None:
    lock = (paths.ROOT / "requirements-dev.txt").read_text()
    locked = {normal(name): version for name, version, marker, _ in ENTRY.findall(lock) if not marker}
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


def test_no_lock_says_where_packages_come_from() -> None:
    """Neither an address nor an option of pip's, which begins its line."""
    assert [name_of(lock) for lock in LOCKS if re.search(r"://|^-", lock.read_text(), re.MULTILINE)] == []


def asked_for(lock: Path) -> list[str]:
    """Return the requirements in ``pyproject.toml`` that a lock is made from, as the Makefile's ``lock`` does."""
    project = tomllib.loads((lock.parent / "pyproject.toml").read_text())
    name = lock.stem.removeprefix("requirements").removeprefix("-")
    if lock.parent != paths.ROOT:
        return [*project["project"]["dependencies"], *group(project, "build")]
    asked = group(project, name) if name else []
    return asked + (project["project"]["dependencies"] if name in {"", "dev"} else [])


def group(project: dict[str, Any], name: str) -> list[str]:
    members = project["dependency-groups"][name]
    included = [group(project, each["include-group"]) if isinstance(each, dict) else [each] for each in members]
    return [text for texts in included for text in texts]


def versions(lock: Path) -> dict[str, set[str]]:
    """Return the locked versions of each package; a package has several where they depend on the Python."""
    found: dict[str, set[str]] = {}
    for name, version, *_ in ENTRY.findall(lock.read_text()):
        found.setdefault(normal(name), set()).add(version)
    return found


def reasons(lock: Path) -> dict[str, set[str]]:
    """Return what the comments after each entry name: packages, and ``pyproject.toml``."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in lock.read_text().splitlines():
        if entry := re.match(r"([A-Za-z0-9._-]+)(\[.*?\])?==", line):
            name = entry[1]
        elif (comment := re.match(r"    #(?: via)? +(\S.*)", line)) and not comment[1].startswith("-c "):
            found.setdefault(name, set()).add("pyproject.toml" if "(pyproject.toml" in comment[1] else comment[1])
    return found


def top_level_imports(path: Path) -> set[str]:
    """Return the first names of all modules that a source imports, in functions too."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}


def normal(name: str) -> str:
    """Return a package's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
