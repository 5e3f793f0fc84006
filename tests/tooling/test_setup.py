"""What `make` does before it does anything else: it finds a Python, and installs what a target needs."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import environment, paths
from harness.errors import HarnessError
from tools import package

FIND = paths.ROOT / "scripts" / "python"
MAKE = shutil.which("make") or "make"


@dataclass(frozen=True)
class Fake:
    """A command that answers as such a Python would: it runs this one under another version number."""

    version: tuple[int, int] | None = (3, 11)  # None: a shim of pyenv's with nothing behind it
    lacks: str = ""

    def install(self, path: Path) -> None:
        missing = f"sys.modules[{self.lacks!r}] = None; " if self.lacks else ""
        code = f"import sys; sys.version_info = {self.version}; sys.executable = {str(path)!r}; {missing}"
        asked = f'if [ "$1" = -c ]; then exec {sys.executable} -c "{code}$2"; fi\necho {path.name} "$@"'
        path.write_text(f"#!/bin/sh\n{asked if self.version else 'echo command not found >&2; exit 127'}\n")
        path.chmod(0o755)


VENV = {"MODULES": "venv, ensurepip"}
TOO_OLD = r"error: there is no Python 3\.11 or newer on PATH.*"
NO_VENV = r"error: .*python3 lacks one of the modules venv, ensurepip: install them .*"


@pytest.mark.parametrize(
    ("there", "variables", "found"),
    [
        ({"python3.11": Fake(), "python3.13": Fake((3, 13)), "python3": Fake((3, 12))}, {}, "python3.13 -V"),
        ({"python3.13": Fake(None), "python3.12": Fake((3, 12))}, {}, "python3.12 -V"),
        ({"python3": Fake((3, 10))}, {}, TOO_OLD),
        ({"python3.13": Fake((3, 13), "ensurepip"), "python3.11": Fake()}, {}, "python3.13 -V"),
        ({"python3.13": Fake((3, 13), "ensurepip"), "python3.11": Fake()}, VENV, "python3.11 -V"),
        ({"python3": Fake(lacks="ensurepip")}, VENV, NO_VENV),
        ({"python3.13": Fake((3, 13)), "my own": Fake()}, {"PYTHON": "my own"}, "my own -V"),
        ({"python3.13": Fake((3, 13))}, {"PYTHON": "missing"}, "error: PYTHON=missing does not run.*"),
    ],
    ids=[
        "newest",
        "broken",
        "too old",
        "no venv",
        "no venv but needed",
        "no venv at all",
        "named",
        "named but missing",
    ],
)
def test_the_newest_python_that_will_do_is_found_and_a_named_one_is_not_replaced(
    tmp_path: Path, there: dict[str, Fake], variables: dict[str, str], found: str
) -> None:
    for name, fake in there.items():
        fake.install(tmp_path / name)
    answer = subprocess.run(
        ["/bin/sh", str(FIND), "-V"],
        env={"PATH": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = found.startswith("error")
    assert answer.returncode == int(failed)
    assert re.fullmatch(f"{found}\n", answer.stderr if failed else answer.stdout)
    assert (answer.stdout if failed else answer.stderr) == ""


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
    said = make("package").stdout
    assert zipfile.is_zipfile(tmp_path / built)
    size, digest = (tmp_path / built).stat().st_size, hashlib.sha256((tmp_path / built).read_bytes()).hexdigest()
    assert f"{built}  {size:,} bytes  sha256 {digest}\n" in said
    assert make("packaged").returncode == 0
    with (tmp_path / "function" / "feedback.py").open("a") as source:
        source.write("# changed\n")
    assert make("packaged").returncode != 0
    assert make("packaged").stderr.startswith(f"error: {built} is not the zip of function/: run `make package`")
    (tmp_path / built).unlink()
    assert make("packaged").returncode != 0
    assert not (tmp_path / built).exists()
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
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock that a pip installs at once."""
    said = ["WARNING: a location is ignored\n", "Collecting one\n", "Successfully installed one-1.0\n"]
    monkeypatch.setattr(environment, "pip_install", lambda *_: iter(said))
    path = tmp_path / "requirements.txt"
    path.write_text("one==1.0 \\\n    --hash=sha256:0\n")
    return path


def test_installing_prints_two_lines_and_keeps_what_is_there(
    tmp_path: Path, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.install(tmp_path / "venv", lock)
    output = capsys.readouterr()
    pattern = rf"Installing {lock} into {tmp_path}/venv\.\nInstalled 1 package in \d+ s\.\n"
    assert re.fullmatch(pattern, output.out)  # neither pip's warnings nor carriage returns
    assert output.err == ""
    kept = tmp_path / "venv" / "lib" / "kept"
    kept.touch()
    environment.install(tmp_path / "venv", lock, "/nonexistent/python")
    assert kept.exists()


def test_an_environment_whose_python_is_gone_is_made_again(tmp_path: Path, lock: Path) -> None:
    environment.install(tmp_path / "venv", lock)
    python = environment.python_of(tmp_path / "venv")
    python.unlink()
    python.symlink_to("/nonexistent/python")
    environment.install(tmp_path / "venv", lock)
    assert python.exists()


def test_what_pip_did_not_finish_is_installed_again(tmp_path: Path, lock: Path) -> None:
    environment.install(tmp_path / "venv", lock)
    packages = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    for name, files in {"half": ["METADATA", "RECORD"], "whole": ["METADATA", "INSTALLER", "RECORD"]}.items():
        (packages / f"{name}-1.0.dist-info").mkdir()
        for file in files:
            (packages / f"{name}-1.0.dist-info" / file).write_text("")
    environment.install(tmp_path / "venv", lock)
    assert [path.name for path in packages.glob("*.dist-info")] == ["whole-1.0.dist-info"]


def test_a_failure_ends_with_what_pip_said(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("--nonsense\n")
    with pytest.raises(HarnessError, match=r"(?s)pip install .* failed:.*no such option: --nonsense"):
        environment.install(tmp_path / "venv", lock)
