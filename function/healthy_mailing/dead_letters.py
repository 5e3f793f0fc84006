"""The dead-letter queue for unreadable records of the stream."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sqs import SQSClient

LONGEST = 256 * 1024
"""Maximum size of a message, in octets. SQS allows 1 MiB, but a queue may have a lower limit, by default once this one
(Amazon SQS API Reference, SetQueueAttributes). A record of two items of 400 KB exceeds both."""


class DeadLetters:
    """A queue for such records."""

    def __init__(self, client: SQSClient, url: str) -> None:
        """Send to the queue with a URL."""
        self._client = client
        self._url = url

    def send(self, record: Mapping[str, Any], problem: str) -> str:
        """Send a record. Return the name of the error, or an empty string. ``problem`` says why it is unreadable."""
        try:
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=letter(record),
                MessageAttributes={"problem": {"DataType": "String", "StringValue": problem}},
            )
        except ClientError as error:
            return error.response["Error"]["Code"]
        except BotoCoreError as error:
            return type(error).__name__
        return ""


def letter(record: Mapping[str, Any]) -> str:
    """Return the body of the message: the complete record as JSON.

    A record that is too long is sent without its images. Its key and sequence number say where to find them in the
    stream, which keeps them for 24 hours.
    """
    body = _json(record)
    if len(body.encode()) <= LONGEST:
        return body
    return _json({**record, "dynamodb": _without_images(record.get("dynamodb"))})


# Characters that SQS refuses in a message and ``json`` does not escape (Amazon SQS API Reference, SendMessage).
_REFUSED = re.compile("[\ud800-\udfff\ufffe\uffff]")


def _json(record: Mapping[str, Any]) -> str:
    return _REFUSED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(record, ensure_ascii=False))


def _without_images(change: object) -> Mapping[str, Any] | None:
    if not isinstance(change, dict):
        return None
    return {name: value for name, value in change.items() if name not in {"OldImage", "NewImage"}}
