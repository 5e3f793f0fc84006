"""What a row of another system's list means: rules from a row's columns to the kind and the details of its mark."""

from collections.abc import Callable, Mapping, Sequence

from healthy_mailing.evidence import MarkKind
from healthy_mailing_cli.lists.formats.rows import Fields

Verdict = tuple[MarkKind, dict[str, str]]
"""The kind of a row's mark, and its details; of ``OVERRIDE``, which disables, the note alone."""

Rule = Callable[[Fields, str], Verdict]
"""What a row means, for a time that is now. Raises ``SkippedError`` and ``RowError``."""


class RowError(ValueError):
    """Why a row is refused; the message is what is said of the row, without a subject."""


class SkippedError(Exception):
    """Why a row is none that a mark follows from, though nothing is wrong with it; the message names such rows."""


def text(fields: Fields, name: str) -> str:
    """Return a field as text, empty if it is not there.

    Raises:
        RowError: It is neither text nor a number.
    """
    value = fields.get(name)
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    raise RowError(f"has no text in {name}")


def undocumented(name: str, value: str) -> RowError:
    """Return why a row is refused that has a value, or none, of which its system says nothing."""
    return RowError(f"has {name} {value!r}, which is not documented" if value else f"has nothing in {name}")


def bounce(kind: MarkKind, diagnostic: str = "", status: str = "") -> Verdict:
    """Return a bounce for what a mail server said."""
    lasting = "Permanent" if kind is MarkKind.HARD_BOUNCE else "Transient"
    return kind, {"bounceType": lasting, "subType": "General", "status": status, "diagnosticCode": diagnostic}


def hard(*columns: str) -> Rule:
    """Return the rule of a hard bounce; the columns say why."""
    return lambda fields, _: bounce(MarkKind.HARD_BOUNCE, _joined(fields, columns))


def soft(_fields: Fields, _now: str) -> Verdict:
    """Return a soft bounce."""
    return bounce(MarkKind.SOFT_BOUNCE)


def complaint(_fields: Fields, _now: str) -> Verdict:
    """Return a complaint."""
    return MarkKind.COMPLAINT, {}


def opt_out(*columns: str) -> Rule:
    """Return the rule of an opt-out; the columns say where it was made."""
    return lambda fields, _: (MarkKind.OPT_OUT, {"source": _joined(fields, columns)})


def operator(note: str, *columns: str) -> Rule:
    """Return the rule of a person's decision; the columns say more about it."""

    def rule(fields: Fields, _now: str) -> Verdict:
        more = _joined(fields, columns)
        return MarkKind.OVERRIDE, {"note": f"{note}: {more}" if more else note}

    return rule


def skip(what: str) -> Rule:
    """Return the rule of rows that mean nothing here."""

    def rule(_fields: Fields, _now: str) -> Verdict:
        raise SkippedError(what)

    return rule


def by(column: str, rules: Mapping[str, Rule]) -> Rule:
    """Return the rule that applies for what is in a column; a value that has none is refused."""

    def rule(fields: Fields, now: str) -> Verdict:
        value = text(fields, column)
        if value not in rules:
            raise undocumented(column, value)
        return rules[value](fields, now)

    return rule


def _joined(fields: Fields, columns: Sequence[str]) -> str:
    return " ".join([text(fields, each) for each in columns]).strip()
