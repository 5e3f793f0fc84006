"""``mailing redrive``: receive a dead letter, hand over the feedback in it, and only then delete it.

SQS's own redrive (StartMessageMoveTask) would not do: dead letters of direct delivery come from Lambda or SNS, and
belong to no queue.

Needs ``sqs:GetQueueUrl`` and ``sqs:GetQueueAttributes``, ``sqs:ReceiveMessage``, ``sqs:DeleteMessage`` and
``sqs:ChangeMessageVisibility`` on the dead-letter queue, and ``sqs:GetQueueUrl``, ``sqs:GetQueueAttributes`` and
``sqs:SendMessage`` on the queue or, without one, ``lambda:GetFunctionEventInvokeConfig`` and ``lambda:InvokeFunction``
on the function. If the table or the function is named, also ``lambda:GetFunctionConfiguration`` on the function and,
for a queue, ``lambda:ListEventSourceMappings``. ``--changes`` is in ``lost_changes``.
"""

import json
import os
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import ClientError

from healthy_mailing.envelope import EnvelopeError, content, unwrap
from healthy_mailing.notification import NotificationError, parse
from healthy_mailing.settings import ChangesSettings
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.redrive.lost_changes import OF_ANOTHER_TABLE, Changes
from healthy_mailing_cli.shell import belonging, errors, output, stack
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.stack import Names

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_BATCH = 10  # messages of one request, as many as SQS allows
_INVISIBLE_SECONDS = 600  # for how long others do not see what this run holds, if it is killed
_POLL_SECONDS = 1  # SQS asks all its servers only where it may wait (Amazon SQS Developer Guide, "long polling")
_EMPTY_POLLS = 2
_STDOUT = "-"


@dataclass
class Report:
    """What became of the dead letters.

    Attributes:
        dead_letter_queue: The queue that was looked through.
        target: Where feedback was (or would be) handed over.
        kinds: How many messages of each kind were found: ``Bounce``, …, and ``unreadable``; of changes of state,
            ``change``, ``unreadable image`` and ``of another table``.
        moved: Dead letters that were handed over and deleted.
        saved: Dead letters that were saved.
        dropped: Dead letters that were saved and deleted.
        failed: Dead letters that could not be handed over and stay.
        left: Dead letters that came after the start and stay.
    """

    dead_letter_queue: str
    target: str
    kinds: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    saved: int = 0
    dropped: int = 0
    failed: int = 0
    left: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as an object of JSON."""
        fields = dict(vars(self))
        return {"deadLetterQueue": fields.pop("dead_letter_queue"), **fields}

    def as_text(self, *, dry_run: bool) -> str:
        """Return it as a few sentences."""
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items())) or "nothing"
        lines = [f"In {self.dead_letter_queue}: {found}."]
        others = self.kinds[OF_ANOTHER_TABLE]
        if self.kinds.total() > others and dry_run:
            lines.append(f"Without --dry-run they go to {self.target}.")
        if others and dry_run:
            lines.append(f"Of another table, and stays there in any case: {others}.")
        if self.moved:
            lines.append(f"Handed over to {self.target}: {self.moved}.")
        if self.saved:
            lines.append(f"Saved to {self.target}: {self.saved}.")
        if self.dropped:
            lines.append(f"Deleted: {self.dropped}.")
        if self.failed:
            lines.append(f"Not handed over, and still there: {self.failed}.")
        if self.left:
            lines.append(f"Came after the start, and is left for the next run: {self.left}.")
        return "\n".join(lines)


Save = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|-", help="Hand nothing over: write each dead letter, and why it is one, as a line of JSON."
    ),
]
Drop = Annotated[bool, typer.Option("--drop", help="With --save, delete what was saved.")]


@options.connected
def redrive_command(
    connection: Connection,
    name: options.Name = None,
    dead_letter_queue: options.DeadLetterQueue = None,
    queue: options.Queue = None,
    function: options.StackFunction = None,
    changes: Annotated[
        bool,
        typer.Option(
            "--changes",
            help="Bring back changes of state that EventBridge was not told of, by default from "
            "NAME-changes-dead-letter by the function NAME-changes.",
        ),
    ] = False,
    save: Save = None,
    drop: Drop = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Bring dead letters back to the queue or the function.

    Safe to interrupt and to run again: a dead letter is deleted after it was handed over, and feedback that comes
    twice counts once. What fails again comes back, and waits for the next run.

    With --changes, it sends an event for each address, with what the table says now.

    With --save, dead letters are only written to a file, or with `-` shown. With --drop too, they are deleted then.
    """
    if drop and save is None:
        raise CommandError("--drop deletes what --save has written: add --save FILE")
    stack_name = name or connection.table
    sqs: SQSClient = connection.client("sqs")
    if changes:
        letters = dead_letter_queue or f"{stack_name}-changes-dead-letter"
        _there(sqs, letters)
        # A default does not name a table: then the function that is named says which, as in the alarm's command.
        any_table = function is not None and not connection.is_named
        target: Target = telling(connection, function or f"{stack_name}-changes", letters, any_table=any_table)
    else:
        names = Names.of(stack_name, dead_letter_queue=dead_letter_queue, queue=queue, function=function)
        letters = names.dead_letter_queue
        _there(sqs, letters)
        feedback = feedback_target(connection.session, names, connection.endpoint_url)
        feedback.check(connection, function)
        target = feedback
    if save is None:
        report = bring_back(sqs, letters, target, dry_run=dry_run)
    else:
        if drop and not dry_run:
            count = output.counted(_count(sqs, _there(sqs, letters)), "dead letter")
            options.confirm(f"Save about {count} of {letters} to {_place(save)}, and delete them?", yes=yes)
        report = _save(sqs, letters, target, save, drop=drop, dry_run=dry_run)
    # Beside the dead letters themselves, the report is only a note.
    show = output.note if save == _STDOUT and not dry_run else output.line
    for each in [json.dumps(report.as_json())] if as_json else report.as_text(dry_run=dry_run).splitlines():
        show(each)
    if report.failed:
        raise typer.Exit(output.NO)


def telling(connection: Connection, function: str, letters: str, *, any_table: bool = False) -> Changes:
    """Return what tells of changes, if function, table and dead-letter queue are of one stack.

    With ``any_table``, the table is the function's own, whichever that is.

    Raises:
        CommandError: They are not, or there is no such function: what another table says would be told as news.
        SettingsError: The function is another one.
    """
    remedy = "name the stack with --name, or the function with --function"
    settings = ChangesSettings.from_environment(connection.settings_of(function, remedy))
    table, own = stack.name_in(settings.table_arn), settings.dead_letter_queue_url.rpartition("/")[2]
    if table != connection.table and not any_table:
        raise CommandError(
            f"{function} tells of the table {table}, not of {connection.table}: add --table {table}, or name the "
            f"stack of {connection.table} with --name"
        )
    if own != letters:
        raise CommandError(f"The dead-letter queue of {function} is {own}, not {letters}: name both of one stack")
    return Changes(
        connection.client("lambda", config=Config(read_timeout=60)),  # it is called, and waited for
        connection.client("dynamodb"),
        connection.client("dynamodbstreams"),
        name=function,
        table_arn=settings.table_arn,
    )


class Target(Protocol):
    """What dead letters are handed over to."""

    description: str

    def kinds(self, letter: str) -> list[str]:
        """Return the kind of each message in a dead letter."""

    def problem(self, letter: str) -> str:
        """Return why a dead letter is one, as far as it shows."""

    def take(self, letter: str) -> bool:
        """Hand a dead letter over, and return whether that is done."""


def redrive(session: boto3.Session, names: Names, endpoint_url: str | None, *, dry_run: bool) -> Report:
    """Bring back what is in the dead-letter queue now, and say what became of it.

    Args:
        session: Credentials and region.
        names: The queues, and the function for where there is no such queue.
        endpoint_url: Where AWS is, if not at AWS.
        dry_run: Look, and hand nothing over.

    Raises:
        CommandError: There is no such dead-letter queue, or it is of another stack.
    """
    target = feedback_target(session, names, endpoint_url)
    sqs: SQSClient = session.client("sqs", endpoint_url=endpoint_url)
    return bring_back(sqs, names.dead_letter_queue, target, dry_run=dry_run)


def feedback_target(session: boto3.Session, names: Names, endpoint_url: str | None) -> "_Feedback":
    """Return where feedback goes: the queue or, if there is none, the function.

    Raises:
        CommandError: It has another dead-letter queue, so these are names of two stacks.
    """
    sqs: SQSClient = session.client("sqs", endpoint_url=endpoint_url)
    queue_url = _url(sqs, names.queue)
    if queue_url is None:
        lambda_: LambdaClient = session.client("lambda", endpoint_url=endpoint_url)
        try:
            settings = lambda_.get_function_event_invoke_config(FunctionName=names.function)
            own = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
        except lambda_.exceptions.ResourceNotFoundException:
            own = ""
        target: _Feedback = _Function(lambda_, names.function)
    else:
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn", "RedrivePolicy"])
        policy = json.loads(attributes["Attributes"].get("RedrivePolicy") or "{}")
        own = policy.get("deadLetterTargetArn", "")
        target = _Queue(sqs, queue_url, attributes["Attributes"]["QueueArn"])
    # Without a setting that says so, it is the one that Terraform names after it.
    own = stack.name_in(own) or f"{names.queue if queue_url else names.function}-dead-letter"
    if own != names.dead_letter_queue:
        raise CommandError(
            f"The dead letters of {target.description} go to {own}, not to {names.dead_letter_queue}: "
            "name the stack with --name, or its queues with --dead-letter-queue and --queue"
        )
    return target


def bring_back(sqs: "SQSClient", name: str, target: Target, *, dry_run: bool) -> Report:
    """Hand what is in a dead-letter queue now over to a target, and say what became of it.

    Raises:
        CommandError: There is no such dead-letter queue.
    """
    report = Report(name, target.description)

    def hand_over(message: "MessageTypeDef") -> bool:
        if target.take(message["Body"]):
            report.moved += 1
            return True
        report.failed += 1
        return False

    _go_through(sqs, target, report, None if dry_run else hand_over)
    return report


def _save(sqs: "SQSClient", name: str, target: Target, to: str, *, drop: bool, dry_run: bool) -> Report:
    """Write what is in a dead-letter queue now to a file, and with ``drop`` delete it there.

    Each is written before it is deleted. What was there is not overwritten: it may be all that is left of others.

    Raises:
        CommandError: There is no such dead-letter queue, or the file is there or can't be written.
    """
    report = Report(name, f"{_place(to)}{' and are deleted' if drop and dry_run else ''}")
    if dry_run:
        _go_through(sqs, target, report, None)
        return report
    _there(sqs, name)
    try:
        # Addresses are nobody else's.
        file = sys.stdout if to == _STDOUT else os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
    except FileExistsError:
        raise CommandError(f"{to} is there already: name another file") from None
    except OSError as error:
        raise CommandError(f"{to} can't be written: {error.strerror}") from None

    def write(message: "MessageTypeDef") -> bool:
        file.write(f"{json.dumps(_as_saved(message, target))}\n")
        file.flush()
        if drop and file is not sys.stdout:
            os.fsync(file.fileno())  # SQS forgets it next
        report.saved += 1
        report.dropped += drop
        return drop

    try:
        _go_through(sqs, target, report, write)
    finally:
        if file is not sys.stdout:
            file.close()
    return report


def _place(to: str) -> str:
    """Return how messages call where dead letters are saved."""
    return "standard output" if to == _STDOUT else to


def _as_saved(message: "MessageTypeDef", target: Target) -> dict[str, Any]:
    attributes = message.get("MessageAttributes", {})
    # Its sender's own words come first: the function of the events, or SNS (Amazon SNS Developer Guide, "Amazon SNS
    # dead-letter queues").
    said = next((attributes[each]["StringValue"] for each in ("problem", "ErrorMessage") if each in attributes), "")
    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    return {
        "messageId": message["MessageId"],
        "sentAt": from_datetime(sent),
        "kinds": target.kinds(message["Body"]),
        "problem": said or target.problem(message["Body"]),
        "body": message["Body"],
    }


def _there(sqs: "SQSClient", name: str) -> str:
    """Return the URL of a dead-letter queue.

    Raises:
        CommandError: There is no such queue.
    """
    url = _url(sqs, name)
    if url is None:
        raise CommandError(
            f"there is no queue {name} in {sqs.meta.region_name}: name the stack with --name, or its queues with "
            "--dead-letter-queue and --queue"
        )
    return url


def _go_through(
    sqs: "SQSClient", target: Target, report: Report, handle: "Callable[[MessageTypeDef], bool] | None"
) -> None:
    """Count what is in a dead-letter queue now; delete what ``handle`` is done with, if there is one.

    Raises:
        CommandError: There is no such dead-letter queue.
    """
    url = _there(sqs, report.dead_letter_queue)
    held: set[str] = set()  # receipt handles of what is hidden from others, and not deleted
    try:
        with output.progress("Dead letters") as counter:
            counter.expect(_count(sqs, url))
            for message, is_new in _received(sqs, url, held):
                if is_new:
                    report.left += 1
                    continue
                report.kinds.update(target.kinds(message["Body"]))
                if handle is not None and handle(message):
                    # Only now. Should it not come to that, it is handed over twice, which changes nothing.
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    held.discard(message["ReceiptHandle"])
                counter.add()
    finally:
        _release(sqs, url, held)


def messages_in(body: str) -> list[str]:
    """Return the messages of SES in a dead letter, as strings.

    A dead letter is SES's message (from the queue), SNS's notification around it (what SNS could not hand over), or
    Lambda's record of a failed asynchronous call, whose ``requestPayload`` is the event that the function was called
    with (AWS Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations"). Anything else is returned
    whole.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return [body]
    match data:
        case {"requestContext": {}, "requestPayload": event}:
            try:
                return [_as_string(message.content) for message in unwrap(event).messages]
            except EnvelopeError:
                return [body]
        case _:
            return [_as_string(content(body))]


def _as_string(message: str | Mapping[str, Any]) -> str:
    return message if isinstance(message, str) else json.dumps(message)


def _kind(message: str) -> str:
    try:
        return parse(message).kind
    except NotificationError:
        return "unreadable"


def _noted(letter: str) -> str:
    """Return the error in Lambda's record of a failed call; empty for any other dead letter."""
    with suppress(ValueError, RecursionError):
        match json.loads(letter):
            case {"responsePayload": {"errorMessage": str(message)}}:
                return message
    return ""


def _received(sqs: "SQSClient", url: str, held: set[str]) -> Iterator[tuple["MessageTypeDef", bool]]:
    """Yield each message once, and whether it came after the start, as does what was handed over and failed again."""
    seen: set[str] = set()
    empty = 0
    start = 0.0
    while empty < _EMPTY_POLLS:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_BATCH,
            VisibilityTimeout=_INVISIBLE_SECONDS,
            WaitTimeSeconds=_POLL_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        # SQS's clock, to the second, since this machine's may be wrong.
        start = start or _date_of(answer["ResponseMetadata"]["HTTPHeaders"]) + 1
        held.update(message["ReceiptHandle"] for message in answer.get("Messages", []))
        new = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        empty = 0 if new else empty + 1
        for message in new:
            seen.add(message["MessageId"])
            yield message, int(message["Attributes"]["SentTimestamp"]) / 1000 > start


def _release(sqs: "SQSClient", url: str, handles: Iterable[str]) -> None:
    """Let others, and the next run, see messages again at once."""
    entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
    for first in range(0, len(entries), _BATCH):
        sqs.change_message_visibility_batch(
            QueueUrl=url,
            Entries=[{**entry, "VisibilityTimeout": 0} for entry in entries[first : first + _BATCH]],  # type: ignore[typeddict-item]  # the stubs lose the entry's type in {**…}
        )


def _date_of(headers: dict[str, str]) -> float:
    return parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else time.time()


def _url(sqs: "SQSClient", name: str) -> str | None:
    try:
        return sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return None


def _count(sqs: "SQSClient", url: str) -> int:
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


class _Feedback(ABC):
    """Where feedback goes."""

    description: str

    def kinds(self, letter: str) -> list[str]:
        """Return the kind of each message in a dead letter."""
        return [_kind(message) for message in messages_in(letter)]

    def problem(self, letter: str) -> str:
        """Return why a message in it is unreadable, or what Lambda noted of the function's failure."""
        for message in messages_in(letter):
            try:
                parse(message)
            except NotificationError as error:
                return str(error)
        return _noted(letter)

    def take(self, letter: str) -> bool:
        """Hand over the messages in a dead letter."""
        return all(map(self._hand_over, messages_in(letter)))

    @abstractmethod
    def check(self, connection: Connection, function: str | None) -> None:
        """Make sure that it leads to a function, if one is given, and to the table, if someone named it.

        Raises:
            CommandError: It does not.
        """

    @abstractmethod
    def _hand_over(self, message: str) -> bool:
        """Hand over one message."""


class _Queue(_Feedback):
    """The queue: messages go back to where they came from."""

    def __init__(self, sqs: "SQSClient", url: str, arn: str) -> None:
        self._sqs = sqs
        self._url = url
        self._arn = arn
        self.description = f"the queue {stack.name_in(arn)}"

    def check(self, connection: Connection, function: str | None) -> None:
        """Follow the queue to the function."""
        belonging.check_queue(connection, self._arn, function)

    def _hand_over(self, message: str) -> bool:
        """Send one message."""
        try:
            self._sqs.send_message(QueueUrl=self._url, MessageBody=message)
        except ClientError as error:
            return _stays(error)
        return True


class _Function(_Feedback):
    """The function itself, called as SNS calls it; publishing again would reach all others who subscribe to the topic.

    The call is asynchronous: once Lambda has accepted it, Lambda tries it as often as any other, and keeps it as a dead
    letter if it fails again.
    """

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self._client = client
        self._name = name
        self.description = f"the function {name}"

    def check(self, connection: Connection, function: str | None) -> None:  # noqa: ARG002  (a queue needs it; here it is this function)
        """Follow the function to its table."""
        belonging.check_table(connection, f"The function {self._name}", [self._name])

    def _hand_over(self, message: str) -> bool:
        """Call the function with one message."""
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": "",
            "Sns": {"Type": "Notification", "MessageId": str(uuid.uuid4()), "Message": message},
        }
        try:
            self._client.invoke(
                FunctionName=self._name, InvocationType="Event", Payload=json.dumps({"Records": [record]}).encode()
            )
        except ClientError as error:
            return _stays(error)
        return True


def _stays(error: ClientError) -> bool:
    output.note(f"A dead letter stays: {errors.sentence(error)}.")
    return False
