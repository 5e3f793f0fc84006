"""What a table says of all its addresses together: states, reasons, rates, days, domains. Pure: no AWS, no clock.

The table has the newest mark of each kind and address, not each mail. So rates are shares of addresses, not of mails,
and a day of the past has only those of its events that nothing newer of the kind followed.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from healthy_mailing.address import is_simulated, masked
from healthy_mailing.evidence import MADE_BY_PEOPLE, Evidence, Mark, MarkKind, State, unhidden
from healthy_mailing.item import ADDRESS, REASON, STATE, TRANSACTIONAL, UPDATED_AT, Item
from healthy_mailing.timestamp import day_of
from healthy_mailing_cli.lists.formats.sources import IMPORTED_FROM
from healthy_mailing_cli.shell.filters import sent_by

DOMAINS = 15
"""How many recipient domains are told apart."""

CHANGES = 15
"""How many of the newest changes are told, those of one hour, state and reason together."""

JUMP_BOUNCES, JUMP_FACTOR = 20, 5
"""When the hard bounces of a domain on one day are a jump: at least so many, and so many times what is usual."""

_JUMPS = 5
_HOUR = len("2026-01-31T12")
_FEW = 1_000
"""Below so many addresses, a rate says little."""

_UNSENT = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"})
"""Sub-types of what SES did not send, and does not count in its rates (Amazon SES Developer Guide, "Using the Amazon
SES account-level suppression list")."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Where SES draws its lines for a rate (Amazon SES Developer Guide, "Enforcement FAQ"). Shares of 1.

    Attributes:
        best: Below it, SES says, a rate is best.
        review: From it on, SES may put the account under review.
        pause: From it on, SES may pause the account's sending.
    """

    best: float
    review: float
    pause: float


BOUNCE_LINES = Lines(0.02, 0.05, 0.10)
COMPLAINT_LINES = Lines(0.001, 0.001, 0.005)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of addresses, beside SES's lines.

    Attributes:
        count: How many addresses bounced, or complained.
        of: How many addresses there was feedback about.
        share: The one by the other; None where that says nothing, since no deliveries are known.
        verdict: What SES's lines make of it.
        few: Whether there are so few addresses that it says little.
    """

    count: int
    of: int
    share: float | None
    verdict: str
    few: bool

    @classmethod
    def known(cls, count: int, window: "Window", lines: Lines) -> "Rate":
        """Return a rate of a window."""
        share = count / window.reached if window.delivered else None
        if share is None:
            verdict = "unknown"
        elif share >= lines.pause:
            verdict = "SES may pause sending"
        elif share >= lines.review:
            verdict = "SES may review the account"
        else:
            verdict = "good" if share < lines.best else "raised"
        return cls(count, window.reached, share, verdict, window.reached < _FEW)

    @property
    def is_over(self) -> bool:
        """Whether it is over a line from which SES acts."""
        return self.verdict.startswith("SES may")


@dataclass(slots=True)
class Window:
    """How many addresses there was feedback about in some days, by kind.

    Attributes:
        reached: With feedback that tells that SES sent them mail.
        delivered: Whose newest delivery is of these days.
        hard: Whose newest hard bounce is.
        soft: With a soft bounce.
        complaints: Whose newest complaint is.
        opt_outs: Whose newest opt-out is.
    """

    reached: int = 0
    delivered: int = 0
    hard: int = 0
    soft: int = 0
    complaints: int = 0
    opt_outs: int = 0


@dataclass(slots=True)
class Day:
    """How many addresses' marks are of a UTC day, by kind."""

    day: str
    hard: int = 0
    soft: int = 0
    complaints: int = 0
    opt_outs: int = 0


@dataclass(slots=True)
class Domain:
    """The addresses of a recipient domain.

    Attributes:
        name: The domain; of all others together, empty.
        addresses: How many addresses the table has.
        blocked: How many of them may not get bulk mail.
        reached: About how many there was feedback in the window.
        hard: How many bounced in it.
        complaints: How many complained in it.
    """

    name: str
    addresses: int = 0
    blocked: int = 0
    reached: int = 0
    hard: int = 0
    complaints: int = 0


@dataclass(frozen=True, slots=True)
class Jump:
    """A day on which far more addresses of a domain bounced than usual, as in a mailbox provider's outage.

    Attributes:
        domain: The domain.
        day: The UTC day.
        count: How many addresses' newest hard bounce is of that day.
        usual: How many were on an average day of the window besides.
        first: The time of the first of them.
        last: The time of the last.
    """

    domain: str
    day: str
    count: int
    usual: float
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Change:
    """Addresses that may not get bulk mail, and since when the table says what it says: those of one hour and reason.

    Attributes:
        at: When the newest of their items changed; empty if that is not known.
        since: When the oldest did.
        count: How many addresses they are.
        domain: The recipient domain that most of them have.
        of_domain: How many have it.
        address: The newest address, masked.
        state: Their state for bulk mail.
        transactional: Their state for transactional mail.
        reason: The code of the reason of the newest.
    """

    at: str
    since: str
    count: int
    domain: str
    of_domain: int
    address: str
    state: str
    transactional: str
    reason: str


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures.

    Attributes:
        at: When the reading began, UTC with milliseconds.
        days: How many UTC days the window has; the last is today.
        begin: Its first day.
        addresses: How many addresses the table has.
        states: How many of them are in which state for bulk mail.
        transactional: How many may get transactional mail, though not bulk mail.
        reasons: How many may not get bulk mail for which reason, most frequent first; soft bounces of any number are
            one reason.
        bounces: The bounce rate of the window.
        complaints: Its complaint rate.
        window: The window's feedback.
        before: That of as many days before.
        trend: Each day of the window.
        domains: The domains with most addresses with feedback in the window, and all others together.
        domain_count: How many domains there are.
        jumps: Days on which a domain's hard bounces jump, largest first.
        changes: The newest changes of addresses that may not get bulk mail.
        imported: How many marks came from other systems' lists, which count in no rate, day or window.
        unsent: How many addresses' newest hard bounce or complaint of the window only repeats SES's own list.
        unreadable: How many items another program wrote.
    """

    at: str
    days: int
    begin: str
    addresses: int
    states: dict[str, int]
    transactional: int
    reasons: dict[str, int]
    bounces: Rate
    complaints: Rate
    window: Window
    before: Window
    trend: list[Day]
    domains: list[Domain]
    domain_count: int
    jumps: list[Jump]
    changes: list[Change]
    imported: int
    unsent: int
    unreadable: int

    @property
    def are_alarming(self) -> bool:
        """Whether someone should act: a rate is over one of SES's lines, or a domain's hard bounces jump."""
        return bool(self.jumps) or self.bounces.is_over or self.complaints.is_over

    def to_json(self) -> dict[str, Any]:
        """Return them as JSON has them."""
        return asdict(self, dict_factory=lambda pairs: {_camel(name): value for name, value in pairs})


@dataclass
class _Bounced:
    count: int
    first: str
    last: str


@dataclass
class _Changed:
    newest: tuple[str, str, str]
    """When, the address, the reason."""
    since: str
    domains: Counter[str] = field(default_factory=Counter)


@dataclass
class Tally:
    """Counts items, one after the other; memory grows with the number of domains alone.

    SES's mailbox simulator is left out. With ``sender``, only feedback about mail of that sender counts, and the
    addresses that have such feedback.
    """

    at: str
    days: int = 30
    sender: str | None = None
    addresses: int = 0
    transactional: int = 0
    imported: int = 0
    unsent: int = 0
    unreadable: int = 0
    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    window: Window = field(default_factory=Window)
    before: Window = field(default_factory=Window)
    domains: dict[str, Domain] = field(default_factory=dict)
    _trend: dict[str, Day] = field(default_factory=dict)
    _bounced: dict[tuple[str, str], _Bounced] = field(default_factory=dict)
    _newest: dict[tuple[str, str, str, str], _Changed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay out the days."""
        self._today = day_of(self.at)
        today = date.fromisoformat(self._today)
        days = [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(self.days))]
        self._trend = {day: Day(day) for day in days}
        self._begin = days[0]
        self._begin_before = (today - timedelta(days=2 * self.days - 1)).isoformat()

    def add(self, item: Item, evidence: Evidence | None) -> None:
        """Count an item that says a state and a reason, and its evidence; None if another program wrote it."""
        address, state, reason = item[ADDRESS], item[STATE], item.get(REASON, "")
        if is_simulated(address):
            return
        if self.sender is not None:
            evidence = _about(evidence or {}, self.sender)
            if not evidence:
                return
        transactional = item.get(TRANSACTIONAL, state)
        self.addresses += 1
        self.states[state] += 1
        name = address.rpartition("@")[2]
        domain = self.domains.get(name)
        if domain is None:
            domain = self.domains[name] = Domain(name)
        domain.addresses += 1
        if state != State.ENABLE:
            domain.blocked += 1
            self.transactional += transactional == State.ENABLE
            self.reasons[_kind_of(reason)] += 1
            self._remember((item.get(UPDATED_AT, ""), address, reason), state, transactional, name)
        if evidence is None:
            self.unreadable += 1
        else:
            self._weigh(evidence, domain)

    def _remember(self, change: tuple[str, str, str], state: str, transactional: str, domain: str) -> None:
        at, _, reason = change
        key = (at[:_HOUR], state, transactional, _kind_of(reason))
        changed = self._newest.get(key)
        if changed is None:
            if len(self._newest) == CHANGES:
                oldest = min(self._newest)
                if key < oldest:  # as all of this key that came before, and all that will
                    return
                del self._newest[oldest]
            changed = self._newest[key] = _Changed(change, at)
        changed.newest = max(changed.newest, change)
        changed.since = min(changed.since, at)
        changed.domains[domain] += 1

    def _weigh(self, evidence: Evidence, domain: Domain) -> None:
        kinds: dict[bool, set[MarkKind]] = {True: set(), False: set()}
        for mark in evidence.values():
            if mark.kind in MADE_BY_PEOPLE or mark.day < self._begin_before:
                continue
            if mark.get(IMPORTED_FROM):
                self.imported += 1
                continue
            is_now = mark.day >= self._begin
            if mark.get("subType") in _UNSENT:
                self.unsent += is_now
                continue
            kinds[is_now].add(mark.kind)
            if is_now:
                self._count_day(mark)
        for is_now, window in ((True, self.window), (False, self.before)):
            if kinds[is_now]:
                _count(window, kinds[is_now])
        now = kinds[True]
        domain.reached += bool(now & _SENT)
        domain.complaints += MarkKind.COMPLAINT in now
        if MarkKind.HARD_BOUNCE in now:
            domain.hard += 1
            self._count_bounce(evidence, domain.name)

    def _count_day(self, mark: Mark) -> None:
        day = self._trend[min(mark.day, self._today)]  # a clock that runs ahead makes a mark of tomorrow
        match mark.kind:
            case MarkKind.HARD_BOUNCE:
                day.hard += 1
            case MarkKind.SOFT_BOUNCE:
                day.soft += 1
            case MarkKind.COMPLAINT:
                day.complaints += 1
            case MarkKind.OPT_OUT:
                day.opt_outs += 1

    def _count_bounce(self, evidence: Evidence, domain: str) -> None:
        # What was cleared says nothing any more. In SES's rates it stays.
        mark = unhidden(evidence).get(MarkKind.HARD_BOUNCE)
        if mark is None:
            return
        held = self._bounced.get((domain, mark.day))
        if held is None:
            self._bounced[domain, mark.day] = _Bounced(1, mark.at, mark.at)
        else:
            held.count += 1
            held.first, held.last = min(held.first, mark.at), max(held.last, mark.at)

    def figures(self) -> Figures:
        """Return what all items amount to."""
        ranked = sorted(self.domains.values(), key=lambda each: (-each.reached, -each.addresses, each.name))
        others = Domain("")
        for each in ranked[DOMAINS:]:
            others.addresses += each.addresses
            others.blocked += each.blocked
            others.reached += each.reached
            others.hard += each.hard
            others.complaints += each.complaints
        return Figures(
            at=self.at,
            days=self.days,
            begin=self._begin,
            addresses=self.addresses,
            states={str(state): self.states[state] for state in State},
            transactional=self.transactional,
            reasons=dict(sorted(self.reasons.items(), key=lambda each: (-each[1], each[0]))),
            bounces=Rate.known(self.window.hard, self.window, BOUNCE_LINES),
            complaints=Rate.known(self.window.complaints, self.window, COMPLAINT_LINES),
            window=self.window,
            before=self.before,
            trend=list(self._trend.values()),
            domains=[*ranked[:DOMAINS], *([others] if others.addresses else [])],
            domain_count=len(ranked),
            jumps=self._jumps(),
            changes=self._changes(),
            imported=self.imported,
            unsent=self.unsent,
            unreadable=self.unreadable,
        )

    def _changes(self) -> list[Change]:
        found = []
        for (_, state, transactional, _), changed in self._newest.items():
            at, address, reason = changed.newest
            domain, of_domain = min(changed.domains.items(), key=lambda each: (-each[1], each[0]))
            found.append(
                Change(
                    at,
                    changed.since,
                    changed.domains.total(),
                    domain,
                    of_domain,
                    masked(address),
                    state,
                    transactional,
                    reason,
                )
            )
        return sorted(found, key=lambda each: (each.at, each.state, each.transactional, each.reason), reverse=True)

    def _jumps(self) -> list[Jump]:
        """Return where a day's hard bounces are a jump.

        They are if they are many, many times those of the domain's other days, and, by the number of addresses, many
        times those of all other domains on that day. The last keeps apart an outage and a mailing to an old list.
        """
        by_domain, by_day = Counter[str](), Counter[str]()
        for (domain, day), bounced in self._bounced.items():
            by_domain[domain] += bounced.count
            by_day[day] += bounced.count
        found = []
        for (domain, day), bounced in self._bounced.items():
            count, size = bounced.count, self.domains[domain].addresses
            usual = (by_domain[domain] - count) / max(1, self.days - 1)
            elsewhere = (by_day[day] - count) / max(1, self.addresses - size)
            if count >= max(JUMP_BOUNCES, JUMP_FACTOR * usual) and count / size >= JUMP_FACTOR * elsewhere:
                found.append(Jump(domain, day, count, usual, bounced.first, bounced.last))
        return sorted(found, key=lambda each: (-each.count, each.domain, each.day))[:_JUMPS]


_SENT = frozenset(
    {MarkKind.DELIVERY, MarkKind.HARD_BOUNCE, MarkKind.SOFT_BOUNCE, MarkKind.UNDETERMINED, MarkKind.COMPLAINT}
)
"""Feedback that tells that SES sent a mail."""


def _count(window: Window, kinds: Iterable[MarkKind]) -> None:
    kinds = set(kinds)
    window.reached += bool(kinds & _SENT)
    window.delivered += MarkKind.DELIVERY in kinds
    window.hard += MarkKind.HARD_BOUNCE in kinds
    window.soft += MarkKind.SOFT_BOUNCE in kinds
    window.complaints += MarkKind.COMPLAINT in kinds
    window.opt_outs += MarkKind.OPT_OUT in kinds


def _about(evidence: Evidence, sender: str) -> Evidence:
    """Return feedback about mail of a sender, with the decisions of people that may hide it; nothing without any."""
    of_people = {slot: mark for slot, mark in evidence.items() if mark.kind in MADE_BY_PEOPLE}
    about = {slot: mark for slot, mark in evidence.items() if slot not in of_people and sent_by(mark.sender, sender)}
    return about | of_people if about else {}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _kind_of(reason: str) -> str:
    return "soft-bounces" if reason.startswith("soft-bounces:") else reason
