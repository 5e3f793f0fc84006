"""What a table says of all its addresses together: states, reasons, rates, days, domains. Pure: no AWS, no clock.

The table has the newest mark of each kind and address, not each mail. So rates are shares of addresses, not of mails.
A past day shows only events that no newer event of the kind replaced.
"""

from collections import Counter
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from healthy_mailing.address import is_simulated
from healthy_mailing.evidence import MADE_BY_PEOPLE, Evidence, MarkKind, State, unhidden
from healthy_mailing.item import ADDRESS, REASON, STATE, TRANSACTIONAL, UPDATED_AT, Item
from healthy_mailing.timestamp import day_of
from healthy_mailing_cli.figures.jumps import HardBounces, Jump
from healthy_mailing_cli.figures.newest import Newest, NewlyBlocked, kind_of
from healthy_mailing_cli.figures.rates import BOUNCES, COMPLAINTS, SENT, Counts, Rate, Window
from healthy_mailing_cli.lists.formats.reader import IMPORTED_FROM
from healthy_mailing_cli.shell.filters import sent_by
from healthy_mailing_cli.shell.output import camel

DOMAINS = 15  # how many recipient domains are shown apart

_UNSENT = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"})
"""Sub-types of what SES did not send, and does not count in its rates (Amazon SES Developer Guide, "Using the Amazon
SES account-level suppression list")."""


@dataclass(kw_only=True)
class Day(Counts):
    """The counts of a UTC day."""

    day: str


@dataclass(slots=True)
class Domain:
    """The addresses of a recipient domain."""

    name: str  # the domain; of all others together, empty
    addresses: int = 0  # how many addresses the table has
    blocked: int = 0  # how many of them may not get bulk mail
    reached: int = 0  # about how many there was feedback in the window
    hard: int = 0  # how many bounced in it
    complaints: int = 0  # how many complained in it


@dataclass(slots=True)
class Figures:
    """All figures."""

    at: str  # when the reading began, UTC with milliseconds
    days: int  # how many UTC days the window has; the last is today
    begin: str  # its first day
    bounces: Rate  # the bounce rate of the window
    complaints: Rate  # its complaint rate
    trend: list[Day]  # each day of the window
    addresses: int = 0  # how many addresses the table has
    # How many of them are in which state for bulk mail.
    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, State), 0))
    transactional: int = 0  # how many may get transactional mail, though not bulk mail
    # How many may not get bulk mail for which reason, most frequent first; soft bounces of any number are one reason.
    reasons: dict[str, int] = field(default_factory=Counter)
    window: Window = field(default_factory=Window)  # the window's feedback
    before: Window = field(default_factory=Window)  # that of as many days before
    # The domains with most addresses with feedback in the window, and all others together.
    domains: list[Domain] = field(default_factory=list)
    domain_count: int = 0  # how many domains there are
    jumps: list[Jump] = field(default_factory=list)  # days on which a domain's hard bounces jump, largest first
    # The newest changes of addresses that may not get bulk mail.
    changes: list[NewlyBlocked] = field(default_factory=list)
    imported: int = 0  # how many marks came from other systems' lists, which count in no rate, day or window
    unsent: int = 0  # how many addresses' newest hard bounce or complaint of the window only repeats SES's own list
    unreadable: int = 0  # how many items another program wrote

    @property
    def are_alarming(self) -> bool:
        """Whether someone should act: a rate is over one of SES's lines, or a domain's hard bounces jump."""
        return bool(self.jumps) or self.bounces.is_over or self.complaints.is_over

    def to_json(self) -> dict[str, Any]:
        """Return them as JSON has them."""
        return asdict(self, dict_factory=lambda pairs: {camel(name): value for name, value in pairs})


class Census:
    """Counts items, one after the other; memory grows with the number of domains alone.

    SES's mailbox simulator is left out. With ``sender``, only feedback about mail of that sender counts, and the
    addresses that have such feedback.
    """

    def __init__(self, at: str, days: int = 30, sender: str | None = None) -> None:
        """Count nothing yet, of a number of days that ends with the day of a time."""
        self._today = day_of(at)
        today = date.fromisoformat(self._today)
        laid_out = [str(today - timedelta(days=ago)) for ago in reversed(range(2 * days))]
        self._begin_before, self._begin = laid_out[0], laid_out[days]
        self._trend = {day: Day(day=day) for day in laid_out[days:]}
        none = Window()
        rates = BOUNCES.rate(0, none), COMPLAINTS.rate(0, none)
        self._found = Figures(at, days, self._begin, *rates, trend=list(self._trend.values()))
        self._sender = sender
        self._domains: dict[str, Domain] = {}
        self._bounces = HardBounces()
        self._newest = Newest()

    def add(self, item: Item, evidence: Evidence | None) -> None:
        """Count an item that says a state and a reason, and its evidence; None if another program wrote it."""
        address, state, reason = item[ADDRESS], item[STATE], item.get(REASON, "")
        if is_simulated(address):
            return
        if self._sender is not None:
            evidence = _about(evidence or {}, self._sender)
            if not evidence:
                return
        found = self._found
        found.addresses += 1
        found.states[state] += 1
        name = address.rpartition("@")[2]
        domain = self._domains.setdefault(name, Domain(name))
        domain.addresses += 1
        if state != State.ENABLE:
            transactional = item.get(TRANSACTIONAL, state)
            domain.blocked += 1
            found.transactional += transactional == State.ENABLE
            found.reasons[kind_of(reason)] += 1
            self._newest.add(item.get(UPDATED_AT, ""), address, reason, state, transactional)
        if evidence is None:
            found.unreadable += 1
        else:
            self._weigh(evidence, domain)

    def _weigh(self, evidence: Evidence, domain: Domain) -> None:
        now, before = set[MarkKind](), set[MarkKind]()
        for mark in evidence.values():
            if mark.kind in MADE_BY_PEOPLE or mark.day < self._begin_before:
                continue
            if mark.get(IMPORTED_FROM):
                self._found.imported += 1
                continue
            is_now = mark.day >= self._begin
            if mark.get("subType") in _UNSENT:
                self._found.unsent += is_now
            elif is_now:
                now.add(mark.kind)
                day = min(mark.day, self._today)  # a clock that runs ahead makes a mark of tomorrow
                self._trend[day].add({mark.kind})
            else:
                before.add(mark.kind)
        self._found.window.add(now)
        self._found.before.add(before)
        domain.reached += not SENT.isdisjoint(now)
        domain.complaints += MarkKind.COMPLAINT in now
        if MarkKind.HARD_BOUNCE in now:
            domain.hard += 1
            # What was cleared says nothing any more. In SES's rates it stays.
            bounce = unhidden(evidence).get(MarkKind.HARD_BOUNCE)
            if bounce is not None:
                self._bounces.add(domain.name, bounce.day, bounce.at)

    def figures(self) -> Figures:
        """Return what all items amount to."""
        window = self._found.window
        ranked = sorted(self._domains.values(), key=lambda each: (-each.reached, -each.addresses, each.name))
        rest = [astuple(each)[1:] for each in ranked[DOMAINS:]]
        others = [Domain("", *map(sum, zip(*rest, strict=True)))] if rest else []
        return replace(
            self._found,
            reasons=dict(sorted(self._found.reasons.items(), key=lambda each: (-each[1], each[0]))),
            bounces=BOUNCES.rate(window.hard, window),
            complaints=COMPLAINTS.rate(window.complaints, window),
            domains=[*ranked[:DOMAINS], *others],
            domain_count=len(ranked),
            jumps=self._bounces.jumps({name: each.addresses for name, each in self._domains.items()}, self._found.days),
            changes=self._newest.found(),
        )


def _about(evidence: Evidence, sender: str) -> Evidence:
    """Return feedback about mail of a sender, with the decisions of people that may hide it; nothing without any."""
    of_people = {slot: mark for slot, mark in evidence.items() if mark.kind in MADE_BY_PEOPLE}
    about = {slot: mark for slot, mark in evidence.items() if slot not in of_people and sent_by(mark.sender, sender)}
    return about | of_people if about else {}
