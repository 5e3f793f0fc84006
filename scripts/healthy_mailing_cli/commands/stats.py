"""``mailing stats``: what the table says of all its addresses together. Needs ``dynamodb:Scan``.

With ``--from-export`` it needs what `mailing export` needs for it. ``mailing report`` makes a page of the same figures.
"""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from healthy_mailing.evidence import State
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.figures.statistics import BOUNCE_LINES, COMPLAINT_LINES, Figures, Jump, Rate, Tally
from healthy_mailing_cli.lists.exported_table import ExportedTable
from healthy_mailing_cli.shell import explanation, output
from healthy_mailing_cli.shell.connection import DEFAULT_TABLE, Connection
from healthy_mailing_cli.table.scan import Scan, known

Days = Annotated[int, typer.Option(min=1, max=365, help="How many days of feedback to count, today included.")]
_DOMAINS = 5
_LEAST = 0.00001


@options.connected
def stats(
    connection: Connection,
    days: Days = 30,
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
    found = count(connection, days, segments, from_export, sender)
    if as_json:
        output.ndjson(found.to_json())
    else:
        _show(found, connection.table, sender)
    if found.are_alarming:
        raise typer.Exit(output.NO)


def count(
    connection: Connection, days: int, segments: int, from_export: str | None, sender: str | None = None
) -> Figures:
    """Read the table, or an export of it, and return its figures."""
    tally = Tally(from_datetime(datetime.now(UTC)), days, sender)
    source = Scan(connection, set(State), segments) if from_export is None else ExportedTable(from_export, connection)
    with output.progress("Read") as counter:
        for items, _ in source.pages():
            for item in items:
                tally.add(*known(item))
            counter.add(len(items))
    return tally.figures()


def _show(found: Figures, table: str, sender: str | None) -> None:
    count = output.counted(found.addresses, "address")
    about = "" if sender is None else f" about mail from {sender}"
    output.line(f"{count}, {explanation.moment(found.at)}. Feedback{about} of {output.counted(found.days, 'day')}.")
    output.line("")
    output.rows(
        [
            (name, rate(each), f"{each.verdict}; SES reviews an account from {percent(lines.review)}")
            for name, each, lines in (
                ("Bounce rate", found.bounces, BOUNCE_LINES),
                ("Complaint rate", found.complaints, COMPLAINT_LINES),
            )
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
    _table("Why addresses may not be mailed:", [(each, reason, "") for reason, each in found.reasons.items()])
    _table(
        "Domains with most addresses with feedback:",
        [
            (
                each.reached,
                each.name,
                f"{output.counted(each.hard, 'hard bounce')}, {percent(each.hard / each.reached)}",
            )
            for each in found.domains[:_DOMAINS]
            if each.name and each.reached
        ],
    )
    for jump in found.jumps:
        output.line("")
        output.line(jumped(jump))
        output.line(f"  {remedy(jump, table)}")


def _table(title: str, lines: Sequence[tuple[int, str, str]]) -> None:
    """Print lines of a number and what it is, under a title; nothing if there are none."""
    if not lines:
        return
    output.line("")
    if title:
        output.line(title)
    width = max(len(f"{number:,}") for number, *_ in lines)
    output.rows([(f"{number:>{width},}", *texts) for number, *texts in lines])


def rate(each: Rate) -> str:
    """Return a rate as a person reads it."""
    return "-" if each.share is None else percent(each.share)


def percent(share: float) -> str:
    """Return a share of 1 in percent, with three digits that tell."""
    if 0 < share < _LEAST:
        return "under 0.001 %"
    return f"{share * 100:.3g} %"


def jumped(jump: Jump) -> str:
    """Return what a jump is, in a sentence."""
    usual = f"{jump.usual:,.0f}" if jump.usual >= 1 else "less than one"
    return (
        f"{jump.domain}: {output.counted(jump.count, 'address')} bounced on {jump.day}, on other days {usual}. "
        "Perhaps the mailbox provider had an outage."
    )


def remedy(jump: Jump, table: str) -> str:
    """Return the command that says what clearing these bounces would do, as a shell takes it."""
    command = ["mailing", "clear-bounces", "--domain", jump.domain, "--from", jump.first, "--to", jump.last]
    # SES has put such addresses on its own list too, from where the next mail would block them again.
    command += ["--ses", "--dry-run", "--selection", f"{jump.domain}.csv"]
    return shlex.join(command if table == DEFAULT_TABLE else [*command, "--table", table])


NOT_KNOWN = (
    "How many mails were sent: rates are shares of addresses with feedback. SES's own are shares of mails.",
    "The rate as SES has it, which is usually lower: an address that got ten mails counts once here.",
    "All of the past: the table has the newest event of each kind and address, so past days may have had more.",
    "Complaints that nobody reports: Gmail, for one, sends SES none.",
    "What SES did not send because its own suppression list has the address: SES does not count it either.",
    "Other senders of the account: SES weighs an account and region as a whole.",
)
"""What figures of the table alone can't say."""
