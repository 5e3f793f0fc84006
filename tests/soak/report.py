"""A soak from the command line: how much of everything, what it saw, and where that is written."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from support.document import filled, table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


@dataclass(frozen=True)
class Summary:
    """What a soak saw.

    Attributes:
        problems: What did not hold.
        figures: What it did, by name.
    """

    problems: list[str]
    figures: Mapping[str, str]


def main(part: str, size: Any, soak: Callable[..., Summary], held: str) -> None:
    """Soak with options for each field of ``size``, print what it saw, and write it into the document.

    Args:
        part: Of the document.
        size: A dataclass; its first field is what there is most of.
        soak: Gets a size, a folder, and what is to be told of each step.
        held: What the document says of a soak that found no problem.
    """
    arguments = argparse.ArgumentParser(description=soak.__doc__)
    for each in fields(size):
        option = f"--{each.name.replace('_', '-')}"
        arguments.add_argument(option, type=type(each.default), default=each.default, help="default %(default)s")
    size = replace(size, **vars(arguments.parse_args()))
    console = Console(soft_wrap=True, highlight=False)
    columns = TextColumn(part), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=getattr(size, fields(size)[0].name))
        summary = soak(size, Path(folder), lambda count: bar.advance(task, count))
    for name, figure in summary.figures.items():
        console.print(f"{name:<24}{figure}")
    if summary.problems:
        sys.exit(f"FAILED: {'; '.join(summary.problems)}")
    console.print(held)
    rows = table([{"": name, " ": figure} for name, figure in summary.figures.items()])
    date = time.strftime("%Y-%m-%d", time.gmtime())
    text = filled(DOCUMENT.read_text(encoding="utf-8"), {part: f"Last run: {date}. {held}\n\n{rows}"})
    DOCUMENT.write_text(text, encoding="utf-8")
