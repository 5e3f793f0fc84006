"""Reads the figures of a table, or of an export of it."""

from datetime import UTC, datetime

from healthy_mailing.evidence import State
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.figures.census import Census, Figures
from healthy_mailing_cli.lists.exported_table import ExportedTable
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.table.scan import Scan, known


def read(connection: Connection, days: int, segments: int, from_export: str | None, sender: str | None) -> Figures:
    """Read the table in so many segments, or an export of it, and return its figures of so many days."""
    census = Census(from_datetime(datetime.now(UTC)), days, sender)
    source = (
        Scan.over(connection, set(State), segments) if from_export is None else ExportedTable(from_export, connection)
    )
    with output.progress("Read") as counter:
        for items, _ in source.pages():
            for item in items:
                census.add(*known(item))
            counter.add(len(items))
    return census.figures()
