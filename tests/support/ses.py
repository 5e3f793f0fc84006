"""What SES sends and how it reaches the function: notifications of every kind, and their wrappings.

A message is SES's JSON as an object, or any text to stand in its place. Shapes: Amazon SES Developer Guide, "Amazon SNS
notification contents" and "Contents of event data published to Amazon SNS"; AWS Lambda Developer Guide, "Using Lambda
with Amazon SNS" and "… Amazon SQS".
"""

import copy
import itertools
import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.emulator import Emulator

Json = dict[str, Any]
Message = str | Mapping[str, Any]

AT = "2026-03-10T12:00:00.000Z"
SENDER = "news@example.org"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-feedback"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:ses-feedback"

_numbers = itertools.count(1)


def _id() -> str:
    """Return an id that SES might give, another one each time."""
    return f"0102019586a1b2c3-{uuid.UUID(int=next(_numbers))}-000000"


def fresh(name: str) -> str:
    """Return an address that no other test uses."""
    return f"{name}-{uuid.uuid4().hex[:12]}@example.com"


def send(emulator: "Emulator", sender: str, *recipients: str, version: str = "ses", **options: str) -> str:
    """Send a mail with a version of SES's API, ``ses`` or ``sesv2``, and return its message id."""
    client: Any = emulator.client("ses") if version == "ses" else emulator.client("sesv2")
    destination = {"ToAddresses": recipients}
    message = {"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "Hello"}}}
    if version == "ses":
        answer = client.send_email(Source=sender, Destination=destination, Message=message, **options)
    else:
        content = {"Simple": message}
        answer = client.send_email(FromEmailAddress=sender, Destination=destination, Content=content, **options)
    return str(answer["MessageId"])


def mail(*destination: str, at: str = AT, message_id: str = "", sender: str = SENDER) -> Json:
    """Return the ``mail`` object: a message sent at a time to some addresses."""
    return {
        "timestamp": at,
        "messageId": message_id or _id(),
        "source": sender,
        "sourceArn": f"arn:aws:ses:eu-west-1:123456789012:identity/{sender}",
        "sourceIp": "127.0.3.0",
        "sendingAccountId": "123456789012",
        "callerIdentity": "sender",
        "destination": list(destination),
    }


def bounce(  # noqa: PLR0913  (each is a field of its own)
    *addresses: str,
    kind: str = "Permanent",
    subtype: str = "General",
    action: str | None = "failed",
    status: str | None = "5.1.1",
    at: str = AT,
    feedback_id: str = "",
    message_id: str = "",
    sender: str = SENDER,
) -> Json:
    """Return a bounce of addresses; ``None`` leaves ``action`` or ``status`` out, as bounces without a DSN do."""
    details = {"action": action, "status": status}
    if status is not None:
        details["diagnosticCode"] = f"smtp; 550 {status} rejected"
    known = {name: value for name, value in details.items() if value is not None}
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": subtype,
            "bouncedRecipients": [{"emailAddress": address, **known} for address in addresses],
            "timestamp": at,
            "feedbackId": feedback_id or _id(),
            "reportingMTA": "dsn; a8-70.smtp-out.eu-west-1.amazonses.com",
        },
        "mail": mail(*addresses, at=at, message_id=message_id, sender=sender),
    }


def complaint(  # noqa: PLR0913  (each is a field of its own)
    *addresses: str,
    feedback_type: str | None = "abuse",
    subtype: str | None = None,
    at: str = AT,
    feedback_id: str = "",
    message_id: str = "",
    sender: str = SENDER,
) -> Json:
    """Return a complaint of addresses; ``None`` leaves ``complaintFeedbackType`` out."""
    fields: Json = {
        "complainedRecipients": [{"emailAddress": address} for address in addresses],
        "timestamp": at,
        "feedbackId": feedback_id or _id(),
        "complaintSubType": subtype,
        "userAgent": "ExampleCorp Feedback Loop (V0.01)",
        "arrivalDate": at,
    }
    if feedback_type is not None:
        fields["complaintFeedbackType"] = feedback_type
    return {
        "notificationType": "Complaint",
        "complaint": fields,
        "mail": mail(*addresses, at=at, message_id=message_id, sender=sender),
    }


def delivery(*addresses: str, sent: str = AT, arrived: str = "", message_id: str = "", sender: str = SENDER) -> Json:
    """Return a delivery to addresses; when the mail was sent is what counts."""
    return {
        "notificationType": "Delivery",
        "delivery": {
            "timestamp": arrived or sent,
            "processingTimeMillis": 546,
            "recipients": list(addresses),
            "smtpResponse": "250 ok: message accepted",
            "reportingMTA": "a8-70.smtp-out.eu-west-1.amazonses.com",
            "remoteMtaIp": "127.0.2.0",
        },
        "mail": mail(*addresses, at=sent, message_id=message_id, sender=sender),
    }


def subscription(
    *addresses: str, unsubscribe_all: bool = True, at: str = AT, message_id: str = "", sender: str = SENDER
) -> Json:
    """Return an event of SES's subscription management: the addresses leave (or rejoin) all topics."""

    def preferences(leaves: bool) -> Json:  # noqa: FBT001  (local)
        status = "OptOut" if leaves else "OptIn"
        return {
            "unsubscribeAll": leaves,
            "topicSubscriptionStatus": [{"topicName": "News", "subscriptionStatus": status}],
        }

    return {
        "eventType": "Subscription",
        "mail": mail(*addresses, at=at, message_id=message_id, sender=sender),
        "subscription": {
            "contactList": "Readers",
            "timestamp": at,
            "source": "UnsubscribeHeader",
            "newTopicPreferences": preferences(unsubscribe_all),
            "oldTopicPreferences": preferences(not unsubscribe_all),
        },
    }


def other(kind: str, *addresses: str, message_id: str = "") -> Json:
    """Return an event that marks nobody: ``Send``, ``Open``, ``Rendering Failure``, ``DeliveryDelay`` …"""
    name = {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
    return {"eventType": kind, "mail": mail(*addresses, message_id=message_id), name: {}}


def event(notification: Mapping[str, Any]) -> Json:
    """Return an identity's notification as event publishing (a configuration set) sends it."""
    published = copy.deepcopy(dict(notification))
    kind = published.pop("notificationType", None) or published.pop("eventType")
    tags = {"ses:configuration-set": ["default"], "ses:operation": ["SendEmail"]}
    published["mail"] |= {"headersTruncated": False, "headers": [], "commonHeaders": {}, "tags": tags}
    return {"eventType": kind, **published}


SET_UP_TEXT = "Successfully validated SNS topic for Amazon SES event publishing."
"""What SES publishes, as plain text, when a configuration set is pointed at a topic."""


def set_up() -> Json:
    """Return what SES publishes when an identity's notifications are pointed at a topic."""
    message = f"You have successfully subscribed your Amazon SNS topic '{TOPIC}' to receive 'Bounce' notifications."
    return {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": message}


def text(message: Message) -> str:
    """Return a message as it stands in a wrapping."""
    return message if isinstance(message, str) else json.dumps(message)


def sns_event(*messages: Message) -> Json:
    """Return the event in which SNS hands messages to the function."""
    return {"Records": [_sns_record(message) for message in messages]}


def sqs_event(*messages: Message, raw: bool = True) -> Json:
    """Return the event in which SQS hands messages to the function, from a subscription with raw delivery or without.

    The records' ids are ``sqs-0``, ``sqs-1`` …
    """
    bodies = [text(message) if raw else json.dumps(sns_notification(message)) for message in messages]
    return {"Records": [_sqs_record(index, body) for index, body in enumerate(bodies)]}


def sqs_event_bridge_event(*messages: Message) -> Json:
    """Return the event in which SQS hands over events for which the queue is a target of an EventBridge rule."""
    bodies = [json.dumps(event_bridge_event(message)) for message in messages]
    return {"Records": [_sqs_record(index, body) for index, body in enumerate(bodies)]}


def event_bridge_event(message: Message) -> Json:
    """Return the event in which EventBridge hands one message to the function."""
    detail = json.loads(message) if isinstance(message, str) else dict(message)
    kind = detail.get("eventType", "")
    return {
        "version": "0",
        "id": str(uuid.UUID(int=next(_numbers))),
        "detail-type": {"Bounce": "Email Bounced", "Complaint": "Email Complaint Received"}.get(kind, f"Email {kind}"),
        "source": "aws.ses",
        "account": "123456789012",
        "time": "2026-03-10T12:00:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:ses:eu-west-1:123456789012:configuration-set/default"],
        "detail": detail,
    }


def sns_notification(message: Message) -> Json:
    """Return the object that SNS wraps a message in for a subscription without raw delivery."""
    return {
        "Type": "Notification",
        "MessageId": str(uuid.UUID(int=next(_numbers))),
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": text(message),
        "Timestamp": AT,
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-example.pem",
        "UnsubscribeURL": f"https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={TOPIC}:example",
    }


def _sns_record(message: Message) -> Json:
    wrapped = sns_notification(message)
    # To Lambda, SNS spells these two differently.
    wrapped["SigningCertUrl"] = wrapped.pop("SigningCertURL")
    wrapped["UnsubscribeUrl"] = wrapped.pop("UnsubscribeURL")
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": f"{TOPIC}:{uuid.UUID(int=0)}",
        "Sns": {**wrapped, "MessageAttributes": {}},
    }


def _sqs_record(index: int, body: str) -> Json:
    return {
        "messageId": f"sqs-{index}",
        "receiptHandle": f"receipt-{index}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1773144000000",
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1773144000001",
        },
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE,
        "awsRegion": "eu-west-1",
    }
