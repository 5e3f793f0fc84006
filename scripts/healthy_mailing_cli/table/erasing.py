"""Erases personal details of addresses, and keeps them from being mailed again."""

from collections.abc import Sequence
from dataclasses import replace

from healthy_mailing.evidence import ERASED, MADE_BY_PEOPLE, Evidence, Mark, MarkKind
from healthy_mailing.row import Outcome, Spellings
from healthy_mailing.table import Table
from healthy_mailing_cli.table.moving import move

_NONE: Spellings = {}

_KEPT_DETAILS = frozenset({"bounceType", "subType", "feedbackType", "state", "importedFrom"})
"""What a reason or the state needs, and what keeps imported marks out of the rates."""


def erase(table: Table, addresses: Sequence[str], deadline: float, *, spellings: Spellings = _NONE) -> list[Outcome]:
    """Erase personal details from the evidence about canonical addresses, except what the state needs.

    It erases diagnostic texts, SES's ids, senders, notes and names. It keeps the address, its states and its reason, so
    that it is not mailed again (``erased``). Repeated feedback does not bring details back. Neither does a
    program that merges at the same time, because of the condition on the version, as in ``remove_override``. Attributes
    of other programs stay. A row in another spelling is merged into the canonical one and deleted. Errors as in
    ``Table.add``.
    """
    done = table.edit(dict.fromkeys(addresses, erased), deadline, spellings=spellings, consistent=True, exact=True)
    moved = {outcome.address: outcome for outcome in move(table, _of(spellings, addresses), deadline)}
    return [_with_error_of(outcome, moved.get(outcome.address)) for outcome in done]


def erased(evidence: Evidence) -> Evidence:
    """Return evidence without personal details that the state does not need. This is not a merge: it removes something.

    Each mark keeps its kind, its time, the list that it was imported from, and the details that the reason or the state
    needs. The states and the reason stay the same.

    Repeated feedback does not bring back what was erased. It has the same time as the erased mark, and of two marks
    with one time the erased one wins: it sorts before all others where the first mark is kept, and after them where the
    newest is.
    """
    return {slot: _erased(mark) for slot, mark in evidence.items()}


def _erased(mark: Mark) -> Mark:
    detail = tuple((name, value) for name, value in mark.detail if name in _KEPT_DETAILS)
    if mark.kind in MADE_BY_PEOPLE:
        return replace(mark, sender=ERASED, detail=tuple(sorted((*detail, ("note", "")))))
    first_is_kept = mark.kind is MarkKind.DELIVERY
    return replace(mark, feedback_id="" if first_is_kept else ERASED, message_id="", sender="", detail=detail)


def _of(spellings: Spellings, addresses: Sequence[str]) -> Spellings:
    return {address: spellings[address] for address in addresses if address in spellings}


def _with_error_of(outcome: Outcome, other: Outcome | None) -> Outcome:
    return replace(outcome, error=outcome.error or other.error) if other else outcome
