"""Operations on the table: plain functions for the lookup API and the command line.

Every deadline is a time of ``time.monotonic()``, in seconds. After it, nothing new starts and nothing is waited for.

A table that was adopted may have rows whose key is an address in another spelling than the canonical one. ``spellings``
(see ``address.spellings``) says which of these to look for; ``reassess`` merges all of them into the canonical rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple

from healthy_mailing.address import AddressError, canonical_or_same, forms, respelt, spelled
from healthy_mailing.evidence import (
    BOUNCES,
    OPT_OUT,
    MarkKind,
    Purpose,
    State,
    assess,
    bounces_cleared,
    erased,
    evidence_of,
    merge,
    override,
    unhidden,
    without_override,
)
from healthy_mailing.item import ADDRESS, EVIDENCE, REASON, RecordError, evidence_in, state_of
from healthy_mailing.table import UNREADABLE, Outcome, TableError
from healthy_mailing.timestamp import day_of, just_after

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from healthy_mailing.evidence import Evidence, Mark, Rules
    from healthy_mailing.item import Item
    from healthy_mailing.table import Edit, Spellings, Table

_NONE: Mapping[str, Collection[str]] = {}

_MOVED_AT_ONCE = 1_000
"""Of how many addresses rows in other spellings are moved at a time: each time rests for seconds."""


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
    return items[_decisive(keys, items, Purpose.BULK, spellings)]


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
        address = keys[0] if len(keys) == 1 else _decisive(keys, items, purpose, others) if keys else ""
        item = items.get(address)
        reason = "" if item is None else _reason(item, purpose, table.rules)
        answers.append(Answer(text, address, purpose, item, reason, problem))
    return answers


def weighed(
    table: Table, outcomes: Iterable[Outcome], deadline: float, *, spellings: Spellings
) -> list[tuple[Outcome, Item]]:
    """Return what became of some addresses, each with the item by which lookups now answer; empty if nothing is known.

    Where ``spellings`` says how an address was given, that is what ``check`` goes by: it may be the item of another of
    its keys (``address.forms``). Of several that block, one that blocks transactional mail counts.

    Raises:
        TableError: DynamoDB refused, or the deadline passed.
    """
    done = list(outcomes)
    keys = {
        outcome.address: _all_keys(outcome.address, spellings)
        for outcome in done
        if outcome.address in spellings and not outcome.error
    }
    read = (key for each in keys.values() for key in each)
    items = table.read(read, deadline, spellings=spellings, consistent=True) if keys else {}
    found: dict[str, Item] = {}
    for address, each in keys.items():
        strictest = items[_decisive(each, items, Purpose.TRANSACTIONAL, spellings)]
        if strictest is None or state_of(strictest, Purpose.TRANSACTIONAL) is State.ENABLE:
            strictest = items[_decisive(each, items, Purpose.BULK, spellings)]
        found[address] = strictest or {}
    return [(outcome, found.get(outcome.address, outcome.item)) for outcome in done]


def rows_beside(
    table: Table, addresses: Iterable[str], deadline: float, *, spellings: Spellings
) -> dict[str, list[Item]]:
    """Return, by canonical address, the items of other addresses that lookups of it read too, without those with none.

    ``spellings`` says how the addresses were given. Errors as in ``weighed``.
    """
    others = {
        address: [key for key in _all_keys(address, spellings)[1:] if key not in spellings[address]]
        for address in addresses
        if address in spellings
    }
    wanted = [key for each in others.values() for key in each]
    items = table.read(wanted, deadline, consistent=True) if wanted else {}
    found = {address: [item for key in each if (item := items[key])] for address, each in others.items()}
    return {address: each for address, each in found.items() if each}


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


@dataclass(frozen=True, slots=True)
class Outage:
    """Which bounces a mailbox provider's outage caused.

    Attributes:
        start: When it began (see ``timestamp``).
        end: The latest time of its bounces: its end plus a grace period, and not in the future.
        domains: The domains of the addresses; empty for all. Only ``diagnostic`` identifies domains that a provider
            hosts for others: Gmail's diagnostic texts contain ``gsmtp``.
        diagnostic: What the provider's diagnostic text must contain; None for any text.
    """

    start: str
    end: str
    domains: Collection[str] = ()
    diagnostic: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Clearing:
    """An address whose bounces are to be cleared.

    Attributes:
        address: The canonical address.
        at: Bounces up to this time will be hidden.
        bounce: The newest bounce of the outage.
        state: The new state for bulk mail. Complaints, opt-outs and an operator's decision stay in force.
        transactional: The new state for transactional mail.
        key: The key of the item, which may be another spelling of the address.
    """

    address: str
    at: str
    bounce: Mark
    state: State
    transactional: State
    key: str = field(default="", compare=False)


def caused_by(outage: Outage, item: Item, rules: Rules, listed_at: str = "") -> Clearing | None:
    """Return what to clear for an item, or None to leave it alone.

    An item is cleared if bounces block the address now, and would not without those of the outage. So the outage does
    not free an address that an older, real bounce blocks.

    A bounce belongs to the outage if its time, domain and diagnostic text match. SES does not try to send to an address
    on the account's suppression list. Such a bounce (``OnAccountSuppressionList``) replaces the one that put the
    address on the list, so it lacks the time and text of the outage. In this case ``listed_at`` must match: the time
    when SES put the address on that list for a bounce, empty if it is not there. While the address is listed, all its
    bounces are of that kind, so this clears no real bounce.

    The mark gets the time of the outage's end, or of the newest bounce if that is later. So it also hides bounces of
    the outage that SES reports later, and real ones count.
    """
    key: str = item[ADDRESS]
    address = canonical_or_same(key)
    if outage.domains and address.rpartition("@")[2] not in outage.domains:
        return None
    try:
        evidence = evidence_in(item)
    except RecordError:
        return None
    listed = bool(listed_at) and outage.start <= listed_at <= outage.end
    weighed = {
        slot: mark
        for slot, mark in unhidden(evidence).items()
        if mark.kind in BOUNCES or mark.kind is MarkKind.DELIVERY
    }
    caused = [mark for mark in weighed.values() if mark.kind in BOUNCES and _is_of(mark, outage, listed=listed)]
    others = {slot: mark for slot, mark in weighed.items() if mark not in caused}
    if not caused or not _keeps_mail_back(weighed, rules) or _keeps_mail_back(others, rules):
        return None
    newest = max(caused)
    at = max(outage.end, newest.at)
    cleared = merge(evidence, evidence_of([bounces_cleared(at, "")]))
    bulk, transactional = (assess(cleared, rules, purpose).state for purpose in (Purpose.BULK, Purpose.TRANSACTIONAL))
    return Clearing(address, at, newest, bulk, transactional, key)


def find_caused_by(
    table: Table, outage: Outage, deadline: float, *, listed: Mapping[str, str] | None = None
) -> Iterator[list[Clearing]]:
    """Yield what to clear in the table (``caused_by``), page by page; a page may be empty.

    ``listed`` maps canonical addresses to the time when SES put them on the account's suppression list for a bounce.

    Raises:
        TableError: DynamoDB refused, or the deadline passed.
    """
    known = listed or {}
    # From the start of the day, because this project's clock dates items and SES's clock dates bounces.
    for items in table.blocked(deadline, since=day_of(outage.start)):
        found = (
            caused_by(outage, item, table.rules, known.get(canonical_or_same(item[ADDRESS]), "")) for item in items
        )
        yield [each for each in found if each]


def clear_bounces(  # noqa: PLR0913  (each is a separate fact)
    table: Table,
    until: Mapping[str, str],
    deadline: float,
    *,
    now: str,
    by: str,
    note: str,
    always: bool,
    spellings: Spellings = _NONE,
) -> list[Outcome]:
    """Hide the bounces of canonical addresses, for each up to a time (see ``timestamp``).

    This includes bounces up to then that SES reports later. So a time after ``now`` counts only up to the newest bounce
    that is known, which a clock ahead may have dated later than that. ``by`` says who decides, ``note`` why (may be
    empty). Errors as in ``Table.add``.

    Nothing is written where no bounce is known that is not cleared, unless ``always``: then bounces of which SES knows
    may still come.
    """
    edits = {address: clearing(at, now, by, note, always=always) for address, at in until.items()}
    return table.edit(edits, deadline, spellings=spellings, consistent=True)


def clearing(until: str, now: str, by: str, note: str, *, always: bool) -> Edit:
    """Return an edit that merges a mark that hides bounces, as ``clear_bounces`` has it."""

    def edit(evidence: Evidence) -> Evidence:
        if not (always or has_bounces(evidence)):
            return evidence
        at = min(until, max(now, newest_bounce(evidence)))
        return merge(evidence, evidence_of([bounces_cleared(at, by, note)]))

    return edit


def newest_bounce(evidence: Evidence) -> str:
    """Return the time of the newest bounce in evidence, empty if there is none."""
    return max((mark.at for mark in evidence.values() if mark.kind in BOUNCES), default="")


def has_bounces(evidence: Evidence) -> bool:
    """Return whether evidence has a bounce that was not cleared."""
    cleared = evidence.get(MarkKind.BOUNCES_CLEARED)
    return newest_bounce(evidence) > (cleared.at if cleared else "")


def is_kept_back_by_bounces(item: Item, rules: Rules) -> bool:
    """Return whether bounces of an item that no decision hides keep mail from its address; not if it is no record."""
    try:
        seen = unhidden(evidence_in(item))
    except RecordError:
        return False
    weighed = {slot: mark for slot, mark in seen.items() if mark.kind in BOUNCES or mark.kind is MarkKind.DELIVERY}
    return _keeps_mail_back(weighed, rules)


def reassess(
    table: Table, deadline: float, *, dry_run: bool, keep_spellings: bool
) -> Iterator[tuple[int, list[Outcome]]]:
    """Bring each item up to date with the table's rules, and under its canonical address.

    A row under another spelling is merged into the canonical one and then deleted (``Table.move``); with
    ``keep_spellings`` it stays. Its outcome has the canonical address, and ``moved``. Such rows come last, all of an
    address at once: so what becomes of them does not depend on which row is read first, and can be foreseen. Their keys
    are held until then, which takes 170 MB for a million of them.

    Yields, page by page, the number of items read and the outcomes of those that were out of date. With ``dry_run``, an
    outcome says what would happen.

    Raises:
        TableError: DynamoDB refused a page, or the deadline passed. Errors of single items are in the outcomes.
    """
    spelled: list[str] = []
    for items in table.scan(deadline):
        others = {key for each in respelt(item[ADDRESS] for item in items).values() for key in each}
        spelled += others
        outdated = [outcome for item in items if item[ADDRESS] not in others and (outcome := table.outdated(item))]
        if not dry_run:
            edits = {outcome.address: _unchanged for outcome in outdated if not outcome.error}
            failed = [outcome for outcome in outdated if outcome.error]
            outdated = failed + table.edit(edits, deadline, exact=True)
        yield len(items), outdated
    spelled.sort(key=canonical_or_same)
    left = groupby(spelled, canonical_or_same)
    while some := {address: set(keys) for address, keys in islice(left, _MOVED_AT_ONCE)}:
        yield 0, table.move(some, deadline, keep=keep_spellings, dry_run=dry_run)


def erase(table: Table, addresses: Sequence[str], deadline: float, *, spellings: Spellings = _NONE) -> list[Outcome]:
    """Erase personal details from the evidence about canonical addresses, except what the state needs.

    It erases diagnostic texts, SES's ids, senders, notes and names. It keeps the address, its states and its reason, so
    that it is not mailed again (``evidence.erased``). Repeated feedback does not bring details back. Neither does a
    program that merges at the same time, because of the condition on the version, as in ``remove_override``. Attributes
    of other programs stay. A row in another spelling is merged into the canonical one and deleted. Errors as in
    ``Table.add``.
    """
    done = table.edit(dict.fromkeys(addresses, erased), deadline, spellings=spellings, consistent=True, exact=True)
    moved = {outcome.address: outcome for outcome in table.move(_of(spellings, addresses), deadline)}
    return [_with_error_of(outcome, moved.get(outcome.address)) for outcome in done]


def _of(spellings: Spellings, addresses: Sequence[str]) -> Spellings:
    return {address: spellings[address] for address in addresses if address in spellings}


def _with_error_of(outcome: Outcome, other: Outcome | None) -> Outcome:
    return replace(outcome, error=outcome.error or other.error) if other else outcome


def forget(table: Table, addresses: Sequence[str], deadline: float, *, spellings: Spellings = _NONE) -> list[Outcome]:
    """Delete all that is known about canonical addresses, so they may be mailed again. Details as in ``Table.delete``.

    Feedback that arrives later, or is repeated, creates a new item.
    """
    return table.delete(addresses, deadline, spellings=spellings)


# SES did not try to send these mails, so no outage rejected them.
_NOT_TRIED = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"})


def _is_of(bounce: Mark, outage: Outage, *, listed: bool) -> bool:
    """Return whether a bounce belongs to an outage; ``listed`` says what SES's list says."""
    if bounce.get("subType") in _NOT_TRIED:
        return listed and bounce.get("subType") == "OnAccountSuppressionList"
    if not outage.start <= bounce.at <= outage.end:
        return False
    return outage.diagnostic is None or bool(outage.diagnostic.search(bounce.get("diagnosticCode")))


def _keeps_mail_back(evidence: Evidence, rules: Rules) -> bool:
    return bool(evidence) and assess(evidence, rules).state is not State.ENABLE


def _unchanged(evidence: Evidence) -> Evidence:
    return evidence


def _forms(given: str) -> tuple[tuple[str, ...], str]:
    """Return the keys of an address, and why it is not an address; one of the two is empty."""
    try:
        return forms(given), ""
    except AddressError as error:
        return (), str(error)


def _all_keys(address: str, spellings: Spellings) -> list[str]:
    """Return the keys of an address that was given in some spellings, the canonical one first."""
    return list(dict.fromkeys([address, *(key for text in sorted(spellings[address]) for key in forms(text))]))


def _decisive(keys: Sequence[str], items: Mapping[str, Item | None], purpose: Purpose, spellings: Spellings) -> str:
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
