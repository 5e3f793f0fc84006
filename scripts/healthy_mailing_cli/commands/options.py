"""The options that commands share, the question before a large change, and the way to AWS that every command takes."""

import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from healthy_mailing.address import AddressError, canonical
from healthy_mailing.api import MAX_NOTE
from healthy_mailing.table import TableError
from healthy_mailing_cli.lists.addresses import Read
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import DEFAULT_TABLE, Connection
from healthy_mailing_cli.shell.output import CommandError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]

Addresses = Annotated[
    list[str],
    typer.Argument(metavar="ADDRESS|FILE|-", help="Addresses, a list or CSV file of them, - for standard input."),
]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The address, in any spelling.")]
Column = Annotated[str | None, typer.Option(help="The CSV column that holds the addresses, if it has no usual name.")]
Encoding = Annotated[
    str | None, typer.Option(help="How a list is encoded, such as latin-1, if not in UTF-8 or UTF-16.")
]


def _short(note: str) -> str:
    if len(note) > MAX_NOTE:
        raise CommandError(f"The note is longer than {MAX_NOTE} characters: shorten it")
    return note


Note = Annotated[str, typer.Option(help="Why: for the next person who looks at the address.", callback=_short)]


def _url(text: str | None) -> str | None:
    if text is not None and not re.match("https?://[^/]", text):
        raise typer.BadParameter(f"{text} is not a URL such as http://127.0.0.1:4566")
    return text


def bare(text: str | None) -> str | None:
    """Refuse an ARN in place of a name: it may lead to another region or account than everything else does."""
    if text is not None and re.match("arn:|[0-9]{12}:", text):
        name = re.split("[:/]", text)[-1]
        raise typer.BadParameter(f"{text} is an ARN: give the name, such as {name}, and the region with --region")
    return text


_CONNECTION = {
    "table": Annotated[
        str | None,
        typer.Option(
            envvar="MAILING_TABLE",
            show_default=DEFAULT_TABLE,
            help="The table; by default, queues and function are named after it.",
            callback=bare,
        ),
    ],
    # botocore reads AWS_DEFAULT_REGION alone; AWS CLI 2, Terraform and Lambda know this one.
    "region": Annotated[
        str | None,
        typer.Option(envvar="AWS_REGION", help="AWS region; default: that of the environment or the profile."),
    ],
    "endpoint_url": Annotated[
        str | None, typer.Option(help="Where AWS is, if not at AWS: an emulator's URL.", callback=_url)
    ],
    "profile": Annotated[str | None, typer.Option(help="Profile of the AWS configuration to take credentials from.")],
}
Function = Annotated[
    str | None,
    typer.Option(help="The function whose rules apply; default: the table's name with -feedback.", callback=bare),
]

Name = Annotated[
    str | None,
    typer.Option(envvar="MAILING_NAME", help="The Terraform variable `name`, if the table has another.", callback=bare),
]
Topic = Annotated[str | None, typer.Option(help="Name or ARN of the topic; default: NAME-feedback.")]
Queue = Annotated[str | None, typer.Option(help="Name of the queue; default: NAME-feedback.", callback=bare)]
DeadLetterQueue = Annotated[
    str | None, typer.Option(help="Name of the dead-letter queue; default: NAME-feedback-dead-letter.", callback=bare)
]
StackFunction = Annotated[str | None, typer.Option(help="Name of the function; default: NAME-feedback.", callback=bare)]


def sender(text: str | None) -> str | None:
    """Return what ``--sender`` names, if it is an address or a domain."""
    if text is not None:
        try:
            canonical(text if "@" in text[1:] else f"a@{text.removeprefix('@')}")
        except AddressError:
            raise typer.BadParameter(f"{text} is neither an address nor a domain") from None
    return text


Sender = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|DOMAIN", help="Only feedback about mail from this address or domain.", callback=sender
    ),
]


From = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER", help="Read a DynamoDB export to S3, not the table: s3://BUCKET/PREFIX, or a copy in a folder."
    ),
]

Days = Annotated[int, typer.Option(min=1, max=365, help="How many days of feedback to count, today included.")]

Segments = Annotated[int, typer.Option(min=1, max=64, help="In how many parts the table is read at once.")]

_NO_TABLE = frozenset({"ResourceNotFoundException", "ResourceNotFound", "TableNotFoundException"})
_OF_TABLE = frozenset(
    {
        "BatchExecuteStatement",
        "BatchGetItem",
        "DeleteItem",
        "DescribeTable",
        "ExportTableToPointInTime",
        "Query",
        "Scan",
    }
)
"""Requests about the table alone. Those about a stream, an export or another service have other names."""


def confirm(question: str, *, yes: bool) -> None:
    """Ask a question; anything but yes ends the command.

    Raises:
        CommandError: There is no terminal to answer from.
        typer.Abort: The answer is no.
    """
    if yes:
        return
    question = output.printable(f"{question[0].upper()}{question[1:]}")
    if not sys.stdin.isatty():
        raise CommandError(f"{question} There is no terminal to ask at: add --yes, or look with --dry-run first")
    typer.confirm(question, abort=True, err=True)


def agreed(
    what: str,
    given: Read,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    always_ask: bool = False,
    end: str = "",
    fields: Mapping[str, str] | None = None,
) -> bool:
    """Show what is to be done to addresses, ask if they are many, and return whether to do it.

    Args:
        what: What is done to them, to begin a sentence.
        given: The addresses; what is not an address is named.
        yes: Do not ask.
        dry_run: Only show it.
        as_json: Show it in JSON.
        always_ask: Whether it is asked about few of them too.
        end: How the sentence ends, behind the addresses.
        fields: What JSON has of each, besides the address.

    Raises:
        CommandError: There is no terminal to answer from.
        typer.Abort: The answer is no.
    """
    for text, problem in given.problems:
        output.note(f"{text}: {problem}")
    sentence = f"{what} {output.those(given.addresses)}{end}"
    if dry_run:
        output.would(sentence, ({"address": each, **(fields or {})} for each in given.addresses), as_json=as_json)
        return False
    if given.addresses and (always_ask or len(given.addresses) > output.FEW):
        confirm(f"{sentence}?", yes=yes)
    return True


def end(*, done: bool) -> None:
    """Raise ``typer.Exit`` with the exit code for no, or for something left to do, unless a command is done."""
    if not done:
        raise typer.Exit(output.NO)


def connected(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options ``--table``, ``--region``, ``--endpoint-url`` and ``--profile``.

    The command takes them as its first parameter, ``connection``.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _CONNECTION.items()
    ]

    @functools.wraps(command)
    def with_options(**given: object) -> None:
        options: dict[str, Any] = {name: given.pop(name) for name in _CONNECTION}
        connection = Connection(
            **options | {"table": options["table"] or DEFAULT_TABLE}, is_named=bool(options["table"])
        )
        try:
            command(connection, **given)
        except (ClientError, TableError) as error:
            if not _is_of_no_table(error):
                raise
            raise CommandError(
                f"There is no table {connection.table} in {connection.session.region_name}: name it with --table, and "
                "its region with --region"
            ) from None

    # What Typer reads; the function that was wrapped has other parameters.
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + shared
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # a function may have it
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    del with_options.__wrapped__
    return with_options


def _is_of_no_table(error: ClientError | TableError) -> bool:
    """Return whether an error says that the table is not there."""
    if isinstance(error, TableError):
        return str(error) in _NO_TABLE
    return error.response["Error"]["Code"] in _NO_TABLE and error.operation_name in _OF_TABLE
