"""Lookups and decisions: plain functions for the lookup API and the command line.

Every deadline is a time of ``time.monotonic()``, in seconds. After it, nothing new starts and nothing is waited for.

A table that was adopted may have rows whose key is an address in another spelling than the canonical one. ``spellings``
(see ``address.spellings``) says which of these to look for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from healthy_mailing.address import AddressError, forms, spelled
from healthy_mailing.evidence import (
    OPT_OUT,
    MarkKind,
    Purpose,
    State,
    assess,
    evidence_of,
    merge,
    override,
    without_override,
)
from healthy_mailing.item import EVIDENCE, REASON, evidence_in, state_of
from healthy_mailing.row import UNREADABLE
from healthy_mailing.table import TableError
from healthy_mailing.timestamp import just_after

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from healthy_mailing.evidence import Evidence, Mark, Rules
    from healthy_mailing.item import Item
    from healthy_mailing.row import Edit, Outcome, Spellings
    from healthy_mailing.table import Table

_NONE: Mapping[str, Collection[str]] = {}


class UnreadableError(Exception):
    """Raised if an address's item is not a record, so it can't be changed. Someone should check it."""


class Answer(NamedTuple):
    """Whether one address may get mail of a purpose.

    Attributes:
        given: The string that was asked about.
        address: Its canonical form, or another of its keys (``address.forms``) if the table holds that; empty if there
            is a ``problem``.
        purpose: What the mail is for.
        item: What the table holds; None if nothing is known.
        reason: The code of the reason; empty if nothing is known.
        problem: Why ``given`` is not an address; empty if it is one.
    """

    given: str
    address: str
    purpose: Purpose
    item: Item | None = None
    reason: str = ""
    problem: str = ""

    @property
    def may_be_mailed(self) -> bool:
        """Whether the address may be mailed: yes, if it is valid and nothing known forbids it."""
        return not self.problem and (self.item is None or state_of(self.item, self.purpose) is State.ENABLE)


def find(  # noqa: PLR0913  (each is a separate fact)
    table: Table,
    address: str,
    deadline: float,
    *,
    consistent: bool,
    others: Sequence[str] = (),
    spellings: Spellings = _NONE,
) -> Item | None:
    """Return the item of a canonical address, or None if nothing is known about it. Details as in ``Table.read``.

    ``others`` are more keys that the address may have (``address.forms``). One that may not be mailed decides: it may
    be the row of another address, which some programs take for this one.
    """
    keys = (address, *others)
    items = table.read(keys, deadline, spellings=spellings, consistent=consistent)
    return items[decisive(keys, items, Purpose.BULK, spellings)]


def check(table: Table, given: Sequence[str], deadline: float, *, purpose: Purpose, consistent: bool) -> list[Answer]:
    """Return whether each address, in any spelling, may get mail of a purpose. The order stays the same.

    If the table may hold an address under several keys, one that may not be mailed decides. A row under a spelling that
    is given counts too.

    Raises:
        TableError: DynamoDB refused, or the deadline passed.
    """
    read: list[tuple[str, tuple[str, ...], str]] = []
    known: list[str] = []
    otherwise: list[tuple[str, str]] = []
    for text in given:
        keys, problem = _forms(text)
        read.append((text, keys, problem))
        known += keys
        if keys and keys[0] != text:
            otherwise.append((keys[0], text))
    others = spelled(otherwise)
    items = table.answers(known, deadline, spellings=others, consistent=consistent)
    if purpose is Purpose.TRANSACTIONAL:
        unclear = [address for address, item in items.items() if item and _has_another_reason(item)]
        items |= table.read(unclear, deadline, spellings=others, consistent=consistent) if unclear else {}
    answers = []
    for text, keys, problem in read:
        address = keys[0] if len(keys) == 1 else decisive(keys, items, purpose, others) if keys else ""
        item = items.get(address)
        reason = "" if item is None else _reason(item, purpose, table.rules)
        answers.append(Answer(text, address, purpose, item, reason, problem))
    return answers


def set_override(  # noqa: PLR0913  (each is a separate fact)
    table: Table,
    address: str,
    state: State,
    deadline: float,
    *,
    now: str,
    by: str,
    note: str,
    spellings: Spellings = _NONE,
) -> Outcome:
    """Record an operator's decision, ``enable`` or ``disable``, about a canonical address.

    ``now`` is the time (see ``timestamp``), ``by`` says who decides, and ``note`` says why (may be empty). Whatever the
    clocks of those who wrote what is known, the decision takes effect: it is dated later than all that it outranks.
    That is an earlier decision and, to ``enable``, all that is known.

    Raises:
        UnreadableError: The address's item is not a record.
        TableError: The decision may not have been written: DynamoDB refused, or the deadline passed.
    """
    (outcome,) = set_overrides(table, [address], state, deadline, now=now, by=by, note=note, spellings=spellings)
    return _done(outcome)


def set_overrides(  # noqa: PLR0913  (each is a separate fact)
    table: Table,
    addresses: Iterable[str],
    state: State,
    deadline: float,
    *,
    now: str,
    by: str,
    note: str,
    spellings: Spellings = _NONE,
) -> list[Outcome]:
    """Do the same for several addresses, and return the outcome of each. Errors are in the outcomes."""
    edits = {address: decision(state, now, by, note) for address in addresses}
    return table.edit(edits, deadline, spellings=spellings, consistent=True)


def decision(state: State, now: str, by: str, note: str) -> Edit:
    """Return an edit that merges a decision that outranks what is known."""
    made: Mark | None = None

    def edit(evidence: Evidence) -> Evidence:
        nonlocal made
        held = evidence.get(MarkKind.OVERRIDE)
        # Where the answer to a write was lost, the decision that is found is this one.
        if made is None or held != made:
            outranked = evidence.values() if state is State.ENABLE else [held] if held else []
            newest = max((mark.at for mark in outranked), default="")
            made = override(state, max(now, just_after(newest) if newest else ""), by, note)
        return merge(evidence, evidence_of([made]))

    return edit


def remove_override(table: Table, address: str, deadline: float, *, spellings: Spellings = _NONE) -> Outcome | None:
    """Remove an operator's decision about a canonical address; None if it has none. Errors as in ``set_override``.

    It is removed from rows in other spellings too, which keep the rest. Such a row that is not a record stays.

    This change is not a merge. A merge only adds: if evidence without the override is merged with a copy that still has
    it, the override comes back. The condition on the version makes the removal safe, as for all writes. A program that
    merges feedback at the same time may write first; then its evidence is read again here. Otherwise its write fails on
    the version, and it reads again and finds no override. Nothing is lost, and nothing comes back.

    For the same reason the item stays even if only the override was known, so that its version keeps counting. A new
    item would start at 1 again, and a writer that had read an older version 1 would overwrite it.
    """
    found = False

    def edit(evidence: Evidence) -> Evidence:
        # Kept from the first read: if the answer to a write was lost, the second read finds no override.
        nonlocal found
        found = found or MarkKind.OVERRIDE in evidence
        return without_override(evidence)

    edits = dict.fromkeys((address, *spellings.get(address, ())), edit)
    outcomes = {outcome.address: outcome for outcome in table.edit(edits, deadline, consistent=True)}
    for key, outcome in outcomes.items():
        if key == address or outcome.error != UNREADABLE:
            _done(outcome)
    return outcomes[address] if found else None


def _forms(given: str) -> tuple[tuple[str, ...], str]:
    """Return the keys of an address, and why it is not an address; one of the two is empty."""
    try:
        return forms(given), ""
    except AddressError as error:
        return (), str(error)


def decisive(keys: Sequence[str], items: Mapping[str, Item | None], purpose: Purpose, spellings: Spellings) -> str:
    """Return which of the keys of an address decides: one that may not be mailed, else one that is known.

    What is under another spelling of the first is weighed there.
    """
    merged = spellings.get(keys[0], ())
    held = {key: item for key in keys if key not in merged and (item := items[key]) is not None}
    blocked = (key for key, item in held.items() if state_of(item, purpose) is not State.ENABLE)
    return next(blocked, next(iter(held), keys[0]))


def _has_another_reason(item: Item) -> bool:
    """Return whether transactional mail is blocked for another reason than the item's.

    The item's reason is that for bulk mail. If it is an opt-out and transactional mail is blocked too, the reason for
    the latter follows from the evidence.
    """
    return item[REASON] == OPT_OUT and state_of(item, Purpose.TRANSACTIONAL) is not State.ENABLE


def _reason(item: Item, purpose: Purpose, rules: Rules) -> str:
    """Return the reason for an item's state for a purpose."""
    if purpose is Purpose.TRANSACTIONAL and EVIDENCE in item and _has_another_reason(item):
        assessment = assess(evidence_in(item), rules, purpose)
        if assessment.state is not State.ENABLE:  # otherwise the item predates this rule or a change of the rules
            return assessment.reason
    return str(item[REASON])


def _done(outcome: Outcome) -> Outcome:
    if outcome.error == UNREADABLE:
        raise UnreadableError
    if outcome.error:
        raise TableError(outcome.error)
    return outcome
