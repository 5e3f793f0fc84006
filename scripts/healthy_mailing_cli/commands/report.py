"""``mailing report``: the figures of ``mailing stats`` as a page for people who do not use a terminal.

Needs ``dynamodb:Scan``, and ``cloudwatch:GetMetricData`` for the rates of past weeks.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from healthy_mailing_cli.commands import options
from healthy_mailing_cli.figures import reading, weeks
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection

Function = Annotated[
    str | None,
    typer.Option(help="The function that counted past weeks; default: the table's name with -feedback."),
]
Page = Annotated[Path, typer.Option("--html", metavar="FILE", help="Where to write the page.")]


@options.connected
def report(
    connection: Connection,
    to: Page,
    days: options.Days = 30,
    segments: options.Segments = 4,
    from_export: options.From = None,
    sender: options.Sender = None,
    function: Function = None,
    as_json: options.AsJson = False,
) -> None:
    """Write the figures of `stats` to a page that you can share.

    The page is one file that needs no network, and addresses in it are masked. With --json, the figures are printed
    too.
    """
    from healthy_mailing_cli.figures import page  # noqa: PLC0415  (Jinja, which no other command needs)

    with output.replacing(to) as file:  # which fails before the table is read, if it must
        found = reading.read(connection, days, segments, from_export, sender)
        past = weeks.OF_ALL_SENDERS if sender else weeks.read(connection, function, found.at)
        region = connection.client("dynamodb").meta.region_name
        file.write(page.html(found, past, table=connection.table, region=region, sender=sender))
    if as_json:
        output.ndjson(found.to_json() | {"weeks": None if isinstance(past, str) else [asdict(week) for week in past]})
    else:
        output.line(f"{to}: {output.counted(found.addresses, 'address')}.")
