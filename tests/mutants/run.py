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
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from mutants.equivalents import Change, listed

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "function" / "healthy_mailing"
ROOM = ROOT / "scripts" / "healthy_mailing_cli" / "table"
BUILD = ROOT / "build" / "mutants"
COSMIC_RAY = ROOT / "build" / "cosmic-ray" / "bin" / "python"

_MERGE = ("unit/test_evidence_state.py", "unit/test_evidence_merge.py")
_TABLE = ("integration/test_table.py", "integration/test_lookup.py", "integration/test_table_room.py")
_SPELLINGS = ("integration/test_adopted.py", "unit/test_decisions.py", "integration/test_decided.py")
TESTS: Mapping[str, Sequence[str]] = {
    "timestamp": ("unit/test_timestamp.py",),
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


@dataclass(frozen=True)
class Mutant:
    """A change of some lines; ``occurrence`` tells apart those of equal lines in one file."""

    file: str
    operator: str
    first: int
    last: int
    lines: list[str]
    line: str
    becomes: str
    occurrence: int

    @property
    def change(self) -> Change:
        """What it is listed by: no line number, so that it stays known when lines move."""
        return Change(self.file, self.line, self.becomes, self.occurrence)


@dataclass(frozen=True)
class Reach:
    """How long a test takes, in seconds, and the lines that it reaches, counted from 1."""

    seconds: float
    lines: frozenset[int]


@dataclass
class _Running:
    mutant: int
    process: BaseProcess
    log: Path


class Session:
    """The mutants of one file and what became of them, kept in a file: one line of JSON each."""

    def __init__(self, name: str, workers: int, *, trust: bool) -> None:
        """Go on where the last run ended; make the mutants if there is none, or not of the same sources."""
        self.name, self.path, self._workers = name, path_of(name), workers
        self.tests = [ROOT / "tests" / each for each in TESTS[name]]
        self.source = self.path.read_text()
        self._kept = BUILD / f"{name}.jsonl"
        kept = list(_complete(self._kept))
        made_of = {"source": self._sources(), "tests": self._all_tests(), "trust": trust}
        same = {field for field in made_of if len(kept) > 2 and kept[0][field] == made_of[field]}
        if same != made_of.keys() and not (trust and same >= {"source", "tests"}):
            killed = [each for each in kept[3:] if each[1] != "survived"] if trust and "source" in same else []
            kept = [made_of, kept[1] if killed else self._mutants(), self._reaches(), *killed]
        # In any case, so that the next line does not go on behind half of one.
        self._kept.write_text("".join(json.dumps(each) + "\n" for each in kept))
        self.mutants = [Mutant(name, **each) for each in kept[1]]
        self.reaches = {test: Reach(seconds, frozenset(lines)) for test, (seconds, lines) in kept[2].items()}
        self.outcomes: dict[int, str] = dict(kept[3:])

    def of(self, outcome: str) -> list[Mutant]:
        """Return the mutants of an outcome."""
        return [self.mutants[number] for number, each in sorted(self.outcomes.items()) if each == outcome]

    def run(self) -> Iterator[tuple[int, str]]:
        """Test the mutants of which nothing is known; yield the number and the outcome of each as it comes."""
        waiting = [number for number in reversed(range(len(self.mutants))) if number not in self.outcomes]
        running: list[_Running] = []
        try:
            while waiting or running:
                while waiting and len(running) < self._workers:
                    number = waiting.pop()
                    if (started := self._start(number)) is None:
                        yield number, "survived"
                    else:
                        running.append(started)
                if running:
                    connection.wait([each.process.sentinel for each in running])
                for each in [each for each in running if not each.process.is_alive()]:
                    running.remove(each)
                    yield each.mutant, _outcome(each)
        finally:
            for each in running:
                each.process.kill()

    def keep(self, number: int, outcome: str) -> None:
        """Keep what became of a mutant, on the disk too."""
        self.outcomes[number] = outcome
        with self._kept.open("a") as file:
            file.write(json.dumps([number, outcome]) + "\n")

    def _start(self, number: int) -> _Running | None:
        """Start the tests that reach a mutant; None if there are none."""
        mutant = self.mutants[number]
        lines = self.source.splitlines()
        mutated = "\n".join([*lines[: mutant.first], *mutant.lines, *lines[mutant.last :]]) + "\n"
        at = _statement(self.source, mutant.first + 1)
        chosen = {
            test: reach.seconds
            for test, reach in sorted(self.reaches.items(), key=lambda each: each[1].seconds)
            if at is None or not reach.lines.isdisjoint(at)
        }
        if not chosen:
            return None
        files = list(dict.fromkeys(str(ROOT / test.partition("::")[0]) for test in chosen))
        log = BUILD / f"{self.name}-{number}.log"
        process = _PROCESSES.Process(target=child.run, args=(self.path, mutated, files, chosen, log), daemon=True)
        process.start()
        return _Running(number, process, log)

    def _mutants(self) -> list[object]:
        made = subprocess.run(
            [COSMIC_RAY, "-m", "mutants.generate", self.path], check=True, capture_output=True, text=True
        )
        return [json.loads(line) for line in made.stdout.splitlines()]

    def _reaches(self) -> dict[str, tuple[float, list[int]]]:
        """Run the tests of the file as it is, and see what each reaches."""
        there, here = _PROCESSES.Pipe()
        log = BUILD / f"{self.name}.log"
        process = _PROCESSES.Process(target=child.reach, args=(self.path, self.tests, log, here.send), daemon=True)
        process.start()
        here.close()
        try:
            found: dict[str, tuple[float, list[int]]] = there.recv()
        except EOFError:
            found = {}
        process.join()
        if process.exitcode != child.SURVIVED:
            raise SystemExit(f"The tests of {self.path.name} fail without any mutant:\n{log.read_text()}")
        return found

    def _sources(self) -> str:
        made_by = Path(__file__).with_name("generate.py"), ROOT / "requirements" / "cosmic-ray.txt"
        return _digest(self.path, *made_by)

    def _all_tests(self) -> str:
        tests = ROOT / "tests"
        files = [Path(child.__file__), *self.tests, *tests.glob("conftest.py"), *tests.glob("support/*.py")]
        for folder in {each.parent for each in self.tests}:
            files += [each for each in folder.glob("*.py") if not each.name.startswith("test_")]
        return _digest(*files)


def _complete(path: Path) -> Iterator[Any]:
    """Yield what the lines of a file hold, up to one that was not written to its end."""
    with suppress(FileNotFoundError, json.JSONDecodeError), path.open() as file:
        for line in file:
            yield json.loads(line)


def _outcome(running: _Running) -> str:
    """Return what became of a mutant whose process has ended."""
    if running.process.exitcode == child.BROKEN:
        raise SystemExit(f"The tests cannot be run:\n{running.log.read_text()}")
    running.log.unlink()
    return {child.SURVIVED: "survived", child.TIMED_OUT: "timed out"}.get(running.process.exitcode or 0, "killed")


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


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in sorted({*files}))).hexdigest()


_PROCESSES = get_context("forkserver")


def main() -> None:
    """Run what is asked for, and say what survives."""
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TESTS)} (default: all)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="processes at once")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="what was killed stays killed though tests changed: quick while you write tests for survivors",
    )
    asked = parser.parse_args()
    if unknown := {*asked.names} - {*TESTS}:
        parser.error(f"no such file of the core: {', '.join(sorted(unknown))}")
    BUILD.mkdir(parents=True, exist_ok=True)
    _PROCESSES.set_forkserver_preload(child.PRELOADED)
    started = time.monotonic()
    sessions = []
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[survive]}"), console=console) as progress:
        for name in asked.names or TESTS:
            task = progress.add_task(f"{name}.py", total=None, survive="")
            session = Session(name, asked.workers, trust=asked.trust)
            progress.update(task, total=len(session.mutants), completed=len(session.outcomes))
            for number, outcome in session.run():
                session.keep(number, outcome)
                survivors = len(session.of("survived"))
                progress.update(task, advance=1, survive=f"{survivors} survive" if survivors else "")
            sessions.append(session)
    sys.exit(_report(console, sessions, time.monotonic() - started))


def _report(console: Console, sessions: Sequence[Session], seconds: float) -> int:
    """Print what became of the mutants; return the exit status."""
    table = Table("file", *(Column(name, justify="right") for name in ("mutants", "killed", "timed out", "equivalent")))
    table.add_column("survive", justify="right")
    equivalents = listed()
    missed: list[tuple[Mutant, int]] = []
    gone: list[Change] = []
    total = Counter[str]()
    for session in sessions:
        survivors = {mutant.change: mutant for mutant in session.of("survived")}
        unlisted = [mutant for change, mutant in survivors.items() if change not in equivalents]
        missed += [(mutant, mutant.first + 1) for mutant in unlisted]
        gone += [each for each in equivalents if each.file == session.name and each not in survivors]
        counts = Counter(
            mutants=len(session.mutants),
            killed=len(session.of("killed")),
            late=len(session.of("timed out")),
            equivalent=len(survivors) - len(unlisted),
            survive=len(unlisted),
        )
        table.add_row(f"{session.name}.py", *(str(each) for each in counts.values()))
        total += counts
    names = ("mutants", "killed", "late", "equivalent", "survive")
    table.add_row("all", *(str(total[each]) for each in names), style="bold")
    console.print(table, f"in {seconds:.0f} s", "")
    for mutant, line in missed:
        console.print(f"function/healthy_mailing/{mutant.file}.py:{line} {mutant.operator}", highlight=False)
        console.print(str(mutant.change), markup=False, highlight=False)
    for each in gone:
        console.print(f"equivalent.toml lists for {each.file} what no longer exists, or no longer survives:")
        console.print(str(each), markup=False, highlight=False)
    return 1 if missed or gone else 0


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted. The next run goes on here.")
