"""``mailing publish``: send a message to the stack's topic, as SES would.

Needs ``sns:Publish`` on the topic. If the table is named, also ``sns:ListSubscriptionsByTopic`` on it,
``lambda:GetFunctionConfiguration`` on the function and, where the topic goes to a queue,
``lambda:ListEventSourceMappings``.
"""

import re
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from botocore.config import Config

from healthy_mailing.notification import NotificationError, parse
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.lists.addresses import STDIN
from healthy_mailing_cli.shell import belonging, output, stack
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.stack import name_in

_SAMPLES = resources.files("healthy_mailing_cli") / "sample_events"
_AWS = re.compile(r"\.(amazonaws|vpce)\.|\.api\.aws$")  # in endpoints of AWS that are given: in a VPC, dual-stack
_MOST_BYTES = 256 * 1024  # Amazon SNS API Reference, Publish

Message = Annotated[
    str | None,
    typer.Argument(metavar="SAMPLE|FILE|-", help="A sample that --list names, a file, or - for standard input."),
]
ListSamples = Annotated[bool, typer.Option("--list", help="List the samples, and what each is.")]


@options.connected
def publish(
    connection: Connection,
    message: Message = None,
    list_samples: ListSamples = False,
    name: options.Name = None,
    topic: options.Topic = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Publish a sample event or a file to the topic.

    Every subscriber of the topic gets it, and the table treats it as real. So it asks first, unless AWS is an
    emulator.
    """
    if list_samples:
        _list(as_json=as_json)
        return
    if message is None:
        raise CommandError("Name a sample or a file; `mailing publish --list` lists the samples")
    text = _read(message)
    found = _meaning(text)
    meaning = _words(found)
    sns = connection.client("sns")
    arn = stack.topic_arn(connection, name, topic)
    fields = {"topic": arn, **found}
    if not dry_run:
        question = f"Publish to {name_in(arn)} at AWS, where it counts as true ({meaning})?"
        options.confirm(question, yes=yes or _is_elsewhere(connection, sns.meta.endpoint_url))
        try:
            belonging.check_topics(connection, f"The topic {name_in(arn)}", [arn])
            fields["messageId"] = sns.publish(TopicArn=arn, Message=text)["MessageId"]
        except sns.exceptions.NotFoundException:
            raise CommandError(
                f"There is no topic {name_in(arn)} in {sns.meta.region_name}: name the stack with --name, or its topic "
                "with --topic"
            ) from None
    if as_json:
        output.ndjson(fields)
    else:
        output.line(f"{'Would publish' if dry_run else 'Published'} to {name_in(arn)}: {meaning}")


def _is_elsewhere(connection: Connection, url: str) -> bool:
    """Return whether an endpoint is not AWS's: one that was given, and that does not lead there all the same.

    Each partition's endpoints end in their own way, so what botocore would choose without a given one is AWS's.
    """
    unconfigured = Config(ignore_configured_endpoint_urls=True)  # type: ignore[call-arg]  # the stubs lack it
    own = connection.session.client("sns", config=unconfigured).meta.endpoint_url
    return url != own and not _AWS.search(urlsplit(url).hostname or "")


def _list(*, as_json: bool) -> None:
    samples = {name: _meaning((_SAMPLES / f"{name}.json").read_text("utf-8")) for name in _names()}
    if as_json:
        for name, meaning in samples.items():
            output.ndjson({"sample": name, **meaning})
    else:
        output.rows([(name, _words(meaning)) for name, meaning in samples.items()])


def _names() -> list[str]:
    return sorted(each.name.removesuffix(".json") for each in _SAMPLES.iterdir() if each.name.endswith(".json"))


def _read(message: str) -> str:
    """Return the text that an argument stands for; a file comes before a sample of the same name.

    Raises:
        CommandError: There is none, or it is too large, or not UTF-8.
    """
    try:
        if message == STDIN:
            content = sys.stdin.buffer.read()
        elif Path(message).is_file():
            content = Path(message).read_bytes()
        elif message.removesuffix(".json") in _names():
            content = (_SAMPLES / f"{message.removesuffix('.json')}.json").read_bytes()
        else:
            raise CommandError(f"{message} is neither a file nor a sample; `mailing publish --list` lists the samples")
        text = content.decode()
    except OSError as error:
        raise CommandError(f"{message} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{message} is not text in UTF-8, and SNS takes nothing else") from None
    if not 0 < len(content) <= _MOST_BYTES:
        raise CommandError(f"{message} has {len(content):,} bytes; SNS takes 1 to {_MOST_BYTES:,}")
    return text


def _meaning(text: str) -> dict[str, Any]:
    """Return what the function will make of a message, as JSON has it."""
    try:
        feedback = parse(text)
    except NotificationError as error:
        return {"error": "Unreadable", "message": str(error)}
    return {"kind": feedback.kind, "addresses": sorted({address for address, _ in feedback.marks})}


def _words(meaning: Mapping[str, Any]) -> str:
    """Return the same in a few words."""
    if "error" in meaning:
        return f"unreadable, for the dead-letter queue: {meaning['message']}"
    return f"{meaning['kind']}: {', '.join(meaning['addresses']) or 'no address changes'}"
