from pathlib import Path

import pytest

from harness.emulators import localstack_process
from harness.errors import HarnessError


def interpreter(path: Path, version: str) -> Path:
    """Make a program that answers, when asked, as that Python would; without a version, one that does not run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{f'echo {version} {path}' if version else 'exit 127'}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.delenv("LOCALSTACK_PYTHON", raising=False)


PYENV = "pyenv/versions/{}/bin/python"


@pytest.mark.parametrize(
    ("programs", "named", "expected"),
    [
        *(({name: "3.13"}, "", name) for name in ("bin/python3.13", "bin/python3", PYENV.format("3.13.1"))),
        ({"bin/python3.12": "3.12"}, "", "bin/python3.12"),
        ({"bin/python3.12": "3.12", "bin/python3.13": "3.13"}, "", "bin/python3.13"),
        # One that does not run, such as a shim of pyenv's, or is of another version is passed over.
        ({"bin/python3.13": "", "bin/python3": "3.14", PYENV.format("3.12.9"): "3.12"}, "", PYENV.format("3.12.9")),
        ({"bin/python3.13": "3.13", "elsewhere": "3.12"}, "elsewhere", "elsewhere"),
    ],
)
def test_the_one_that_is_named_wins_else_the_best_where_people_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: dict[str, str], named: str, expected: str
) -> None:
    for name, version in programs.items():
        interpreter(tmp_path / name, version)
    monkeypatch.setenv("LOCALSTACK_PYTHON", named and str(tmp_path / named))
    assert localstack_process.find_python() == tmp_path / expected


def test_without_one_a_sentence_says_what_to_do() -> None:
    with pytest.raises(HarnessError, match=r"without Docker needs Python 3\.12 or 3\.13.*LOCALSTACK_PYTHON"):
        localstack_process.find_python()


def test_a_named_one_that_is_unsuitable_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter(tmp_path / "bin/python3.13", "3.13")
    monkeypatch.setenv("LOCALSTACK_PYTHON", str(interpreter(tmp_path / "old", "3.9")))

    with pytest.raises(HarnessError, match=r"LOCALSTACK_PYTHON is .*old, which is not Python"):
        localstack_process.find_python()
