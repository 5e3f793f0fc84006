from pathlib import Path

import pytest

from harness.emulators import localstack_process
from harness.errors import HarnessError


def interpreter(path: Path, answer: str) -> Path:
    """Make a program that answers, when asked, as that Python would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)
    return path


def python(path: Path, version: str) -> Path:
    return interpreter(path, f"echo {version} {path}")


@pytest.fixture(autouse=True)
def _bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.delenv("LOCALSTACK_PYTHON", raising=False)


@pytest.mark.parametrize(
    "name", ["bin/python3.13", "bin/python3.12", "bin/python3", "pyenv/versions/3.13.1/bin/python"]
)
def test_a_python_is_found_where_people_have_it(tmp_path: Path, name: str) -> None:
    version = "3.13" if "3.13" in name else "3.12"
    expected = python(tmp_path / name, version)

    assert localstack_process.find_python() == expected


def test_3_13_is_preferred(tmp_path: Path) -> None:
    python(tmp_path / "bin/python3.12", "3.12")
    expected = python(tmp_path / "bin/python3.13", "3.13")

    assert localstack_process.find_python() == expected


def test_one_that_does_not_run_or_is_of_another_version_is_passed_over(tmp_path: Path) -> None:
    interpreter(tmp_path / "bin/python3.13", "echo pyenv: python3.13: command not found >&2; exit 127")
    python(tmp_path / "bin/python3", "3.14")
    expected = python(tmp_path / "pyenv/versions/3.12.9/bin/python", "3.12")

    assert localstack_process.find_python() == expected


def test_the_one_that_is_named_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python(tmp_path / "bin/python3.13", "3.13")
    expected = python(tmp_path / "elsewhere", "3.12")
    monkeypatch.setenv("LOCALSTACK_PYTHON", str(expected))

    assert localstack_process.find_python() == expected


def test_without_one_a_sentence_says_what_to_do() -> None:
    with pytest.raises(HarnessError, match=r"without Docker needs Python 3\.12 or 3\.13.*LOCALSTACK_PYTHON"):
        localstack_process.find_python()


def test_a_named_one_that_is_unsuitable_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python(tmp_path / "bin/python3.13", "3.13")
    monkeypatch.setenv("LOCALSTACK_PYTHON", str(python(tmp_path / "old", "3.9")))

    with pytest.raises(HarnessError, match=r"LOCALSTACK_PYTHON is .*old, which is not Python"):
        localstack_process.find_python()
