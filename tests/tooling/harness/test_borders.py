"""What each folder under ``scripts/`` may import, as ``scripts/harness/README.md`` says."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import paths

SCRIPTS = paths.ROOT / "scripts"
# Of this project's own modules, by folder: these and what is in them.
BASICS = {f"harness.{name}" for name in ("environment", "errors", "lifeline", "locks", "paths", "polling")}
ROOMS = ("/commands", "/shell", "/lists", "/ses", "/doctor", "/figures", "/redrive", "/table")
MAY_IMPORT = {
    "tools": {"tools"},
    **{f"healthy_mailing_cli{room}": {"healthy_mailing_cli", "healthy_mailing"} for room in ("", *ROOMS)},
    "healthy_mailing_cli/lists/formats": {"healthy_mailing_cli.lists.formats", "healthy_mailing"},
    "harness": {
        *BASICS,
        "harness.emulator",
        "harness.emulators",
        "harness.run_folder",
        "harness.stack",
        "harness.terraform",
        "tools.package",
    },
    "harness/commands": {"harness"},
    "harness/emulators": {*BASICS, "harness.emulators.launched"},
    "harness/emulators/embedded": {*BASICS, "harness.emulators.launched", "harness.emulators.embedded"},
    "harness/emulators/embedded/ministack_gaps": {"harness.emulators.embedded.ministack_gaps"},
    "harness/emulators/localstack_docker": BASICS,
    "harness/emulators/localstack_plugins": {
        "harness.lifeline",
        "harness.emulators.partiql",
        "harness.emulators.localstack_plugins",
    },
}
SOURCES = [path for path in sorted(SCRIPTS.rglob("*.py")) if path != SCRIPTS / "harness" / "__main__.py"]
OWN = {path.stem for folder in ("function", "scripts", "tests") for path in (paths.ROOT / folder).iterdir()}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a source imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            folder = SCRIPTS / (node.module or "").replace(".", "/")
            yield from (f"{node.module}.{alias.name}" if folder.is_dir() else node.module or "" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SCRIPTS)))
def test_a_source_imports_what_its_folder_may(path: Path) -> None:
    allowed = MAY_IMPORT[str(path.parent.relative_to(SCRIPTS))]
    own = [name for name in imported(path) if name.partition(".")[0] in OWN]
    assert [name for name in own if not any(f"{name}.".startswith(f"{each}.") for each in allowed)] == []


@pytest.mark.parametrize("name", ["__init__", "lifeline", "emulators/__init__", "emulators/partiql"])
def test_what_goes_into_localstack_s_environment_needs_the_standard_library_alone(name: str) -> None:
    modules = {module.partition(".")[0] for module in imported(SCRIPTS / "harness" / f"{name}.py")}
    assert modules <= sys.stdlib_module_names
