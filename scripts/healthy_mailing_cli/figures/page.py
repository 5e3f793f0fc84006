"""The page of ``mailing report``: figures as HTML that needs nothing else."""

from importlib import resources

import jinja2

import healthy_mailing
from healthy_mailing_cli.figures import charts
from healthy_mailing_cli.figures.census import Figures
from healthy_mailing_cli.figures.jumps import JUMP_BOUNCES, JUMP_FACTOR
from healthy_mailing_cli.figures.newest import NewlyBlocked
from healthy_mailing_cli.figures.rates import BOUNCES, COMPLAINTS, Verdict
from healthy_mailing_cli.figures.weeks import Weeks
from healthy_mailing_cli.shell.explanation import moment
from healthy_mailing_cli.shell.numbers import percent
from healthy_mailing_cli.shell.output import counted

_KINDS = (
    ("Hard bounces", "hard", "hard"),
    ("Soft bounces", "soft", "soft"),
    ("Complaints", "complaint", "complaints"),
    ("Opt-outs", "opt-out", "opt_outs"),
)
"""The kinds of events that the page shows by day: name, style, and the field of ``Counts``."""

_STYLES = {Verdict.GOOD: "good", Verdict.RAISED: "warn", Verdict.UNKNOWN: "soft"}
"""The style of what SES's lines make of a rate; of the others, bad."""


def html(found: Figures, weeks: Weeks, *, table: str, region: str, sender: str | None = None) -> str:
    """Return the page, of the mail of one sender if it is given."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": lambda value: f"{value:,}",
        "counted": counted,
        "percent": percent,
        "moment": moment,
        "signed": _signed,
        "words": _words,
        "when": _when,
        "who": _who,
    }
    measures = (
        (BOUNCES, "hard", "Hard bounces", "bounces", found.bounces),
        (COMPLAINTS, "complaint", "Complaints", "complaints", found.complaints),
    )
    text = resources.files(__package__ or "").joinpath("report.html").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        found=found,
        table=table,
        named=table if sender is None else f"{table}, mail from {sender}",
        region=region,
        headline=headline(found),
        measures=[(measure, rate, _STYLES.get(rate.verdict, "bad")) for measure, *_, rate in measures],
        weeks=weeks,
        week_charts=[
            (
                measure,
                style,
                events,
                field,
                charts.of_weeks({week.begin: getattr(week, field) for week in weeks}, measure),
            )
            for measure, style, events, field, _ in measures
            if not isinstance(weeks, str)
        ],
        kinds=[
            (name, style, field, charts.of_days({day.day: getattr(day, field) for day in found.trend}))
            for name, style, field in _KINDS
        ],
        jump=(JUMP_BOUNCES, JUMP_FACTOR),
        version=healthy_mailing.__version__,
    )


def headline(found: Figures) -> tuple[str, str]:
    """Return how good the figures are (``bad``, ``warn``, ``good`` or ``soft``), and what they say in a sentence."""
    rates = (("bounces", BOUNCES, found.bounces), ("complaints", COMPLAINTS, found.complaints))
    clauses = [
        f"{name} {rate.verdict.words} ({measure.text(rate)})" for name, measure, rate in rates if rate.share is not None
    ]
    if not clauses:
        clauses = ["no rates, since no deliveries are reported"]
    elif found.bounces.few:
        clauses[-1] += ", but so few addresses say little"
    if found.jumps:
        domains = list(dict.fromkeys(jump.domain for jump in found.jumps))
        others = f" and {counted(len(domains) - 1, 'other domain')}" if domains[1:] else ""
        clauses.insert(0, f"perhaps an outage at {domains[0]}{others}")
    if found.are_alarming:
        style, begins = "bad", "Action needed"
    elif Verdict.RAISED in {found.bounces.verdict, found.complaints.verdict}:
        style, begins = "warn", "Keep an eye on it"
    elif found.bounces.share is None:
        style, begins = "soft", "Nothing to act on"
    else:
        style, begins = "good", "All is well"
    return style, f"{begins}: {'; '.join(clauses)}."


def _signed(now: int, before: int) -> str:
    """Return how a number changed, in words."""
    if now == before:
        return "as many as before"
    if not before:
        return "none before"
    return f"{(now - before) / before:+.0%} ({before:,} before)"


def _when(change: NewlyBlocked) -> str:
    """Return when a change was, or from when to when those of an hour were."""
    if not change.at:
        return "unknown"
    if change.at[:19] == change.since[:19]:
        return moment(change.at)
    return f"{change.at[:10]} {change.since[11:16]} to {change.at[11:16]} UTC"


def _who(change: NewlyBlocked) -> str:
    """Return whose change it was."""
    if change.count == 1:
        return change.address
    many = counted(change.count, "address")
    if change.of_domain == change.count:
        return f"{many} at {change.domain}"
    return f"{many}, {change.of_domain:,} of them at {change.domain}" if change.of_domain > 1 else many


def _words(reason: str) -> str:
    """Return what the code of a reason means, for people who do not know SES's words."""
    kind, _, detail = reason.partition(":")
    if kind == "bounce":
        return f"Hard bounce, {_SUB_TYPES.get(detail.partition('/')[2], 'permanent')}"
    return _REASONS.get(kind, kind)


_SUB_TYPES = {
    "General": "address refused",
    "NoEmail": "no such address",
    "Suppressed": "on SES's global suppression list",
    "OnAccountSuppressionList": "on SES's list of the account",
    "OnTenantSuppressionList": "on SES's list of a tenant",
    "EmailValidationSuppressed": "judged invalid by SES",
}

_REASONS = {
    "complaint": "Complaint",
    "opt-out": "Opt-out",
    "operator": "Operator's decision",
    "soft-bounces": "Soft bounces on several days",
    "undetermined": "Bounce, cause unknown",
    "unreadable": "Written by another program",
}
