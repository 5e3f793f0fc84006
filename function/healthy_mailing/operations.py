"""What people and programs ask of the table: plain functions, for the lookup API and the command line alike.

Every deadline is a time of ``time.monotonic()``, in seconds, after which nothing new is begun, nor waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthy_mailing.address import AddressError, canonical
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
from healthy_mailing.table import UNREADABLE, TableError
from healthy_mailing.timestamp import day_of

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from healthy_mailing.evidence import Evidence, Mark, Rules
    from healthy_mailing.item import Item
    from healthy_mailing.table import Outcome, Table


class UnreadableError(Exception):
    """What the table holds under an address is no record, so it can't be changed; someone should look at it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether one address may get mail of a purpose.

    Attributes:
        given: The address as it was given.
        address: Its canonical form; empty if there is a ``problem``.
        purpose: What the mail is for.
        item: What the table holds; None if nothing is known.
        reason: The code of the reason; empty if nothing is known.
        problem: Why what was given is no address; empty if it is one.
    """

    given: str
    address: str
    purpose: Purpose
    item: Item | None = None
    reason: str = ""
    problem: str = ""

    @property
    def may_be_mailed(self) -> bool:
        """Whether it may: yes, if it is an address and nothing known forbids it."""
        return not self.problem and (self.item is None or state_of(self.item, self.purpose) is State.ENABLE)


def find(table: Table, address: str, deadline: float, *, consistent: bool) -> Item | None:
    """Return the item of a canonical address, None if nothing is known of it. Details as in ``Table.read``."""
    return table.read([address], deadline, consistent=consistent)[address]


def check(table: Table, given: Sequence[str], deadline: float, *, purpose: Purpose, consistent: bool) -> list[Answer]:
    """Return whether each address, in any spelling, may get mail of a purpose, in the order given.

    Raises:
        TableError: DynamoDB refused, or the deadline passed.
    """
    read = [_address(each) for each in given]
    items = table.answers([address for address, _ in read if address], deadline, consistent=consistent)
    if purpose is Purpose.TRANSACTIONAL:
        unclear = [address for address, item in items.items() if item and _has_another_reason(item)]
        items |= table.read(unclear, deadline, consistent=consistent) if unclear else {}
    answers = []
    for text, (address, problem) in zip(given, read, strict=True):
        item = items.get(address)
        reason = "" if item is None else _reason(item, purpose, table.rules)
        answers.append(Answer(text, address, purpose, item, reason, problem))
    return answers


def set_override(  # noqa: PLR0913  (each is a fact of its own)
    table: Table, address: str, state: State, deadline: float, *, at: str, by: str, note: str
) -> Outcome:
    """Put a person's decision, ``enable`` or ``disable``, above the feedback about a canonical address.

    ``at`` says when it was made (see ``timestamp``), ``by`` who made it, ``note`` why; that may be empty.

    Raises:
        UnreadableError: The address's item is no record.
        TableError: It may not have been written: DynamoDB refused, or the deadline passed.
    """
    (outcome,) = set_overrides(table, [address], state, deadline, at=at, by=by, note=note)
    return _done(outcome)


def set_overrides(  # noqa: PLR0913  (each is a fact of its own)
    table: Table, addresses: Iterable[str], state: State, deadline: float, *, at: str, by: str, note: str
) -> list[Outcome]:
    """Do the same for several addresses, and return what became of each; errors are in the outcomes."""
    evidence = evidence_of([override(state, at, by, note)])
    return table.add(dict.fromkeys(addresses, evidence), deadline)


def remove_override(table: Table, address: str, deadline: float) -> Outcome | None:
    """Take a person's decision about a canonical address back; None if there is none. Errors as in ``set_override``.

    The one change that is no merge. A merge only adds: evidence without the override, merged with a copy that still has
    it, has it again. What makes the removal safe is the condition on the version, as for all writes. A program that
    merges feedback at the same time either writes first, and its evidence is read again here, or it fails on the
    version, reads again, and finds no override to merge with. Nothing is lost, and nothing comes back.

    For the same reason the item stays when nothing but the override was known of the address: its version goes on
    counting. A new item would begin at 1 again, and a writer that had read another version 1 would overwrite it.
    """
    found = False

    def edit(evidence: Evidence) -> Evidence:
        # Kept from the first read: where the answer to a write was lost, the second finds no override.
        nonlocal found
        found = found or MarkKind.OVERRIDE in evidence
        return without_override(evidence)

    (outcome,) = table.edit({address: edit}, deadline, consistent=True)
    return _done(outcome) if found or outcome.error else None


@dataclass(frozen=True, slots=True)
class Outage:
    """Which bounces a mailbox provider's outage caused.

    Attributes:
        start: When it began (see ``timestamp``).
        end: When the last bounce of it was reported: its end and a time of grace, and not in the future.
        domains: The domains of the addresses; empty for all. A domain that a provider hosts for its owner is told by
            ``diagnostic`` alone: Gmail's texts have ``gsmtp``.
        diagnostic: What the text with which the mailbox provider refused the mail must contain; None for all.
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
        at: Until when its bounces are to be hidden.
        bounce: The newest bounce of the outage.
        state: What its state will be for bulk mail. Complaints, opt-outs and an operator's decision stay in force.
        transactional: What its state will be for transactional mail.
    """

    address: str
    at: str
    bounce: Mark
    state: State
    transactional: State


def caused_by(outage: Outage, item: Item, rules: Rules, listed_at: str = "") -> Clearing | None:
    """Return what is to be cleared of an item, None if it is to be left alone.

    It is cleared if bounces keep the address from getting mail, and without those of the outage they would not. So a
    bounce of the outage does not free an address that an older, real bounce blocks.

    A bounce is of the outage if it is of its time, and has its domain and its diagnostic text. SES does not try to send
    to an address on its account's suppression list. So such a bounce (``OnAccountSuppressionList``), which takes the
    place of the one that put the address on the list, has no time or text of the outage. Instead, ``listed_at`` must
    be of its time: when SES put the address on that list for a bounce, empty if it is not there. Until the address is
    taken off, all bounces are of that kind, so nothing real is cleared with them.

    The mark's time is the outage's end, so that bounces of the outage that SES reports later are hidden too, and real
    ones count. Where a bounce is newer, its time is that.
    """
    address: str = item[ADDRESS]
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
    return Clearing(address, at, newest, bulk, transactional)


def find_caused_by(
    table: Table, outage: Outage, deadline: float, *, listed: Mapping[str, str] | None = None
) -> Iterator[list[Clearing]]:
    """Yield what is to be cleared of the table (``caused_by``), page by page; a page may be empty.

    ``listed`` says by canonical address when SES put it on its account's suppression list for a bounce.

    Raises:
        TableError: DynamoDB refused, or the deadline passed.
    """
    known = listed or {}
    # From the day's beginning: this project's clock dates items, SES's the bounces in them.
    for items in table.blocked(deadline, since=day_of(outage.start)):
        found = (caused_by(outage, item, table.rules, known.get(item[ADDRESS], "")) for item in items)
        yield [each for each in found if each]


def clear_bounces(table: Table, until: Mapping[str, str], deadline: float, *, by: str, note: str) -> list[Outcome]:
    """Hide the bounces of canonical addresses, of each until a time (see ``timestamp``).

    Those of until then that SES reports later are hidden too. ``by`` says who decided so, ``note`` why; that may be
    empty. Errors as in ``Table.add``.
    """
    return table.add({address: evidence_of([bounces_cleared(at, by, note)]) for address, at in until.items()}, deadline)


def reassess(table: Table, deadline: float, *, dry_run: bool) -> Iterator[tuple[int, list[Outcome]]]:
    """Bring each item up to date with the table's rules.

    Yields, page by page, how many items were read and what became of those that were not up to date. With ``dry_run``,
    an outcome says what would become of an item.

    Raises:
        TableError: DynamoDB refused a page, or the deadline passed. What a page's items came to is in the outcomes.
    """
    for items in table.scan(deadline):
        outdated = [outcome for outcome in map(table.outdated, items) if outcome]
        if dry_run:
            yield len(items), outdated
            continue
        edits = {outcome.address: _unchanged for outcome in outdated if not outcome.error}
        failed = [outcome for outcome in outdated if outcome.error]
        yield len(items), failed + table.edit(edits, deadline, exact=True)


def erase(table: Table, addresses: Sequence[str], deadline: float) -> list[Outcome]:
    """Erase what the evidence about canonical addresses says of people beyond what the state needs.

    Diagnostic texts, SES's ids, senders, notes and names go; the address, its states and its reason stay, so that
    it is not mailed again (``evidence.erased``). Feedback that SES or the queue delivers once more does not bring them
    back, nor does a program that merges at the same time: the condition on the version sees to that, as in
    ``remove_override``. What other programs keep in the item stays. Errors as in ``Table.add``.
    """
    return table.edit(dict.fromkeys(addresses, erased), deadline, consistent=True, exact=True)


def forget(table: Table, addresses: Sequence[str], deadline: float) -> list[Outcome]:
    """Delete all that is known of canonical addresses: they may be mailed again. Details as in ``Table.delete``.

    Feedback that is still on its way, or is delivered once more, makes a new item.
    """
    return table.delete(addresses, deadline)


# SES did not try to send for these, so no outage refused the mail.
_NOT_TRIED = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"})


def _is_of(bounce: Mark, outage: Outage, *, listed: bool) -> bool:
    """Return whether a bounce is of an outage of its address's domain; ``listed`` as SES's list says."""
    if bounce.get("subType") in _NOT_TRIED:
        return listed and bounce.get("subType") == "OnAccountSuppressionList"
    if not outage.start <= bounce.at <= outage.end:
        return False
    return outage.diagnostic is None or bool(outage.diagnostic.search(bounce.get("diagnosticCode")))


def _keeps_mail_back(evidence: Evidence, rules: Rules) -> bool:
    return bool(evidence) and assess(evidence, rules).state is not State.ENABLE


def _unchanged(evidence: Evidence) -> Evidence:
    return evidence


def _address(given: str) -> tuple[str, str]:
    """Return the canonical form of an address, and why it is none; one of the two is empty."""
    try:
        return canonical(given), ""
    except AddressError as error:
        return "", str(error)


def _has_another_reason(item: Item) -> bool:
    """Return whether something else than the item's reason keeps transactional mail back.

    The item's own reason is the one for bulk mail. Where an opt-out decided that, and transactional mail is kept back
    too, the reason for the latter follows from the evidence.
    """
    return item[REASON] == OPT_OUT and state_of(item, Purpose.TRANSACTIONAL) is not State.ENABLE


def _reason(item: Item, purpose: Purpose, rules: Rules) -> str:
    """Return why an item's state for a purpose is what it is."""
    if purpose is Purpose.TRANSACTIONAL and EVIDENCE in item and _has_another_reason(item):
        assessment = assess(evidence_in(item), rules, purpose)
        if assessment.state is not State.ENABLE:  # else the item is older than this rule, or than a change of the rules
            return assessment.reason
    return str(item[REASON])


def _done(outcome: Outcome) -> Outcome:
    if outcome.error == UNREADABLE:
        raise UnreadableError
    if outcome.error:
        raise TableError(outcome.error)
    return outcome
