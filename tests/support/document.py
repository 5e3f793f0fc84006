"""Parts of a document that a program writes, each between ``<!-- NAME -->`` and ``<!-- end of NAME -->``."""

import re
from collections.abc import Iterable, Mapping


def filled(text: str, parts: Mapping[str, str]) -> str:
    """Return a document with other texts in its parts.

    Raises:
        ValueError: It has no such part.
    """
    for name, part in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        text, count = re.subn(f"{begin}.*?{end}", lambda _, new=begin + part + end: new, text, flags=re.DOTALL)  # type: ignore[misc]  # mypy takes no type from a default
        if count != 1:
            raise ValueError(f"the document has no part {name!r}")
    return text


def table(rows: Iterable[Mapping[str, str | float]]) -> str:
    """Return a table whose heading are the rows' names."""
    rows = list(rows)
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([shown(each) for each in row.values()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def shown(value: str | float) -> str:
    """Return a number with three digits or more; a string stays as it is."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 else f"{round(value, 3):.3g}"
