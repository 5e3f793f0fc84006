"""``mailing list``: which addresses may not be mailed, newest change first. Needs ``dynamodb:Query`` on the index."""

import itertools
from collections.abc import Iterator
from typing import Annotated

import typer

from healthy_mailing import api
from healthy_mailing.evidence import State
from healthy_mailing.item import ADDRESS, REASON, SENDER, STATE, TRANSACTIONAL, UPDATED_AT, Item
from healthy_mailing.table import INDEX, TableError
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.shell import addresses, filters, output
from healthy_mailing_cli.shell.connection import Connection, step_deadline
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.table.scan import NO_INDEX

PAGE = 1_000

Blocked = Annotated[
    State, typer.Option(help="disable: must not be mailed; review: someone should check.", show_choices=False)
]
Beginning = Annotated[str | None, typer.Option(help="Only reasons that begin with this: `bounce`, `complaint:abuse` …")]
Domain = Annotated[str | None, typer.Option(help="Only addresses of this domain.")]
Since = Annotated[
    str, typer.Option(help="Only what changed at this time or later: 2026-01-31T12:00:00Z, or 2026-01-31.")
]
Sender = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|DOMAIN",
        help="Only where mail from this address or domain decided.",
        callback=options.sender,
    ),
]
Limit = Annotated[int, typer.Option(min=1, help="Most addresses to list.")]


@options.connected
def list_command(
    connection: Connection,
    state: Blocked = State.DISABLE,
    reason: Beginning = None,
    domain: Domain = None,
    since: Since = "",
    sender: Sender = None,
    limit: Limit = 100,
    as_json: options.AsJson = False,
) -> None:
    """List addresses that may not be mailed, newest change first.

    The list comes from the table's index, which follows the table within about a second.
    """
    if state is State.ENABLE:
        raise CommandError("The index lists only addresses that may not be mailed: --state is disable or review")
    begin = filters.time_of("--since", since) if since else ""
    ending = "" if domain is None else f"@{addresses.canonical_domain(domain)}"
    found = (
        item
        for item in _all(connection, state, begin)
        if (reason is None or item[REASON].startswith(reason))
        and item[ADDRESS].lower().endswith(ending)
        and (sender is None or filters.sent_by(item.get(SENDER, ""), sender))
    )
    rows: list[tuple[str, ...]] = []
    count = 0
    for item in itertools.islice(found, limit):
        count += 1
        if as_json:
            output.ndjson(api.record(item))
        else:
            rows.append(_row(item))
    output.rows(rows)
    if count == limit:
        output.note(f"These are the newest {limit:,}; --limit lists more.")
    elif count == 0:
        output.note("None.")


def _all(connection: Connection, state: State, since: str) -> Iterator[Item]:
    table = connection.open()
    after: tuple[str, str] | None = None
    with output.progress("Read") as counter:
        while True:
            try:
                page = table.blocked(state, PAGE, step_deadline(), since=since, after=after)
            except TableError as error:
                if str(error) != NO_INDEX:
                    raise
                # The only part of this request that a table may lack (Amazon DynamoDB API Reference, Query).
                where = f"{connection.table} in {connection.session.region_name}"
                raise CommandError(
                    f"The table {where} has no index {INDEX}, which lists are read from: set table.index to true and "
                    "apply, or use `mailing export --state disable`, which reads the whole table"
                ) from None
            yield from page.items
            counter.add(len(page.items))
            after = page.last
            if after is None:
                return


def _row(item: Item) -> tuple[str, str, str, str]:
    transactional = item.get(TRANSACTIONAL, item[STATE])
    apart = "" if transactional == item[STATE] else f"transactional: {transactional}"
    return item[UPDATED_AT], item[ADDRESS], item[REASON], apart
