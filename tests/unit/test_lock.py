"""Nothing is installed that was not locked: every package at one version, known by its hashes.

Whether a locked version is known to be vulnerable, only a service on the internet can tell (``pip-audit``).
"""

import re
from importlib import metadata
from pathlib import Path

import pytest

from harness import paths

LOCKS = sorted([*paths.ROOT.glob("requirements*.txt"), *paths.ROOT.glob("scripts/*/requirements*.txt")])
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
def test_what_was_asked_for_is_locked(lock: Path) -> None:
    asked = re.findall(r"^([A-Za-z0-9._-]+)", lock.with_suffix(".in").read_text(), re.MULTILINE)
    locked = {normal(name) for name, *_ in ENTRY.findall(lock.read_text())}
    assert [name for name in asked if normal(name) not in locked] == []


def test_what_is_installed_is_what_is_locked() -> None:
    lock = (paths.ROOT / "requirements.txt").read_text()
    locked = {normal(name): version for name, version, marker, _ in ENTRY.findall(lock) if not marker}
    assert {name: metadata.version(name) for name in locked} == locked


def test_nothing_is_installed_past_the_lock() -> None:
    """Each ``pip install`` of the Makefile asks for hashes, or is of the tool that renews the locks, at one version."""
    lines = [line for line in (paths.ROOT / "Makefile").read_text().splitlines() if "pip install" in line]
    assert lines
    assert [line for line in lines if "--require-hashes" not in line and not re.search(r" uv==[0-9.]+$", line)] == []


def normal(name: str) -> str:
    """Return a package's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
