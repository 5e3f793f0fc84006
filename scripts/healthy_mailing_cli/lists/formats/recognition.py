"""What a list is, by its columns or by what ``--as`` says."""

import difflib
from collections import Counter
from collections.abc import Collection, Sequence

from healthy_mailing_cli.lists.formats.known import FORMATS
from healthy_mailing_cli.lists.formats.reader import Format
from healthy_mailing_cli.lists.formats.reading import PLAIN
from healthy_mailing_cli.lists.formats.rows import HEADINGS, heading, several, text_of

_COLUMNS_SHOWN = 200  # characters of a list's columns that a message has; a binary file may seem to have endless ones

_NEAREST = 3


class UnknownError(ValueError):
    """A list is none that is known, or more than one that is; the message says so, and the remedy."""


def named(name: str) -> Format:
    """Return the format of that name; raise ``UnknownError`` if there is none."""
    if name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, _NEAREST, cutoff=0.4)
        perhaps = f"; the nearest are {', '.join(near)}" if near else ""
        raise UnknownError(f"can't be read as {name}, which is not a format{perhaps}. {_ALL_FORMATS}")
    return FORMATS[name]


def recognised(names: Collection[str], name: str | None = None) -> Format:
    """Return what a list with these columns is, or that it is what ``--as`` says.

    Raises:
        UnknownError: It is not, or that cannot be told.
    """
    shown = ", ".join(each or "(no name)" for each in names) or "none"
    shown = f"{shown[:_COLUMNS_SHOWN]} …" if len(shown) > _COLUMNS_SHOWN else shown
    if set(EXPORTED_COLUMNS) <= set(names):
        raise UnknownError(
            "is the CSV of `mailing export`, which lacks the evidence. Export with --format ndjson to import again"
        )
    twice = next((each for each, count in Counter(names).items() if count > 1 and heading(each) in HEADINGS), None)
    if twice is not None:
        raise UnknownError(f"has the column {twice} twice: rename the one that does not count")
    if name is not None:
        chosen = named(name)
        if not chosen.may_be(names) and not chosen.needs:
            raise UnknownError(f"has no column called {', '.join(HEADINGS)}; its columns are: {shown}")
        if not chosen.may_be(names):
            wanted = ", ".join(sorted(chosen.needs))
            raise UnknownError(f"is not a list of {chosen.title}: that has the columns {wanted}, this one has {shown}")
        return chosen
    found = [each for each in FORMATS.values() if each.needs and each.may_be(names)]
    if len(found) == 1 and not found[0].is_shared:
        return found[0]
    if tuple(names) == PLAIN:
        raise UnknownError("is a plain list. Say what is in it: --as mailman (hard bounces), complaints or opt-outs")
    if len(found) == 1:
        raise UnknownError(
            f"has the columns of {found[0].title}, but so have other lists. Say what is in it: "
            f"--as {found[0].name}, complaints or opt-outs"
        )
    if found:
        raise UnknownError(f"may be several lists: say which with --as {' or '.join(each.name for each in found)}")
    raise UnknownError(f"is not a known list. Its columns are: {shown}. {_nearest(set(names))}")


def without_header(cells: Sequence[str]) -> UnknownError:
    """Return why a list can't be recognised whose first line, of these cells, has an address and no header above it."""
    line = ", ".join(map(str.strip, text_of(cells)))[:_COLUMNS_SHOWN]
    if (count := several(line)) > 1:
        return UnknownError(f"has {count} addresses on its first line: {line}. An import takes one address a row")
    return UnknownError(f"has no header above its first line: {line}. Add one that names the columns")


def _nearest(names: Collection[str]) -> str:
    """Return which formats have most of these columns, and by what they differ, as sentences."""
    lacks = {each: sorted(each.needs - set(names)) for each in FORMATS.values() if each.needs}
    near = [each for each, missing in lacks.items() if 2 * len(missing) <= len(each.needs)]
    near.sort(key=lambda each: len(lacks[each]) / len(each.needs))
    said = []
    if near:
        differ = (f"{each.name} ({_difference(each, names, lacks[each])})" for each in near[:_NEAREST])
        said.append(f"The nearest formats are {', '.join(differ)}")
    if any(heading(name) in HEADINGS for name in names):
        said.append("Any list of addresses can be read with --as mailman, complaints or opt-outs")
    return ". ".join([*said, _ALL_FORMATS])


def _difference(kind: Format, names: Collection[str], missing: Collection[str]) -> str:
    """Return why a list with these columns is not of a kind."""
    if missing:
        return f"which also has {', '.join(missing)}"
    if unfit := sorted(kind.lacks & set(names)):
        return f"which has no {', '.join(unfit)}"
    return "which has no other columns"


_ALL_FORMATS = "docs/lists.md has all formats"


EXPORTED_COLUMNS = ("address", "state", "transactional", "reason", "type", "sender", "time")
"""The columns of the CSV of ``mailing export``."""
