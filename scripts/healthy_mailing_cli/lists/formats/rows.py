"""Rows of a list and their cells: what is common to CSV, JSON and plain lists."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Fields = Mapping[str, Any]  # what a row holds, by name in lower case: strings, or whatever JSON has

HEADINGS = ("email", "emailaddress", "emailadresse", "email1value", "mail", "address", "recipient")
"""What programs call the column of the addresses, as ``heading`` has it, the likeliest first."""

_TRIGGERS = frozenset("=+-@\t\r\n")


class Row(NamedTuple):
    """One row."""

    fields: Fields  # what it holds; empty if it could not be read
    cells: Sequence[Any]  # the row as it stands in the file: strings, or one object of JSON. See ``text_of``
    problem: str = ""  # why it could not be read; empty if it could


def text_of(cells: Iterable[Any]) -> list[str]:
    """Return the cells of a row as text: of JSON, made only if it is needed."""
    return [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in cells]


def heading(cell: str) -> str:
    """Return a heading in lower case and without what stands between words, so that ``E-Mail`` is ``email``."""
    return cell.strip().lower().translate(_BETWEEN_WORDS)


_BETWEEN_WORDS = str.maketrans("", "", " -_")


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: one that looks like that gets an apostrophe in front.

    As OWASP's "CSV injection" advises. An apostrophe that stands there already gets another one, so that ``unguarded``
    can tell.
    """
    return f"'{cell}" if cell.lstrip("'")[:1] in _TRIGGERS else cell


def unguarded(cell: str) -> str:
    """Return a cell as it was before ``guarded``."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'")[:1] in _TRIGGERS else cell


_ADDRESS_LIKE = re.compile(r"[^\s@,;|]@[^\s@,;|]")


def has_address(text: str) -> bool:
    """Return whether something in a string looks like an address."""
    return "@" in text and bool(_ADDRESS_LIKE.search(text))


def several(text: str) -> int:
    """Return how many different addresses there seem to be in a string, whatever stands between them."""
    return len({each.lower() for each in _BETWEEN.split(text) if has_address(each)})


_BETWEEN = re.compile(r"[\s,;<>()\"']+")


def may_be_quoted(address: str) -> bool:
    """Return whether quotation marks, brackets or other signs may be around an address, so that it is another one.

    IDNA takes those beyond ASCII for characters of a domain; a local part may begin with most signs, and few do.
    """
    if address[:1].isalnum() and address.isascii() and "|" not in address:
        return False
    found = _TOKEN.search(address.rpartition("<")[2])
    if found is None:
        return False
    token = found[0]
    begins_well = token[0].isalnum() or token[0] in "_+-." or token[0] > "\x7f"
    return not begins_well or any(
        each == "|" or (each > "\x7f" and unicodedata.category(each) in _AROUND and each not in _IN_WORDS)
        for each in token
    )


_TOKEN = re.compile(r"""[^\s<>"(),;:]+@[^\s<>"(),;:]+""")
_AROUND = frozenset({"Pi", "Pf", "Ps", "Pe", "Po"})
_IN_WORDS = "\u00b7\u30fb"  # middle dots (RFC 5892, A.3 and A.7)
