"""``mailing stats``: what the table says of all its addresses together. Needs ``dynamodb:Scan``.

With ``--from-export`` it needs what `mailing export` needs for it. ``mailing report`` makes a page of the same figures.
"""

from collections.abc import Sequence

from healthy_mailing.evidence import State
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.figures import reading
from healthy_mailing_cli.figures.census import Figures
from healthy_mailing_cli.figures.rates import BOUNCES, COMPLAINTS
from healthy_mailing_cli.shell import explanation, output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.numbers import percent

_DOMAINS = 5


@options.connected
def stats(
    connection: Connection,
    days: options.Days = 30,
    segments: options.Segments = 4,
    from_export: options.From = None,
    sender: options.Sender = None,
    as_json: options.AsJson = False,
) -> None:
    """Count states, reasons, rates and domains of the table.

    Rates are shares of addresses. They approximate SES's own, since the table does not count mails. SES's mailbox
    simulator is left out. Exits with 1 if a rate is over a line from which SES acts, or if a domain's hard bounces
    jump as in an outage.
    """
    found = reading.read(connection, days, segments, from_export, sender)
    if as_json:
        output.ndjson(found.to_json())
    else:
        _show(found, connection.table, sender)
    options.end(done=not found.are_alarming)


def _show(found: Figures, table: str, sender: str | None) -> None:
    count = output.counted(found.addresses, "address")
    about = "" if sender is None else f" about mail from {sender}"
    output.line(f"{count}, {explanation.moment(found.at)}. Feedback{about} of {output.counted(found.days, 'day')}.")
    output.line("")
    output.rows(
        [
            (each.name, each.text(rate), f"{rate.verdict.words}; SES reviews an account from {each.lines[0]}")
            for each, rate in ((BOUNCES, found.bounces), (COMPLAINTS, found.complaints))
        ]
    )
    states, now, before = found.states, found.window, found.before
    apart = f"{found.transactional:,} may get transactional mail" if found.transactional else ""
    _table(
        "",
        [
            (states[State.ENABLE], "may be mailed", ""),
            (states[State.DISABLE], "must not be mailed", apart),
            (states[State.REVIEW], "to be reviewed", ""),
        ],
    )
    _table(
        f"Addresses with feedback in the last {output.counted(found.days, 'day')}, and in as long before:",
        [
            (count, name if count == 1 or name == "any" else f"{name}s", f"{earlier:,} before")
            for name, count, earlier in (
                ("any", now.reached, before.reached),
                ("hard bounce", now.hard, before.hard),
                ("soft bounce", now.soft, before.soft),
                ("complaint", now.complaints, before.complaints),
                ("opt-out", now.opt_outs, before.opt_outs),
            )
        ],
    )
    _table("Why addresses are blocked:", [(each, reason, "") for reason, each in found.reasons.items()])
    _table(
        "Domains with most addresses with feedback:",
        [
            (
                each.reached,
                each.name,
                f"{output.counted(each.hard, 'hard bounce')}, {percent(each.hard, each.reached, BOUNCES.decimals)}",
            )
            for each in found.domains[:_DOMAINS]
            if each.name and each.reached
        ],
    )
    for jump in found.jumps:
        output.line("")
        output.line(jump.sentence)
        output.line(f"  {jump.remedy(table)}")


def _table(title: str, lines: Sequence[tuple[int, str, str]]) -> None:
    """Print lines of a number and what it is, under a title; nothing if there are none."""
    if not lines:
        return
    output.line("")
    if title:
        output.line(title)
    width = max(len(f"{number:,}") for number, *_ in lines)
    output.rows([(f"{number:>{width},}", *texts) for number, *texts in lines])
