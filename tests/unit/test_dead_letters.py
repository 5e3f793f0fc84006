"""A record that cannot be read is kept whole, as far as a message can hold it."""

import json
import re
from typing import Any

import pytest

from healthy_mailing.dead_letters import LONGEST, letter
from support.stream import record


def image(text: str) -> dict[str, Any]:
    return {"UserId": {"S": "jane@example.com"}, "orders": {"S": text}}


@pytest.mark.parametrize("text", ["", "x" * 100_000, "ü" * 60_000], ids=["short", "long", "long in octets"])
def test_a_record_is_kept_whole(text: str) -> None:
    given = record("jane@example.com", image(""), image(text))
    assert json.loads(letter(given)) == given


@pytest.mark.parametrize("text", ["x" * 399_000, "ü" * 199_000], ids=["long", "long in octets"])
def test_one_too_long_for_a_message_goes_without_its_images(text: str) -> None:
    given = record("jane@example.com", image(text), image(text))
    kept = letter(given)
    assert len(kept.encode()) <= LONGEST
    images = {"OldImage", "NewImage"}
    change = {name: value for name, value in given["dynamodb"].items() if name not in images}
    assert json.loads(kept) == {**given, "dynamodb": change}


@pytest.mark.parametrize("text", ["\ufffe", "\uffff", "\ud800", "a\0\uffff\\\ufffe\U0010ffff"], ids=ascii)
def test_what_sqs_refuses_is_escaped(text: str) -> None:
    """Amazon SQS API Reference, SendMessage: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to …"""
    given = record("jane@example.com", image(""), image(text))
    kept = letter(given)
    assert json.loads(kept) == given
    assert re.fullmatch("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*", kept)


def test_what_is_escaped_counts_towards_the_longest() -> None:
    kept = letter(record("jane@example.com", image(""), image("\uffff" * 50_000)))
    assert len(kept.encode()) <= LONGEST
    assert "NewImage" not in kept


@pytest.mark.parametrize("given", [{}, {"dynamodb": "text"}, {"eventID": 1}])
def test_what_is_no_record_is_kept_too(given: dict[str, Any]) -> None:
    assert json.loads(letter(given)) == given


def test_what_is_no_record_and_too_long_is_kept_in_part() -> None:
    assert json.loads(letter({"eventID": "1", "dynamodb": "x" * LONGEST})) == {"eventID": "1", "dynamodb": None}
