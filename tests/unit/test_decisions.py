"""A person's decision takes effect, whatever the clocks of those who wrote what is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.evidence import (
    BOUNCES,
    Evidence,
    Mark,
    MarkKind,
    Purpose,
    Rules,
    State,
    assess,
    bounces_cleared,
    evidence_of,
    merge,
    override,
)
from healthy_mailing.operations import decision
from healthy_mailing_cli.table.clearing import clearing
from support.marks import mark

from .strategies import ALL_RULES, at, histories

HISTORIES = histories(ids_tell_all=False)
# Before, among and after what the histories have: a clock may be behind, and marks may lie years ahead.
CLOCKS = st.sampled_from(["2020-01-01T00:00:00.000Z", at(1, 2), at(3, 3), "2999-01-01T00:00:00.000Z"])
DECIDED = st.sampled_from([State.ENABLE, State.DISABLE])


@given(HISTORIES, CLOCKS, DECIDED, ALL_RULES)
def test_a_decision_takes_effect_whatever_the_clocks(history: list[Mark], now: str, state: State, rules: Rules) -> None:
    decided = decision(state, now, "dana", "called")(evidence_of(history))
    for purpose in Purpose:
        assessment = assess(decided, rules, purpose)
        assert (assessment.state, assessment.reason) == (state, "operator")
        assert assessment.mark.sender == "dana"


@given(HISTORIES, HISTORIES, CLOCKS, DECIDED)
def test_a_decision_is_a_mark_that_is_merged(first: list[Mark], second: list[Mark], now: str, state: State) -> None:
    """So nothing that another writer merges meanwhile, or a second time, is lost or brought back."""
    held = evidence_of(first)
    decided = decision(state, now, "dana", "")(held)
    made = decided[MarkKind.OVERRIDE]
    assert decided == merge(held, {MarkKind.OVERRIDE: made})
    assert merge(decided, evidence_of(second)) == merge(evidence_of([*first, *second]), {MarkKind.OVERRIDE: made})


@given(HISTORIES, CLOCKS, DECIDED)
def test_a_decision_whose_answer_was_lost_is_not_made_twice(history: list[Mark], now: str, state: State) -> None:
    edit = decision(state, now, "dana", "")
    decided = edit(evidence_of(history))
    assert edit(decided) == decided


COLLEAGUE = override(State.DISABLE, "2999-01-01T00:00:00.000Z", "zoe", "asked by phone")
COMPLAINT = mark(MarkKind.COMPLAINT, "2999-06-01T00:00:00.000Z")
LAST = "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    ("held", "state", "expected"),
    [
        ([], State.ENABLE, "2026-03-01T12:00:00.000Z"),
        ([COLLEAGUE], State.ENABLE, "2999-01-01T00:00:00.001Z"),
        ([COLLEAGUE], State.DISABLE, "2999-01-01T00:00:00.001Z"),
        ([COMPLAINT], State.ENABLE, "2999-06-01T00:00:00.001Z"),
        # Nothing but another decision lifts it, so it need not be later.
        ([COMPLAINT], State.DISABLE, "2026-03-01T12:00:00.000Z"),
        ([bounces_cleared(LAST, "zoe")], State.ENABLE, LAST),
    ],
)
def test_a_decision_is_dated_a_millisecond_after_what_it_outranks(
    held: list[Mark], state: State, expected: str
) -> None:
    decided = decision(state, "2026-03-01T12:00:00.000Z", "dana", "")(evidence_of(held))
    assert decided[MarkKind.OVERRIDE].at == expected


@given(HISTORIES, CLOCKS, st.just(LAST) | CLOCKS, st.booleans())
def test_all_bounces_so_far_can_be_cleared_whatever_the_clocks(
    history: list[Mark], now: str, until: str, always: bool
) -> None:
    held = evidence_of(history)
    cleared = clearing(until, now, "dana", "", always=always)(held)
    newest = max((each.at for each in held.values() if each.kind in BOUNCES), default="")
    earlier_mark = held.get(MarkKind.BOUNCES_CLEARED)
    if not always and newest <= (earlier_mark.at if earlier_mark else ""):
        assert cleared == held, "there is nothing to clear"
        return
    made = cleared[MarkKind.BOUNCES_CLEARED]
    assert cleared == merge(held, {MarkKind.BOUNCES_CLEARED: made})
    assert made.at >= min(until, max(now, newest))
    # Bounces that are yet to come count.
    earlier: Evidence = {slot: each for slot, each in held.items() if each.kind is MarkKind.BOUNCES_CLEARED}
    assert made.at <= max(now, newest, *(each.at for each in earlier.values()))
