"""Dead letters: each is received, handed over or saved, and only then deleted.

SQS's own redrive (StartMessageMoveTask) would not do: dead letters of direct delivery come from Lambda or SNS, and
belong to no queue.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from botocore.exceptions import ClientError

from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.shell import errors, output
from healthy_mailing_cli.shell.connection import answered_at
from healthy_mailing_cli.shell.output import CommandError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    Handle = Callable[[MessageTypeDef], bool]

STDOUT = "-"

_BATCH = 10  # messages of one request, as many as SQS allows
_INVISIBLE_SECONDS = 600  # for how long others do not see what this run holds, if it is killed
_POLL_SECONDS = 1  # SQS asks all its servers only where it may wait (Amazon SQS Developer Guide, "long polling")
_EMPTY_POLLS = 2


@dataclass(frozen=True)
class Target:
    """What dead letters are handed over to."""

    description: str  # what it is, in words
    kinds: Callable[[str], list[str]]  # returns the kind of each message in a dead letter
    problem: Callable[[str], str]  # returns why a dead letter is one, as far as it shows
    # Hands a dead letter over. Returns why it must stay, in a sentence without its end; empty if it need not.
    take: Callable[[str], str]


@dataclass
class Report:
    """What became of the dead letters."""

    kinds: Counter[str] = field(default_factory=Counter)  # how many messages of each kind were found
    moved: int = 0  # dead letters that were handed over and deleted
    saved: int = 0  # dead letters that were saved
    dropped: int = 0  # dead letters that were saved and deleted
    failed: int = 0  # dead letters that could not be handed over and stay
    left: int = 0  # dead letters that came after the start and stay


@dataclass(frozen=True)
class DeadLetterQueue:
    """A dead-letter queue that is there."""

    sqs: "SQSClient"
    name: str
    url: str

    @classmethod
    def of(cls, sqs: "SQSClient", name: str) -> "DeadLetterQueue":
        """Return the queue of a name; raise ``CommandError`` if there is none."""
        url = url_of(sqs, name)
        if url is None:
            raise CommandError(
                f"there is no queue {name} in {sqs.meta.region_name}: name the stack with --name, or its queues with "
                "--dead-letter-queue and --queue"
            )
        return cls(sqs, name, url)

    def count(self) -> int:
        """Return about how many dead letters there are."""
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def look(self, target: Target) -> Report:
        """Count what is there now, and change nothing."""
        return self._go_through(target, Report(), None)

    def bring_back(self, target: Target) -> Report:
        """Hand what is there now over to a target."""
        report = Report()

        def hand_over(message: "MessageTypeDef") -> bool:
            try:
                stays = target.take(message["Body"])
            except ClientError as error:
                stays = errors.sentence(error)
            if stays:
                output.note(f"A dead letter stays: {stays}.")
                report.failed += 1
            else:
                report.moved += 1
            return not stays

        return self._go_through(target, report, hand_over)

    def save(self, target: Target, to: str, *, drop: bool) -> Report:
        """Write what is there now to a file, each as a line of JSON, and with ``drop`` delete it then.

        Raises:
            CommandError: The file exists or can't be written.
        """
        report = Report()

        def write(message: "MessageTypeDef") -> bool:
            file.write(f"{json.dumps(_as_saved(message, target))}\n")
            file.flush()
            if drop and file is not sys.stdout:
                os.fsync(file.fileno())  # SQS forgets it next
            report.saved += 1
            report.dropped += drop
            return drop

        with _opened(to) as file:
            return self._go_through(target, report, write)

    def _go_through(self, target: Target, report: Report, handle: "Handle | None") -> Report:
        """Count what is there now; delete what ``handle`` is done with, if there is one."""
        held: set[str] = set()  # receipt handles of what is hidden from others, and not deleted
        try:
            with output.progress("Dead letters") as counter:
                counter.expect(self.count())
                for message, is_new in self._received(held):
                    if is_new:
                        report.left += 1
                        continue
                    report.kinds.update(target.kinds(message["Body"]))
                    if handle is not None and handle(message):
                        # Only now. Should it not come to that, it is handed over twice, which changes nothing.
                        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                        held.discard(message["ReceiptHandle"])
                    counter.add()
        finally:
            self._release(held)
        return report

    def _received(self, held: set[str]) -> Iterator[tuple["MessageTypeDef", bool]]:
        """Yield each message once, and whether it came after the start, as does what was handed over and failed again.

        ``held`` gets the receipt handle of each.
        """
        seen: set[str] = set()
        empty = 0
        start = 0.0
        while empty < _EMPTY_POLLS:
            answer = self.sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=_INVISIBLE_SECONDS,
                WaitTimeSeconds=_POLL_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            )
            start = start or answered_at(answer).timestamp() + 1
            messages = answer.get("Messages", [])
            held.update(message["ReceiptHandle"] for message in messages)
            new = [message for message in messages if message["MessageId"] not in seen]
            empty = 0 if new else empty + 1
            for message in new:
                seen.add(message["MessageId"])
                yield message, int(message["Attributes"]["SentTimestamp"]) / 1000 > start

    def _release(self, handles: set[str]) -> None:
        """Let others, and the next run, see messages again at once."""
        for some in output.windows(handles, _BATCH):
            self.sqs.change_message_visibility_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for number, handle in enumerate(some)
                ],
            )


def url_of(sqs: "SQSClient", name: str) -> str | None:
    """Return the URL of a queue; None if there is none of that name."""
    try:
        return sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return None


@contextmanager
def _opened(to: str) -> Iterator[TextIO]:
    """Open what dead letters are saved to. What exists is not overwritten: it may be all that is left of others."""
    if to == STDOUT:
        yield sys.stdout
        return
    try:
        number = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # addresses are nobody else's
    except FileExistsError:
        raise CommandError(f"{to} is there already: name another file") from None
    except OSError as error:
        raise CommandError(f"{to} can't be written: {error.strerror}") from None
    with os.fdopen(number, "w") as file:
        yield file


def _as_saved(message: "MessageTypeDef", target: Target) -> dict[str, Any]:
    attributes = message.get("MessageAttributes", {})
    # Its sender's own words come first: the function of the events, or SNS (Amazon SNS Developer Guide, "Amazon SNS
    # dead-letter queues").
    reported = next((attributes[each]["StringValue"] for each in ("problem", "ErrorMessage") if each in attributes), "")
    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    return {
        "messageId": message["MessageId"],
        "sentAt": from_datetime(sent),
        "kinds": [output.camel(kind) for kind in target.kinds(message["Body"])],
        "message": reported or target.problem(message["Body"]),
        "body": message["Body"],
    }
