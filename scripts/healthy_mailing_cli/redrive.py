"""``mailing redrive``: receive a dead letter, hand over the feedback in it, and only then delete it.

SQS's own redrive (StartMessageMoveTask) would not do: dead letters of direct delivery come from Lambda or SNS, and
belong to no queue.

Needs ``sqs:GetQueueUrl`` and ``sqs:GetQueueAttributes``, ``sqs:ReceiveMessage``, ``sqs:DeleteMessage`` and
``sqs:ChangeMessageVisibility`` on the dead-letter queue, and ``sqs:GetQueueUrl`` and ``sqs:SendMessage`` on the queue
or, without one, ``lambda:InvokeFunction`` on the function. ``--changes`` is in ``lost_changes``.
"""

import json
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import boto3
import typer
from botocore.exceptions import ClientError

from healthy_mailing.envelope import EnvelopeError, content, unwrap
from healthy_mailing.notification import NotificationError, parse
from healthy_mailing_cli import errors, output, stack
from healthy_mailing_cli.connection import Connection, connected
from healthy_mailing_cli.lost_changes import Changes
from healthy_mailing_cli.output import CommandError
from healthy_mailing_cli.stack import Names

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_BATCH = 10  # messages of one request, as many as SQS allows
_INVISIBLE_SECONDS = 600  # for how long others do not see what this run holds, if it is killed
_POLL_SECONDS = 1  # SQS asks all its servers only where it may wait (Amazon SQS Developer Guide, "long polling")
_EMPTY_POLLS = 2


@dataclass
class Report:
    """What became of the dead letters.

    Attributes:
        dead_letter_queue: The queue that was looked through.
        target: Where feedback was (or would be) handed over.
        kinds: How many messages of each kind were found: ``Bounce``, …, and ``unreadable``; of changes of state,
            ``change`` and ``unreadable image``.
        moved: Dead letters that were handed over and deleted.
        failed: Dead letters that could not be handed over and stay.
        left: Dead letters that came after the start and stay.
    """

    dead_letter_queue: str
    target: str
    kinds: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    failed: int = 0
    left: int = 0

    def as_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(vars(self)) + "\n"

    def as_text(self, *, dry_run: bool) -> str:
        """Return it as a few sentences."""
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items())) or "nothing"
        lines = [f"In {self.dead_letter_queue}: {found}."]
        if self.kinds and dry_run:
            lines.append(f"Without --dry-run they go to {self.target}.")
        if self.moved:
            lines.append(f"Handed over to {self.target}: {self.moved}.")
        if self.failed:
            lines.append(f"Not handed over, and still there: {self.failed}.")
        if self.left:
            lines.append(f"Came after the start, and is left for the next run: {self.left}.")
        return "\n".join(lines) + "\n"


@connected
def redrive_command(
    connection: Connection,
    name: stack.Name = None,
    dead_letter_queue: stack.DeadLetterQueue = None,
    queue: stack.Queue = None,
    function: stack.Function = None,
    changes: Annotated[
        bool,
        typer.Option(
            "--changes",
            help="Bring back changes of state that EventBridge was not told of, by default from "
            "NAME-changes-dead-letter by the function NAME-changes.",
        ),
    ] = False,
    dry_run: output.DryRun = False,
    as_json: output.AsJson = False,
) -> None:
    """Bring dead letters back to the queue or the function.

    Safe to interrupt and to run again: a dead letter is deleted after it was handed over, and feedback that comes
    twice counts once. What fails again comes back, and waits for the next run.

    With --changes, it sends an event for each address, with what the table says now.
    """
    stack_name = name or connection.table
    if changes:
        lost = Changes(
            connection.client("lambda"),
            connection.client("dynamodb"),
            connection.client("dynamodbstreams"),
            name=function or f"{stack_name}-changes",
            table=connection.table,
        )
        report = bring_back(
            connection.client("sqs"), dead_letter_queue or f"{stack_name}-changes-dead-letter", lost, dry_run=dry_run
        )
    else:
        names = Names.of(stack_name, dead_letter_queue=dead_letter_queue, queue=queue, function=function)
        report = redrive(connection.session, names, connection.endpoint_url, dry_run=dry_run)
    sys.stdout.write(report.as_json() if as_json else report.as_text(dry_run=dry_run))
    if report.failed:
        raise typer.Exit(output.NO)


def redrive(session: boto3.Session, names: Names, endpoint_url: str | None, *, dry_run: bool) -> Report:
    """Bring back what is in the dead-letter queue now, and say what became of it.

    Args:
        session: Credentials and region.
        names: The queues, and the function for where there is no such queue.
        endpoint_url: Where AWS is, if not at AWS.
        dry_run: Look, and hand nothing over.

    Raises:
        CommandError: There is no such dead-letter queue.
    """
    sqs: SQSClient = session.client("sqs", endpoint_url=endpoint_url)
    queue_url = _url(sqs, names.queue)
    if queue_url is None:
        target: _Feedback = _Function(session.client("lambda", endpoint_url=endpoint_url), names.function)
    else:
        target = _Queue(sqs, queue_url, names.queue)
    return bring_back(sqs, names.dead_letter_queue, target, dry_run=dry_run)


class Target(Protocol):
    """What dead letters are handed over to."""

    description: str

    def kinds(self, letter: str) -> list[str]:
        """Return the kind of each message in a dead letter."""

    def take(self, letter: str) -> bool:
        """Hand a dead letter over, and return whether that is done."""


def bring_back(sqs: "SQSClient", name: str, target: Target, *, dry_run: bool) -> Report:
    """Hand what is in a dead-letter queue now over to a target, and say what became of it.

    Raises:
        CommandError: There is no such dead-letter queue.
    """
    dead_letter_url = _url(sqs, name)
    if dead_letter_url is None:
        raise CommandError(
            f"there is no queue {name} in {sqs.meta.region_name}: name the stack with --name, or its queues with "
            "--dead-letter-queue and --queue"
        )
    report = Report(name, target.description)
    held: set[str] = set()  # receipt handles of what is hidden from others, and not deleted
    try:
        with output.progress("Dead letters") as counter:
            counter.expect(_count(sqs, dead_letter_url))
            for message, is_new in _received(sqs, dead_letter_url, held):
                if is_new:
                    report.left += 1
                    continue
                report.kinds.update(target.kinds(message["Body"]))
                if not dry_run and target.take(message["Body"]):
                    # Only now. Should it not come to that, it is handed over twice, which changes nothing.
                    sqs.delete_message(QueueUrl=dead_letter_url, ReceiptHandle=message["ReceiptHandle"])
                    held.discard(message["ReceiptHandle"])
                    report.moved += 1
                elif not dry_run:
                    report.failed += 1
                counter.add()
    finally:
        _release(sqs, dead_letter_url, held)
    return report


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

    def take(self, letter: str) -> bool:
        """Hand over the messages in a dead letter."""
        return all(map(self._hand_over, messages_in(letter)))

    @abstractmethod
    def _hand_over(self, message: str) -> bool:
        """Hand over one message."""


class _Queue(_Feedback):
    """The queue: messages go back to where they came from."""

    def __init__(self, sqs: "SQSClient", url: str, name: str) -> None:
        self._sqs = sqs
        self._url = url
        self.description = f"the queue {name}"

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
