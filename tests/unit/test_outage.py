"""Which addresses a mailbox provider's outage bounced, and until when their bounces are to be cleared."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.evidence import (
    BOUNCES,
    MADE_BY_PEOPLE,
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
from healthy_mailing.item import Item, to_item
from healthy_mailing_cli.table.outage import Clearing, Outage, caused_by

from .strategies import ALL_RULES, at, histories

# Gmail's of December 2020, with an hour of grace.
START, END = "2020-12-14T22:16:00.000Z", "2020-12-15T01:38:00.000Z"
CHRISTMAS = "2020-12-25T00:00:00.000Z"
OTHER_LISTS = ("OnTenantSuppressionList", "EmailValidationSuppressed")
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


def of(*marks: Mark, address: str = "jane@gmail.com") -> Item:
    return to_item(address, Record.of(evidence_of(marks), RULES))


EVERYBODY = Outage(START, END)
OLD, HIDDEN = "2020-01-01T00:00:00.000Z", "2020-06-01T00:00:00.000Z"
SUPPRESSED = hard(LATER, "OnAccountSuppressionList", "Amazon SES did not send the message")
UNDETERMINED = mark(MarkKind.UNDETERMINED, DURING)
ODD = {"UserId": "jane@gmail.com", "evidence": {"new": {}}}
ORIGINAL = {
    "UserId": "jane@gmail.com",
    "notificationType": "Bounce",
    "from": "news@example.org",
    "timestamp": "2020-12-14T18:00:00.000-05:00",
    "state": "disable",
}


@pytest.mark.parametrize(
    ("item", "outage", "listed_at"),
    [
        *((of(hard(when)), GMAIL, "") for when in (START, END)),
        (of(hard(), address="jane@example.com"), replace(GMAIL, domains=()), ""),
        (of(hard(text=""), address="jane@example.com"), EVERYBODY, ""),
        (of(UNDETERMINED), GMAIL, ""),
        (of(*(soft(f"2020-12-{day}T12:00:00.000Z") for day in range(15, 20))), replace(EVERYBODY, end=CHRISTMAS), ""),
        (ORIGINAL, EVERYBODY, ""),
        # What blocked it before does so no more: mail was delivered since, or it was cleared.
        (of(hard(OLD), mark(MarkKind.DELIVERY, HIDDEN), UNDETERMINED), GMAIL, ""),
        (of(hard(OLD), bounces_cleared(HIDDEN, "ops"), UNDETERMINED), GMAIL, ""),
        # Suppressed by SES itself since, which listed it during the outage.
        *((of(SUPPRESSED), GMAIL, listed_at) for listed_at in (START, END)),
    ],
)
def test_what_an_outage_keeps_from_mail_is_chosen(item: Item, outage: Outage, listed_at: str) -> None:
    assert caused_by(outage, item, RULES, listed_at) is not None


@pytest.mark.parametrize(
    ("item", "outage", "listed_at"),
    [
        *((of(hard(when)), GMAIL, "") for when in (BEFORE, LATER)),
        *(
            (of(hard(), address=other), GMAIL, "")
            for other in ("jane@mail.gmail.com", "jane@notgmail.com", '"gmail.com@x"@example.com', "jane@example.com")
        ),
        *((of(hard(text=text)), replace(GMAIL, domains=()), "") for text in ("smtp; 550 5.1.1 unknown", "")),
        # No bounces
        *((of(mark(kind, DURING)), GMAIL, "") for kind in MarkKind if kind not in BOUNCES | MADE_BY_PEOPLE),
        (of(override(State.DISABLE, DURING, "ops")), GMAIL, ""),
        (ODD, GMAIL, ""),
        (ORIGINAL, GMAIL, ""),  # has no text
        # Blocked by another bounce
        (of(hard(OLD), UNDETERMINED), GMAIL, ""),
        (of(soft(DURING), mark(MarkKind.UNDETERMINED, OLD)), GMAIL, ""),
        (of(UNDETERMINED, hard(LATER, text="smtp; 550 real")), GMAIL, ""),
        (of(*(soft(f"2020-12-{day:02d}T12:00:00.000Z") for day in range(9, 14)), hard()), GMAIL, ""),
        # Not blocked
        (of(hard(), mark(MarkKind.DELIVERY, LATER)), GMAIL, ""),
        (of(hard(), override(State.ENABLE, LATER, "ops")), GMAIL, ""),
        (of(hard(), bounces_cleared(END, "ops")), GMAIL, ""),
        (of(soft(DURING)), GMAIL, ""),
        (of(soft(DURING), mark(MarkKind.COMPLAINT, BEFORE)), GMAIL, ""),
        # Suppressed by SES itself, but not listed during the outage, of another domain, or by another list
        *((of(SUPPRESSED), GMAIL, listed_at) for listed_at in ("", BEFORE, LATER)),
        (of(SUPPRESSED, address="jane@example.com"), GMAIL, DURING),
        *((of(hard(DURING, subtype)), EVERYBODY, "") for subtype in ("OnAccountSuppressionList", *OTHER_LISTS)),
        *((of(hard(LATER, subtype)), GMAIL, DURING) for subtype in (*OTHER_LISTS, "General", "Suppressed")),
    ],
)
def test_what_it_does_not_keep_from_mail_is_left_alone(item: Item, outage: Outage, listed_at: str) -> None:
    assert caused_by(outage, item, RULES, listed_at) is None


FOUR_BEFORE = [soft(f"2020-12-{day:02d}T12:00:00.000Z") for day in range(10, 14)]


@pytest.mark.parametrize(
    ("marks", "until", "bounce", "states"),
    [
        ([hard()], END, hard(), (State.ENABLE, State.ENABLE)),
        ([*FOUR_BEFORE, soft(DURING)], END, soft(DURING), (State.ENABLE, State.ENABLE)),
        ([SUPPRESSED], LATER, SUPPRESSED, (State.ENABLE, State.ENABLE)),
        # Complaints, opt-outs and decisions stay in force.
        ([hard(), mark(MarkKind.COMPLAINT, BEFORE)], END, hard(), (State.DISABLE, State.DISABLE)),
        ([hard(), mark(MarkKind.OPT_OUT, BEFORE)], END, hard(), (State.DISABLE, State.ENABLE)),
        ([hard(), override(State.DISABLE, BEFORE, "ops")], END, hard(), (State.DISABLE, State.DISABLE)),
    ],
)
def test_it_is_cleared_until_the_end_of_the_outage_or_its_newest_bounce(
    marks: list[Mark], until: str, bounce: Mark, states: tuple[State, State]
) -> None:
    assert caused_by(GMAIL, of(*marks), RULES, DURING) == Clearing("jane@gmail.com", until, bounce, *states)


# ---- Of any evidence

OUTAGES = st.builds(
    lambda first, days, time: Outage(at(first, time), at(first + days, 3)),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 3),
)


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
    without = {slot: each for slot, each in cleared.items() if each.kind not in BOUNCES}
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
