"""Rows of JSON: documents one after the other, pages of APIs, NDJSON. Memory does not grow with the file."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from healthy_mailing_cli.lists.formats import lines
from healthy_mailing_cli.lists.formats.lines import Lines
from healthy_mailing_cli.lists.formats.rows import HEADINGS, Row, heading

_CHUNK = 1 << 16

# Keys under which APIs give a page's rows (Amazon SES: SuppressedDestinationSummaries, Postmark: Suppressions, Bounces,
# Brevo: contacts, Mailgun: items, SparkPost and, within data, listmonk: results).
_LISTS = frozenset(
    {"suppresseddestinationsummaries", "suppressions", "bounces", "contacts", "items", "results", "data"}
)


class _BrokenError(Exception):
    """What is next is not JSON, or too long."""


def rows(left: Lines) -> Iterator[Row]:
    """Yield the objects in JSON documents: those in the lists of pages, in arrays, or by themselves."""
    return _Documents(left).rows()


class _Documents:
    """Documents one after the other, read piece by piece.

    Brackets, commas, and what else a page says beside its list are passed over. What is not JSON is refused to the end
    of its line.
    """

    def __init__(self, left: Lines) -> None:
        self._lines = left
        self._text = ""
        self._at = 0
        self._start = 0  # of what would be refused
        self._ended = False
        self._decoder = json.JSONDecoder(strict=False)

    def rows(self) -> Iterator[Row]:
        while char := self._peek(between=True):
            self._start = self._at
            if char in "[],}":
                self._at += 1
                continue
            try:
                yield from self._value(char)
            except _BrokenError:
                yield Row({}, [self._rest_of_line()], "is not JSON")

    def _value(self, char: str) -> Iterator[Row]:
        if char == "{":
            yield from self._object()
            return
        value = self._decoded()
        if char != '"' or self._peek() != ":":
            yield Row({}, [json.dumps(value)], "is not an object")
        elif not self._is_list(value):  # what a page says behind its list
            self._decoded()

    def _object(self) -> Iterator[Row]:
        """Yield the row that is next; of a page, pass over what is before its list."""
        value, end = self._whole()
        if value is not None and (_is_row(value) or not any(map(_may_be_list, value, value.values()))):
            self._at = end
            yield row_of(value)
            return
        self._at += 1
        members: dict[str, Any] = {}
        while (char := self._peek()) != "}":
            if char == ",":
                self._at += 1
                continue
            if char != '"':
                raise _BrokenError
            key = self._decoded()
            if self._peek() != ":":
                raise _BrokenError
            if self._is_list(key) and not _is_row(members):
                return
            members[key] = self._decoded()
        self._at += 1
        yield row_of(members)

    def _is_list(self, key: str) -> bool:
        """Pass over a colon; return whether the page's rows are behind it."""
        self._at += 1
        return self._peek() in {"[", "{"} and key.lower() in _LISTS

    def _whole(self) -> tuple[Any, int]:
        """Return the object that is next, and where it ends; None if it is longer than what is read at a time."""
        while True:
            try:
                return self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                return None, 0
            except ValueError:
                if self._ended or len(self._text) - self._at > _CHUNK:
                    return None, 0
            self._fill()

    def _decoded(self) -> Any:  # noqa: ANN401  (JSON)
        """Return the value that is next."""
        if self._peek() not in _BEGINNINGS:
            raise _BrokenError
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                raise _BrokenError from None
            except ValueError:
                if self._ended:
                    raise _BrokenError from None
            else:
                if self._ended or self._text[end : end + 1] not in _GOES_ON:
                    self._at = end
                    return value
            if len(self._text) - self._start > lines.LONGEST:
                raise _BrokenError
            self._fill()

    def _peek(self, *, between: bool = False) -> str:
        """Return the next character that is not white space; empty at the end. White space between rows is not kept."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            if between:
                self._start = self._at
            elif len(self._text) - self._start > lines.LONGEST:
                raise _BrokenError
            self._fill()

    def _rest_of_line(self) -> str:
        """Pass over the line in which an object began that is broken, and return it."""
        while True:
            line = _LINE.match(self._text, self._start)
            if line or self._ended or len(self._text) - self._start > lines.LONGEST:
                break
            self._fill()
        text = line[0] if line else self._text[self._start :]
        self._at = self._start = self._start + max(1, len(text))
        return text.strip()

    def _fill(self) -> None:
        chunk = self._lines.read(_CHUNK)
        self._ended = not chunk
        start = min(self._start, self._at)
        self._text = self._text[start:] + chunk
        self._at -= start
        self._start -= start


_BEGINNINGS = frozenset('"-0123456789tfn[{')
_GOES_ON = frozenset({"", ".", "e", "E"})
"""What may stand behind the beginning of a number, if that is all that was read; "" is the end of that."""

_BLANK = re.compile(r"[ \t\r\n\ufeff]*")
_LINE = re.compile(r"[^\r\n]*[\r\n]")


def _is_row(value: Mapping[str, Any]) -> bool:
    """Return whether an object has an address of its own, so that a list in it is of that row."""
    return any(isinstance(each, str) and "@" in each and heading(key) in HEADINGS for key, each in value.items())


def _may_be_list(key: str, value: object) -> bool:
    """Return whether a member of a page may hold its rows."""
    return key.lower() in _LISTS and isinstance(value, dict | list)


def row_of(value: dict[str, Any]) -> Row:
    """Return the row that an object is."""
    return Row({name.lower(): each for name, each in value.items()}, [value])
