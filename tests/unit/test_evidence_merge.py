"""The laws of the merge: any order, repetition and grouping of the same feedback gives the same item."""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.evidence import Evidence, Mark, MarkKind, Record, Rules, evidence_of, merge
from healthy_mailing.item import evidence_in, to_item
from healthy_mailing.notification import parse
from support.marks import mark

from . import oracle
from .strategies import ADDRESSES, ALL_RULES, histories, notifications, split_and_merge

ADDRESS = "jane@example.com"
COLLIDING = histories(ids_tell_all=False)
NOTHING: Evidence = {}
EVIDENCE: st.SearchStrategy[Evidence] = COLLIDING.map(evidence_of) | st.just(NOTHING)


def item(evidence: Evidence, rules: Rules = Rules()) -> str:  # noqa: B008  (frozen)
    """Return the item as bytes would be compared."""
    return json.dumps(to_item(ADDRESS, Record.of(evidence, rules)), sort_keys=True)


@given(st.data(), COLLIDING, ALL_RULES)
def test_any_order_repetition_and_grouping_gives_the_same_item(
    data: st.DataObject, history: list[Mark], rules: Rules
) -> None:
    merged = split_and_merge(data, history, evidence_of)
    assert merged == evidence_of(history)
    assert item(merged, rules) == item(evidence_of(history), rules)


@given(st.data(), COLLIDING, ALL_RULES)
def test_items_written_in_between_change_nothing(data: st.DataObject, history: list[Mark], rules: Rules) -> None:
    def through_the_table(batch: list[Mark]) -> Evidence:
        return evidence_in(to_item(ADDRESS, Record.of(evidence_of(batch), rules))) if batch else {}

    merged = split_and_merge(data, history, through_the_table)
    assert item(merged, rules) == item(evidence_of(history), rules)


@given(EVIDENCE, EVIDENCE)
def test_merge_is_commutative(first: Evidence, second: Evidence) -> None:
    assert merge(first, second) == merge(second, first)


@given(EVIDENCE, EVIDENCE, EVIDENCE)
def test_merge_is_associative(first: Evidence, second: Evidence, third: Evidence) -> None:
    assert merge(merge(first, second), third) == merge(first, merge(second, third))


@given(EVIDENCE, EVIDENCE)
def test_merge_is_idempotent(first: Evidence, second: Evidence) -> None:
    assert merge(first, first) == first
    assert merge(merge(first, second), second) == merge(first, second)
    assert merge(first, {}) == merge({}, first) == first


@given(EVIDENCE, EVIDENCE)
def test_merge_leaves_what_it_is_given_alone(first: Evidence, second: Evidence) -> None:
    copies = dict(first), dict(second)
    merge(first, second)
    assert (first, second) == copies


@given(histories(ids_tell_all=True))
def test_evidence_keeps_what_the_design_says(history: list[Mark]) -> None:
    assert sorted(evidence_of(history).values()) == sorted(oracle.kept(history))


@given(EVIDENCE, ALL_RULES)
def test_evidence_survives_the_table(evidence: Evidence, rules: Rules) -> None:
    if evidence:
        assert evidence_in(to_item(ADDRESS, Record.of(evidence, rules))) == evidence


def by_address(batch: Iterable[Mapping[str, Any]]) -> dict[str, Evidence]:
    grouped: dict[str, list[Mark]] = {}
    for notification in batch:
        for address, each in parse(notification).marks:
            grouped.setdefault(address, []).append(each)
    return {address: evidence_of(marks) for address, marks in grouped.items()}


@given(st.data(), st.lists(notifications(), min_size=1, max_size=10))
def test_feedback_in_any_order_and_batches_gives_the_same_table(
    data: st.DataObject, sent: list[dict[str, Any]]
) -> None:
    arrived = data.draw(st.permutations(sent + data.draw(st.lists(st.sampled_from(sent), max_size=5))))
    size = data.draw(st.integers(1, len(arrived)))
    table: dict[str, Evidence] = {}
    for start in range(0, len(arrived), size):
        for address, evidence in by_address(arrived[start : start + size]).items():
            table[address] = merge(table.get(address, {}), evidence)
    assert set(table) <= set(ADDRESSES)
    assert {address: item(evidence) for address, evidence in table.items()} == {
        address: item(evidence) for address, evidence in by_address(sent).items()
    }


def test_of_one_time_the_greater_feedback_id_then_message_id_is_kept() -> None:
    """Which is kept otherwise, the oracle says above."""
    complaints = [
        replace(mark(MarkKind.COMPLAINT), feedback_id=feedback, message_id=message)
        for feedback, message in (("f1", "m9"), ("f2", "m1"), ("f2", "m2"))
    ]
    for less, greater in itertools.combinations(complaints, 2):
        assert [*evidence_of([greater, less]).values()] == [*evidence_of([less, greater]).values()] == [greater]
