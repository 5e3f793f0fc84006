"""Dead letters of feedback: what is in them, and where it goes back to."""

import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from healthy_mailing.envelope import EnvelopeError, content, unwrap
from healthy_mailing.notification import NotificationError, parse
from healthy_mailing_cli.redrive.dead_letters import Target, url_of
from healthy_mailing_cli.shell import belonging
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.stack import Names, name_in

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient


def target(connection: Connection, names: Names, function: str | None) -> Target:
    """Return where feedback goes: the queue or, if there is none, the function.

    Args:
        connection: Says which table, if someone named it.
        names: The queues, and the function for where there is no such queue.
        function: The function to which the queue must lead; None for any.

    Raises:
        CommandError: The dead-letter queue, the queue, the function and the table are not of one stack.
    """
    sqs = connection.client("sqs")
    queue_url = url_of(sqs, names.queue)
    if queue_url is None:
        lambda_ = connection.client("lambda")
        description, hand_over = f"the function {names.function}", _calling(lambda_, names.function)
        own = _dead_letters_of(lambda_, names.function) or f"{names.function}-dead-letter"
    else:
        asked = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn", "RedrivePolicy"])["Attributes"]
        description, hand_over = f"the queue {name_in(asked['QueueArn'])}", _sending(sqs, queue_url)
        policy = json.loads(asked.get("RedrivePolicy") or "{}")
        # Without a setting that says so, it is the one that Terraform names after it.
        own = name_in(policy.get("deadLetterTargetArn", "")) or f"{names.queue}-dead-letter"
    if own != names.dead_letter_queue:
        raise CommandError(
            f"The dead letters of {description} go to {own}, not to {names.dead_letter_queue}: "
            "name the stack with --name, or its queues with --dead-letter-queue and --queue"
        )
    if queue_url is None:
        belonging.check_table(connection, f"The function {names.function}", [names.function])
    else:
        belonging.check_queue(connection, asked["QueueArn"], function)

    def take(letter: str) -> str:
        for message in messages_in(letter):
            hand_over(message)
        return ""

    return Target(description, kinds, problem, take)


def messages_in(letter: str) -> list[str]:
    """Return the messages of SES in a dead letter, as strings.

    A dead letter is SES's message (from the queue), SNS's notification around it (what SNS could not hand over), or
    Lambda's record of a failed asynchronous call, whose ``requestPayload`` is the event that the function was called
    with (AWS Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations"). Anything else is returned
    whole.
    """
    try:
        data = json.loads(letter)
    except (ValueError, RecursionError):
        return [letter]
    match data:
        case {"requestContext": {}, "requestPayload": event}:
            try:
                return [_as_string(message.content) for message in unwrap(event).messages]
            except EnvelopeError:
                return [letter]
        case _:
            return [_as_string(content(letter))]


def kinds(letter: str) -> list[str]:
    """Return the kind of each message in a dead letter: ``Bounce``, …, or ``unreadable``."""
    return [_read(message)[0] for message in messages_in(letter)]


def problem(letter: str) -> str:
    """Return why a message in a dead letter is unreadable, or what Lambda noted of the function's failure."""
    for message in messages_in(letter):
        if error := _read(message)[1]:
            return error
    with suppress(ValueError, RecursionError):
        match json.loads(letter):
            case {"responsePayload": {"errorMessage": str(noted)}}:
                return noted
    return ""


def _read(message: str) -> tuple[str, str]:
    """Return the kind of a message, and why it is unreadable if it is."""
    try:
        return parse(message).kind, ""
    except NotificationError as error:
        return "unreadable", str(error)


def _as_string(message: str | Mapping[str, Any]) -> str:
    return message if isinstance(message, str) else json.dumps(message)


def _sending(sqs: "SQSClient", url: str) -> Callable[[str], object]:
    """Return what sends a message back to the queue it came from."""
    return lambda message: sqs.send_message(QueueUrl=url, MessageBody=message)


def _calling(client: "LambdaClient", name: str) -> Callable[[str], object]:
    """Return what calls the function as SNS calls it; publishing again would reach all other subscribers of the topic.

    The call is asynchronous: once Lambda has accepted it, Lambda tries it as often as any other, and keeps it as a dead
    letter if it fails again.
    """

    def call(message: str) -> object:
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": "",
            "Sns": {"Type": "Notification", "MessageId": str(uuid.uuid4()), "Message": message},
        }
        payload = json.dumps({"Records": [record]}).encode()
        return client.invoke(FunctionName=name, InvocationType="Event", Payload=payload)

    return call


def _dead_letters_of(client: "LambdaClient", function: str) -> str:
    """Return the name of a function's own dead-letter queue; empty if no setting says it."""
    try:
        settings = client.get_function_event_invoke_config(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return ""
    return name_in(settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", ""))
