"""Rows that an import refuses, in a file beside the list: to be corrected, and imported again."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from healthy_mailing_cli.lists.formats.reading import REFUSED, Listing
from healthy_mailing_cli.lists.formats.rows import Row, guarded, text_of
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.output import CommandError

Refuse = Callable[[Row, str], None]  # keeps a row, and why it is refused


@contextmanager
def refused_rows(path: Path | None, listing: Listing) -> Iterator[Refuse]:
    """Write refused rows to a file, which appears once all are read; one of an earlier import goes.

    It also appears if the list could be read in part alone; but not if it is to be read again. Without a path, nothing
    is written.
    """
    writer: Any = None

    def refuse(row: Row, problem: str) -> None:
        nonlocal writer
        if path is None:
            return
        if writer is None:
            writer = csv.writer(stack.enter_context(output.replacing(path, ours=True)))
            writer.writerow((REFUSED, *map(_written, listing.header)))
        writer.writerow((problem, *map(_written, row.cells)))

    with ExitStack() as stack:
        try:
            yield refuse
        except CommandError:
            stack.close()
            raise
        if path is not None and writer is None:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _written(cell: Any) -> str:  # noqa: ANN401  (a string, or an object of JSON)
    """Return a cell as text that a file can hold, and that is read as the same cell."""
    (text,) = text_of([cell])
    try:
        text.encode()
    except UnicodeEncodeError:
        if isinstance(cell, str):
            # Halves stand for bytes that are not UTF-8. Those of UTF-16 can't be written: they become "\ud800".
            text = _HALVES.sub(lambda half: half[0].encode("unicode_escape").decode(), text)
        else:  # JSON may name halves of characters (RFC 8259, 8.2)
            text = json.dumps(cell)
    return guarded(text)


_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
