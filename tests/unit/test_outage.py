"""Which addresses a mailbox provider's outage bounced, and until when their bounces are to be cleared."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.evidence import (
    Evidence,
    Mark,
    MarkKind,
    Purpose,
    Record,
    Rules,
    State,
    assess,
    bounces_cleared,
    evidence_of,
    merge,
    override,
)
from healthy_mailing.item import to_item
from healthy_mailing_cli.table.outage import Clearing, Outage, caused_by

from .strategies import ALL_RULES, at, histories

# Gmail's of December 2020, with an hour of grace.
START, END = "2020-12-14T22:16:00.000Z", "2020-12-15T01:38:00.000Z"
BEFORE, DURING, LATER = "2020-12-14T22:15:59.999Z", "2020-12-14T23:00:00.000Z", "2020-12-16T08:00:00.000Z"
GMAIL = Outage(START, END, {"gmail.com"}, re.compile("gsmtp"))
TEXT = "smtp; 550-5.1.1 The email account that you tried to reach does not exist. gsmtp"
RULES = Rules()


def mark(kind: MarkKind, when: str, subtype: str = "General", text: str = TEXT) -> Mark:
    detail = {"bounceType": "Permanent", "subType": subtype, "diagnosticCode": text}
    return Mark(
        at=when,
        feedback_id=f"f-{when}",
        message_id=f"m-{when}",
        sender="news@example.org",
        detail=tuple(sorted((name, value) for name, value in detail.items() if value)),
        kind=kind,
    )


def hard(when: str = DURING, subtype: str = "General", text: str = TEXT) -> Mark:
    return mark(MarkKind.HARD_BOUNCE, when, subtype, text)


def soft(when: str, text: str = TEXT) -> Mark:
    return mark(MarkKind.SOFT_BOUNCE, when, "MailboxFull", text)


def of(*marks: Mark, address: str = "jane@gmail.com") -> dict[str, Any]:
    return to_item(address, Record.of(evidence_of(marks), RULES))


def selected(*marks: Mark, outage: Outage = GMAIL, listed_at: str = "", address: str = "jane@gmail.com") -> bool:
    return caused_by(outage, of(*marks, address=address), RULES, listed_at) is not None


def test_an_address_that_the_outage_bounced_is_cleared_until_the_end_of_it() -> None:
    assert caused_by(GMAIL, of(hard()), RULES) == Clearing("jane@gmail.com", END, hard(), State.ENABLE, State.ENABLE)


@pytest.mark.parametrize(("when", "chosen"), [(BEFORE, False), (START, True), (END, True), (LATER, False)])
def test_the_bounce_is_of_the_time_of_the_outage_with_its_ends(
    when: str,
    chosen: bool,  # noqa: FBT001  (a table's column)
) -> None:
    assert selected(hard(when)) is chosen


@pytest.mark.parametrize(
    ("address", "chosen"),
    [
        ("jane@gmail.com", True),
        ("jane@mail.gmail.com", False),
        ("jane@notgmail.com", False),
        ('"gmail.com@x"@example.com', False),
        ("jane@example.com", False),
    ],
)
def test_the_address_is_of_the_domain(address: str, chosen: bool) -> None:  # noqa: FBT001  (a table's column)
    assert selected(hard(), address=address) is chosen


def test_a_domain_that_the_provider_hosts_is_told_by_the_diagnostic_text() -> None:
    outage = replace(GMAIL, domains=())
    assert selected(hard(), outage=outage, address="jane@example.com")
    assert not selected(hard(text="smtp; 550 5.1.1 unknown"), outage=outage, address="jane@example.com")
    assert not selected(hard(text=""), outage=outage, address="jane@example.com")


def test_without_a_domain_or_a_text_all_bounces_of_the_time_count() -> None:
    assert selected(hard(text=""), outage=Outage(START, END), address="jane@example.com")


@pytest.mark.parametrize("kind", [MarkKind.HARD_BOUNCE, MarkKind.UNDETERMINED])
def test_every_kind_of_bounce_counts(kind: MarkKind) -> None:
    assert selected(mark(kind, DURING))
    days = [f"2020-12-{day:02d}T12:00:00.000Z" for day in range(14, 19)]
    assert selected(*(soft(day) for day in days), outage=replace(GMAIL, end="2020-12-18T23:00:00.000Z"))


def test_what_is_no_bounce_is_not_cleared() -> None:
    others = {MarkKind.COMPLAINT, MarkKind.OPT_OUT, MarkKind.OPT_IN, MarkKind.NOT_SPAM, MarkKind.DELIVERY}
    for kind in others:
        assert not selected(mark(kind, DURING))
    assert not selected(override(State.DISABLE, DURING, "ops"))


def test_complaints_opt_outs_and_decisions_stay_in_force() -> None:
    states = {
        MarkKind.COMPLAINT: (State.DISABLE, State.DISABLE),
        MarkKind.OPT_OUT: (State.DISABLE, State.ENABLE),
    }
    for kind, expected in states.items():
        found = caused_by(GMAIL, of(hard(), mark(kind, BEFORE)), RULES)
        assert found is not None
        assert (found.state, found.transactional) == expected
    found = caused_by(GMAIL, of(hard(), override(State.DISABLE, BEFORE, "ops")), RULES)
    assert found is not None
    assert (found.state, found.transactional) == (State.DISABLE, State.DISABLE)


def test_an_address_that_another_bounce_blocks_is_left_alone() -> None:
    old = "2020-01-01T00:00:00.000Z"
    assert not selected(hard(old), mark(MarkKind.UNDETERMINED, DURING))
    assert not selected(soft(DURING), mark(MarkKind.UNDETERMINED, old))
    assert not selected(mark(MarkKind.UNDETERMINED, DURING), hard(LATER, text="smtp; 550 real"))
    many = [soft(f"2020-12-{day:02d}T12:00:00.000Z") for day in range(9, 14)]
    assert not selected(*many, hard())
    # It does not block if mail was delivered since, or if it was cleared.
    delivered = mark(MarkKind.DELIVERY, "2020-06-01T00:00:00.000Z")
    assert selected(hard(old), delivered, mark(MarkKind.UNDETERMINED, DURING))
    cleared = bounces_cleared("2020-06-01T00:00:00.000Z", "ops")
    assert selected(hard(old), cleared, mark(MarkKind.UNDETERMINED, DURING))


def test_what_blocks_nothing_is_left_alone() -> None:
    assert not selected(hard(), mark(MarkKind.DELIVERY, LATER))
    assert not selected(hard(), override(State.ENABLE, LATER, "ops"))
    assert not selected(hard(), bounces_cleared(END, "ops"))
    assert not selected(soft(DURING))
    assert not selected(soft(DURING), mark(MarkKind.COMPLAINT, BEFORE))


def test_soft_bounces_of_the_outage_that_reached_the_limit_are_cleared() -> None:
    others = [soft(f"2020-12-{day:02d}T12:00:00.000Z") for day in range(10, 14)]
    found = caused_by(GMAIL, of(*others, soft(DURING)), RULES)
    assert found is not None
    assert (found.bounce, found.state) == (soft(DURING), State.ENABLE)


# ---- Addresses that SES itself suppresses since

SUPPRESSED = hard(LATER, "OnAccountSuppressionList", "Amazon SES did not send the message")


@pytest.mark.parametrize(
    ("listed_at", "chosen"), [("", False), (BEFORE, False), (START, True), (END, True), (LATER, False)]
)
def test_a_suppressed_address_counts_if_ses_listed_it_during_the_outage(
    listed_at: str,
    chosen: bool,  # noqa: FBT001  (a table's column)
) -> None:
    assert selected(SUPPRESSED, listed_at=listed_at) is chosen


def test_its_mark_covers_the_newer_bounce() -> None:
    found = caused_by(GMAIL, of(SUPPRESSED), RULES, DURING)
    assert found == Clearing("jane@gmail.com", LATER, SUPPRESSED, State.ENABLE, State.ENABLE)


@pytest.mark.parametrize(
    "subtype", ["OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"]
)
def test_mail_that_was_not_tried_during_the_outage_is_not_of_it(subtype: str) -> None:
    assert not selected(hard(DURING, subtype), outage=Outage(START, END))


@pytest.mark.parametrize("subtype", ["OnTenantSuppressionList", "EmailValidationSuppressed", "General", "Suppressed"])
def test_the_account_list_says_nothing_about_other_bounces(subtype: str) -> None:
    assert not selected(hard(LATER, subtype), listed_at=DURING)


def test_the_domain_counts_for_a_suppressed_address_too() -> None:
    assert not selected(SUPPRESSED, listed_at=DURING, address="jane@example.com")


# ---- Other items


def test_an_item_that_is_no_record_is_left_alone() -> None:
    assert caused_by(GMAIL, {"UserId": "jane@gmail.com", "evidence": {"new": {}}}, RULES) is None


def test_an_item_of_the_original_article_has_a_time_but_no_text() -> None:
    item = {
        "UserId": "jane@gmail.com",
        "notificationType": "Bounce",
        "from": "news@example.org",
        "timestamp": "2020-12-14T18:00:00.000-05:00",
        "state": "disable",
    }
    assert caused_by(GMAIL, item, RULES) is None
    assert caused_by(Outage(START, END), item, RULES) is not None


# ---- Of any evidence

OUTAGES = st.builds(
    lambda first, days, time: Outage(at(first, time), at(first + days, 3)),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 3),
)


def bounces_of(evidence: Evidence) -> Evidence:
    return {slot: each for slot, each in evidence.items() if each.kind in {"hardBounce", "softBounces", "undetermined"}}


@given(histories(ids_tell_all=True), OUTAGES, ALL_RULES)
def test_the_mark_leaves_no_bounce_that_blocks_and_changes_nothing_else(
    history: list[Mark], outage: Outage, rules: Rules
) -> None:
    evidence = evidence_of(history)
    found = caused_by(outage, to_item("jane@example.com", Record.of(evidence, rules)), rules)
    if found is None:
        return
    assert found.at == outage.end
    assert found.bounce in history
    assert outage.start <= found.bounce.at <= outage.end
    cleared = merge(evidence, evidence_of([bounces_cleared(found.at, "ops")]))
    states = [assess(cleared, rules, purpose).state for purpose in Purpose]
    assert states == [found.state, found.transactional]
    # What blocks it still is no bounce: without any, the state is the same.
    without = {slot: each for slot, each in cleared.items() if slot not in bounces_of(evidence)}
    assert states == [assess(without, rules, purpose).state for purpose in Purpose]
    # And it is cleared once.
    assert caused_by(outage, to_item("jane@example.com", Record.of(cleared, rules)), rules) is None


@given(histories(ids_tell_all=True), OUTAGES, ALL_RULES, st.integers(0, 8), st.integers(0, 3))
def test_after_it_a_late_bounce_of_the_outage_blocks_nothing_and_a_real_one_does(
    history: list[Mark], outage: Outage, rules: Rules, day: int, time: int
) -> None:
    evidence = evidence_of(history)
    found = caused_by(outage, to_item("jane@example.com", Record.of(evidence, rules)), rules)
    if found is None or found.state is not State.ENABLE:
        return
    bounce = hard(at(day, time))
    cleared = merge(evidence, evidence_of([bounces_cleared(found.at, "ops")]))
    after = merge(cleared, evidence_of([bounce]))
    delivered = any(each.kind is MarkKind.DELIVERY and each.day > bounce.day for each in history)
    enabled = [each for each in history if each.kind is MarkKind.OVERRIDE and each.at >= bounce.at]
    hidden = bounce.at <= outage.end
    assert (assess(after, rules).state is State.ENABLE) is bool(hidden or delivered or enabled)
