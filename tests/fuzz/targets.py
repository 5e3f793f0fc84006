"""What is fuzzed: each target takes any text and fails on anything but the documented errors and results.

``__main__.py`` feeds them from a coverage-guided fuzzer, ``test_corpus.py`` from the kept corpus and from Hypothesis.
"""

import contextlib
import json
import unicodedata
from collections.abc import Callable
from typing import Any

from healthy_mailing.address import MAX_OCTETS, AddressError, canonical, masked
from healthy_mailing.envelope import EnvelopeError, unwrap
from healthy_mailing.evidence import Record, Rules, evidence_of
from healthy_mailing.item import evidence_in, to_item
from healthy_mailing.notification import NotificationError, parse

RULES = Rules()
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}  # controls, formats, lone surrogates, spaces


def address(text: str) -> None:
    """An address is refused without being repeated, or has one canonical form that is safe to print and to store."""
    try:
        found = canonical(text)
    except AddressError as error:
        if "@" in text and text in str(error):
            raise AssertionError("the error repeats the address") from error
        return
    assert canonical(found) == found, "the canonical form has another one"
    assert len(found.encode()) <= MAX_OCTETS
    assert not UNSEEN & {unicodedata.category(character) for character in found.replace(" ", "")}, "unseen characters"
    assert found.rpartition("@")[2].isascii(), "a domain that is not in ASCII may look like another"
    assert "\n" not in masked(found)


def notification(text: str) -> None:
    """A message is refused, or gives marks that the table can store and read back."""
    with contextlib.suppress(NotificationError):
        check(parse(text))


def detail(text: str) -> None:
    """The same for what EventBridge or a direct call hands over as an object."""
    with contextlib.suppress(ValueError, RecursionError):
        data = json.loads(text)
        if isinstance(data, dict):
            with contextlib.suppress(NotificationError):
                check(parse(data))


def envelope(text: str) -> None:
    """An event is refused, or each of its messages has an id, and a content to parse."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return
    read(event)


def body(text: str) -> None:
    """Whatever a record of SQS or SNS holds, it is one message."""
    read({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": text}]}, messages=1)
    read({"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "1", "Message": text}}]}, messages=1)


def read(event: Any, messages: int | None = None) -> None:
    try:
        found = unwrap(event).messages
    except EnvelopeError:
        assert messages is None, "a complete record is refused"
        return
    assert messages in {None, len(found)}
    for each in found:
        assert isinstance(each.id, str)
        with contextlib.suppress(NotificationError):
            check(parse(each.content))


def check(feedback: Any) -> None:
    assert feedback.marks or feedback.ignored
    for recipient, mark in feedback.marks:
        assert canonical(recipient) == recipient
        item = to_item(recipient, Record.of(evidence_of([mark]), RULES))
        stored = json.dumps(item, ensure_ascii=False).encode()  # raises on what DynamoDB cannot store: lone surrogates
        assert len(stored) < 8 * 1024, "an item that grows with the message"
        assert list(evidence_in(item).values()) == [mark]


TARGETS: dict[str, Callable[[str], None]] = {
    each.__name__: each for each in (address, notification, detail, envelope, body)
}
