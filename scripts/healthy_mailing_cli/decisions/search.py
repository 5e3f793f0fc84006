"""Finds whose bounces `mailing clear-bounces` is to clear: those of an outage, of addresses, or of a selection."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path

from healthy_mailing.evidence import State
from healthy_mailing.item import Item, RecordError, evidence_in
from healthy_mailing.table import Table
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.decisions import selection
from healthy_mailing_cli.decisions.selection import ALL_MAIL, NO_MAIL, TRANSACTIONAL_MAIL, Contents, Selected
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.ses.suppression_list import Asking, SesReason, SuppressionList, by_address
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import WINDOW, Connection, step_deadline
from healthy_mailing_cli.shell.explanation import other_row
from healthy_mailing_cli.table import clearing, lookups
from healthy_mailing_cli.table.outage import Clearing, Outage, find_caused_by

_LISTED_LATE = timedelta(hours=1)  # for how long after a bounce SES may put its address on the list


def of_outage(table: Table, outage: Outage, suppressed: SuppressionList | None) -> Iterator[Selected]:
    """Yield what an outage bounced."""
    listed = by_address(suppressed.bounced_between(outage.start, outage.end)) if suppressed else {}
    since = {address: min(entry.at for entry in entries) for address, entries in listed.items()}
    for page in find_caused_by(table, outage, listed=since):
        for found in page:
            # What stays blocked here may stay on SES's list too.
            entries = listed.get(found.address, ()) if found.transactional is State.ENABLE else ()
            for spelling in dict.fromkeys(entry.spelling for entry in entries) or [""]:
                yield _selected(found, spelling)


def _selected(found: Clearing, listed: str) -> Selected:
    bounce = found.bounce
    then = TRANSACTIONAL_MAIL if found.transactional is State.ENABLE else NO_MAIL
    return Selected(
        found.address,
        found.at,
        listed,
        bounce.at,
        bounce.get("subType"),
        bounce.get("diagnosticCode"),
        ALL_MAIL if found.state is State.ENABLE else then,
        selection.otherwise(found.key, found.address),
    )


def of_addresses(
    table: Table,
    given: addresses.Read,
    suppressed: SuppressionList | None,
    problems: list[tuple[str, str]],
    kept: set[str],
    *,
    dry_run: bool,
) -> Iterator[Selected]:
    """Yield rows for each address, with its bounces so far; with ``dry_run`` only for those that have any.

    ``problems`` gets those of which nothing is known, and ``kept`` those that are on SES's list for a complaint.
    """
    now = from_datetime(datetime.now(UTC))
    for address, item in _known(table, given, problems):
        spellings = sorted(given.spellings.get(address, ()))
        entries = list(suppressed.find([address, *spellings])) if suppressed else []
        kept |= {address for entry in entries if entry.reason is not SesReason.BOUNCE}
        until, has_bounces = now, True
        with suppress(RecordError):  # the table will say so when it is to be changed
            evidence = evidence_in(item)
            until = max(now, clearing.newest_bounce(evidence))  # SES's clock, or another, may be ahead
            has_bounces = clearing.has_bounces(evidence)
        listed = [entry.spelling for entry in entries if entry.reason is SesReason.BOUNCE]
        if dry_run and not has_bounces and not listed:
            continue
        for spelling, entry in zip_longest(spellings or [""], listed or [""], fillvalue=""):
            yield Selected(address, until, entry, spelling=spelling)


def _known(table: Table, given: addresses.Read, problems: list[tuple[str, str]]) -> Iterator[tuple[str, Item]]:
    """Yield the addresses of which something is known, with their items; ``problems`` gets the others."""
    for window in output.windows(given.addresses, WINDOW):
        items = table.read(window, step_deadline(), spellings=given.spellings, consistent=True)
        unknown = [address for address in window if items[address] is None]
        beside = lookups.rows_beside(table, unknown, step_deadline(), spellings=given.spellings)
        for address in window:
            if (item := items[address]) is not None:
                yield address, item
                continue
            problem = "nothing is known of it, so there is nothing to clear"
            if other := next((other_row(address, each, "clear-bounces") for each in beside.get(address, ())), ""):
                problem = f"{problem}. {other}"
            problems.append((address, problem))


def looked_up(rows: Iterable[Selected], suppressed: SuppressionList, kept: set[str]) -> Iterator[Selected]:
    """Yield the rows of a selection with what SES's list has of them now; ``kept`` gets who is to stay on it.

    That is who is on it for a complaint, whom another mark keeps from mail, and who came onto it after the outage.
    """
    entries = by_address(suppressed.entries())
    for row in rows:
        found = entries.get(row.address, [])
        off = {
            entry.spelling
            for entry in found
            if entry.reason is SesReason.BOUNCE
            and row.then != NO_MAIL
            and datetime.fromisoformat(entry.at) <= datetime.fromisoformat(row.until) + _LISTED_LATE
        }
        if len(off) < len(found):
            kept.add(row.address)
        # A row that names a spelling is one of several of its address.
        for spelling in ([row.ses] if row.ses in off else [""]) if row.ses else sorted(off) or [""]:
            yield replace(row, ses=spelling)


def ask_about_few(connection: Connection, path: Path, contents: Contents) -> bool:
    """See which of a few addresses are on SES's list, and return whether that could be told."""
    if len(contents.seen) > output.FEW:
        return False
    ask = Asking(connection)
    for row in selection.read(path):
        told = ask(dict.fromkeys((row.address, row.spelling or row.address)))
        if told.entries:
            contents.kept.add(row.address)
        if told.problem:
            return False
    return True
