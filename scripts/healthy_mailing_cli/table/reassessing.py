"""Brings every item up to date with the rules, and under its canonical address."""

from collections.abc import Iterator
from itertools import groupby, islice

from healthy_mailing.address import canonical_or_same
from healthy_mailing.evidence import Evidence
from healthy_mailing.item import ADDRESS
from healthy_mailing.row import Outcome, Row, planned
from healthy_mailing.table import Table
from healthy_mailing_cli.shell.connection import step_deadline
from healthy_mailing_cli.table import scan
from healthy_mailing_cli.table.moving import move

_MOVED_AT_ONCE = 1_000
"""Of how many addresses rows in other spellings are moved at a time: each time rests for seconds."""


def reassess(table: Table, *, dry_run: bool, keep_spellings: bool) -> Iterator[tuple[int, list[Outcome]]]:
    """Bring each item up to date with the table's rules, and under its canonical address.

    A row under another spelling is merged into the canonical one and then deleted (``moving.move``); with
    ``keep_spellings`` it stays. Its outcome has the canonical address, and ``moved``. Such rows come last, all of an
    address at once: so what becomes of them does not depend on which row is read first, and can be foreseen. Their keys
    are held until then, which takes 170 MB for a million of them.

    Yields, page by page, the number of items read and the outcomes of those that were out of date. With ``dry_run``, an
    outcome says what would happen. Errors of pages are as in ``Scan.pages``, those of single items in the outcomes.
    """
    spelled: list[str] = []
    for items in scan.everything(table):
        rows = {}
        for item in items:
            if canonical_or_same(item[ADDRESS]) == item[ADDRESS]:
                rows[item[ADDRESS]] = Row.of(item)
            else:
                spelled.append(item[ADDRESS])
        outcomes, outdated = planned(rows, dict.fromkeys(rows, _unchanged), table.rules, exact=True)
        failed = [outcome for outcome in outcomes if outcome.error]
        if dry_run:
            yield len(items), failed + [write.outcome() for write in outdated]
        else:
            edits = {write.address: _unchanged for write in outdated}
            yield len(items), failed + table.edit(edits, step_deadline(), exact=True)
    spelled.sort(key=canonical_or_same)
    left = groupby(spelled, canonical_or_same)
    while some := {address: set(keys) for address, keys in islice(left, _MOVED_AT_ONCE)}:
        yield 0, move(table, some, step_deadline(), keep=keep_spellings, dry_run=dry_run)


def _unchanged(evidence: Evidence) -> Evidence:
    return evidence
