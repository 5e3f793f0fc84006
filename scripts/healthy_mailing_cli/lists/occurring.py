"""Addresses in text: those that it consists of, and whatever else looks like one. Pure: no AWS, no clock."""

import html
import re
from collections.abc import Iterable
from urllib.parse import unquote

from healthy_mailing.address import AddressError, canonical

_BETWEEN = " \t\r\n,;"
_ITEM = re.compile(
    r"""[\s,;]*
    (?: (?: "[^"]*" | [^<>@,;"]* ) \s* <(?P<angle>[^<>]*)>      # Jane <jane@example.com>
      | (?P<local>"(?:[^"\\]|\\.)*"@[^\s,;<>"]+)                  # "jane doe"@example.com
      | "(?P<quoted>[^"]*)"                                     # a cell that is quoted
      | (?P<bare>[^\s,;<>"]+)
    )
    (?: \s* \( [^()]* \) )?                                     # a comment (RFC 5322, 3.4)
    (?=[\s,;]|$)""",
    re.VERBOSE,
)


def consists_of(text: str) -> list[str]:
    """Return the addresses that a string consists of: one, or several with commas, semicolons or blanks between them.

    Raises:
        AddressError: There is none, or something else beside them.
    """
    text = text.strip(_BETWEEN)
    try:
        canonical(text)
    except AddressError:
        if text.count("@") < 2 and '"' not in text:  # noqa: PLR2004  (not several)
            raise
    else:
        if text.count("@") == 1:
            return [text]
    found: list[str] = []
    position = 0
    while position < len(text):
        item = _ITEM.match(text, position)
        if item is None:
            raise AddressError("has something beside addresses")
        each = item["angle"] or item["local"] or item["bare"] or ""
        if item["quoted"] is not None:
            found += consists_of(item["quoted"].strip())
        else:
            canonical(each)
            found.append(each.strip())
        position = item.end()
    if not found:
        raise AddressError("has no @")
    return found


_LOCAL = r"""(?<![^\s,;:<>()\[\]"\\@])[^\s,;:<>()\[\]"\\@]+"""
# A domain goes on to the first ASCII character that none has: IDNA takes others, or drops them.
_PLACE = r"@(?=([A-Za-z0-9._-]*[^\x00-\x7f\s][^\x00-,/:-@\[-^`{-\x7f\s]*|[A-Za-z0-9._-]+|\[[^\]\s]+\]))"
_OCCURRING = re.compile(f"({_LOCAL}){_PLACE}")
_OCCURRING_IN_QUOTES = re.compile(rf"""("(?:[^"\\]|\\.)+"|{_LOCAL}){_PLACE}""")

_UNCLEAR = re.compile(r"[)\\>]@\S|[^\s(]@[(<]")
"""What may stand within an address: a comment (RFC 5322, 3.2.2), an escape of Markdown, a tag of HTML."""

_PUNCTUATION = re.compile(r"[!-*,/:-?\[-^`{-~]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SPLITS = (_PUNCTUATION.split, re.compile(r"[^\w.+-]").split, re.compile(r"[^\w.+'&-]").split, _BEYOND_ASCII.split)
_ESCAPE = re.compile(r"\\(?:[nrtvf]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})")


def occurring(text: str) -> list[tuple[str, ...]]:
    """Return what looks like addresses in any text, each in all readings, since it may be quoted or part of a URL.

    The last reading is the shortest.

    Raises:
        AddressError: Something that looks like one is not an address.
    """
    if _UNCLEAR.search(text):
        raise AddressError("has a comment, a tag or a backslash beside an @")
    found = []
    # Looking for quotes takes time where there are many.
    for local, domain in (_OCCURRING_IN_QUOTES if '"@' in text else _OCCURRING).findall(text):
        place = domain if domain[0] == "[" else domain.strip(".-_")
        if not place:
            continue
        whole = f"{local}@{place}"
        if not is_one(whole):
            raise AddressError(f"also has {local}@{domain}, which is not an address")
        ends = (local, *(split(local)[-1] for split in _SPLITS), _bare(local))
        parts = dict.fromkeys(part for one in ends for part in (one, one.lstrip(".+-_")))
        places = (place, *(each.strip(".-_") for each in (_BEYOND_ASCII.split(place)[0], _bare(place))))
        readings = (f"{one}@{other}" for other in places for one in parts if one and other)
        found.append((whole, *(each for each in dict.fromkeys(readings) if each != whole and is_one(each))))
    return found


def _bare(text: str) -> str:
    return re.sub(r"^\W+|\W+$", "", text)


def is_one(text: str) -> bool:
    """Return whether a string is an address."""
    try:
        canonical(text)
    except AddressError:
        return False
    return True


def ways(text: str) -> Iterable[str]:
    """Return a string as it is, and what it means in a URL, in HTML, or in a program."""
    ways = [text]
    if "%" in text:
        ways.append(unquote(text, errors="surrogateescape"))
    if "&" in text:
        ways.append(html.unescape(text))
    if "\\" in text:
        ways.append(_ESCAPE.sub(" ", text))
    return dict.fromkeys(ways)
