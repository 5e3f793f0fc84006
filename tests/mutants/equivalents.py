"""The mutants that behave like the original, as ``equivalent.toml`` lists them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True, order=True)
class Change:
    """A line of a file, without its indent, and what it becomes; ``occurrence``: of several such lines, which."""

    file: str
    line: str
    becomes: str
    occurrence: int = 1

    def __str__(self) -> str:
        """Return it as two lines of a diff."""
        which = f"  ({self.occurrence} of several)" if self.occurrence > 1 else ""
        return f"  - {self.line}{which}\n  + {self.becomes or '(nothing)'}"


def listed() -> Mapping[Change, str]:
    """Return the listed changes with their reasons."""
    entries = tomllib.loads(LIST.read_text())
    return {
        Change(file, entry["line"], becomes, entry.get("occurrence", 1)): entry["reason"]
        for file, of_file in entries.items()
        for entry in of_file
        for becomes in entry["becomes"]
    }
