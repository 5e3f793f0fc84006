"""The page of ``mailing report``: figures as HTML that needs nothing else."""

from collections.abc import Callable, Sequence
from importlib import resources

import jinja2

import healthy_mailing
from healthy_mailing.evidence import State
from healthy_mailing_cli import charts, output, stats
from healthy_mailing_cli.explanation import moment
from healthy_mailing_cli.figures import BOUNCE_LINES, COMPLAINT_LINES, JUMP_BOUNCES, JUMP_FACTOR, Day, Figures

_KINDS: tuple[tuple[str, Callable[[Day], int], str], ...] = (
    ("Hard bounces", lambda day: day.hard, "hard"),
    ("Soft bounces", lambda day: day.soft, "soft"),
    ("Complaints", lambda day: day.complaints, "complaint"),
    ("Opt-outs", lambda day: day.opt_outs, "opt-out"),
)


def html(found: Figures, *, table: str, region: str) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": lambda value: f"{value:,}",
        "counted": output.counted,
        "percent": stats.percent,
        "moment": moment,
        "signed": _signed,
        "words": _words,
    }
    text = resources.files(__package__ or "").joinpath("report.html").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        found=found,
        table=table,
        region=region,
        enable=found.states[State.ENABLE],
        disable=found.states[State.DISABLE],
        review=found.states[State.REVIEW],
        rates=(("Bounce rate", found.bounces, BOUNCE_LINES), ("Complaint rate", found.complaints, COMPLAINT_LINES)),
        windows=_windows(found),
        kinds=[(name, style, _figure(found.trend, of), [of(day) for day in found.trend]) for name, of, style in _KINDS],
        jumps=[(stats.jumped(jump), stats.remedy(jump)) for jump in found.jumps],
        jump=(JUMP_BOUNCES, JUMP_FACTOR),
        not_known=stats.NOT_KNOWN,
        version=healthy_mailing.__version__,
    )


def _windows(found: Figures) -> Sequence[tuple[str, int, int]]:
    now, before = found.window, found.before
    return (
        ("Hard bounces", now.hard, before.hard),
        ("Soft bounces", now.soft, before.soft),
        ("Complaints", now.complaints, before.complaints),
        ("Opt-outs", now.opt_outs, before.opt_outs),
    )


def _figure(trend: Sequence[Day], of: Callable[[Day], int]) -> str:
    return charts.days([(day.day, of(day)) for day in trend])


def _signed(now: int, before: int) -> str:
    """Return how a number changed, in words."""
    if now == before:
        return "as many as before"
    if not before:
        return "none before"
    return f"{(now - before) / before:+.0%} ({before:,} before)".replace("%", " %")


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
