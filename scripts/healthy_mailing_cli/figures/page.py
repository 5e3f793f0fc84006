"""The page of ``mailing report``: figures as HTML that needs nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

import jinja2

import healthy_mailing
from healthy_mailing.evidence import State
from healthy_mailing_cli.commands import stats
from healthy_mailing_cli.figures import charts
from healthy_mailing_cli.figures.statistics import (
    BOUNCE_LINES,
    COMPLAINT_LINES,
    JUMP_BOUNCES,
    JUMP_FACTOR,
    Change,
    Day,
    Figures,
    Lines,
    Rate,
    Window,
)
from healthy_mailing_cli.figures.weeks import Week, Weeks
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.explanation import moment


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of event that the page shows by day."""

    name: str
    style: str
    of_day: Callable[[Day], int]
    of_window: Callable[[Window], int]


_KINDS = (
    _Kind("Hard bounces", "hard", lambda day: day.hard, lambda window: window.hard),
    _Kind("Soft bounces", "soft", lambda day: day.soft, lambda window: window.soft),
    _Kind("Complaints", "complaint", lambda day: day.complaints, lambda window: window.complaints),
    _Kind("Opt-outs", "opt-out", lambda day: day.opt_outs, lambda window: window.opt_outs),
)


@dataclass(frozen=True, slots=True)
class _Measure:
    """A rate that SES watches.

    Attributes:
        name: What it is called.
        style: The class of its chart.
        lines: Where SES draws its lines.
        decimals: With how many decimals a percentage of it is written.
        of_figures: The rate of the window.
        of_week: The rate of a week.
    """

    name: str
    style: str
    lines: Lines
    decimals: int
    of_figures: Callable[[Figures], Rate]
    of_week: Callable[[Week], Rate]


_BOUNCES = _Measure("Bounce rate", "hard", BOUNCE_LINES, 2, lambda found: found.bounces, lambda week: week.bounces)
_COMPLAINTS = _Measure(
    "Complaint rate", "complaint", COMPLAINT_LINES, 3, lambda found: found.complaints, lambda week: week.complaints
)

_STYLES = {
    "good": "good",
    "raised": "warn",
    "SES may review the account": "bad",
    "SES may pause sending": "bad",
    "unknown": "soft",
}
"""The style of what SES's lines make of a rate."""

_SAID = {
    "good": "fine",
    "raised": "raised",
    "SES may review the account": "over SES's review line",
    "SES may pause sending": "over SES's pause line",
}


def html(found: Figures, weeks: Weeks, *, table: str, region: str, sender: str | None = None) -> str:
    """Return the page, of the mail of one sender if it is given."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": lambda value: f"{value:,}",
        "counted": output.counted,
        "percent": lambda value: _together(stats.percent(value)),
        "moment": moment,
        "signed": _signed,
        "words": _words,
        "style": lambda rate: _STYLES[rate.verdict],
        "share": lambda *given: _together(share(*given)),
        "when": _when,
        "who": _who,
    }
    text = resources.files(__package__ or "").joinpath("report.html").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        found=found,
        table=table if sender is None else f"{table}, mail from {sender}",
        region=region,
        headline=headline(found),
        enable=found.states[State.ENABLE],
        disable=found.states[State.DISABLE],
        review=found.states[State.REVIEW],
        measures=[(each, each.of_figures(found)) for each in (_BOUNCES, _COMPLAINTS)],
        weeks=weeks,
        week_charts=[(each, _by_week(weeks, each)) for each in (_BOUNCES, _COMPLAINTS) if not isinstance(weeks, str)],
        kinds=[_shown(kind, found) for kind in _KINDS],
        jumps=[(stats.jumped(jump), stats.remedy(jump, table)) for jump in found.jumps],
        jump=(JUMP_BOUNCES, JUMP_FACTOR),
        not_known=stats.NOT_KNOWN,
        version=healthy_mailing.__version__,
    )


def headline(found: Figures) -> tuple[str, str]:
    """Return how good the figures are (``bad``, ``warn``, ``good`` or ``soft``), and what they say in a sentence."""
    rates = [("bounces", found.bounces, _BOUNCES.decimals), ("complaints", found.complaints, _COMPLAINTS.decimals)]
    clauses = [
        f"{name} {_SAID[rate.verdict]} ({share(rate.count, rate.of, decimals)})"
        for name, rate, decimals in rates
        if rate.share is not None
    ]
    if not clauses:
        clauses = ["no rates, since no deliveries are reported"]
    elif found.bounces.few:
        clauses[-1] += ", but so few addresses say little"
    if found.jumps:
        domains = list(dict.fromkeys(jump.domain for jump in found.jumps))
        others = f" and {output.counted(len(domains) - 1, 'other domain')}" if domains[1:] else ""
        clauses.insert(0, f"perhaps an outage at {domains[0]}{others}")
    if found.are_alarming:
        style, begins = "bad", "Action needed"
    elif "raised" in {found.bounces.verdict, found.complaints.verdict}:
        style, begins = "warn", "Keep an eye on it"
    elif found.bounces.share is None:
        style, begins = "soft", "Nothing to act on"
    else:
        style, begins = "good", "All is well"
    return style, f"{begins}: {'; '.join(clauses)}."


def share(count: int, of: int, decimals: int) -> str:
    """Return a share in percent, always with so many decimals.

    It is cut and not rounded, so that a rate below one of SES's lines does not read as if it were on it.
    """
    units = count * 100 * 10**decimals // of
    if count and not units:
        return f"under {10**-decimals:.{decimals}f} %"
    return f"{units / 10**decimals:.{decimals}f} %"


def _together(text: str) -> str:
    """Return a number and its unit so that no line ends between them."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _by_week(weeks: Sequence[Week], measure: _Measure) -> str:
    rates = [(week.begin, measure.of_week(week)) for week in weeks]
    return charts.weeks(
        [
            (
                begin,
                rate.share,
                "" if rate.share is None else share(rate.count, rate.of, measure.decimals).removesuffix(" %"),
                rate.few,
            )
            for begin, rate in rates
        ],
        [(line, stats.percent(line)) for line in (measure.lines.review, measure.lines.pause)],
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the page shows of a kind of event.

    Attributes:
        kind: The kind.
        now: How many addresses had such an event in the window.
        before: How many had in the window before.
        svg: The chart.
        by_day: The numbers of the days.
        is_cut: Whether bars of the chart are cut.
    """

    kind: _Kind
    now: int
    before: int
    svg: str
    by_day: list[int]
    is_cut: bool


def _shown(kind: _Kind, found: Figures) -> _Shown:
    by_day = [kind.of_day(day) for day in found.trend]
    svg = charts.days([(day.day, number) for day, number in zip(found.trend, by_day, strict=True)])
    is_cut = max(by_day) > charts.whole(by_day)[0]
    return _Shown(kind, kind.of_window(found.window), kind.of_window(found.before), svg, by_day, is_cut)


def _signed(now: int, before: int) -> str:
    """Return how a number changed, in words."""
    if now == before:
        return "as many as before"
    if not before:
        return "none before"
    return f"{(now - before) / before:+.0%} ({before:,} before)".replace("%", " %")


def _when(change: Change) -> str:
    """Return when a change was, or from when to when those of an hour were."""
    if not change.at:
        return "unknown"
    if change.at[:19] == change.since[:19]:
        return moment(change.at)
    return f"{change.at[:10]} {change.since[11:16]} to {change.at[11:16]} UTC"


def _who(change: Change) -> str:
    """Return whose change it was."""
    if change.count == 1:
        return change.address
    many = output.counted(change.count, "address")
    if change.of_domain == change.count:
        return f"{many} at {change.domain}"
    return f"{many}, {change.of_domain:,} of them at {change.domain}" if change.of_domain > 1 else many


def _words(reason: str) -> str:
    """Return what the code of a reason means, for people who do not know SES's words."""
    kind, _, detail = reason.partition(":")
    match kind:
        case "bounce":
            return f"Hard bounce, {_SUB_TYPES.get(detail.partition('/')[2], 'permanent')}"
        case "soft-bounces":
            return "Soft bounces on several days"
        case _:
            return _KINDS_OF_REASON.get(kind, kind)


_SUB_TYPES = {
    "General": "address refused",
    "NoEmail": "no such address",
    "Suppressed": "on SES's global suppression list",
    "OnAccountSuppressionList": "on SES's list of the account",
    "OnTenantSuppressionList": "on SES's list of a tenant",
    "EmailValidationSuppressed": "judged invalid by SES",
}

_KINDS_OF_REASON = {
    "complaint": "Complaint",
    "opt-out": "Opt-out",
    "operator": "Operator's decision",
    "undetermined": "Bounce, cause unknown",
    "unreadable": "Written by another program",
}
