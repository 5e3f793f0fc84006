"""What `make` does before it does anything else: it finds a Python, and installs what a target needs."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness import environment, paths
from harness.errors import HarnessError
from tools import package

FIND = paths.ROOT / "scripts" / "python"
MAKE = shutil.which("make") or "make"


def fake_python(folder: Path, name: str, version: tuple[int, int] = (3, 11), lacks: str = "") -> Path:
    """Make a command that answers as that Python would: it runs this one under another version number."""
    path = folder / name
    missing = f"sys.modules[{lacks!r}] = None; " if lacks else ""
    code = f"import sys; sys.version_info = {version}; sys.executable = {str(path)!r}; {missing}"
    asked = f'if [ "$1" = -c ]; then exec {sys.executable} -c "{code}$2"; fi'
    path.write_text(f'#!/bin/sh\n{asked}\necho {name} "$@"\n')
    path.chmod(0o755)
    return path


def broken_shim(folder: Path, name: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho 'pyenv: {name}: command not found' >&2\nexit 127\n")
    path.chmod(0o755)


def find(path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", str(FIND), "-V"],
        env={"PATH": str(path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_newest_python_is_found(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3.11")
    fake_python(tmp_path, "python3.13", (3, 13))
    fake_python(tmp_path, "python3", (3, 12))
    assert find(tmp_path).stdout == "python3.13 -V\n"


def test_one_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    broken_shim(tmp_path, "python3.13")
    fake_python(tmp_path, "python3.12", (3, 12))
    found = find(tmp_path)
    assert (found.stdout, found.stderr) == ("python3.12 -V\n", "")


def test_one_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", (3, 10))
    found = find(tmp_path)
    assert found.returncode == 1
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("error: there is no Python 3.11 or newer on PATH")


def test_one_without_venv_is_passed_over_where_that_is_needed(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3.13", (3, 13), lacks="ensurepip")
    fake_python(tmp_path, "python3.11")
    assert find(tmp_path).stdout == "python3.13 -V\n"
    assert find(tmp_path, MODULES="venv, ensurepip").stdout == "python3.11 -V\n"


def test_without_venv_at_all_the_error_says_so(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", lacks="ensurepip")
    found = find(tmp_path, MODULES="venv, ensurepip")
    assert found.returncode == 1
    assert re.fullmatch(r"error: .*python3 lacks one of the modules venv, ensurepip: install them .*\n", found.stderr)


def test_the_one_that_is_named_wins_and_is_not_replaced(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3.13", (3, 13))
    elsewhere = tmp_path / "a folder"
    elsewhere.mkdir()
    named = fake_python(elsewhere, "mine")
    assert find(tmp_path, PYTHON=str(named)).stdout == "mine -V\n"
    found = find(tmp_path, PYTHON="missing")
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.startswith("error: PYTHON=missing does not run")


@pytest.mark.parametrize("target", ["package", "plan", "apply", "destroy", "validate"])
def test_deploying_sets_up_nothing(target: str) -> None:
    commands = subprocess.run(
        [MAKE, "--dry-run", target], cwd=paths.ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "scripts/python" in commands
    assert ".venv" not in commands


def test_make_builds_and_checks_the_zip_with_a_bare_python(tmp_path: Path) -> None:
    """Neither site packages nor a virtual environment: -S hides the one, and a copy of the sources has no other."""
    for name in ("function", "scripts"):
        shutil.copytree(paths.ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(paths.ROOT / "Makefile", tmp_path)
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)

    def make(target: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [MAKE, target, f"PYTHON={bare}"], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    built = package.PACKAGE.relative_to(package.ROOT)
    assert make("package").returncode == 0
    assert zipfile.is_zipfile(tmp_path / built)
    assert make("packaged").returncode == 0
    with (tmp_path / "function" / "feedback.py").open("a") as source:
        source.write("# changed\n")
    assert make("packaged").returncode != 0
    assert make("packaged").stderr.startswith(f"error: {built} is not the zip of function/: run `make package`")
    assert not (tmp_path / ".venv").exists()


def test_terraform_is_run_with_a_bare_python(tmp_path: Path) -> None:
    terraform = tmp_path / "terraform"
    terraform.write_text("#!/bin/sh\nif [ $1 = version ]; then echo Terraform v1.11.4; else echo ran $1; fi\n")
    terraform.chmod(0o755)
    environment_ = {"PATH": os.environ["PATH"], "PYTHONPATH": "scripts", "TERRAFORM": str(terraform)}
    command = [sys.executable, "-S", "-m", "harness", "terraform", "fmt"]
    ran = subprocess.run(command, cwd=paths.ROOT, env=environment_, capture_output=True, text=True, check=True)
    assert ran.stdout == "ran fmt\n"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("one==1.0 \\\n    --hash=sha256:0\n")
    return path


@pytest.fixture
def _pip_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["WARNING: a location is ignored\n", "Collecting one\n", "Successfully installed one-1.0\n"]
    monkeypatch.setattr(environment, "pip_install", lambda *_: iter(said))


@pytest.mark.usefixtures("_pip_is_quick")
def test_installing_prints_two_lines_and_neither_warnings_nor_carriage_returns(
    tmp_path: Path, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.install(tmp_path / "venv", lock)
    output = capsys.readouterr()
    pattern = rf"Installing {lock} into {tmp_path}/venv\.\nInstalled 1 package in \d+ s\.\n"
    assert re.fullmatch(pattern, output.out)
    assert output.err == ""


@pytest.mark.usefixtures("_pip_is_quick")
def test_an_environment_that_is_there_is_kept(tmp_path: Path, lock: Path) -> None:
    environment.install(tmp_path / "venv", lock)
    kept = tmp_path / "venv" / "lib" / "kept"
    kept.touch()
    environment.install(tmp_path / "venv", lock, "/nonexistent/python")
    assert kept.exists()


@pytest.mark.usefixtures("_pip_is_quick")
def test_one_whose_python_is_gone_is_made_again(tmp_path: Path, lock: Path) -> None:
    environment.install(tmp_path / "venv", lock)
    python = environment.python_of(tmp_path / "venv")
    python.unlink()
    python.symlink_to("/nonexistent/python")
    environment.install(tmp_path / "venv", lock)
    assert python.exists()


@pytest.mark.usefixtures("_pip_is_quick")
def test_what_pip_did_not_finish_is_installed_again(tmp_path: Path, lock: Path) -> None:
    environment.install(tmp_path / "venv", lock)
    packages = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    for name, files in {"half": ["METADATA", "RECORD"], "whole": ["METADATA", "INSTALLER", "RECORD"]}.items():
        (packages / f"{name}-1.0.dist-info").mkdir()
        for file in files:
            (packages / f"{name}-1.0.dist-info" / file).write_text("")
    environment.install(tmp_path / "venv", lock)
    assert [path.name for path in packages.glob("*.dist-info")] == ["whole-1.0.dist-info"]


def test_a_failure_ends_with_what_pip_said(tmp_path: Path, lock: Path) -> None:
    lock.write_text("--nonsense\n")
    with pytest.raises(HarnessError, match=r"(?s)pip install .* failed:.*no such option: --nonsense"):
        environment.install(tmp_path / "venv", lock)
