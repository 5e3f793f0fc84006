"""A row of the table as it was read, what it is to be replaced by, and the statement that does it.

A row's key is an address. A table that was adopted may have rows in other spellings than the canonical one too; what
these know counts for the address. Pure: no clock, no environment, no AWS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

from healthy_mailing.evidence import Evidence, Purpose, Record, Rules, State, merge, worth_writing
from healthy_mailing.item import (
    ADDRESS,
    NOT_ALWAYS_THERE,
    UPDATED_AT,
    VERSION,
    Item,
    RecordError,
    evidence_in,
    matches,
    state_of,
    to_attribute,
    to_dynamodb,
    to_item,
    version_of,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import BatchStatementRequestTypeDef

UNREADABLE = RecordError.__name__
"""The error of an address whose item is not a record."""

Edit = Callable[[Evidence], Evidence]
"""Maps the evidence held to new evidence; called again after a conflict."""

Spellings = Mapping[str, Collection[str]]
"""By canonical address, the other spellings under which a row of it may be. See ``address.spellings``."""

_NO_CONFLICTS: Mapping[str, int] = Counter()


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an address's state, for bulk mail or transactional mail.

    Attributes:
        address: The canonical address.
        before: Its state for bulk mail as it was; None for a new record.
        after: Its state for bulk mail as it is.
        transactional: Its state for transactional mail as it is.
        reason: Why ``after`` is what it is.
    """

    address: str
    before: State | None
    after: State
    transactional: State
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one address of a batch.

    Attributes:
        address: The canonical address.
        written: Whether its item was written; if not, it held the evidence already, or ``error`` says more.
        change: Set if its state changed, for either kind of mail.
        conflicts: How many times another writer came first.
        error: Why its evidence is not in the table; empty if it is.
        moved: How many rows in another spelling were merged into its row.
        held: The evidence that was known before.
        item: The item that the table holds now: the one written, or the one found; empty with an ``error``.
    """

    address: str
    written: bool = False
    change: Change | None = None
    conflicts: int = 0
    error: str = ""
    moved: int = 0
    held: Evidence = field(default_factory=dict, compare=False, repr=False)
    item: Item = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """What the table holds under an address, or why that is not known (``error``).

    ``known`` is the evidence in the row and in those of the address's other spellings. ``is_odd``: one of these is not
    a record.
    """

    item: Item = field(default_factory=dict)  # empty: there is none
    evidence: Evidence = field(default_factory=dict)
    version: int | None = None
    error: str = ""
    known: Evidence = field(default_factory=dict)
    is_odd: bool = False

    @classmethod
    def of(cls, item: Item) -> Row:
        """Return the row of an item that exists."""
        try:
            evidence = evidence_in(item)
            return cls(item, evidence, version_of(item), known=evidence)
        except RecordError:
            return cls(item, error=UNREADABLE)

    def joined_with(self, other: Row) -> Row:
        """Return the row with what a row in another spelling adds to what is known."""
        if other.error == UNREADABLE:
            return replace(self, is_odd=True)
        if other.error:
            return replace(self, error=other.error)
        return replace(self, known=merge(self.known, other.evidence))

    def differs(self, evidence: Evidence, rules: Rules) -> bool:
        """Return whether the stored item differs from that of the evidence; without either, it does not."""
        return not matches(self.item, Record.of(evidence, rules)) if self.item else bool(evidence)


@dataclass(frozen=True, slots=True)
class Write:
    """What a row is to be replaced by, and how that changes the states of its address."""

    address: str
    row: Row
    item: Item
    change: Change | None

    @classmethod
    def of(cls, address: str, row: Row, evidence: Evidence, rules: Rules) -> Write:
        """Replace a row by one with other evidence."""
        record = Record.of(evidence, rules)
        held = row.item if row.known == row.evidence else to_item(address, Record.of(row.known, rules))
        before, transactional_before = (state_of(held, each) if row.known else None for each in Purpose)
        assessment = record.assessment
        after, reason = (assessment.state, assessment.reason) if assessment else (State.ENABLE, "unknown")
        change = Change(address, before, after, record.transactional, reason)
        # Removing all evidence of an address that may be mailed changes nothing.
        is_changed = (before, transactional_before) != (after, record.transactional)
        return cls(address, row, to_item(address, record), change if is_changed else None)

    def outcome(self, conflicts: int = 0, error: str = "") -> Outcome:
        """Return what becomes of the address once it is written, or if that fails with an error."""
        held = self.row.known
        if error:
            return Outcome(self.address, conflicts=conflicts, error=error, held=held)
        return Outcome(self.address, written=True, change=self.change, conflicts=conflicts, held=held, item=self.item)

    def statement(self, table: str, now: str) -> BatchStatementRequestTypeDef:
        """Return the statement that writes the item on condition that its row is still as it was read (``as_read``).

        INSERT fails on an item that exists, UPDATE on one that does not or is not as WHERE says (Amazon DynamoDB
        Developer Guide, "PartiQL for DynamoDB"). An update, not a put: attributes that applications keep beside ours
        stay.
        """
        row = self.row
        item = {**self.item, VERSION: (row.version or 0) + 1, UPDATED_AT: now}
        if not row.item:
            names = ", ".join(f"'{name}': ?" for name in item)
            return {
                "Statement": f'INSERT INTO "{table}" VALUE {{{names}}}',
                "Parameters": list(to_dynamodb(item).values()),
            }
        address = to_attribute(item.pop(ADDRESS))
        clauses = [f'SET "{name}"=?' for name in item]
        clauses += [f'REMOVE "{name}"' for name in NOT_ALWAYS_THERE if name in row.item and name not in item]
        where, held = "", []
        for name, value in as_read(row.item):
            if value is None:
                where += f' AND "{name}" IS MISSING'
            else:
                where += f' AND "{name}"=?'
                held.append(to_attribute(value))
        return {
            "Statement": f'UPDATE "{table}" {" ".join(clauses)} WHERE "{ADDRESS}"=?{where}',
            "Parameters": [*to_dynamodb(item).values(), address, *held],
        }


def planned(
    rows: Mapping[str, Row],
    edits: Mapping[str, Edit],
    rules: Rules,
    conflicts: Mapping[str, int] = _NO_CONFLICTS,
    *,
    exact: bool,
) -> tuple[list[Outcome], list[Write]]:
    """Return the outcomes of rows that could not be read or do not change, and what is to be written.

    ``exact`` also writes where nothing but what follows from the evidence differs, as after a change of the rules, and
    every difference of a delivery.
    """
    outcomes: list[Outcome] = []
    writes: list[Write] = []
    for address, row in rows.items():
        evidence = edits[address](row.known)
        wanted = row.differs(evidence, rules) if exact else worth_writing(row.evidence, evidence, rules)
        if wanted and not row.error:
            writes.append(Write.of(address, row, evidence, rules))
        else:
            found = {} if row.error else row.item
            outcomes.append(Outcome(address, conflicts=conflicts[address], error=row.error, held=row.known, item=found))
    return outcomes, writes


def as_read(item: Item) -> list[tuple[str, str | int | None]]:
    """Return the attributes, None for a missing one, by which a condition tells that an item is still as it was read.

    Versions tell the states of one item apart. But an item may expire or be deleted, and the next writer makes another,
    whose version begins at 1 again; hence the time too. Both could be equal only if two items of one address were made
    in the same millisecond, with a read and a deletion in between.

    What another program wrote in place of either is not named, since ``item.from_dynamodb`` does not tell all types.
    """
    version, updated_at = item.get(VERSION), item.get(UPDATED_AT)
    conditions: list[tuple[str, str | int | None]] = []
    if version is None or type(version) is int:
        conditions.append((VERSION, version))
    if type(updated_at) is str and updated_at[-1:] == "Z":  # else no time of ours, perhaps a number
        conditions.append((UPDATED_AT, updated_at))
    return conditions


def keys_of(addresses: Sequence[str], spellings: Spellings) -> Sequence[str]:
    """Return the keys of the rows of addresses, those in other spellings too."""
    if not spellings:
        return addresses
    # A spelling may be another form of the address too.
    return list(dict.fromkeys([*addresses, *(key for address in addresses for key in spellings.get(address, ()))]))


def joined(addresses: Iterable[str], rows: Mapping[str, Row], spellings: Spellings) -> dict[str, Row]:
    """Return the row of each address, with what rows in other spellings add to what is known."""
    return {
        address: reduce(Row.joined_with, (rows[key] for key in spellings.get(address, ())), rows[address])
        for address in addresses
    }
