"""Hides the bounces of addresses, so that these may be mailed again."""

from collections.abc import Mapping

from healthy_mailing.evidence import (
    BOUNCES,
    Evidence,
    MarkKind,
    Rules,
    State,
    assess,
    bounces_cleared,
    evidence_of,
    merge,
    unhidden,
)
from healthy_mailing.item import Item, RecordError, evidence_in
from healthy_mailing.row import Edit, Outcome, Spellings
from healthy_mailing.table import Table

_NONE: Spellings = {}


def clear_bounces(
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
    """Return whether bounces of an item that no decision hides keep mail from its address; not if it is unreadable."""
    try:
        seen = unhidden(evidence_in(item))
    except RecordError:
        return False
    weighed = {slot: mark for slot, mark in seen.items() if mark.kind in BOUNCES or mark.kind is MarkKind.DELIVERY}
    return keeps_mail_back(weighed, rules)


def keeps_mail_back(evidence: Evidence, rules: Rules) -> bool:
    """Return whether evidence blocks an address, for bulk mail at least."""
    return bool(evidence) and assess(evidence, rules).state is not State.ENABLE
