"""Change the core and the table in every small way, one at a time, and see that a test fails each time.

    make mutants
    make mutants MUTANTS_ARGS='evidence table'

cosmic-ray makes the mutants. Each is tested in a process of its own by those tests that reach the changed statement,
the quickest first. One that no test notices is a gap in the tests, or does the same as the original: then
equivalent.toml lists it with the reason. What was found stays in build/mutants, so an interrupted run goes on; a file
starts over once it, its tests or this program change.
"""

import argparse
import ast
import hashlib
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from mutants import child

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "function" / "healthy_mailing"
ROOM = ROOT / "scripts" / "healthy_mailing_cli" / "table"
BUILD = ROOT / "build" / "mutants"
COSMIC_RAY = ROOT / "build" / "cosmic-ray" / "bin" / "python"

_MERGE = ("unit/test_evidence_state.py", "unit/test_evidence_merge.py")
_TABLE = ("integration/test_table.py", "integration/test_lookup.py", "integration/test_table_room.py")
_SPELLINGS = ("integration/test_adopted.py", "unit/test_decisions.py", "integration/test_decided.py")
TESTS: Mapping[str, Sequence[str]] = {
    "timestamp": ("unit/test_timestamp.py", *_MERGE, "unit/test_item.py", "unit/test_decisions.py"),
    "address": ("unit/test_address.py",),
    "evidence": (*_MERGE, "unit/test_item.py", "unit/test_settings.py"),
    "item": ("unit/test_item.py", *_MERGE, *_TABLE),
    "notification": ("unit/test_notification.py", "unit/test_events.py"),
    "envelope": ("unit/test_envelope.py", "integration/test_handler.py"),
    "row": (*_TABLE, *_SPELLINGS),
    "operations": ("integration/test_lookup.py", "integration/test_table_room.py", *_SPELLINGS),
    "calls": ("unit/test_calls.py", *_TABLE),
    "table": (*_TABLE, *_SPELLINGS, "integration/test_handler.py"),
    "clearing": ("integration/test_table_room.py", "integration/test_clear_bounces.py", *_SPELLINGS),
    "deleting": ("integration/test_table_room.py", *_SPELLINGS),
    "erasing": ("unit/test_evidence_state.py", "integration/test_table_room.py", *_SPELLINGS),
    "moving": _SPELLINGS,
    "outage": ("unit/test_outage.py", "integration/test_table_room.py"),
    "reassessing": ("integration/test_table_room.py", *_SPELLINGS),
}
"""The files of tests that state what each file of the core, and of what people start on the table, promises."""


def path_of(name: str) -> Path:
    """Return the path of a file by its name in ``TESTS``."""
    return next(folder / f"{name}.py" for folder in (CORE, ROOM) if (folder / f"{name}.py").is_file())


@dataclass(frozen=True, order=True)
class Change:
    """What a mutant is listed by: a line of a file, without its indent and number, and what it becomes."""

    file: str
    line: str
    becomes: str
    occurrence: int = 1
    """Of several such lines, which."""

    def __str__(self) -> str:
        """Return it as two lines of a diff."""
        which = f"  ({self.occurrence} of several)" if self.occurrence > 1 else ""
        return f"  - {self.line}{which}\n  + {self.becomes or '(nothing)'}"


def equivalents() -> Mapping[Change, str]:
    """Return the changes that ``equivalent.toml`` lists, with their reasons."""
    return {
        Change(file, entry["line"], becomes, entry.get("occurrence", 1)): entry["reason"]
        for file, of_file in tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text()).items()
        for entry in of_file
        for becomes in entry["becomes"]
    }


@dataclass(frozen=True)
class Mutant:
    """A change of some lines, as generate.py prints it."""

    operator: str
    first: int
    last: int
    lines: list[str]
    line: str
    becomes: str
    occurrence: int


class Session:
    """The mutants of one file and what became of them, kept in a file: one line of JSON each."""

    def __init__(self, name: str) -> None:
        """Go on where the last run ended; make the mutants if there is none, or not of the same sources."""
        self.name, self.path = name, path_of(name)
        self.tests = [ROOT / "tests" / each for each in TESTS[name]]
        self.source = self.path.read_text()
        self._kept = BUILD / f"{name}.jsonl"
        kept, made_of = list(_complete(self._kept)), self._made_of()
        if len(kept) < 3 or kept[0] != made_of:
            kept = [made_of, self._mutants(), self._reaches()]
        # In any case, so that the next line does not go on behind half of one.
        self._kept.write_text("".join(json.dumps(each) + "\n" for each in kept))
        self.mutants = [Mutant(**each) for each in kept[1]]
        # Of each test its seconds and the lines that it reaches, counted from 1; the quickest first.
        self.reaches = sorted((seconds, test, {*lines}) for test, (seconds, lines) in kept[2].items())
        self.outcomes: dict[int, str] = dict(kept[3:])

    def survivors(self) -> Mapping[Change, Mutant]:
        """Return the mutants that no test noticed."""
        survived = [self.mutants[number] for number, each in sorted(self.outcomes.items()) if each == "survived"]
        return {Change(self.name, each.line, each.becomes, each.occurrence): each for each in survived}

    def run(self, workers: int) -> Iterator[None]:
        """Test the mutants of which nothing is known, and keep what becomes of each; yield after each."""
        waiting = [number for number in reversed(range(len(self.mutants))) if number not in self.outcomes]
        running: dict[object, tuple[int, BaseProcess]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    number = waiting.pop()
                    if started := self._start(number):
                        running[started.sentinel] = number, started
                    else:
                        self._keep(number, "survived")
                        yield
                for each in connection.wait([process.sentinel for _, process in running.values()]) if running else ():
                    number, process = running.pop(each)
                    process.join()
                    self._keep(number, self._outcome(number, process))
                    yield
        finally:
            for _, process in running.values():
                process.kill()

    def _keep(self, number: int, outcome: str) -> None:
        self.outcomes[number] = outcome
        with self._kept.open("a") as file:
            file.write(json.dumps([number, outcome]) + "\n")

    def _start(self, number: int) -> BaseProcess | None:
        """Start the tests that reach a mutant; None if there are none."""
        mutant = self.mutants[number]
        lines = self.source.splitlines()
        mutated = "\n".join([*lines[: mutant.first], *mutant.lines, *lines[mutant.last :]]) + "\n"
        at = _statement(self.source, mutant.first + 1)
        chosen = {test: seconds for seconds, test, reached in self.reaches if at is None or not reached.isdisjoint(at)}
        if not chosen:
            return None
        files = list(dict.fromkeys(str(ROOT / test.partition("::")[0]) for test in chosen))
        return _started(child.run, self.path, mutated, files, chosen, self._log(number))

    def _outcome(self, number: int, process: BaseProcess) -> str:
        """Return what became of a mutant whose process has ended."""
        if process.exitcode == child.BROKEN:
            raise SystemExit(f"The tests cannot be run:\n{self._log(number).read_text()}")
        self._log(number).unlink()
        return {child.SURVIVED: "survived", child.TIMED_OUT: "timed out"}.get(process.exitcode or 0, "killed")

    def _log(self, number: int) -> Path:
        return BUILD / f"{self.name}-{number}.log"

    def _mutants(self) -> list[object]:
        command = [str(COSMIC_RAY), "-m", "mutants.generate", str(self.path)]
        made = subprocess.run(command, check=True, capture_output=True, text=True)
        return [json.loads(line) for line in made.stdout.splitlines()]

    def _reaches(self) -> dict[str, tuple[float, list[int]]]:
        """Run the tests of the file as it is, and see what each reaches."""
        there, here = _PROCESSES.Pipe()
        log = BUILD / f"{self.name}.log"
        process = _started(child.reach, self.path, self.tests, log, here.send)
        here.close()
        found: dict[str, tuple[float, list[int]]] = {}
        with suppress(EOFError):
            found = there.recv()
        process.join()
        if process.exitcode != child.SURVIVED:
            raise SystemExit(f"The tests of {self.path.name} fail without any mutant:\n{log.read_text()}")
        return found

    def _made_of(self) -> str:
        """Return a digest of all that the mutants and their outcomes depend on."""
        tests = ROOT / "tests"
        helpers = [each for folder in {each.parent for each in self.tests} for each in folder.glob("*.py")]
        files = {
            *(self.path, *self.tests, *Path(__file__).parent.glob("*.py"), ROOT / "requirements" / "cosmic-ray.txt"),
            *(*tests.glob("conftest.py"), *tests.glob("support/*.py"), *tests.glob("fuzz/*.py")),
            *(each for each in helpers if not each.name.startswith("test_")),
        }
        return hashlib.sha256(b"\0".join(each.read_bytes() for each in sorted(files))).hexdigest()


def _complete(path: Path) -> Iterator[Any]:
    """Yield what the lines of a file hold, up to one that was not written to its end."""
    with suppress(FileNotFoundError, json.JSONDecodeError), path.open() as file:
        for line in file:
            yield json.loads(line)


def _statement(source: str, line: int) -> range | None:
    """Return the lines of the innermost statement around a line; None outside functions, where imports execute it."""
    nodes = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    # Of a function, the body alone: its decorators and defaults are executed where it is defined.
    if not any(isinstance(node, ast.FunctionDef) and node.body[0].lineno <= line for node in nodes):
        return None
    innermost = max(nodes, key=lambda node: node.lineno)
    return range(innermost.lineno, (innermost.end_lineno or 0) + 1)


_PROCESSES = get_context("forkserver")


def _started(target: Callable[..., None], *arguments: object) -> BaseProcess:
    process = _PROCESSES.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def main() -> None:
    """Run what is asked for, and say what survives."""
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TESTS)} (default: all)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="processes at once")
    asked = parser.parse_args()
    if unknown := {*asked.names} - {*TESTS}:
        parser.error(f"no such file of the core: {', '.join(sorted(unknown))}")
    BUILD.mkdir(parents=True, exist_ok=True)
    _PROCESSES.set_forkserver_preload(child.PRELOADED)
    sessions = []
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        for name in asked.names or TESTS:
            task = progress.add_task(f"{name}.py", total=None)
            session = Session(name)
            progress.update(task, total=len(session.mutants), completed=len(session.outcomes))
            for _ in session.run(asked.workers):
                progress.advance(task)
            sessions.append(session)
    sys.exit(_report(console, sessions))


def _report(console: Console, sessions: Sequence[Session]) -> int:
    """Print what became of the mutants; return the exit status."""
    names = ("mutants", "killed", "timed out", "equivalent", "survive")
    table = Table("file", *(Column(name, justify="right") for name in names))
    missed: list[str] = []
    total = Counter[str]()
    for session in sessions:
        survivors = session.survivors()
        listed = {each for each in equivalents() if each.file == session.name}
        counts = Counter(session.outcomes.values())
        counts.update(mutants=len(session.mutants), equivalent=len(survivors.keys() & listed))
        counts["survive"] = len(survivors.keys() - listed)
        table.add_row(f"{session.name}.py", *(str(counts[each]) for each in names))
        total += counts
        missed += [
            f"{session.path.relative_to(ROOT)}:{mutant.first + 1} {mutant.operator}\n{change}"
            for change, mutant in survivors.items()
            if change not in listed
        ]
        missed += [
            f"equivalent.toml lists for {change.file} what no longer exists or survives:\n{change}"
            for change in sorted(listed - survivors.keys())
        ]
    table.add_row("all", *(str(total[each]) for each in names), style="bold")
    console.print(table)
    for each in missed:
        console.print(each, markup=False, highlight=False, soft_wrap=True)
    return 1 if missed else 0


if __name__ == "__main__":
    main()
