"""What differs, for one address, between the table and SES's own suppression list, and what would make up for it.

Pure: no AWS, no clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from healthy_mailing.address import is_simulated
from healthy_mailing.evidence import (
    Evidence,
    Mark,
    MarkKind,
    Purpose,
    Rules,
    State,
    assess,
    merge,
    unhidden,
    without_override,
)
from healthy_mailing.item import ADDRESS, PUSHED, Item, RecordError, evidence_in
from healthy_mailing_cli.ses.suppression_list import Entry, SesReason

_TOLERANCE = timedelta(seconds=5)
"""By how much the time of an entry may differ from when SES answered the request that made it."""

_SUB_TYPE = "OnAccountSuppressionList"
"""By what SES reports mail that it did not send because of its list, and what the state's reason then says."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """That a push put an address on SES's list, in its canonical spelling: when, and for which reason."""

    at: str
    reason: str

    def to_map(self) -> dict[str, str]:
        """Return the value of the item's attribute ``item.PUSHED``."""
        return {"at": self.at, "reason": self.reason}

    @classmethod
    def of(cls, item: Item) -> "Pushed | None":
        """Return what an item says; None if nothing, or nothing that this program wrote."""
        value: Any = item.get(PUSHED)
        if not isinstance(value, Mapping) or not all(isinstance(value.get(name), str) for name in ("at", "reason")):
            return None
        return cls(value["at"], value["reason"])

    def made(self, address: str, entry: Entry) -> bool:
        """Return whether an entry is still the one that the push made.

        The list has no room for a note of who put an address there. So the entry must have the spelling, the reason and
        the time of the push, and no mail that made SES put it there. An entry that SES or another program changed since
        is theirs.
        """
        try:
            apart = datetime.fromisoformat(entry.at) - datetime.fromisoformat(self.at)
        except (ValueError, TypeError):  # of a value that another program wrote
            return False
        same = entry.spelling == address and entry.reason == self.reason
        return same and abs(apart) <= _TOLERANCE and not entry.message_id


@dataclass(frozen=True, slots=True)
class Known:
    """What the table holds of an address: its evidence, and whether a push put it on SES's list."""

    evidence: Evidence
    pushed: Pushed | None

    @classmethod
    def of(cls, item: Item | None) -> "Known | None":
        """Read an item, None where nothing is known; return None for one that can't be read.

        Of the mailbox simulator's addresses nothing counts as known.
        """
        if not item:
            return cls({}, None)
        try:
            return cls({} if is_simulated(item[ADDRESS]) else evidence_in(item), Pushed.of(item))
        except RecordError:
            return None

    def made(self, address: str, entry: Entry) -> bool:
        """Return whether an entry is one that a push made."""
        return self.pushed is not None and self.pushed.made(address, entry)


@dataclass(frozen=True, slots=True)
class Difference:
    """What would bring the table and SES's list together for an address."""

    put: SesReason | None = None  # for which reason to put it on the list; None to put nothing there
    take_off: tuple[Entry, ...] = ()  # entries to take off the list: ours, of an address that may be mailed
    marks: tuple[Mark, ...] = ()  # what the list alone knows, for the table
    # Entries of others, of an address that may be mailed all the same: the table knows better, but SES goes on refusing
    # mail to it.
    left: tuple[Entry, ...] = ()


def suppression(evidence: Evidence, rules: Rules) -> SesReason | None:
    """Return for which reason SES's list should have an address; None if it should not.

    SES refuses all mail to who is on its list, so an opt-out does not count: it leaves transactional mail. A person's
    decision to disable does not either, since SES knows no such reason, and would go on reporting bounces that outlive
    the decision. A decision to enable or to clear bounces counts.
    """
    seen = without_override(unhidden(evidence))
    if not seen:
        return None
    decided = assess(seen, rules, Purpose.TRANSACTIONAL)
    if decided.state is not State.DISABLE:
        return None
    return SesReason.COMPLAINT if decided.mark.kind is MarkKind.COMPLAINT else SesReason.BOUNCE


def may_go(address: str, known: Known | None, entry: Entry | None, rules: Rules) -> bool:
    """Return whether there is an entry that a push made, of an address that SES's list should not have by now."""
    if known is None or entry is None:
        return False
    return known.made(address, entry) and suppression(known.evidence, rules) is None


def mark_of(entry: Entry) -> Mark:
    """Return what an entry says about its address. Who sent which mail, the list does not tell."""
    complained = entry.reason is SesReason.COMPLAINT
    kind = MarkKind.COMPLAINT if complained else MarkKind.HARD_BOUNCE
    bounce = () if complained else (("bounceType", "Permanent"),)
    detail = (*bounce, ("subType", _SUB_TYPE))
    return Mark(kind=kind, at=entry.at, feedback_id="", message_id="", sender="", detail=detail)


def difference(address: str, known: Known, entries: Iterable[Entry], rules: Rules) -> Difference:
    """Return what differs for a canonical address between the table and its entries on SES's list.

    An entry of ours is not evidence: it only repeats what the table knew. One of others is taken over if it changes
    what the table makes of the address; so a mark that says more, such as the mail server's own words, is not replaced
    by one that only says "on the list".

    The mailbox simulator's addresses are nobody's: of others' entries nothing is taken over, and ours are taken off.
    """
    held = list(entries)
    wanted = suppression(known.evidence, rules)
    if not held:
        return Difference(put=wanted)
    ours = tuple(entry for entry in held if known.made(address, entry))
    if is_simulated(address):
        return Difference(take_off=ours)
    theirs = [entry for entry in held if entry not in ours]
    marks: list[Mark] = []
    evidence, now = known.evidence, wanted
    for entry in sorted(theirs, key=lambda each: (each.at, each.reason, each.spelling)):
        mark = mark_of(entry)
        merged = merge(evidence, {mark.slot: mark})
        after = suppression(merged, rules)
        if after is not now:
            marks.append(mark)
            evidence, now = merged, after
    return Difference(
        take_off=ours if now is None else (),
        marks=tuple(marks),
        left=tuple(theirs) if now is None else (),
    )
