"""The zip is the same on every machine, holds the functions' code, and runs. The one in the tree is current."""

import ast
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import package

SOURCES = Path(package.SOURCES)
SCRIPTS = package.ROOT / "scripts"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package.build(tmp_path_factory.mktemp("package") / "package.zip")


def test_the_zip_that_is_checked_in_is_that_of_the_sources() -> None:
    assert package.is_current(), "function/ has changed since: run `make package`"


def test_another_machine_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Files in another order, with other times, modes and line ends; another process with other settings."""
    sources = tmp_path / "copy"
    files = list(SOURCES.rglob("*.py"))
    random.Random(1).shuffle(files)  # noqa: S311  (an order, not a secret)
    for number, path in enumerate(files):
        copy = sources / path.relative_to(SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        os.utime(copy, (1_000_000_000 + number * 86_400, 2_000_000_000 - number * 86_400))
        copy.chmod([0o600, 0o755, 0o444][number % 3])
    code = (
        "import os, sys, time; from pathlib import Path; os.umask(0o077); time.time = lambda: 4e9; "
        "from tools import package; package.build(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    settings = {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONPATH": str(SCRIPTS)}
    target = tmp_path / "other name.zip"
    command = [sys.executable, "-c", code, str(target), str(sources)]
    subprocess.run(command, check=True, env={**os.environ, **settings}, cwd=tmp_path)
    assert target.read_bytes() == built.read_bytes()


def meaning(source: str) -> tuple[str, list[tuple[int, int]]]:
    """Return what a module does, whatever its docstrings, and at which lines and columns."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = None
    return ast.dump(tree), [(node.lineno, node.col_offset) for node in nodes if isinstance(node, ast.stmt | ast.expr)]


def test_it_holds_the_functions_code_line_by_line_and_nothing_else(built: Path, tmp_path: Path) -> None:
    expected = {path.relative_to(SOURCES).as_posix(): path.read_text() for path in SOURCES.rglob("*.py")}
    with zipfile.ZipFile(built) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name).decode() for name in archive.namelist()}
        assert list(held) == sorted(held)
        # Plain files that everyone may read, of one date.
        assert {(each.external_attr >> 16, each.create_system) for each in archive.infolist()} == {(0o100644, 3)}
        assert len({each.date_time for each in archive.infolist()}) == 1
    assert held.keys() == expected.keys()
    for name, source in held.items():
        assert meaning(source) == meaning(expected[name])
    assert built.stat().st_size <= 120 * 1024
    sources = tmp_path / "copy"
    shutil.copytree(SOURCES, sources)
    for stray in (
        "x.pyc",
        ".env",
        "healthy_mailing/notes.txt",
        "healthy_mailing/py.typed",
        "healthy_mailing/x.py.orig",
    ):
        (sources / stray).write_text("stray")
    assert package.build(tmp_path / "package.zip", sources).read_bytes() == built.read_bytes()


def test_building_leaves_one_file_and_replaces_an_older_one(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "package.zip"
    package.build(target)
    target.write_text("old")
    assert package.build(target) == target
    assert zipfile.is_zipfile(target)
    assert [path.name for path in target.parent.iterdir()] == ["package.zip"]


def test_the_handler_is_imported_from_the_zip_alone(built: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import feedback, healthy_mailing.table; "
        "assert callable(feedback.handler); print(feedback.__file__, healthy_mailing.table.__file__)"
    )
    environment = {"TABLE_NAME": "mailing", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}
    command = [sys.executable, "-I", "-c", code, str(built)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert run.stdout.split() == [str(built / "feedback.py"), str(built / "healthy_mailing" / "table.py")]
