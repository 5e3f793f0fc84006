"""What docs/events.md shows is so: the example fits the schema, the reader's lines end with what the table says."""

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness import paths
from support.stream import problems

DOCUMENT = (paths.ROOT / "docs" / "events.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.+?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


def take() -> Callable[..., None]:
    scope: dict[str, Any] = {}
    exec(block("python"), scope)  # noqa: S102 - the document's own lines are what is tried
    found: Callable[..., None] = scope["take"]
    return found


def test_the_example_is_an_event() -> None:
    assert problems(json.loads(block("json"))) == []


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, bool]]:
    """Draw events as EventBridge delivers them, and what the table says at the end."""
    answers = draw(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), min_size=1, max_size=8))
    events = [
        {"detail": {"address": address, "sequence": f"{number:040}", "mayBeMailed": answer}}
        for number, (address, answer) in enumerate(answers, 8)  # sequences of one and of two digits among them
    ]
    repeated = draw(st.lists(st.sampled_from(events), max_size=4))
    return draw(st.permutations([*events, *repeated])), dict(answers)


@given(deliveries())
def test_a_reader_ends_with_what_the_table_says(drawn: tuple[list[dict[str, Any]], dict[str, bool]]) -> None:
    events, table = drawn
    taken: dict[str, str] = {}
    may_be_mailed: dict[str, bool] = {}
    reader = take()
    for event in events:
        reader(event, taken, may_be_mailed)
    assert may_be_mailed == table
