"""Virtual environments made from the locks, with nothing but Python's standard library.

Installed packages stay: an environment can grow from one lock to a larger one, and an interrupted installation goes on
with the next run. Python compiles a package when it is first imported; of the demo's 26 MB that is 6.
"""

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from harness import locks, paths
from harness.errors import HarnessError, tail

# Finds the wheel of pip that comes with Python; Debian and Fedora keep it in a folder of their own. It runs unpacked:
# installing it takes 3 s, and inside the wheel it would compile itself every time.
_FIND_PIP = (
    "import ensurepip, pathlib, sysconfig; "
    "bundled = pathlib.Path(ensurepip.__file__).with_name('_bundled'); "
    "folders = [pathlib.Path(sysconfig.get_config_var('WHEEL_PKG_DIR') or bundled), bundled]; "
    "print(next(str(wheel) for folder in folders for wheel in sorted(folder.glob('pip-*.whl'))))"
)
# Builds the packages that are published as source alone. Without it pip would fetch one that is not locked.
_BUILDER = "setuptools"


def install(folder: Path, lock: Path, python: str = sys.executable) -> None:
    """Install what a lock holds into an environment, made with ``python`` unless it is there; say so in two lines.

    Raises:
        HarnessError: the environment could not be made, or pip failed; the message holds the end of its output.
    """
    with locks.alone(folder / ".lock"):
        started = time.monotonic()
        print(f"Installing {_shown(lock)} into {_shown(folder)}.", flush=True)
        _make(folder, python)
        _forget_unfinished(folder)
        with _progress() as show:
            count = _install_builder(folder, lock) + _install(folder, lock, show)
        what = "1 package" if count == 1 else f"{count} packages"
        print(f"Installed {what} in {time.monotonic() - started:.0f} s.", flush=True)


def python_of(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / "bin" / "python"


def pip_install(folder: Path, *arguments: str) -> Iterator[str]:
    """Run ``pip install`` in an environment and yield what it prints.

    Raises:
        HarnessError: it failed; the message holds the end of its output.
    """
    options = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--no-compile")
    return lines_of(str(python_of(folder)), "-I", _pip(python_of(folder)), "install", *options, *arguments)


def lines_of(*command: str) -> Iterator[str]:
    """Run a command without the caller's ``PYTHON*`` variables and yield what it prints.

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
        raise HarnessError(f"`{' '.join(command)}` failed:\n{tail(''.join(lines))}")


@cache
def _pip(python: Path) -> str:
    folder = tempfile.mkdtemp(prefix="pip-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.unpack_archive("".join(lines_of(str(python), "-I", "-c", _FIND_PIP)).strip(), folder, "zip")
    return f"{folder}/pip"


def _make(folder: Path, python: str) -> None:
    is_there = "import sys; sys.exit(sys.prefix == sys.base_prefix)"
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run([python_of(folder), "-I", "-c", is_there], capture_output=True, check=True)
        return
    # There is none, or the Python that it was made with is gone.
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != ".lock":
            path.unlink()
    list(lines_of(python, "-m", "venv", "--without-pip", str(folder)))


def _forget_unfinished(folder: Path) -> None:
    """Let pip reinstall what it was installing when it was killed: it writes these two files last."""
    for metadata in folder.glob("lib/python*/site-packages/*.dist-info"):
        if not (metadata / "RECORD").exists() or not (metadata / "INSTALLER").exists():
            shutil.rmtree(metadata)


def _install_builder(folder: Path, lock: Path) -> int:
    entry = re.search(rf"^{_BUILDER}==.*?(?=^\S|\Z)", lock.read_text(), re.MULTILINE | re.DOTALL)
    if entry is None:
        return 0
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as alone:
        alone.write(entry[0])
        alone.flush()
        return _install(folder, Path(alone.name), lambda _: None, "--only-binary", ":all:")


def _install(folder: Path, lock: Path, show: Callable[[str], None], *options: str) -> int:
    names = {line.partition("==")[0] for line in lock.read_text().splitlines() if "==" in line and "win32" not in line}
    fetched = count = 0
    locked = ("--require-hashes", "--no-deps", "--no-build-isolation", "--use-pep517")
    for line in pip_install(folder, *locked, *options, "-r", str(lock)):
        if line.startswith(("Collecting ", "Processing ")):
            fetched += 1
            show(f"{fetched} of {len(names)} packages fetched")
        elif line.startswith("Installing "):
            show("installing")
        elif line.startswith("Successfully installed "):
            count = len(line.split()) - 2
    return count


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Give a function that replaces the terminal's line. It does nothing without a terminal or beside other jobs."""
    if not sys.stdout.isatty() or "-j" in os.environ.get("MAKEFLAGS", ""):
        yield lambda _: None
        return
    try:
        yield lambda text: print(f"\r{text}\x1b[K", end="", flush=True)
    finally:
        print("\r\x1b[K", end="", flush=True)


def _shown(path: Path) -> str:
    return str(path.relative_to(paths.ROOT) if path.is_relative_to(paths.ROOT) else path)
