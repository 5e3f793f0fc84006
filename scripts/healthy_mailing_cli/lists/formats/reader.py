"""What a kind of list is, and the marks of its rows."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from healthy_mailing.address import AddressError, canonical
from healthy_mailing.evidence import Mark, MarkKind, State, override
from healthy_mailing.item import ADDRESS, EVIDENCE, STATE, RecordError, evidence_in
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.lists.formats.rows import HEADINGS, Fields, heading, may_be_quoted, several
from healthy_mailing_cli.lists.formats.times import to_utc
from healthy_mailing_cli.lists.formats.verdicts import RowError, Rule, SkippedError, text

IMPORTED_FROM = "importedFrom"  # the detail of a mark that names the format of the list that it comes from

_DETAIL_LENGTH = 256  # characters kept of text from outside, as of those that SES sends (``notification``)

_LARGEST = 300_000  # octets of a row's evidence in our own export; DynamoDB takes items of 400 KB, with their names

_TOLERANCE = timedelta(minutes=5)
"""By how much clocks may differ. AWS refuses requests whose time differs by more (IAM User Guide, "Signing AWS API
requests"), so this machine's clock can't be further off."""


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """A kind of list."""

    name: str  # how ``--as`` calls it
    title: str  # how people call it
    needs: AbstractSet[str]  # the columns, in lower case, without which a list is none of these
    rule: Rule | None  # what a row means; None if it has evidence itself, as a row of our own export
    times: tuple[str, ...] = ()  # the columns of the time, of which the first that is not empty is taken
    undated: bool = False  # whether rows have marks, but need not have a time
    lacks: AbstractSet[str] = frozenset()  # columns by which a list is none of these
    allows: AbstractSet[str] | None = None  # all columns that a list may have beside those that it needs; None for any
    is_shared: bool = False  # whether other lists have the same columns
    zone: str = "UTC"  # that of a time without one
    sender: str = ""  # the column of who sent the mail, if there is one

    def may_be(self, names: Collection[str]) -> bool:
        """Return whether a list with these columns may be of this kind."""
        found = set(names)
        return (
            self.needs <= found
            and not self.lacks & found
            and (self.allows is None or found <= self.needs | self.allows)
            and self.column(names) is not None
        )

    def column(self, names: Collection[str]) -> str | None:
        """Return which of a list's columns, of those that it needs, is that of the addresses; None if none is."""
        named = {heading(name): name for name in names if not self.needs or name in self.needs}
        return next((named[each] for each in HEADINGS if each in named), None)

    def is_dated(self, names: Collection[str]) -> bool:
        """Return whether the rows of such a list, with these columns, have times or need none."""
        return not self.undated or any(name in names for name in self.times)


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns the rows of a list into marks."""

    format: Format  # what the list is
    at: str  # the time of rows without one, UTC with milliseconds; empty if they are to be refused
    now: str  # until when something may have expired, and marks may be from, but for a tolerance
    address: str  # the column of the address

    @classmethod
    def of(cls, kind: Format, names: Collection[str], at: str, now: str) -> "Reader":
        """Return the reader of a list with these columns."""
        return cls(kind, at, now, kind.column(names) or "")

    def marks(self, fields: Fields) -> tuple[str, list[Mark]]:
        """Return the canonical address of a row, and its marks.

        Raises:
            RowError: The row is refused.
            SkippedError: It is skipped.
        """
        if self.format.rule is None:
            return _exported(fields, self.now)
        kind, details = self.format.rule(fields, self.now)
        given = text(fields, self.address)
        if given.count("@") > 1 and (count := several(given)) > 1:
            raise RowError(f"has {count} addresses, and an import takes one address a row")
        try:
            address = canonical(given)
        except AddressError as error:
            raise RowError(f"has an address that {error}") from None
        if may_be_quoted(given):
            raise RowError("has an address that may be in quotation marks")
        return address, [self._mark(kind, details, self._at(fields), fields)]

    def _at(self, fields: Fields) -> str:
        for name in self.format.times:
            if given := text(fields, name):
                try:
                    at = to_utc(given, self.format.zone)
                except ValueError as error:
                    raise RowError(f"has a time in {name} that {error}") from None
                if at > self.now and in_the_future(at, self.now):
                    raise RowError(f"has a time in {name} that is in the future: {at}")
                return at
        if not self.at:
            raise RowError("has no time: give one for such rows with --at")
        return self.at

    def _mark(self, kind: MarkKind, details: dict[str, str], at: str, fields: Fields) -> Mark:
        source = self.format.name
        if kind is MarkKind.OVERRIDE:
            return override(State.DISABLE, at, f"import:{source}", _clip(details["note"]))
        clipped = {name: _clip(value) for name, value in details.items() if value}
        return Mark(
            kind=kind,
            at=at,
            # It says where the mark comes from, and is the same whenever the row is imported.
            feedback_id=f"import:{source}",
            message_id="",
            sender=_clip(text(fields, self.format.sender)) if self.format.sender else "",
            detail=tuple(sorted((clipped | {IMPORTED_FROM: source}).items())),
        )


def in_the_future(at: str, now: str) -> bool:
    """Return whether a time is after now, by more than clocks differ."""
    return at > now and at > from_datetime(datetime.fromisoformat(now) + _TOLERANCE)


def _exported(fields: Fields, now: str) -> tuple[str, list[Mark]]:
    """Return the marks of a row of our own export; its states and its reason follow from them."""
    given = fields.get("address")
    octets = 0
    try:
        address = canonical(given if isinstance(given, str) else "")
        # A mark's texts are stored as they are.
        evidence = evidence_in({ADDRESS: address, STATE: State.ENABLE, EVIDENCE: fields.get("evidence")})
        for mark in evidence.values():
            texts = f"{mark.sender}{mark.feedback_id}{mark.message_id}{''.join(map(''.join, mark.detail))}"
            octets += len(texts.encode())
            if in_the_future(mark.at, now):
                raise RowError(f"has evidence of the future: {mark.kind} at {mark.at}")
    except AddressError as error:
        raise RowError(f"has an address that {error}") from None
    except RecordError:
        raise RowError("has evidence of another version, or of another program") from None
    except UnicodeEncodeError:
        raise RowError("has evidence that is not text") from None
    if octets > _LARGEST:
        raise RowError(f"has {octets:,} octets of evidence, more than DynamoDB takes")
    if not evidence:
        raise SkippedError("addresses of which nothing is known")
    return address, list(evidence.values())


def _clip(value: str) -> str:
    """Cut text from outside to a length, and replace lone surrogates, which DynamoDB cannot store."""
    clipped = value[:_DETAIL_LENGTH]
    return clipped if clipped.isascii() else clipped.encode("utf-8", "replace").decode("utf-8")
