"""LocalStack without Docker: from PyPI, in an environment of its own, with the plugins in scripts/localstack_process.

    python -m harness.localstack_process

makes the environment, so that what comes later starts at once.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from harness import paths
from harness.errors import HarnessError, tail
from harness.launched import Launched

VERSIONS = ("3.13", "3.12")  # of Python that LocalStack 4.14.0 runs on, the better first
ENVIRONMENT = paths.BUILD / "localstack-venv"
PLUGINS = paths.ROOT / "scripts" / "localstack_process"

_REQUIREMENTS = PLUGINS / "requirements.txt"
_ASK_SECONDS = 20


def start(folder: Path) -> Launched:
    """Start LocalStack, on port 4566 if that is free, and wait until it answers; the first time, install it.

    Raises:
        HarnessError: there is no suitable Python, the installation failed, or it did not start.
    """
    install()
    command = [str(_python()), "-P", "-m", "localstack_process"]
    return Launched.start(command, {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}, folder / "emulator")


def install() -> None:
    """Make the virtual environment, unless it is there already.

    Raises:
        HarnessError: there is no suitable Python, or pip failed.
    """
    with _alone():
        if not _is_done("requirements", _REQUIREMENTS):
            _make_environment()
            _set_done("requirements", _REQUIREMENTS)
        sources = [PLUGINS / "pyproject.toml", *sorted(PLUGINS.glob("*.py"))]
        if not _is_done("plugins", *sources):
            _install_plugins()
            _set_done("plugins", *sources)


def find_python() -> Path:
    """Return a Python that LocalStack runs on: ``LOCALSTACK_PYTHON``, else the first on PATH, else under pyenv.

    Raises:
        HarnessError: there is none.
    """
    named = os.environ.get("LOCALSTACK_PYTHON")
    candidates = [named] if named else _candidates()
    found = next(filter(None, map(_suitable, candidates)), None)
    if found:
        return found
    if named:
        raise HarnessError(
            f"LOCALSTACK_PYTHON is {named}, which is not Python 3.12 or 3.13 with venv: correct it or unset it."
        )
    raise HarnessError(
        "LocalStack without Docker needs Python 3.12 or 3.13, which is not here: install it, name it in "
        "LOCALSTACK_PYTHON, start a Docker engine, or choose EMULATOR=embedded or the URL of one that runs."
    )


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def _candidates() -> Iterator[str]:
    for version in VERSIONS:
        yield f"python{version}"
    yield "python3"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in VERSIONS:
        yield from (str(each / "bin" / "python") for each in sorted(pyenv.glob(f"{version}.*"), reverse=True))


def _suitable(program: str) -> Path | None:
    """Return the interpreter behind a command, None if it is not suitable; a shim of pyenv's may be none at all."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys.executable)"
    try:
        answer = subprocess.run(
            [program, "-I", "-c", code], capture_output=True, text=True, timeout=_ASK_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version, _, executable = answer.strip().partition(" ")
    return Path(executable) if version in VERSIONS else None


def _make_environment() -> None:
    python = find_python()
    print(
        f"Installing LocalStack 4.14.0 into {ENVIRONMENT.relative_to(paths.ROOT)} (once, about a minute, 240 MB) …",
        flush=True,
    )
    started = time.monotonic()
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    total = sum("==" in line for line in _REQUIREMENTS.read_text().splitlines())
    with Console().status("") as status:
        status.update("making the virtual environment")
        for _ in _lines(str(python), "-m", "venv", str(ENVIRONMENT)):
            pass
        collected = 0
        for line in _pip("--require-hashes", "--no-deps", "-r", str(_REQUIREMENTS)):
            collected += line.startswith("Collecting ")
            done = line.startswith("Installing ")
            status.update("installing the packages" if done else f"downloading package {collected} of {total}")
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


def _install_plugins() -> None:
    # From a copy: setuptools leaves files beside the sources.
    copy = ENVIRONMENT / "source"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(PLUGINS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for _ in _pip("--no-deps", "--no-build-isolation", "--force-reinstall", str(copy)):
        pass
    for _ in _lines(str(_python()), "-P", "-m", "localstack_process.catalog"):
        pass


def _pip(*arguments: str) -> Iterator[str]:
    return _lines(str(_python()), "-m", "pip", "--disable-pip-version-check", "install", *arguments)


def _lines(*command: str) -> Iterator[str]:
    """Run a command and yield what it prints.

    Raises:
        HarnessError: it failed; the message holds the end of its output.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout
        lines = []
        try:
            for line in process.stdout:
                lines.append(line)
                yield line
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise HarnessError(f"LocalStack was not installed; `{' '.join(command)}` failed:\n{tail(''.join(lines))}")


def _is_done(step: str, *inputs: Path) -> bool:
    stamp = ENVIRONMENT / f"{step}.done"
    return _python().exists() and stamp.exists() and stamp.read_text() == _digest(inputs)


def _set_done(step: str, *inputs: Path) -> None:
    (ENVIRONMENT / f"{step}.done").write_text(_digest(inputs))


def _digest(inputs: tuple[Path, ...]) -> str:
    return hashlib.sha256(b"".join(each.read_bytes() for each in inputs)).hexdigest()


@contextmanager
def _alone() -> Iterator[None]:
    paths.BUILD.mkdir(exist_ok=True)
    with (paths.BUILD / "localstack-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        install()
    except HarnessError as error:
        sys.exit(f"error: {error}")
