"""LocalStack without Docker: from PyPI, in its own environment, with the plugins in ``localstack_plugins``."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import environment, locks, paths
from harness.emulators.launched import Launched
from harness.errors import HarnessError

VERSIONS = ("3.13", "3.12")  # of Python that LocalStack 4.14.0 runs on, the better first
ENVIRONMENT = paths.BUILD / "localstack-venv"

_SCRIPTS = paths.ROOT / "scripts"
_PLUGINS = Path(__file__).with_name("localstack_plugins")
_REQUIREMENTS = paths.ROOT / "requirements" / "localstack.txt"
# What the plugins share with the harness, with the folders it lies in.
_SHARED = [
    _SCRIPTS / "harness" / each
    for each in ("__init__.py", "lifeline.py", "emulators/__init__.py", "emulators/partiql.py")
]
_ASK_SECONDS = 20


def start(folder: Path) -> Launched:
    """Start LocalStack, on port 4566 if that is free, and wait until it answers; the first time, install it.

    Raises:
        HarnessError: there is no suitable Python, the installation failed, or it did not start.
    """
    install()
    command = [str(_python()), "-P", "-m", "harness.emulators.localstack_plugins"]
    return Launched.start(command, {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}, folder / "emulator")


def install() -> None:
    """Make the virtual environment, unless it is there already.

    Raises:
        HarnessError: there is no suitable Python, or pip failed.
    """
    sources = [_PLUGINS / "pyproject.toml", *sorted(_PLUGINS.glob("*.py")), *_SHARED]
    with locks.alone(paths.BUILD / "localstack-venv.lock"):
        _once("requirements", [_REQUIREMENTS], _make_environment)
        _once("plugins", sources, lambda: _install_plugins(sources))


def _once(step: str, inputs: list[Path], run: Callable[[], None]) -> None:
    """Run a step of the installation, unless it was run with the same inputs."""
    stamp = ENVIRONMENT / f"{step}.done"
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in inputs)).hexdigest()
    if not _python().exists() or not stamp.exists() or stamp.read_text() != digest:
        run()
        stamp.write_text(digest)


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
            f"LOCALSTACK_PYTHON is {named}, which is not Python 3.12 or 3.13 with venv. Correct it or unset it."
        )
    raise HarnessError(
        "LocalStack without Docker needs Python 3.12 or 3.13, and none was found. Install it, set LOCALSTACK_PYTHON, "
        "start a Docker engine, or choose EMULATOR=embedded or the URL of a running emulator."
    )


def _python() -> Path:
    return environment.python_of(ENVIRONMENT)


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
    print("Installing LocalStack 4.14.0 (only once; about half a minute, 170 MB).", flush=True)
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    environment.install(ENVIRONMENT, _REQUIREMENTS, str(python))


def _install_plugins(sources: list[Path]) -> None:
    # From a copy: setuptools leaves files beside the sources.
    copies = ENVIRONMENT / "source"
    shutil.rmtree(copies, ignore_errors=True)
    for each in sources:
        copy = copies / each.relative_to(_SCRIPTS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(each, copy)
    copy = copies / _PLUGINS.relative_to(_SCRIPTS)
    list(environment.pip_install(ENVIRONMENT, "--no-deps", "--no-build-isolation", "--force-reinstall", str(copy)))
    list(environment.lines_of(str(_python()), "-P", "-m", "harness.emulators.localstack_plugins.catalog"))
