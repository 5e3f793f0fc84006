"""Run tests in this process, of a file as it is or of a mutant of it, and say which tests reach which lines.

A mutant lives in memory: its source takes the place of the file's when the module is imported, and no file is changed.
"""

import importlib.util
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import pytest
from hypothesis import Phase, settings

PRELOADED = ["mutants.child", "moto", "moto.dynamodb.models", "moto.dynamodb.responses", "botocore.session", "yaml"]
"""What each process finds imported already: that takes longer than most tests."""

SURVIVED, KILLED, BROKEN = 10, 11, 12
"""Exit statuses; ``BROKEN``: pytest did not find what to run. Any other is a mutant that ended the process."""


TIMED_OUT = -signal.SIGALRM

# A busy machine must not make a test fail.
_PATIENCE, _FACTOR = 20, 5


def run(path: Path, source: str, paths: Sequence[str], tests: Mapping[str, float], log: Path) -> None:
    """Run some tests of some files, in that order and up to the first that fails, against a mutant; exit.

    How long each takes without a mutant, in seconds, says when it is given up: the process ends by ``TIMED_OUT``.
    """
    sys.meta_path.insert(0, _Mutant(path, source))
    signal.alarm(_PATIENCE)
    _end(pytest.main([*_options(log), "-x", *paths], plugins=[_Quickly(), _Chosen(tests)]))


def reach(
    path: Path, paths: Sequence[str], log: Path, report: Callable[[dict[str, tuple[float, list[int]]]], None]
) -> None:
    """Run all tests of some files; report of each how long it takes and which lines it reaches; exit."""
    reached = _Reached(path)
    status = pytest.main([*_options(log), *paths], plugins=[_Quickly(), reached])
    report({test: (reached.seconds[test], sorted(lines)) for test, lines in reached.lines.items()})
    _end(status)


def _options(log: Path) -> list[str]:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ["CI"] = "1"  # Hypothesis tries the same examples each time
    os.setsid()  # Ctrl-C is for the parent, which ends this process then
    # Hypothesis, a plugin of pytest, is imported already; its asserts are not of interest.
    imported = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
    return ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=short", *imported]


def _end(status: int) -> None:
    sys.stdout.flush()
    outcomes = {0: SURVIVED, int(pytest.ExitCode.USAGE_ERROR): BROKEN, int(pytest.ExitCode.NO_TESTS_COLLECTED): BROKEN}
    os._exit(outcomes.get(int(status), KILLED))  # at once: a mutant's threads may wait for what never comes


class _Mutant(SourceFileLoader):
    """Finds one module and loads another source in its place."""

    def __init__(self, path: Path, source: str) -> None:
        below = max(path.parts.index(each) for each in ("function", "scripts") if each in path.parts)
        super().__init__(".".join(path.with_suffix("").parts[below + 1 :]), str(path))
        self._source = source

    def find_spec(self, fullname: str, _: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        del target
        return (
            importlib.util.spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None
        )

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return compile(self._source, self.path, "exec")


class _Quickly:
    """Lets Hypothesis find that a test fails, not why."""

    def pytest_configure(self) -> None:
        same = settings.get_profile("same")
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", same, phases=phases, report_multiple_bugs=False)
        settings.load_profile("mutants")


class _Chosen:
    """Keeps the chosen tests, in their order, and ends the process if one hangs."""

    def __init__(self, tests: Mapping[str, float]) -> None:
        self._seconds = tests
        self._place = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (each for each in items if each.nodeid in self._place), key=lambda each: self._place[each.nodeid]
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        signal.alarm(_PATIENCE + int(_FACTOR * self._seconds[item.nodeid]))


class _Reached:
    """Notes the lines of one file that each test reaches, in any thread."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self.lines: defaultdict[str, set[int]] = defaultdict(set)
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        lines = self.lines[item.nodeid]

        def in_file(frame: FrameType, _: str, __: Any) -> Any:
            lines.add(frame.f_lineno)
            return in_file

        def anywhere(frame: FrameType, _: str, __: Any) -> Any:
            return in_file(frame, "", None) if frame.f_code.co_filename == self._path else None

        started = time.monotonic()
        threading.settrace(anywhere)
        sys.settrace(anywhere)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            self.seconds[item.nodeid] = time.monotonic() - started
