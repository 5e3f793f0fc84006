"""Hard inputs, what a fuzzer found before, and generated ones: only documented errors, in linear time and memory."""

import gc
import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.address import AddressError, canonical
from healthy_mailing.notification import NotificationError, parse
from support import ses
from support.eventually import eventually

from .corpus import ADDRESSES, FOLDER, LARGE, MESSAGES
from .targets import TARGETS, address, body, detail, envelope, notification

CHARACTERS = st.characters(codec=None, categories=None)  # lone surrogates too
TEXT = st.text(CHARACTERS, max_size=60)
ODD = st.sampled_from([text for text in ADDRESSES if len(text) < 100])
SHAPES = [ses.bounce(""), ses.event(ses.complaint("")), ses.delivery(""), ses.subscription("")]
SHAPES += [ses.sns_notification(""), ses.event_bridge_event({})]
NAMES = st.sampled_from(sorted({name for shape in SHAPES for name in shape}))
WORDS = st.sampled_from(["aws:sqs", "aws:sns", "aws.ses", "Notification", '{"Type": "Notification", "Message": 1}'])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | ODD | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXT, inner, max_size=4),
    max_leaves=8,
)
CONTENT = TEXT | JSON.map(json.dumps) | JSON
RECORDS = st.fixed_dictionaries({"eventSource": st.just("aws:sqs") | JSON, "messageId": TEXT | JSON, "body": CONTENT})
RECORDS |= st.fixed_dictionaries(
    {
        "EventSource": st.just("aws:sns") | JSON,
        "Sns": st.fixed_dictionaries({"MessageId": TEXT | JSON, "Message": CONTENT}) | JSON,
    }
)
EVENTS = st.fixed_dictionaries({"Records": st.lists(RECORDS | JSON, max_size=3)})


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_once_failed(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes().decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("text", ADDRESSES, ids=range(len(ADDRESSES)))
def test_odd_addresses(text: str) -> None:
    address(text)


@pytest.mark.parametrize("text", MESSAGES, ids=range(len(MESSAGES)))
def test_odd_messages(text: str) -> None:
    for target in (notification, detail, envelope, body):
        target(text)


@given(TEXT | JSON.map(json.dumps) | EVENTS.map(json.dumps))
def test_any_text(text: str) -> None:
    """What the parsers promise for damaged feedback and addresses, `tests/unit` puts to these targets too."""
    for target in TARGETS.values():
        target(text)


def refused(read: Callable[[str], object]) -> Callable[[str], None]:
    def run(text: str) -> None:
        with pytest.raises((AddressError, NotificationError)):
            read(text)

    return run


GROWING: dict[str, tuple[Callable[[str], None], Callable[[int], str]]] = {
    "local part": (refused(canonical), lambda size: "a" * size + "@example.com"),
    "domain": (refused(canonical), lambda size: "a@" + "a." * (size // 2) + "com"),
    "labels that almost match": (refused(canonical), lambda size: "a@" + "a-" * (size // 2)),
    "brackets": (refused(canonical), lambda size: "<" * size),
    "comments": (refused(canonical), lambda size: "a@example.com" + "(" * size),
    "spaces": (refused(canonical), lambda size: "a" + " " * size + "@example.com"),
    "quotes": (refused(canonical), lambda size: '"' + "\\" * size + '"@example.com'),
    "beyond ASCII": (refused(canonical), lambda size: "a@" + "é" * size + ".com"),
    "nesting": (refused(parse), lambda size: "[" * size),
    "digits": (refused(parse), lambda size: "9" * size),
    "timestamp": (refused(parse), lambda size: MESSAGES[24].replace("9" * LARGE, "9" * size)),
    "SNS's wrapping": (body, lambda size: '{"Type":"Notification","detail-type":' + "[" * size),
    "recipients": (
        lambda text: None if parse(text).marks else pytest.fail("no marks"),
        lambda size: ses.text(ses.delivery(*[f"reader-{n}@example.com" for n in range(size // 40)])),
    ),
}


@pytest.mark.parametrize("case", GROWING)
def test_time_and_memory_are_linear(case: str) -> None:
    """Sixteen times the input may take no more than about sixteen times as long, however slow the machine."""
    run, build = GROWING[case]
    small, large = build(LARGE // 16), build(LARGE)
    costs = {small: float("inf"), large: float("inf")}

    def measured() -> tuple[float, float]:
        """Measure once more. Others on the machine only add to a cost, so the least of all measured is nearest."""
        for text in (small, small, small, small, small, large):
            start = time.process_time()
            run(text)
            costs[text] = min(costs[text], time.process_time() - start)
        return costs[small], costs[large]

    gc.collect()
    tracemalloc.start()
    run(large)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * LARGE
    eventually(measured, found=lambda costs: costs[1] < 48 * costs[0] + 0.02)
