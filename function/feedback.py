"""The function that writes SES feedback to the table: ``feedback.handler``."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from healthy_mailing.address import is_simulated, masked, spelled
from healthy_mailing.envelope import Envelope, unwrap
from healthy_mailing.evidence import Evidence, MarkKind, State, evidence_of
from healthy_mailing.notification import Feedback, NotificationError, parse
from healthy_mailing.settings import Settings
from healthy_mailing.table import Table, connect
from healthy_mailing.telemetry import Log, Metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from healthy_mailing.envelope import Message
    from healthy_mailing.evidence import Mark
    from healthy_mailing.row import Outcome

settings = Settings.from_environment(os.environ)
log = Log(settings.log_level)
metrics = Metrics(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "feedback"))
client = connect()
table = Table(client, settings.table_name, settings.rules)

# Subtypes of bounces and complaints about mail that SES did not try to send because of the account's own settings.
_NOT_TRIED = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"})
_RESERVE = 5.0  # seconds before the timeout in which nothing new starts, so that failures are still reported


class FeedbackError(Exception):
    """Raised if feedback is not in the table and the event's failures cannot be reported one by one."""


def handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401  (AWS gives the context no type)
    """Merge the feedback in an event into the table.

    Returns:
        ``{"batchItemFailures": [{"itemIdentifier": id}, …]}`` for records from SQS, which redelivers exactly those and
        eventually moves them to the dead-letter queue. The list is empty for any other event.

    Raises:
        EnvelopeError: The event has an unknown form.
        FeedbackError: Some feedback is not in the table, and the event is not from SQS. It must be retried whole.
    """
    log.bind(context.aws_request_id)
    remaining = context.get_remaining_time_in_millis() / 1000
    deadline = time.monotonic() + remaining - min(_RESERVE, remaining / 2)
    try:
        envelope = unwrap(event)
        failed = _store(envelope, deadline)
    finally:
        metrics.flush()
    if failed and not envelope.reports_failures:
        raise FeedbackError(f"{len(failed)} of {len(envelope.messages)} messages failed; the log says which and why")
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message in failed]}


def _store(envelope: Envelope, deadline: float) -> list[Message]:
    """Merge all readable messages into the table, and return the messages that are not in it completely."""
    feedback: list[tuple[Message, Feedback]] = []
    failed: list[Message] = []
    for message in envelope.messages:
        try:
            feedback.append((message, _read(message)))
        except NotificationError as error:
            failed.append(message)
            metrics.add("Malformed")
            log.error("malformed message", id=message.id, problem=str(error))  # noqa: TRY400  (the traceback says no more)
    evidence = _by_address(mark for _, each in feedback for mark in each.marks)
    errors: dict[str, str] = {}
    # A table that was adopted may have rows under these.
    others = spelled(pair for _, each in feedback for pair in each.spellings)
    for outcome in table.add(evidence, deadline, spellings=others):
        _report(outcome)
        if outcome.error:
            errors[outcome.address] = outcome.error
    for message, each in feedback:
        reasons = sorted({errors[address] for address, _ in each.marks if address in errors})
        if reasons:
            failed.append(message)
            log.error("feedback not written", id=message.id, messageId=each.message_id, errors=reasons)
    return failed


def _read(message: Message) -> Feedback:
    feedback = parse(message.content)
    metrics.add(f"Feedback{feedback.kind.replace(' ', '')}")
    for reason in feedback.ignored:
        metrics.add(f"Ignored{reason}")
    if feedback.unread:
        metrics.add("UnreadDetails")
        log.info("details not read", messageId=feedback.message_id, kind=feedback.kind, fields=feedback.unread)
    _count_recipients(feedback)
    if feedback.ignored:
        # A bounce that leaves no mark is interesting, an opened mail is not.
        write = log.info if feedback.kind == "Bounce" else log.debug
        write("ignored", messageId=feedback.message_id, kind=feedback.kind, reasons=sorted(set(feedback.ignored)))
    return feedback


def _count_recipients(feedback: Feedback) -> None:
    """Count recipients for the bounce and complaint rates, as SES does.

    Mail that SES did not try to send because of the account's own suppression list does not count ("Do bounces from the
    Amazon SES suppression list affect my daily sending quota?", AWS Knowledge Center). SES's global list does. Nor does
    mail to the mailbox simulator.
    """
    for address, mark in feedback.marks:
        if mark.get("subType") in _NOT_TRIED or is_simulated(address):
            continue
        if mark.kind is MarkKind.HARD_BOUNCE:
            metrics.add("HardBounces")
        elif mark.kind is MarkKind.COMPLAINT:
            metrics.add("Complaints")
        elif mark.kind is MarkKind.DELIVERY:
            metrics.add("Deliveries")


def _by_address(marks: Iterable[tuple[str, Mark]]) -> Mapping[str, Evidence]:
    grouped: dict[str, list[Mark]] = {}
    for address, mark in marks:
        grouped.setdefault(address, []).append(mark)
    return {address: evidence_of(each) for address, each in grouped.items()}


def _report(outcome: Outcome) -> None:
    metrics.add("Conflicts", outcome.conflicts)
    if outcome.error:
        metrics.add("Failed")
    else:
        metrics.add("Written" if outcome.written else "Unchanged")
    change = outcome.change
    if change is None:
        return
    # The dashboard counts the first of the two messages.
    message = "state changed" if change.before is not change.after else "transactional state changed"
    if change.before is not change.after:
        metrics.add(f"StateTo{change.after.capitalize()}")
    # Not for each new address that may be mailed.
    write = log.debug if change.before is None and change.after is State.ENABLE else log.info
    write(
        message,
        address=masked(change.address),
        before=change.before,
        after=change.after,
        transactional=change.transactional,
        reason=change.reason,
    )
