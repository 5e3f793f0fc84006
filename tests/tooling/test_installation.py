"""``pip install .`` gives the program ``mailing``, with what it imports and nothing else."""

import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import healthy_mailing
from harness import paths


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what an installer unpacks."""
    built = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(built)]
    subprocess.run(build, cwd=paths.ROOT, check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(built / "site-packages")
    return built / "site-packages"


def test_it_holds_the_command_line_and_the_package_that_the_functions_share(installed: Path) -> None:
    (distribution,) = metadata.distributions(path=[str(installed)])
    assert distribution.version == healthy_mailing.__version__
    assert {path.parts[0] for path in distribution.files or ()} == {
        "healthy_mailing",
        "healthy_mailing_cli",
        f"healthy_mailing-{healthy_mailing.__version__}.dist-info",
    }


def test_its_program_is_called_mailing_and_has_the_samples_that_it_publishes(installed: Path) -> None:
    (distribution,) = metadata.distributions(path=[str(installed)])
    (program,) = distribution.entry_points.select(group="console_scripts")
    assert program.name == "mailing"
    code = f"from {program.module} import {program.attr}; {program.attr}()"

    def mailing(*arguments: str) -> str:
        command = [sys.executable, "-c", code, *arguments]
        environment = {"PATH": os.defpath, "PYTHONPATH": str(installed), "COLUMNS": "80"}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    assert mailing("--version") == f"mailing {healthy_mailing.__version__}\n"
    listed = [line.split()[0] for line in mailing("publish", "--list").splitlines()]
    assert listed == sorted(path.stem for path in paths.EVENTS.glob("*.json"))
