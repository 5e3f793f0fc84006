"""Rates of bounces and complaints, beside the lines from which SES acts. Pure: no AWS, no clock."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from healthy_mailing.evidence import MarkKind
from healthy_mailing_cli.shell.numbers import percent

SENT = frozenset(
    {MarkKind.DELIVERY, MarkKind.HARD_BOUNCE, MarkKind.SOFT_BOUNCE, MarkKind.UNDETERMINED, MarkKind.COMPLAINT}
)
"""Feedback that shows that SES sent a mail."""

_FEW = 1_000  # below so many addresses, a rate says little


@dataclass(kw_only=True)
class Counts:
    """How many addresses have feedback of some days, by kind."""

    hard: int = 0
    soft: int = 0
    complaints: int = 0
    opt_outs: int = 0

    def add(self, kinds: Collection[MarkKind]) -> None:
        """Count an address that has marks of these kinds."""
        self.hard += MarkKind.HARD_BOUNCE in kinds
        self.soft += MarkKind.SOFT_BOUNCE in kinds
        self.complaints += MarkKind.COMPLAINT in kinds
        self.opt_outs += MarkKind.OPT_OUT in kinds


@dataclass(kw_only=True)
class Window(Counts):
    """Counts of several days."""

    reached: int = 0  # addresses with feedback that shows that SES sent them mail
    delivered: int = 0  # addresses whose newest delivery is of these days

    def add(self, kinds: Collection[MarkKind]) -> None:
        """Count an address that has marks of these kinds."""
        super().add(kinds)
        self.reached += not SENT.isdisjoint(kinds)
        self.delivered += MarkKind.DELIVERY in kinds


class Verdict(StrEnum):
    """What SES's lines make of a rate."""

    GOOD = "good"
    RAISED = "raised"
    REVIEW = "review"
    PAUSE = "pause"
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """The verdict as people read it."""
        if self in {Verdict.REVIEW, Verdict.PAUSE}:
            return f"over SES's {self} line"
        return "fine" if self is Verdict.GOOD else str(self)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of addresses."""

    count: int  # how many addresses bounced, or complained
    of: int  # how many addresses there was feedback about
    share: float | None  # the one by the other; None where that says nothing, since no deliveries are known
    verdict: Verdict  # what SES's lines make of it
    few: bool  # whether there are so few addresses that it says little

    @property
    def is_over(self) -> bool:
        """Whether it is over a line from which SES acts."""
        return self.verdict in {Verdict.REVIEW, Verdict.PAUSE}


@dataclass(frozen=True, slots=True)
class Measure:
    """A rate that SES watches, and where SES draws its lines (Amazon SES Developer Guide, "Enforcement FAQ")."""

    name: str  # what it is called
    decimals: int  # with how many decimals its percentages are written
    best: float  # below this share, SES says, a rate is best
    review: float  # from this share on, SES may put the account under review
    pause: float  # from this share on, SES may pause the account's sending

    def rate(self, count: int, window: Window) -> Rate:
        """Return the rate of a window in which so many addresses bounced, or complained."""
        share = count / window.reached if window.delivered else None
        return Rate(count, window.reached, share, self._verdict(share), window.reached < _FEW)

    def _verdict(self, share: float | None) -> Verdict:
        if share is None:
            return Verdict.UNKNOWN
        lines = {Verdict.PAUSE: self.pause, Verdict.REVIEW: self.review, Verdict.RAISED: self.best}
        return next((verdict for verdict, line in lines.items() if share >= line), Verdict.GOOD)

    def text(self, rate: Rate) -> str:
        """Return a rate of this kind in percent; a dash where it is not known."""
        return "-" if rate.share is None else percent(rate.count, rate.of, self.decimals)

    @property
    def lines(self) -> tuple[str, str]:
        """The two lines from which SES acts, in percent."""
        return f"{self.review * 100:g}%", f"{self.pause * 100:g}%"


BOUNCES = Measure("Bounce rate", 2, best=0.02, review=0.05, pause=0.10)
COMPLAINTS = Measure("Complaint rate", 3, best=0.001, review=0.001, pause=0.005)
