"""The state of an address: each rule and its boundary by example, and all of them against the oracle."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from healthy_mailing.evidence import (
    MADE_BY_PEOPLE,
    Evidence,
    Mark,
    MarkKind,
    Purpose,
    Record,
    Rules,
    State,
    assess,
    bounces_cleared,
    erased,
    evidence_of,
    merge,
    override,
    unhidden,
    without_override,
    worth_writing,
)
from healthy_mailing.item import to_item

from . import oracle
from .strategies import ALL_RULES, ANY_KIND, FEEDBACK, MOSTLY_SOFT, at, histories, marks

HISTORIES = histories(ids_tell_all=True)
EVIDENCE = HISTORIES.map(evidence_of)


@pytest.mark.parametrize("purpose", Purpose)
@given(HISTORIES, ALL_RULES)
def test_state_reason_and_deciding_mark_agree_with_the_oracle(
    purpose: Purpose, history: list[Mark], rules: Rules
) -> None:
    assessment = assess(evidence_of(history), rules, purpose)
    found = oracle.Verdict(str(assessment.state), assessment.reason, oracle.order(assessment.mark))
    assert found == oracle.verdict(history, rules, transactional=purpose == "transactional")
    assert assessment.mark in history


@given(HISTORIES, ALL_RULES)
def test_the_item_expires_as_the_oracle_says(history: list[Mark], rules: Rules) -> None:
    item = to_item("jane@example.com", Record.of(evidence_of(history), rules))
    assert item.get("expiresAt") == oracle.expires(history, rules)


@given(HISTORIES, ALL_RULES)
def test_the_item_says_what_was_assessed(history: list[Mark], rules: Rules) -> None:
    evidence = evidence_of(history)
    assessment = assess(evidence, rules)
    item = to_item("jane@example.com", Record.of(evidence, rules))
    assert (item["UserId"], item["state"], item["reason"]) == (
        "jane@example.com",
        assessment.state,
        assessment.reason,
    )
    assert (item["from"], item["timestamp"]) == (assessment.mark.sender, assessment.mark.at)
    # The other answer is there where it is another, and only there.
    transactional = oracle.verdict(history, rules, transactional=True).state
    assert item.get("transactional", item["state"]) == transactional
    assert item.get("transactional") != item["state"]
    # The index holds those who may not be mailed, and nobody else.
    assert item.get("suppressed") == (None if assessment.state is State.ENABLE else assessment.state)
    assert set(item["evidence"]) == {str(mark.kind) for mark in history}


@given(HISTORIES, ALL_RULES)
def test_an_opt_out_is_all_that_makes_the_answers_differ(history: list[Mark], rules: Rules) -> None:
    """So bulk mail is never allowed where transactional mail is not."""
    choices = {MarkKind.OPT_OUT, MarkKind.OPT_IN}
    record = Record.of(evidence_of(history), rules)
    assert record.assessment is not None
    if record.assessment.state is not record.transactional:
        assert (record.assessment.state, record.assessment.mark.kind) == (State.DISABLE, MarkKind.OPT_OUT)
    others = [mark for mark in history if mark.kind not in choices]
    if others:
        assert record.transactional is assess(evidence_of(others), rules).state


def test_no_evidence_has_no_state() -> None:
    with pytest.raises(ValueError, match="no evidence"):
        assess({}, Rules())


# ---- By example. A mark is written (kind, day) or (kind, day, time of day 0 to 3); 2 is noon.


def mark(kind: str, day: int, time: int = 2) -> Mark:
    if kind in {"enable", "disable"}:
        return override(State(kind), at(day, time), "ops", "why")
    if kind == "clear":
        return bounces_cleared(at(day, time), "ops", "an outage")
    details = {
        "complaint": {"feedbackType": "abuse"},
        "hardBounce": {"bounceType": "Permanent", "subType": "General"},
        "softBounces": {"bounceType": "Transient", "subType": "MailboxFull"},
        "undetermined": {"bounceType": "Undetermined", "subType": "Undetermined"},
    }
    number = f"{kind}-{day}-{time}"
    return Mark(
        at=at(day, time),
        feedback_id="" if kind == "delivery" else number,
        message_id=number,
        sender="news@example.org",
        detail=tuple(sorted(details.get(kind, {}).items())),
        kind=MarkKind(kind),
    )


Written = tuple[str, int] | tuple[str, int, int]


def softs(*days: int) -> list[Written]:
    return [("softBounces", day) for day in days]


CASES: dict[str, tuple[list[Written], str, str, Written]] = {
    # Rule 1: override to disable
    "override to disable": ([("disable", 1)], "disable", "operator", ("disable", 1)),
    "override to disable outlasts a delivery": (
        [("disable", 1), ("delivery", 9), ("optIn", 9), ("notSpam", 9)],
        "disable",
        "operator",
        ("disable", 1),
    ),
    "override to disable outranks a later complaint": (
        [("disable", 1), ("complaint", 2)],
        "disable",
        "operator",
        ("disable", 1),
    ),
    "override to enable lifts override to disable": (
        [("disable", 1), ("enable", 2)],
        "enable",
        "operator",
        ("enable", 2),
    ),
    "the newer override counts": ([("disable", 2), ("enable", 1)], "disable", "operator", ("disable", 2)),
    # An override to enable hides what is not newer than it
    "enable hides an earlier complaint": ([("complaint", 1), ("enable", 2)], "enable", "operator", ("enable", 2)),
    "enable hides an earlier opt-out": ([("optOut", 1), ("enable", 2)], "enable", "operator", ("enable", 2)),
    "enable hides an earlier hard bounce": ([("hardBounce", 1), ("enable", 2)], "enable", "operator", ("enable", 2)),
    "enable hides what is earlier on its day": (
        [("hardBounce", 1, 1), ("enable", 1, 2)],
        "enable",
        "operator",
        ("enable", 1, 2),
    ),
    "enable hides what is of its very moment": (
        [("complaint", 1, 2), ("hardBounce", 1, 2), ("enable", 1, 2)],
        "enable",
        "operator",
        ("enable", 1, 2),
    ),
    "enable does not hide what is later on its day": (
        [("enable", 1, 1), ("hardBounce", 1, 2)],
        "disable",
        "bounce:Permanent/General",
        ("hardBounce", 1, 2),
    ),
    "enable does not hide a later complaint": (
        [("enable", 1), ("complaint", 2)],
        "disable",
        "complaint:abuse",
        ("complaint", 2),
    ),
    "enable hides soft bounces, which then do not count": (
        [*softs(1, 2, 3, 4), ("enable", 5), *softs(6)],
        "enable",
        "soft-bounces:1",
        ("softBounces", 6),
    ),
    "a later soft bounce of the limit counts after enable": (
        [*softs(1), ("enable", 2), *softs(3, 4, 5, 6, 7)],
        "disable",
        "soft-bounces:5",
        ("softBounces", 7),
    ),
    "a delivery after enable is newest": ([("enable", 1), ("delivery", 2)], "enable", "delivery", ("delivery", 2)),
    # A mark that bounces are cleared hides those that are not newer than it, and nothing else
    "clear hides an earlier hard bounce": (
        [("hardBounce", 1), ("clear", 2)],
        "enable",
        "bounces-cleared",
        ("clear", 2),
    ),
    "clear hides a hard bounce of its very moment": (
        [("hardBounce", 1, 2), ("clear", 1, 2)],
        "enable",
        "bounces-cleared",
        ("clear", 1, 2),
    ),
    "clear does not hide a hard bounce that is later on its day": (
        [("clear", 1, 1), ("hardBounce", 1, 2)],
        "disable",
        "bounce:Permanent/General",
        ("hardBounce", 1, 2),
    ),
    "clear hides an undetermined bounce": (
        [("undetermined", 1), ("clear", 2)],
        "enable",
        "bounces-cleared",
        ("clear", 2),
    ),
    "clear hides soft bounces, which then do not count": (
        [*softs(1, 2, 3, 4, 5), ("clear", 5), *softs(6)],
        "enable",
        "soft-bounces:1",
        ("softBounces", 6),
    ),
    "later soft bounces to the limit count after clear": (
        [*softs(1), ("clear", 2), *softs(3, 4, 5, 6, 7)],
        "disable",
        "soft-bounces:5",
        ("softBounces", 7),
    ),
    "a soft bounce that is later on the day of a clearing counts": (
        [("softBounces", 1, 0), ("clear", 1, 1), ("softBounces", 1, 2), *softs(2, 3, 4, 5)],
        "disable",
        "soft-bounces:5",
        ("softBounces", 5),
    ),
    "a soft bounce that is earlier on the day of a clearing does not": (
        [("softBounces", 1, 0), ("clear", 1, 1), *softs(2, 3, 4, 5)],
        "enable",
        "soft-bounces:4",
        ("softBounces", 5),
    ),
    "a soft bounce that is later on the day of enable counts": (
        [("softBounces", 1, 0), ("softBounces", 1, 3), ("enable", 1, 1), *softs(2, 3, 4, 5)],
        "disable",
        "soft-bounces:5",
        ("softBounces", 5),
    ),
    "a delivery before enable counts for its whole day": (
        [("delivery", 1, 0), ("enable", 1, 1), ("softBounces", 1, 2), *softs(2, 3, 4, 5)],
        "enable",
        "soft-bounces:4",
        ("softBounces", 5),
    ),
    "a soft bounce of the day of a delivery and of enable is not shown": (
        [("delivery", 1, 0), ("enable", 1, 1), ("softBounces", 1, 2)],
        "enable",
        "operator",
        ("enable", 1, 1),
    ),
    "a delivery of the day of enable is not shown if its first was before": (
        [("delivery", 1, 0), ("enable", 1, 1), ("delivery", 1, 2)],
        "enable",
        "operator",
        ("enable", 1, 1),
    ),
    "clear leaves a complaint in force": (
        [("complaint", 1), ("hardBounce", 1), ("clear", 2)],
        "disable",
        "complaint:abuse",
        ("complaint", 1),
    ),
    "clear leaves a complaint in force that is reported later": (
        [("clear", 2), ("complaint", 3)],
        "disable",
        "complaint:abuse",
        ("complaint", 3),
    ),
    "clear leaves an opt-out in force": (
        [("optOut", 1), ("hardBounce", 1), ("clear", 2)],
        "disable",
        "opt-out",
        ("optOut", 1),
    ),
    "clear leaves override to disable in force": (
        [("disable", 1), ("hardBounce", 1), ("clear", 2)],
        "disable",
        "operator",
        ("disable", 1),
    ),
    "clear before enable is hidden by it": ([("clear", 1), ("enable", 2)], "enable", "operator", ("enable", 2)),
    "clear after enable hides bounces between them": (
        [("enable", 1), ("hardBounce", 2), ("clear", 3)],
        "enable",
        "bounces-cleared",
        ("clear", 3),
    ),
    "the newer clear counts": (
        [("clear", 1), ("hardBounce", 2), ("clear", 3)],
        "enable",
        "bounces-cleared",
        ("clear", 3),
    ),
    "a delivery after clear is newest": (
        [("hardBounce", 1), ("clear", 2), ("delivery", 3)],
        "enable",
        "delivery",
        ("delivery", 3),
    ),
    "clear alone": ([("clear", 1)], "enable", "bounces-cleared", ("clear", 1)),
    # Rule 2: complaints
    "complaint": ([("complaint", 1)], "disable", "complaint:abuse", ("complaint", 1)),
    "a delivery never clears a complaint": (
        [("complaint", 1), ("delivery", 40)],
        "disable",
        "complaint:abuse",
        ("complaint", 1),
    ),
    "not spam after a complaint": ([("complaint", 1), ("notSpam", 2)], "enable", "not-spam", ("notSpam", 2)),
    "not spam after a complaint on one day": (
        [("complaint", 1, 1), ("notSpam", 1, 2)],
        "enable",
        "not-spam",
        ("notSpam", 1, 2),
    ),
    "complaint after not spam": (
        [("notSpam", 1), ("complaint", 2)],
        "disable",
        "complaint:abuse",
        ("complaint", 2),
    ),
    "complaint after not spam on one day": (
        [("notSpam", 1, 1), ("complaint", 1, 2)],
        "disable",
        "complaint:abuse",
        ("complaint", 1, 2),
    ),
    "a complaint outranks a later hard bounce": (
        [("complaint", 1), ("hardBounce", 2), ("optOut", 2)],
        "disable",
        "complaint:abuse",
        ("complaint", 1),
    ),
    "not spam does not clear a hard bounce": (
        [("hardBounce", 1), ("notSpam", 2)],
        "disable",
        "bounce:Permanent/General",
        ("hardBounce", 1),
    ),
    # Rule 3: opt-outs
    "opt-out": ([("optOut", 1)], "disable", "opt-out", ("optOut", 1)),
    "a delivery never clears an opt-out": ([("optOut", 1), ("delivery", 40)], "disable", "opt-out", ("optOut", 1)),
    "opt-in after opt-out": ([("optOut", 1, 1), ("optIn", 1, 2)], "enable", "opt-in", ("optIn", 1, 2)),
    "opt-out after opt-in": ([("optIn", 1, 1), ("optOut", 1, 2)], "disable", "opt-out", ("optOut", 1, 2)),
    "opt-in does not clear a complaint": (
        [("complaint", 1), ("optIn", 2)],
        "disable",
        "complaint:abuse",
        ("complaint", 1),
    ),
    "not spam does not clear an opt-out": ([("optOut", 1), ("notSpam", 2)], "disable", "opt-out", ("optOut", 1)),
    # Rule 4: hard bounces
    "hard bounce": ([("hardBounce", 1)], "disable", "bounce:Permanent/General", ("hardBounce", 1)),
    "delivery on the next day clears a hard bounce": (
        [("hardBounce", 1, 3), ("delivery", 2, 0)],
        "enable",
        "delivery",
        ("delivery", 2, 0),
    ),
    "delivery later on the same day does not": (
        [("hardBounce", 1, 0), ("delivery", 1, 3)],
        "disable",
        "bounce:Permanent/General",
        ("hardBounce", 1, 0),
    ),
    "delivery before a hard bounce does not": (
        [("delivery", 1), ("hardBounce", 2)],
        "disable",
        "bounce:Permanent/General",
        ("hardBounce", 2),
    ),
    "a hard bounce is judged by the newest": (
        [("hardBounce", 1), ("delivery", 2), ("hardBounce", 3)],
        "disable",
        "bounce:Permanent/General",
        ("hardBounce", 3),
    ),
    # Rule 5: soft bounces
    "soft bounces on four days": (softs(1, 2, 3, 4), "enable", "soft-bounces:4", ("softBounces", 4)),
    "soft bounces on five days": (softs(1, 2, 3, 4, 5), "disable", "soft-bounces:5", ("softBounces", 5)),
    "soft bounces on six days": (softs(1, 2, 3, 4, 5, 6), "disable", "soft-bounces:6", ("softBounces", 6)),
    "many soft bounces on one day are one": (
        [*softs(1, 2, 3), ("softBounces", 4, 0), ("softBounces", 4, 1), ("softBounces", 4, 3)],
        "enable",
        "soft-bounces:4",
        ("softBounces", 4, 3),
    ),
    "soft bounces thirty days before the newest count": (
        softs(1, 28, 29, 30, 31),
        "disable",
        "soft-bounces:5",
        ("softBounces", 31),
    ),
    "soft bounces thirty-one days before do not": (
        softs(1, 29, 30, 31, 32),
        "enable",
        "soft-bounces:4",
        ("softBounces", 32),
    ),
    "the window is of days, not of hours": (
        [("softBounces", 1, 0), *softs(28, 29, 30), ("softBounces", 31, 3)],
        "disable",
        "soft-bounces:5",
        ("softBounces", 31, 3),
    ),
    "a delivery sets the count back": (
        [*softs(1, 2, 3, 4), ("delivery", 5), *softs(6)],
        "enable",
        "soft-bounces:1",
        ("softBounces", 6),
    ),
    "a delivery clears five soft bounces": (
        [*softs(1, 2, 3, 4, 5), ("delivery", 6, 0)],
        "enable",
        "delivery",
        ("delivery", 6, 0),
    ),
    "soft bounces before and on the delivery's day do not count": (
        [("delivery", 1, 0), ("softBounces", 1, 3), *softs(2, 3, 4, 5)],
        "enable",
        "soft-bounces:4",
        ("softBounces", 5),
    ),
    "a soft bounce that does not count is not shown": (
        [("optIn", 1), ("delivery", 2, 1), ("softBounces", 2, 2)],
        "enable",
        "delivery",
        ("delivery", 2, 1),
    ),
    "soft bounces from the day after the delivery count": (
        [("delivery", 1, 3), ("softBounces", 2, 0), *softs(3, 4, 5, 6)],
        "disable",
        "soft-bounces:5",
        ("softBounces", 6),
    ),
    "at most sixteen days are counted": (softs(*range(1, 21)), "disable", "soft-bounces:16", ("softBounces", 20)),
    # Rule 6: undetermined bounces
    "undetermined": ([("undetermined", 1)], "review", "undetermined", ("undetermined", 1)),
    "delivery on the next day clears an undetermined bounce": (
        [("undetermined", 1, 3), ("delivery", 2, 0)],
        "enable",
        "delivery",
        ("delivery", 2, 0),
    ),
    "delivery on the same day does not clear it": (
        [("undetermined", 1, 0), ("delivery", 1, 3)],
        "review",
        "undetermined",
        ("undetermined", 1, 0),
    ),
    "five soft bounces outrank an undetermined one": (
        [("undetermined", 9), *softs(1, 2, 3, 4, 5)],
        "disable",
        "soft-bounces:5",
        ("softBounces", 5),
    ),
    "an undetermined bounce outranks four soft ones": (
        [("undetermined", 1), *softs(1, 2, 3, 4)],
        "review",
        "undetermined",
        ("undetermined", 1),
    ),
    "a hard bounce outranks an undetermined one": (
        [("undetermined", 9), ("hardBounce", 1)],
        "disable",
        "bounce:Permanent/General",
        ("hardBounce", 1),
    ),
    # Rule 7: otherwise
    "delivery": ([("delivery", 1)], "enable", "delivery", ("delivery", 1)),
    "opt-in": ([("optIn", 1)], "enable", "opt-in", ("optIn", 1)),
    "not spam": ([("notSpam", 1)], "enable", "not-spam", ("notSpam", 1)),
    "soft bounce": (softs(1), "enable", "soft-bounces:1", ("softBounces", 1)),
    "the newest is shown": ([("optIn", 1), ("delivery", 3), ("notSpam", 2)], "enable", "delivery", ("delivery", 3)),
}


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "reversed"])
@pytest.mark.parametrize(("history", "state", "reason", "decided_by"), CASES.values(), ids=CASES)
def test_state(
    history: list[Written],
    state: str,
    reason: str,
    decided_by: Written,
    reverse: bool,  # noqa: FBT001  (a table's column)
) -> None:
    written = [mark(*each) for each in history]
    evidence = evidence_of(reversed(written) if reverse else written)
    assessment = assess(evidence, Rules())
    assert (assessment.state, assessment.reason, assessment.mark) == (state, reason, mark(*decided_by))


TRANSACTIONAL: dict[str, tuple[list[Written], str, str]] = {
    # What is written, the state for bulk mail, the state for transactional mail
    "opt-out": ([("optOut", 1)], "disable", "enable"),
    "opt-out, and deliveries since": ([("optOut", 1), ("delivery", 2)], "disable", "enable"),
    "opt-out and in again": ([("optOut", 1), ("optIn", 2)], "enable", "enable"),
    "opt-out and complaint": ([("optOut", 1), ("complaint", 2)], "disable", "disable"),
    "opt-out and a complaint taken back": ([("optOut", 1), ("complaint", 2), ("notSpam", 3)], "disable", "enable"),
    "opt-out and hard bounce": ([("optOut", 2), ("hardBounce", 1)], "disable", "disable"),
    "opt-out and a hard bounce that a delivery lifted": (
        [("optOut", 1), ("hardBounce", 2), ("delivery", 3)],
        "disable",
        "enable",
    ),
    "opt-out and a few soft bounces": ([("optOut", 1), *softs(2, 3, 4, 5)], "disable", "enable"),
    "opt-out and soft bounces to the limit": ([("optOut", 1), *softs(2, 3, 4, 5, 6)], "disable", "disable"),
    "opt-out and an undetermined bounce": ([("optOut", 1), ("undetermined", 1)], "disable", "review"),
    "opt-out and disabled by an operator": ([("optOut", 1), ("disable", 2)], "disable", "disable"),
    "opt-out that an operator lifted": ([("optOut", 1), ("enable", 2)], "enable", "enable"),
    "opt-out after an operator enabled it": ([("hardBounce", 1), ("enable", 2), ("optOut", 3)], "disable", "enable"),
    "opt-out and a hard bounce that was cleared": (
        [("optOut", 1), ("hardBounce", 1), ("clear", 2)],
        "disable",
        "enable",
    ),
    "hard bounce that was cleared": ([("hardBounce", 1), ("clear", 2)], "enable", "enable"),
    "complaint": ([("complaint", 1)], "disable", "disable"),
    "undetermined bounce": ([("undetermined", 1)], "review", "review"),
    "delivery": ([("delivery", 1)], "enable", "enable"),
}


@pytest.mark.parametrize(("history", "bulk", "transactional"), TRANSACTIONAL.values(), ids=TRANSACTIONAL)
def test_an_opt_out_does_not_count_for_transactional_mail(
    history: list[Written], bulk: str, transactional: str
) -> None:
    item = to_item("jane@example.com", Record.of(evidence_of([mark(*each) for each in history]), Rules()))
    assert (item["state"], item.get("transactional", item["state"])) == (bulk, transactional)
    assert ("transactional" in item) == (bulk != transactional)


@pytest.mark.parametrize(("bad", "good"), [("complaint", "notSpam"), ("optOut", "optIn")])
def test_of_two_opposites_in_one_millisecond_the_one_that_blocks_counts(bad: str, good: str) -> None:
    """Before an erasure and after it, whatever their ids are."""
    for number in ("0", "z"):
        held = evidence_of([replace(mark(bad, 1), feedback_id=number), mark(good, 1)])
        assert [
            (found.state, found.mark.kind) for found in (assess(each, Rules()) for each in (held, erased(held)))
        ] == [(State.DISABLE, bad)] * 2


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ({}, "complaint"),
        ({"feedbackType": "fraud"}, "complaint:fraud"),
        ({"subType": "OnAccountSuppressionList"}, "complaint:OnAccountSuppressionList"),
    ],
)
def test_reason_of_a_complaint(detail: dict[str, str], reason: str) -> None:
    complaint = Mark(
        kind=MarkKind.COMPLAINT,
        at=at(1, 2),
        feedback_id="f",
        message_id="m",
        sender="s",
        detail=tuple(sorted(detail.items())),
    )
    assert assess(evidence_of([complaint]), Rules()).reason == reason


@pytest.mark.parametrize("limit", [1, 2, 5, 15, 16])
def test_the_soft_bounce_limit_is_the_number_of_days_that_disables(limit: int) -> None:
    rules = Rules(soft_bounce_limit=limit)
    days = [mark("softBounces", day) for day in range(limit)]
    assert assess(evidence_of(days), rules).state is State.DISABLE
    if limit > 1:
        assert assess(evidence_of(days[1:]), rules).state is State.ENABLE


@pytest.mark.parametrize("window", [1, 2, 7, 30, 60])
def test_the_soft_bounce_window_reaches_that_many_days_back(window: int) -> None:
    rules = Rules(soft_bounce_limit=2, soft_bounce_window_days=window)
    assert assess(evidence_of([mark("softBounces", 0), mark("softBounces", window)]), rules).state is State.DISABLE
    assert assess(evidence_of([mark("softBounces", 0), mark("softBounces", window + 1)]), rules).state is State.ENABLE


@given(st.lists(marks(FEEDBACK, 3, ids_tell_all=True), max_size=8), st.sampled_from(["enable", "disable"]))
def test_without_its_override_evidence_is_what_the_feedback_amounts_to(feedback: list[Mark], state: str) -> None:
    assert without_override(evidence_of([mark(state, 2), *feedback])) == evidence_of(feedback)


@given(HISTORIES)
def test_what_decisions_hide_is_what_the_rules_do_not_see(history: list[Mark]) -> None:
    evidence = evidence_of(history)
    seen = unhidden(evidence)
    decision, cleared = evidence.get(MarkKind.OVERRIDE), evidence.get(MarkKind.BOUNCES_CLEARED)
    enabled = decision is not None and dict(decision.detail)["state"] == "enable"
    for slot, each in evidence.items():
        hidden = enabled and decision is not None and each.at <= decision.at
        if each.kind is MarkKind.DELIVERY and decision is not None:
            hidden = hidden and oracle.day(each) < oracle.day(decision)
        if each.kind in {"hardBounce", "softBounces", "undetermined"} and cleared is not None:
            hidden = hidden or each.at <= cleared.at
        assert (slot in seen) is not hidden


# ---- What is erased


def personal(evidence: Evidence) -> set[str]:
    """Return the texts that evidence holds beyond times, kinds, and what reasons and states are made of."""
    kept = {"bounceType", "subType", "feedbackType", "state", "importedFrom"}
    found = {text for each in evidence.values() for text in (each.feedback_id, each.message_id, each.sender)}
    found |= {value for each in evidence.values() for name, value in each.detail if name not in kept}
    return found - {"", "~erased"}


def test_soft_bounces_that_an_earlier_version_erased_stay_so() -> None:
    """It kept the first of a day, and so left no id that sorts after all others."""
    bounce = mark("softBounces", 1)
    left = evidence_of([replace(bounce, feedback_id="", message_id="", sender="")])
    again = evidence_of([bounce])
    assert merge(left, again) == merge(again, left) == left
    later = evidence_of([mark("softBounces", 1, 3)])
    assert merge(left, later) == merge(later, left) == later


def test_what_was_imported_still_says_so_once_it_is_erased() -> None:
    """So that it stays out of the rates."""
    detail = (("bounceType", "Permanent"), ("diagnosticCode", "jane@example.com"), ("importedFrom", "mailgun-bounces"))
    left = erased(evidence_of([replace(mark("hardBounce", 1), detail=detail)]))
    assert [each.detail for each in left.values()] == [(detail[0], detail[2])]


def choice(kind: MarkKind, number: int) -> Mark:
    ids = {"feedback_id": f"f{number}", "message_id": f"m{number}"}
    return Mark(kind=kind, at=at(0, 0), **ids, sender="news0@example.org", detail=())


# In one millisecond. Erased, both have the same ids.
@example([choice(MarkKind.OPT_OUT, 0), choice(MarkKind.OPT_IN, 1)], Rules())
@example([choice(MarkKind.NOT_SPAM, 1), choice(MarkKind.OPT_IN, 0)], Rules())
@given(HISTORIES, ALL_RULES)
def test_erased_evidence_amounts_to_the_same_and_names_nobody(history: list[Mark], rules: Rules) -> None:
    held = evidence_of(history)
    left = erased(held)
    assert personal(left) == set()
    assert left.keys() == held.keys()
    assert [each.at for each in left.values()] == [each.at for each in held.values()]
    before, after = Record.of(held, rules), Record.of(left, rules)
    assert before.assessment is not None
    assert after.assessment is not None
    assert (after.assessment.state, after.transactional) == (before.assessment.state, before.transactional)
    assert after.expires_at == before.expires_at
    assert after.assessment.reason == before.assessment.reason == oracle.verdict(history, rules).reason


@given(HISTORIES)
def test_what_is_erased_stays_so_when_the_same_feedback_comes_again(history: list[Mark]) -> None:
    left = erased(evidence_of(history))
    again = [each for each in history if each.kind not in MADE_BY_PEOPLE]
    assert merge(left, evidence_of(again)) == merge(evidence_of(again), left) == left
    assert erased(left) == left


@given(HISTORIES, HISTORIES, ALL_RULES)
def test_feedback_after_an_erasure_has_the_same_effect(history: list[Mark], later: list[Mark], rules: Rules) -> None:
    held, new = evidence_of(history), evidence_of(later)
    record, expected = (Record.of(merge(each, new), rules) for each in (erased(held), held))
    assert record.assessment is not None
    assert expected.assessment is not None
    # Overrides of one millisecond have no order that a person would know.
    decisions = [each.get(MarkKind.OVERRIDE) for each in (held, new)]
    if decisions[0] and decisions[1] and decisions[0].at == decisions[1].at:
        return
    assert (record.assessment.state, record.transactional) == (expected.assessment.state, expected.transactional)


@given(EVIDENCE, EVIDENCE, EVIDENCE)
def test_erased_evidence_keeps_the_laws_of_the_merge(first: Evidence, second: Evidence, third: Evidence) -> None:
    one, other = erased(first), erased(second)
    assert merge(one, second) == merge(second, one)
    assert merge(one, one) == one
    assert merge(merge(one, other), third) == merge(one, merge(other, third))


def test_an_erased_mark_is_dated_and_tells_its_reason_alone() -> None:
    bounce = Mark(
        at=at(1, 2),
        feedback_id="0102018e-1",
        message_id="0102018e-2",
        sender="news@example.org",
        detail=(
            ("action", "failed"),
            ("bounceType", "Permanent"),
            ("diagnosticCode", "smtp; 550 5.1.1 <jane@example.com> unknown"),
            ("status", "5.1.1"),
            ("subType", "General"),
        ),
        kind=MarkKind.HARD_BOUNCE,
    )
    history = [bounce, mark("softBounces", 1), mark("delivery", 0), mark("clear", 0), mark("enable", 0)]
    item = to_item("jane@example.com", Record.of(erased(evidence_of(history)), Rules()))
    nobody = {"from": "", "messageId": ""}
    assert item["evidence"] == {
        "hardBounce": {
            "at": at(1, 2),
            "feedbackId": "~erased",
            "bounceType": "Permanent",
            "subType": "General",
            **nobody,
        },
        "softBounces": {
            at(1, 2)[:10]: {
                "at": at(1, 2),
                "feedbackId": "~erased",
                "bounceType": "Transient",
                "subType": "MailboxFull",
                **nobody,
            }
        },
        "delivery": {"at": at(0, 2), **nobody},
        "bouncesCleared": {"at": at(0, 2), "by": "~erased", "note": ""},
        "override": {"at": at(0, 2), "by": "~erased", "note": "", "state": "enable"},
    }
    assert (item["state"], item["reason"]) == ("disable", "bounce:Permanent/General")


# ---- What is worth writing


@given(HISTORIES, HISTORIES, ALL_RULES)
def test_every_change_but_another_soft_bounce_of_a_day_is_written_if_deliveries_are_refreshed_daily(
    held: list[Mark], arriving: list[Mark], rules: Rules
) -> None:
    exact = replace(rules, delivery_refresh_days=1)
    before = evidence_of(held)
    after = merge(before, evidence_of(arriving))
    unwritten = oracle.changes_no_answer(list(before.values()), list(after.values()))
    assert worth_writing(before, after, exact) is not unwritten


@pytest.mark.parametrize(
    ("held", "arriving", "written"),
    [
        ([("softBounces", 1, 1)], [("softBounces", 1, 2)], False),
        ([("softBounces", 1, 2)], [("softBounces", 1, 1)], False),
        ([("softBounces", 1, 1)], [("softBounces", 2, 1)], True),
        ([("softBounces", 1, 0), ("clear", 1, 1)], [("softBounces", 1, 2)], True),
        ([("softBounces", 1, 0), ("enable", 1, 1)], [("softBounces", 1, 2)], True),
        ([("softBounces", 1, 0)], [("clear", 1, 1), ("softBounces", 1, 2)], True),
        ([("softBounces", 1, 0), ("clear", 1, 0)], [("softBounces", 1, 1)], True),
        ([("softBounces", 1, 0), ("optIn", 1, 2)], [("softBounces", 1, 2)], True),
        ([("softBounces", 1, 2), ("clear", 1, 1)], [("softBounces", 1, 3)], False),
        ([("softBounces", 1, 0), ("clear", 1, 2)], [("softBounces", 1, 1)], False),
        ([("softBounces", 1, 0), ("softBounces", 2, 0)], [("softBounces", 1, 1), ("softBounces", 2, 1)], False),
        ([("softBounces", 1, 0), ("optIn", 1, 1)], [("softBounces", 1, 2)], True),
        ([("softBounces", 1, 0), ("notSpam", 1, 1)], [("softBounces", 1, 2)], True),
        ([("softBounces", 1, 0), ("delivery", 1, 1)], [("softBounces", 1, 2)], False),
        ([("softBounces", 1, 0), ("hardBounce", 1, 1)], [("softBounces", 1, 2)], False),
        ([("softBounces", 1, 0)], [("softBounces", 1, 2), ("complaint", 2)], True),
    ],
    ids=str,
)
def test_another_soft_bounce_of_a_day_is_written_if_it_changes_an_answer(
    held: list[Written],
    arriving: list[Written],
    written: bool,  # noqa: FBT001  (a table's column)
) -> None:
    before = evidence_of([mark(*each) for each in held])
    after = merge(before, evidence_of([mark(*each) for each in arriving]))
    assert worth_writing(before, after, Rules()) is written


@given(HISTORIES, HISTORIES, ALL_RULES)
def test_what_goes_unwritten_is_a_delivery_that_changes_no_state(
    held: list[Mark], arriving: list[Mark], rules: Rules
) -> None:
    before = evidence_of(held)
    after = merge(before, evidence_of(arriving))
    if before == after:
        assert not worth_writing(before, after, rules)
    elif not worth_writing(before, after, rules):
        assert assess(before, rules).state is assess(after, rules).state
        others = [each for each in after.values() if each.kind is not MarkKind.DELIVERY]
        assert oracle.changes_no_answer(list(before.values()), others)
        if before.get(MarkKind.DELIVERY) == after.get(MarkKind.DELIVERY):
            return
        newer = oracle.day(after[MarkKind.DELIVERY]) - oracle.day(before[MarkKind.DELIVERY])
        assert newer.days < rules.delivery_refresh_days


@pytest.mark.parametrize(("days", "written"), [(0, False), (1, False), (6, False), (7, True), (8, True)])
def test_a_delivery_is_refreshed_after_so_many_days(
    days: int,
    written: bool,  # noqa: FBT001  (a table's column)
) -> None:
    before = evidence_of([mark("delivery", 1)])
    after = merge(before, evidence_of([mark("delivery", 1 + days, 1)]))
    assert worth_writing(before, after, Rules(delivery_refresh_days=7)) == written


def test_what_was_removed_is_written() -> None:
    before = evidence_of([mark("delivery", 1), mark("disable", 1)])
    assert worth_writing(before, without_override(before), Rules(delivery_refresh_days=365))


def test_the_first_delivery_is_written() -> None:
    assert worth_writing({}, evidence_of([mark("delivery", 1)]), Rules(delivery_refresh_days=365))


@pytest.mark.parametrize("kind", ["complaint", "hardBounce", "delivery"])
def test_what_is_known_already_is_not_written(kind: str) -> None:
    before, again = evidence_of([mark(kind, 1)]), evidence_of([mark(kind, 1)])
    assert not worth_writing(before, again, Rules())


def test_by_default_a_delivery_is_written_each_day() -> None:
    before = evidence_of([mark("delivery", 1)])
    after = merge(before, evidence_of([mark("delivery", 2)]))
    assert worth_writing(before, after, Rules())


@pytest.mark.parametrize(("refresh", "written"), [(1, True), (2, False), (7, False)])
def test_an_earlier_delivery_of_the_same_day_is_written_if_the_rules_are_exact(
    refresh: int,
    written: bool,  # noqa: FBT001  (a table's column)
) -> None:
    before = evidence_of([mark("delivery", 1, 3)])
    after = merge(before, evidence_of([mark("delivery", 1, 0)]))
    assert after != before
    assert worth_writing(before, after, Rules(delivery_refresh_days=refresh)) == written


@pytest.mark.parametrize("bounce", ["hardBounce", "softBounces", "undetermined"])
@pytest.mark.parametrize(("day", "written"), [(0, False), (1, True), (2, True)], ids=["before", "on its day", "after"])
def test_a_delivery_is_written_if_a_bounce_is_as_new_as_the_one_held(
    bounce: str,
    day: int,
    written: bool,  # noqa: FBT001  (a table's column)
) -> None:
    """Else an address would stay disabled that has been delivered to since its bounce."""
    before = evidence_of([mark("delivery", 1), mark(bounce, day)])
    after = merge(before, evidence_of([mark("delivery", 3)]))
    assert worth_writing(before, after, Rules(delivery_refresh_days=365)) == written


@pytest.mark.parametrize("kind", ["complaint", "notSpam", "optOut", "optIn"])
def test_no_complaint_or_choice_makes_a_delivery_worth_writing(kind: str) -> None:
    before = evidence_of([mark("delivery", 1), mark(kind, 2)])
    after = merge(before, evidence_of([mark("delivery", 3)]))
    assert not worth_writing(before, after, Rules(delivery_refresh_days=365))


def table_after(history: list[Mark], rules: Rules) -> Evidence:
    """Return what the table holds after marks arrived one by one."""
    held: Evidence = {}
    for each in history:
        merged = merge(held, evidence_of([each]))
        if worth_writing(held, merged, rules):
            held = merged
    return held


@given(HISTORIES, ALL_RULES)
def test_decisions_at_any_time_of_day_hide_what_is_earlier_and_nothing_else(history: list[Mark], rules: Rules) -> None:
    """What the table holds says the same as all that arrived, though not all of it was written."""
    exact = replace(rules, delivery_refresh_days=1)
    held = table_after(sorted(history, key=oracle.order), exact)
    for purpose in Purpose:
        expected = oracle.verdict(history, exact, transactional=purpose is Purpose.TRANSACTIONAL)
        found = assess(held, exact, purpose)
        assert found.state == expected.state
        if purpose is Purpose.BULK:
            assert found.reason == expected.reason


@given(st.lists(marks(FEEDBACK | MOSTLY_SOFT, 5, ids_tell_all=True), min_size=1, max_size=15), ALL_RULES)
def test_without_decisions_the_table_says_the_same_in_whatever_order_feedback_arrives(
    history: list[Mark], rules: Rules
) -> None:
    exact = replace(rules, delivery_refresh_days=1)
    feedback = [each for each in history if each.kind not in MADE_BY_PEOPLE]
    if feedback:
        assert assess(table_after(feedback, exact), exact).state == oracle.verdict(feedback, exact).state


def in_order(history: list[Mark]) -> list[Mark]:
    """Sort marks by time, without soft bounces of a delivery's day.

    Whether those count hangs on that very delivery, so no delivery but the daily refreshed is recent enough for them.
    """
    delivered = {each.day for each in history if each.kind is MarkKind.DELIVERY}
    return sorted(
        (each for each in history if each.kind is not MarkKind.SOFT_BOUNCE or each.day not in delivered),
        key=oracle.order,
    )


IN_ORDER = (
    st.lists(marks(ANY_KIND | MOSTLY_SOFT | MOSTLY_SOFT, 9, ids_tell_all=True), max_size=25).map(in_order).filter(bool)
)
SELDOM = st.builds(Rules, st.integers(1, 5), st.integers(5, 30), st.integers(2, 10))


@given(IN_ORDER, SELDOM)
def test_what_arrives_in_order_is_judged_alike_however_seldom_deliveries_are_refreshed(
    history: list[Mark], rules: Rules
) -> None:
    state = assess(table_after(history, rules), rules).state
    assert state is assess(evidence_of(history), rules).state


@pytest.mark.parametrize(
    "history",
    [
        [("delivery", 1), *softs(2, 3, 4, 5), ("delivery", 6), *softs(7)],
        [("delivery", 1), ("complaint", 2), ("hardBounce", 3), ("delivery", 4), ("notSpam", 5)],
        [("delivery", 1), ("optOut", 2), ("undetermined", 3), ("delivery", 4), ("optIn", 5)],
    ],
    ids=["sets the count of soft bounces back", "lifts a bounce under a complaint", "lifts a bounce under an opt-out"],
)
def test_a_delivery_that_will_decide_later_is_not_forgotten(history: list[Written]) -> None:
    rules = Rules(delivery_refresh_days=10)
    written = [mark(*each) for each in history]
    assert assess(evidence_of(written), rules).state is State.ENABLE
    assert assess(table_after(written, rules), rules).state is State.ENABLE


def test_types_of_the_item() -> None:
    item: dict[str, Any] = to_item("jane@example.com", Record.of(evidence_of([mark("complaint", 1)]), Rules()))
    assert item == {
        "UserId": "jane@example.com",
        "state": "disable",
        "suppressed": "disable",
        "reason": "complaint:abuse",
        "notificationType": "Complaint",
        "from": "news@example.org",
        "timestamp": at(1, 2),
        "evidence": {
            "complaint": {
                "at": at(1, 2),
                "from": "news@example.org",
                "messageId": "complaint-1-2",
                "feedbackId": "complaint-1-2",
                "feedbackType": "abuse",
            }
        },
    }
