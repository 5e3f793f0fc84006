"""What people and programs ask of the table: plain functions, for the lookup API and the command line alike.

Every deadline is a time of ``time.monotonic()``, in seconds, after which nothing new is begun, nor waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from healthy_mailing.address import AddressError, canonical
from healthy_mailing.evidence import MarkKind, Purpose, State, assess, evidence_of, override, without_override
from healthy_mailing.item import EVIDENCE, REASON, evidence_in, state_of
from healthy_mailing.table import UNREADABLE, TableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from healthy_mailing.evidence import Evidence, Rules
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
    answers = [_unknown(each, purpose) for each in given]
    items = table.read([answer.address for answer in answers if not answer.problem], deadline, consistent=consistent)
    return [_known(answer, items.get(answer.address), table.rules) for answer in answers]


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


def _unknown(given: str, purpose: Purpose) -> Answer:
    """Return the answer for an address of which nothing is known."""
    try:
        return Answer(given, canonical(given), purpose)
    except AddressError as error:
        return Answer(given, "", purpose, problem=str(error))


def _known(answer: Answer, item: Item | None, rules: Rules) -> Answer:
    """Return the answer with what the table holds."""
    return answer if item is None else replace(answer, item=item, reason=_reason(item, answer.purpose, rules))


def _reason(item: Item, purpose: Purpose, rules: Rules) -> str:
    """Return why an item's state for a purpose is what it is.

    The item's own reason is the one for bulk mail. Where an opt-out decided that, and something else keeps
    transactional mail back too, the reason for the latter follows from the evidence.
    """
    if (
        purpose is Purpose.TRANSACTIONAL
        and state_of(item, purpose) is not State.ENABLE
        and MarkKind.OPT_OUT in item.get(EVIDENCE, ())
    ):
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
