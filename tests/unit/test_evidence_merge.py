"""The laws of the merge: any order, repetition and grouping of the same feedback gives the same item."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.evidence import MADE_BY_PEOPLE, Evidence, Mark, MarkKind, Record, Rules, evidence_of, merge
from healthy_mailing.item import evidence_in, to_item
from healthy_mailing.notification import parse
from support.marks import mark

from . import oracle
from .strategies import ADDRESSES, ALL_RULES, at, histories, notifications, split_and_merge

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


# ---- What is kept, by example


def soft_bounce(day: int, time: int = 2) -> Mark:
    return mark(MarkKind.SOFT_BOUNCE, at(day, time))


def delivery(day: int, time: int = 2, number: int = 1) -> Mark:
    return mark(MarkKind.DELIVERY, at(day, time), number)


def complaint(day: int, feedback_id: str = "f", message_id: str = "m") -> Mark:
    return replace(mark(MarkKind.COMPLAINT, at(day, 2)), feedback_id=feedback_id, message_id=message_id)


def values(*history: Mark) -> list[Mark]:
    return sorted(evidence_of(history).values())


def test_the_newest_complaint_is_kept() -> None:
    assert values(complaint(1), complaint(2)) == values(complaint(2), complaint(1)) == [complaint(2)]


def test_of_one_time_the_greater_feedback_id_then_message_id_is_kept() -> None:
    assert values(complaint(1, "f2", "m1"), complaint(1, "f1", "m9")) == [complaint(1, "f2", "m1")]
    assert values(complaint(1, "f1", "m1"), complaint(1, "f1", "m2")) == [complaint(1, "f1", "m2")]


def test_kinds_do_not_displace_each_other() -> None:
    marks = [mark(kind, at(1, 0)) for kind in MarkKind if kind not in MADE_BY_PEOPLE]
    assert set(values(*marks)) == set(marks)


def test_the_newest_soft_bounce_of_each_day_is_kept() -> None:
    assert values(soft_bounce(1, 2), soft_bounce(1, 3), soft_bounce(1, 1), soft_bounce(2, 0)) == [
        soft_bounce(1, 3),
        soft_bounce(2, 0),
    ]


def test_soft_bounces_of_the_newest_sixteen_days_are_kept() -> None:
    days = [soft_bounce(day) for day in range(0, 40, 2)]
    assert values(*days) == values(*reversed(days)) == days[-16:]
    assert values(*days[-16:], days[3]) == days[-16:]


def test_the_first_delivery_of_the_newest_day_is_kept() -> None:
    assert values(delivery(1, 2), delivery(1, 1), delivery(1, 3)) == [delivery(1, 1)]
    assert values(delivery(2, 3), delivery(1, 0)) == [delivery(2, 3)]
    assert values(delivery(2, 3), delivery(1, 0), delivery(2, 0)) == [delivery(2, 0)]


def test_another_delivery_on_a_day_changes_nothing() -> None:
    held = evidence_of([delivery(1, 1)])
    assert merge(held, evidence_of([delivery(1, 2, number=2)])) == held
