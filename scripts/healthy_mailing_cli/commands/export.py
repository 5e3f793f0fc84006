"""``mailing export``: the whole table, or who may not be mailed, as CSV or as NDJSON that `mailing import` takes.

Needs ``dynamodb:Scan``. ``--state disable`` or ``review`` needs ``dynamodb:Query`` on the index instead; a table
without it is read whole. ``--from-export s3://…`` needs ``s3:ListBucket`` on the bucket and ``s3:GetObject`` on what is
in it instead. ``--start-export`` needs ``dynamodb:DescribeTable`` and ``dynamodb:ExportTableToPointInTime`` on the
table, and, for what DynamoDB writes with the caller's access, ``s3:PutObject``, ``s3:PutObjectAcl`` and
``s3:AbortMultipartUpload``.
"""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from healthy_mailing.evidence import State
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.lists import exported_table
from healthy_mailing_cli.lists.exported_table import ExportedTable
from healthy_mailing_cli.lists.exporting import Form, Lines, to_file, to_output
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.s3 import Location
from healthy_mailing_cli.table.scan import Scan

To = Annotated[
    Form, typer.Option("--format", help="csv for spreadsheets; ndjson has the evidence and can be imported.")
]
States = Annotated[list[State] | None, typer.Option(help="Only addresses in this state; may be given again.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; default: the terminal.")]
Start = Annotated[
    str | None,
    typer.Option(metavar="S3-URL", help="Let DynamoDB export the table to s3://BUCKET/PREFIX, and write nothing here."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted export to that file was.")]


@options.connected
def export(
    connection: Connection,
    form: To = Form.CSV,
    state: States = None,
    to: Output = None,
    segments: options.Segments = 4,
    resume: Resume = False,
    from_export: options.From = None,
    start_export: Start = None,
    as_json: options.AsJson = False,
) -> None:
    """Write what the table knows to a file.

    Addresses are in no order. One that changes meanwhile is as it was before or after, and may come twice. With --json,
    the terminal gets NDJSON; with a file, it gets a summary.

    A large table is cheaper to read by --start-export and, once DynamoDB is done, --from-export.

    Exits with 1 if another program wrote an item. The list then only says that someone should check it.
    """
    if start_export is not None:
        if resume or state or to is not None or from_export is not None or form is not Form.CSV:
            raise CommandError("--start-export writes nothing here: leave the other options for --from-export")
        _start(connection, Location.of(start_export, "--start-export"), as_json=as_json)
        return
    form = Form.NDJSON if as_json and to is None else form
    if resume and to is None:
        raise CommandError("--resume goes on with a file: name it with --output")
    if to is not None and to.exists() and not to.is_file():
        raise CommandError(f"{to} is not a regular file: leave --output out, and redirect what is printed")
    if resume and from_export is not None:
        raise CommandError("--resume goes on with reading the table: leave it out with --from-export")
    states = set(state or State)
    source = Scan.over(connection, states, segments) if from_export is None else ExportedTable(from_export, connection)
    writer = Lines(form, states)
    with output.progress("Exported") as counter:
        if to is None:
            to_output(source, writer, counter.add)
        else:
            to_file(to, source, writer, counter.add, resume=resume)
    _tell(to, writer, as_json=as_json)
    options.end(done=not writer.unreadable)


def _start(connection: Connection, place: Location, *, as_json: bool) -> None:
    arn, folder = exported_table.start(connection, place)
    if as_json:
        output.ndjson({"exportArn": arn, "folder": str(folder)})
        return
    output.line(arn)
    output.line("DynamoDB takes minutes to hours. Then read the export:")
    output.line(f"mailing export --from-export {shlex.quote(str(folder))}")


def _tell(to: Path | None, lines: Lines, *, as_json: bool) -> None:
    if to is not None and as_json:
        output.ndjson({"file": str(to), "addresses": lines.count, "unreadable": lines.unreadable})
    elif to is not None:
        output.line(f"{to}: {output.counted(lines.count, 'address')}.")
    if lines.unreadable:
        output.note(
            f"Written by another program, so someone should look at them: {output.counted(lines.unreadable, 'item')}."
        )
