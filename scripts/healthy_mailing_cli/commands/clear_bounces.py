"""``mailing clear-bounces``: bounces that say nothing about an address, such as those of a provider's outage.

Needs what decisions need. An outage needs ``dynamodb:Query`` on the index, or ``dynamodb:Scan`` on a table without it.
``--ses`` needs ``ses:ListSuppressedDestinations`` for an outage and for a selection, ``ses:GetSuppressedDestination``
for addresses, and ``ses:DeleteSuppressedDestination`` for all of these. Without ``--ses``, a few addresses are looked
up on SES's own list if ``ses:GetSuppressedDestination`` is allowed.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.decisions import search
from healthy_mailing_cli.decisions import selection as selections
from healthy_mailing_cli.decisions.clearing import Clear, clear_all
from healthy_mailing_cli.decisions.selection import Contents, Selected
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.ses.suppression_list import SuppressionList
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.addresses import canonical_domain
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.filters import time_of
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.stack import Place
from healthy_mailing_cli.table.outage import Outage

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Cleared = Annotated[
    list[str] | None,
    typer.Argument(metavar="ADDRESS|FILE|-", help="Addresses whose bounces until now to clear; or give a time."),
]
Begin = Annotated[str, typer.Option("--from", help="When the outage began: 2020-12-14T22:16:00Z, or 2020-12-14.")]
End = Annotated[str, typer.Option("--to", help="When it ended.")]
Domain = Annotated[list[str] | None, typer.Option(help="Only addresses of this domain; may be given again.")]
Diagnostic = Annotated[
    str, typer.Option(metavar="REGEX", help="Only bounces whose diagnostic text this regular expression is found in.")
]
Grace = Annotated[str, typer.Option(help="For how long after the end bounces of the outage still came: 90m, 1h, 2d.")]
Selection = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="With --dry-run, where to write what would be cleared (CSV); else what to clear."
    ),
]
Ses = Annotated[bool, typer.Option("--ses", help="First take them off SES's own suppression list of the account.")]


@options.connected
def clear_bounces(
    connection: Connection,
    given: Cleared = None,
    begin: Begin = "",
    end: End = "",
    domain: Domain = None,
    diagnostic: Diagnostic = "",
    grace: Grace = "1h",
    selection: Selection = None,
    ses: Ses = False,
    note: options.Note = "",
    function: options.Function = None,
    column: options.Column = None,
    encoding: options.Encoding = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Undo bounces of good addresses, such as an outage's.

    Complaints, opt-outs and a person's decision stay in force, and so do bounces newer than the outage. An address that
    another bounce blocks too is left alone.

    For an outage, write what would be cleared with --dry-run --selection FILE, look at it, take rows out if you must,
    and give it back with --selection FILE. With --ses, an address is also found that SES itself suppresses since the
    outage, and has not sent to since; and what is in the file is looked up on SES's list now. Exits with 1 if a bounce
    still keeps mail back from an address.
    """
    problems: list[tuple[str, str]] = []
    kept: set[str] = set()
    table = connection.open(connection.rules(function))
    suppressed = SuppressionList(connection) if ses else None
    # A selection is of one table; applied to another, it would hide bounces there that nobody looked at.
    arn = Place.of(connection).arn("dynamodb", f"table/{connection.table}") if selection else ""
    selected = None if dry_run else selection
    _check_choice(given, begin, end, selected)
    if begin:
        domains = frozenset(canonical_domain(each) for each in domain or ())
        outage = Outage(*_times(begin, end, grace), domains, _pattern(diagnostic))
        rows = search.of_outage(table, outage, suppressed)
    elif selected:
        # Bounces further ahead than any clock are yet to come.
        latest = from_datetime(datetime.now(UTC) + timedelta(days=1))
        rows = selections.read(selected, latest=latest, table=arn)
        rows = rows if suppressed is None else search.looked_up(rows, suppressed, kept)
    else:
        read = addresses.canonical_ones(given or (), column, encoding)
        problems += read.problems
        rows = search.of_addresses(table, read, suppressed, problems, kept, dry_run=dry_run)
    with selections.place(selection if dry_run else None) as path:
        contents = selections.write(path, _printed(rows) if dry_run and as_json else rows, ses=ses, table=arn)
        contents.kept |= kept
        for text, problem in problems:
            output.note(f"{text}: {problem}")
        done = True
        if dry_run:
            if not as_json:
                _show(contents, selection, ses=ses)
        elif contents.seen:
            if len(contents.seen) > output.FEW or (ses and contents.listed):
                options.confirm(f"{_what(contents, ses=ses)}?", yes=yes)
            clear = Clear(table, suppressed, connection.caller(), note)
            is_told = ses or search.ask_about_few(connection, path, contents)
            done = clear_all(clear, selections.read(path), contents, is_told=is_told, as_json=as_json)
            if contents.listed and not ses:
                output.note(f"SES's own list has {contents.listed:,} of them, so SES sends nothing to them: add --ses.")
        elif not as_json:
            output.line("Nothing to clear.")
    options.end(done=done and not problems)


def _printed(rows: Iterable[Selected]) -> Iterator[Selected]:
    """Print rows in JSON on their way."""
    for row in rows:
        output.ndjson(row.as_json())
        yield row


def _check_choice(given: list[str] | None, begin: str, end: str, selection: Path | None) -> None:
    """Check that one thing says which bounces: addresses, a time or a selection."""
    if bool(begin) != bool(end):
        raise CommandError("An outage has a beginning and an end: give both --from and --to")
    if [bool(given), bool(begin), bool(selection)].count(True) != 1:
        raise CommandError(
            "Say which bounces: give addresses, or --from and --to, or --selection with a file that --dry-run wrote"
        )


def _times(begin: str, end: str, grace: str) -> tuple[str, str]:
    """Return when an outage began and when its last bounce came, not in the future."""
    times = [time_of("--from", begin), time_of("--to", end, end=True)]
    length = re.fullmatch("([0-9]{1,4})([smhd])", grace)
    if length is None:
        raise CommandError(f"--grace {grace} is not a length of time such as 90m, 1h or 2d")
    now = datetime.now(UTC)
    # In the future nothing has bounced yet; nor can each time there be added to.
    last = min(datetime.fromisoformat(times[1]), now) + timedelta(**{_UNITS[length[2]]: int(length[1])})
    if times[0] > times[1]:
        raise CommandError(f"--from {begin} is later than --to {end}")
    if datetime.fromisoformat(times[0]) > now:
        raise CommandError(f"--from {begin} is in the future")
    return times[0], from_datetime(min(last, now))


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise CommandError(f"--diagnostic {text} is not a regular expression: {error}") from None


def _what(contents: Contents, *, ses: bool) -> str:
    what = f"clear the bounces of {output.those(list(contents.seen))}"
    return f"{what}, and take {contents.listed:,} off SES's own list" if ses and contents.listed else what


def _show(contents: Contents, selection: Path | None, *, ses: bool) -> None:
    """Print what would be done."""
    if not contents.seen:
        output.line("Nothing to clear.")
        return
    output.line(f"Without --dry-run: {_what(contents, ses=ses)}.")
    allowed = ", ".join(f"{then}: {count:,}" for then, count in sorted(contents.then.items()) if then)
    if allowed:
        by_table = "" if ses else " by the table; --ses looks at SES's own list too"
        output.line(f"Then they may get {allowed}{by_table}.")
    if selection is None:
        output.note("--selection FILE writes all of them with their bounces.")
    else:
        too = " --ses" if ses else ""
        output.line(f"`mailing clear-bounces --selection {shlex.quote(str(selection))}{too}` clears what is in it.")
