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
REPOSITORY = Path(package.ROOT)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package.build(tmp_path_factory.mktemp("package") / "package.zip")


def copy_in_other_order(sources: Path, target: Path, seed: int) -> None:
    """Copy sources file by file in a random order, which is the order many file systems list them in."""
    files = [path for path in sources.rglob("*.py") if path.is_file()]
    random.Random(seed).shuffle(files)  # noqa: S311  (an order, not a secret)
    for path in files:
        copy = target / path.relative_to(sources)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())


def test_the_zip_that_is_checked_in_is_that_of_the_sources() -> None:
    assert package.is_current(), "function/ has changed since: run `make package`"


@pytest.mark.parametrize("seed", range(3))
def test_copies_with_other_times_modes_and_order_give_the_same_bytes(built: Path, tmp_path: Path, seed: int) -> None:
    sources = tmp_path / "copy"
    copy_in_other_order(SOURCES, sources, seed)
    for number, path in enumerate(sources.rglob("*.py")):
        os.utime(path, (1_000_000_000 + number * 86_400, 2_000_000_000 - number * 86_400))
        path.chmod([0o600, 0o755, 0o444][(number + seed) % 3])
    assert package.build(tmp_path / "other name.zip", sources).read_bytes() == built.read_bytes()


def test_line_ends_of_another_system_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    sources = tmp_path / "copy"
    copy_in_other_order(SOURCES, sources, 0)
    for path in sources.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert package.build(tmp_path / "package.zip", sources).read_bytes() == built.read_bytes()


def test_another_process_with_another_clock_and_umask_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; os.umask(0o077); time.time = lambda: 4e9; "
        f"sys.path.insert(0, {str(REPOSITORY / 'scripts')!r}); "
        "from tools import package; package.build(Path(sys.argv[1]))"
    )
    environment = {**os.environ, "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    target = tmp_path / "package.zip"
    subprocess.run([sys.executable, "-c", code, target], check=True, env=environment, cwd=tmp_path)
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
    assert held.keys() == expected.keys()
    for name, source in held.items():
        assert meaning(source) == meaning(expected[name])
    assert built.stat().st_size <= 120 * 1024
    sources = tmp_path / "copy"
    shutil.copytree(SOURCES, sources)
    for stray in (
        "__pycache__/x.pyc",
        "healthy_mailing/notes.txt",
        ".env",
        "healthy_mailing/py.typed",
        "healthy_mailing/x.py.orig",
    ):
        (sources / stray).parent.mkdir(exist_ok=True)
        (sources / stray).write_text("stray")
    assert package.build(tmp_path / "package.zip", sources).read_bytes() == built.read_bytes()


def test_entries_are_plain_files_that_everyone_may_read(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        entries = archive.infolist()
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert {entry.create_system for entry in entries} == {3}
    assert len({entry.date_time for entry in entries}) == 1


def test_a_changed_source_gives_other_bytes(built: Path, tmp_path: Path) -> None:
    sources = tmp_path / "copy"
    shutil.copytree(SOURCES, sources)
    with (sources / "healthy_mailing" / "evidence.py").open("a") as source:
        source.write("CHANGED = True\n")
    assert package.build(tmp_path / "package.zip", sources).read_bytes() != built.read_bytes()


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
    run = subprocess.run(
        [sys.executable, "-I", "-c", code, built],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert run.stdout.split() == [str(built / "feedback.py"), str(built / "healthy_mailing" / "table.py")]


@pytest.mark.parametrize("found", ["current", "older", None])
def test_checking_says_what_to_do_and_writes_nothing(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str | None
) -> None:
    target = tmp_path / "package.zip"
    if found:
        target.write_bytes(built.read_bytes() if found == "current" else b"older")
    held = target.read_bytes() if found else None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["package.py", "--check", str(target)])
    if found == "current":
        package.main()
    else:
        message = r"error: package\.zip is not the zip of function/: run `make package` and commit it\."
        with pytest.raises(SystemExit, match=message):
            package.main()
    assert (target.read_bytes() if target.exists() else None) == held


def test_size_and_digest_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "package.zip"
    monkeypatch.setattr(sys, "argv", ["package.py", str(target)])
    package.main()
    output = capsys.readouterr().out
    assert str(target) in output
    assert f"{target.stat().st_size:,} bytes" in output
    assert "sha256 " in output
