"""The state of an address: each rule and its boundary by example, and all of them against the oracle."""

import re
from dataclasses import replace

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
    evidence_of,
    merge,
    override,
    unhidden,
    without_override,
    worth_writing,
)
from healthy_mailing.item import to_item
from healthy_mailing_cli.table.erasing import erased

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


# ---- By example. A mark is written `kind day`, or `kind day.time` with a time from 0 to 3; 2 is noon.


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


def history_of(text: str) -> list[Mark]:
    """Return the marks of text such as ``hard 1.0, soft 2-5``: kinds and days, each at one of four times of its day."""
    found = []
    for kind, first, last, time in re.findall(r"(\w+) (\d+)(?:-(\d+))?(?:\.(\d))?", text):
        full = {"soft": "softBounces", "hard": "hardBounce"}.get(kind, kind)
        found += [mark(full, day, int(time or 2)) for day in range(int(first), int(last or first) + 1)]
    return found


def cases(table: str) -> list[str]:
    return [line for line in table.splitlines() if line and line[0] != "#"]


# What is known (the mark that decides has a star), state, reason, and what the case shows.
CASES = """
# Rule 1: override to disable
disable 1*                  disable  operator         override to disable
disable 1*, delivery 9, optIn 9, notSpam 9  disable  operator         override to disable outlasts a delivery
disable 1*, complaint 2     disable  operator         override to disable outranks a later complaint
disable 1, enable 2*        enable   operator         override to enable lifts override to disable
disable 2*, enable 1        disable  operator         the newer override counts
# An override to enable hides what is not newer than it
complaint 1, enable 2*      enable   operator         enable hides an earlier complaint
optOut 1, enable 2*         enable   operator         enable hides an earlier opt-out
hard 1, enable 2*           enable   operator         enable hides an earlier hard bounce
hard 1.1, enable 1.2*       enable   operator         enable hides what is earlier on its day
complaint 1.2, hard 1.2, enable 1.2*  enable   operator         enable hides what is of its very moment
enable 1.1, hard 1.2*       disable  bounce:Permanent/General  enable does not hide what is later on its day
enable 1, complaint 2*      disable  complaint:abuse  enable does not hide a later complaint
soft 1-4, enable 5, soft 6*  enable   soft-bounces:1   enable hides soft bounces, which then do not count
soft 1, enable 2, soft 3-7*  disable  soft-bounces:5   a later soft bounce of the limit counts after enable
enable 1, delivery 2*       enable   delivery         a delivery after enable is newest
# A mark that bounces are cleared hides those that are not newer than it, and nothing else
hard 1, clear 2*            enable   bounces-cleared  clear hides an earlier hard bounce
hard 1.2, clear 1.2*        enable   bounces-cleared  clear hides a hard bounce of its very moment
clear 1.1, hard 1.2*        disable  bounce:Permanent/General  clear does not hide a hard bounce later on its day
undetermined 1, clear 2*    enable   bounces-cleared  clear hides an undetermined bounce
soft 1-5, clear 5, soft 6*  enable   soft-bounces:1   clear hides soft bounces, which then do not count
soft 1, clear 2, soft 3-7*  disable  soft-bounces:5   later soft bounces to the limit count after clear
soft 1.0, clear 1.1, soft 1.2, soft 2-5*  disable  soft-bounces:5   later on the day of a clearing, a soft bounce counts
soft 1.0, clear 1.1, soft 2-5*  enable   soft-bounces:4   earlier on it, it does not
soft 1.0, soft 1.3, enable 1.1, soft 2-5*  disable  soft-bounces:5   a soft bounce later on the day of enable counts
delivery 1.0, enable 1.1, soft 1.2, soft 2-5*  enable   soft-bounces:4   a delivery before enable counts for all its day
delivery 1.0, enable 1.1*, soft 1.2  enable   operator         of the day of a delivery and of enable, it is not shown
delivery 1.0, enable 1.1*, delivery 1.2  enable   operator         the day's first delivery was before enable
complaint 1*, hard 1, clear 2  disable  complaint:abuse  clear leaves a complaint in force
clear 2, complaint 3*       disable  complaint:abuse  clear leaves a complaint in force that is reported later
optOut 1*, hard 1, clear 2  disable  opt-out          clear leaves an opt-out in force
disable 1*, hard 1, clear 2  disable  operator         clear leaves override to disable in force
clear 1, enable 2*          enable   operator         clear before enable is hidden by it
enable 1, hard 2, clear 3*  enable   bounces-cleared  clear after enable hides bounces between them
clear 1, hard 2, clear 3*   enable   bounces-cleared  the newer clear counts
hard 1, clear 2, delivery 3*  enable   delivery         a delivery after clear is newest
clear 1*                    enable   bounces-cleared  clear alone
# Rule 2: complaints
complaint 1*                disable  complaint:abuse  complaint
complaint 1*, delivery 40   disable  complaint:abuse  a delivery never clears a complaint
complaint 1, notSpam 2*     enable   not-spam         not spam after a complaint
complaint 1.1, notSpam 1.2*  enable   not-spam         not spam after a complaint on one day
notSpam 1, complaint 2*     disable  complaint:abuse  complaint after not spam
notSpam 1.1, complaint 1.2*  disable  complaint:abuse  complaint after not spam on one day
complaint 1*, hard 2, optOut 2  disable  complaint:abuse  a complaint outranks a later hard bounce
hard 1*, notSpam 2          disable  bounce:Permanent/General  not spam does not clear a hard bounce
# Rule 3: opt-outs
optOut 1*                   disable  opt-out          opt-out
optOut 1*, delivery 40      disable  opt-out          a delivery never clears an opt-out
optOut 1.1, optIn 1.2*      enable   opt-in           opt-in after opt-out
optIn 1.1, optOut 1.2*      disable  opt-out          opt-out after opt-in
complaint 1*, optIn 2       disable  complaint:abuse  opt-in does not clear a complaint
optOut 1*, notSpam 2        disable  opt-out          not spam does not clear an opt-out
# Rule 4: hard bounces
hard 1*                     disable  bounce:Permanent/General  hard bounce
hard 1.3, delivery 2.0*     enable   delivery         delivery on the next day clears a hard bounce
hard 1.0*, delivery 1.3     disable  bounce:Permanent/General  delivery later on the same day does not
delivery 1, hard 2*         disable  bounce:Permanent/General  delivery before a hard bounce does not
hard 1, delivery 2, hard 3*  disable  bounce:Permanent/General  a hard bounce is judged by the newest
# Rule 5: soft bounces
soft 1-4*                   enable   soft-bounces:4   soft bounces on four days
soft 1-5*                   disable  soft-bounces:5   soft bounces on five days
soft 1-6*                   disable  soft-bounces:6   soft bounces on six days
soft 1-3, soft 4.0, soft 4.1, soft 4.3*  enable   soft-bounces:4   many soft bounces on one day are one
soft 1, soft 28-31*         disable  soft-bounces:5   soft bounces thirty days before the newest count
soft 1, soft 29-32*         enable   soft-bounces:4   soft bounces thirty-one days before do not
soft 1.0, soft 28-30, soft 31.3*  disable  soft-bounces:5   the window is of days, not of hours
soft 1-4, delivery 5, soft 6*  enable   soft-bounces:1   a delivery sets the count back
soft 1-5, delivery 6.0*     enable   delivery         a delivery clears five soft bounces
delivery 1.0, soft 1.3, soft 2-5*  enable   soft-bounces:4   soft bounces before and on the delivery's day do not count
optIn 1, delivery 2.1*, soft 2.2  enable   delivery         a soft bounce that does not count is not shown
delivery 1.3, soft 2.0, soft 3-6*  disable  soft-bounces:5   soft bounces from the day after the delivery count
soft 1-20*                  disable  soft-bounces:16  at most sixteen days are counted
# Rule 6: undetermined bounces
undetermined 1*             review   undetermined     undetermined
undetermined 1.3, delivery 2.0*  enable   delivery         delivery on the next day clears an undetermined bounce
undetermined 1.0*, delivery 1.3  review   undetermined     delivery on the same day does not clear it
undetermined 9, soft 1-5*   disable  soft-bounces:5   five soft bounces outrank an undetermined one
undetermined 1*, soft 1-4   review   undetermined     an undetermined bounce outranks four soft ones
undetermined 9, hard 1*     disable  bounce:Permanent/General  a hard bounce outranks an undetermined one
# Rule 7: otherwise
delivery 1*                 enable   delivery         delivery
optIn 1*                    enable   opt-in           opt-in
notSpam 1*                  enable   not-spam         not spam
soft 1*                     enable   soft-bounces:1   soft bounce
optIn 1, delivery 3*, notSpam 2  enable   delivery         the newest is shown
"""


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "reversed"])
@pytest.mark.parametrize("case", cases(CASES))
def test_state(case: str, reverse: bool) -> None:
    known, state, reason, _ = re.split(" {2,}", case, maxsplit=3)
    history = history_of(known)
    assessment = assess(evidence_of(reversed(history) if reverse else history), Rules())
    assert (assessment.state, assessment.reason) == (state, reason)
    assert assessment.mark == history_of(known.partition("*")[0])[-1]


# What is known, the state for bulk mail, and that for transactional mail.
TRANSACTIONAL = """
optOut 1                      disable  enable
optOut 1, delivery 2          disable  enable
optOut 1, optIn 2             enable   enable
optOut 1, complaint 2         disable  disable
optOut 1, complaint 2, notSpam 3  disable  enable
optOut 2, hard 1              disable  disable
optOut 1, hard 2, delivery 3  disable  enable
optOut 1, soft 2-5            disable  enable
optOut 1, soft 2-6            disable  disable
optOut 1, undetermined 1      disable  review
optOut 1, disable 2           disable  disable
optOut 1, enable 2            enable   enable
hard 1, enable 2, optOut 3    disable  enable
optOut 1, hard 1, clear 2     disable  enable
hard 1, clear 2               enable   enable
complaint 1                   disable  disable
undetermined 1                review   review
delivery 1                    enable   enable
"""


@pytest.mark.parametrize("case", cases(TRANSACTIONAL))
def test_an_opt_out_does_not_count_for_transactional_mail(case: str) -> None:
    known, bulk, transactional = re.split(" {2,}", case)
    item = to_item("jane@example.com", Record.of(evidence_of(history_of(known)), Rules()))
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
    diagnosis = ("diagnosticCode", "smtp; 550 5.1.1 <jane@example.com> unknown")
    bounce = mark("hardBounce", 1)
    bounce = replace(bounce, detail=(("action", "failed"), bounce.detail[0], diagnosis, *bounce.detail[1:]))
    history = [bounce, *history_of("soft 1, delivery 0, clear 0, enable 0")]
    item = to_item("jane@example.com", Record.of(erased(evidence_of(history)), Rules()))
    nobody = {"from": "", "messageId": ""}
    nobody = {"at": at(1, 2), "from": "", "messageId": "", "feedbackId": "~erased"}
    soft = {"bounceType": "Transient", "subType": "MailboxFull", **nobody}
    decided = {"at": at(0, 2), "by": "~erased", "note": ""}
    assert item["evidence"] == {
        "hardBounce": {"bounceType": "Permanent", "subType": "General", **nobody},
        "softBounces": {at(1, 2)[:10]: soft},
        "delivery": {"at": at(0, 2), "from": "", "messageId": ""},
        "bouncesCleared": decided,
        "override": {**decided, "state": "enable"},
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


# What the table holds, what arrives, after how many days a delivery is refreshed, and whether it is written.
WORTH_WRITING = """
# Another soft bounce of a day, if it changes an answer
soft 1.1                   soft 1.2                1    no
soft 1.2                   soft 1.1                1    no
soft 1.1                   soft 2.1                1    yes
soft 1.0, clear 1.1        soft 1.2                1    yes
soft 1.0, enable 1.1       soft 1.2                1    yes
soft 1.0                   clear 1.1, soft 1.2     1    yes
soft 1.0, clear 1.0        soft 1.1                1    yes
soft 1.0, optIn 1.2        soft 1.2                1    yes
soft 1.2, clear 1.1        soft 1.3                1    no
soft 1.0, clear 1.2        soft 1.1                1    no
soft 1.0, soft 2.0         soft 1.1, soft 2.1      1    no
soft 1.0, optIn 1.1        soft 1.2                1    yes
soft 1.0, notSpam 1.1      soft 1.2                1    yes
soft 1.0, delivery 1.1     soft 1.2                1    no
soft 1.0, hard 1.1         soft 1.2                1    no
soft 1.0                   soft 1.2, complaint 2   1    yes
# A delivery: the first, and then each after so many days
-                          delivery 1              365  yes
delivery 1                 delivery 2              1    yes
delivery 1                 delivery 1.1            7    no
delivery 1                 delivery 2.1            7    no
delivery 1                 delivery 7.1            7    no
delivery 1                 delivery 8.1            7    yes
delivery 1                 delivery 9.1            7    yes
# An earlier one of its day, if the rules are exact
delivery 1.3               delivery 1.0            1    yes
delivery 1.3               delivery 1.0            2    no
delivery 1.3               delivery 1.0            7    no
# One where a bounce is as new as the delivery held: else an address stays disabled that has been delivered to since
delivery 1, hard 0         delivery 3              365  no
delivery 1, hard 1         delivery 3              365  yes
delivery 1, hard 2         delivery 3              365  yes
delivery 1, soft 0         delivery 3              365  no
delivery 1, soft 1         delivery 3              365  yes
delivery 1, soft 2         delivery 3              365  yes
delivery 1, undetermined 0  delivery 3             365  no
delivery 1, undetermined 1  delivery 3             365  yes
delivery 1, undetermined 2  delivery 3             365  yes
delivery 1, complaint 2    delivery 3              365  no
delivery 1, notSpam 2      delivery 3              365  no
delivery 1, optOut 2       delivery 3              365  no
delivery 1, optIn 2        delivery 3              365  no
# What is known already
complaint 1                complaint 1             1    no
hard 1                     hard 1                  1    no
delivery 1                 delivery 1              1    no
"""


@pytest.mark.parametrize("case", cases(WORTH_WRITING))
def test_what_is_worth_writing(case: str) -> None:
    held, arriving, refresh, written = re.split(" {2,}", case)
    before = evidence_of(history_of(held))
    after = merge(before, evidence_of(history_of(arriving)))
    assert worth_writing(before, after, Rules(delivery_refresh_days=int(refresh))) is (written == "yes")


def test_what_was_removed_is_written() -> None:
    before = evidence_of([mark("delivery", 1), mark("disable", 1)])
    assert worth_writing(before, without_override(before), Rules(delivery_refresh_days=365))


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
        "delivery 1, soft 2-5, delivery 6, soft 7",
        "delivery 1, complaint 2, hard 3, delivery 4, notSpam 5",
        "delivery 1, optOut 2, undetermined 3, delivery 4, optIn 5",
    ],
    ids=["sets the count of soft bounces back", "lifts a bounce under a complaint", "lifts a bounce under an opt-out"],
)
def test_a_delivery_that_will_decide_later_is_not_forgotten(history: str) -> None:
    rules = Rules(delivery_refresh_days=10)
    written = history_of(history)
    assert assess(evidence_of(written), rules).state is State.ENABLE
    assert assess(table_after(written, rules), rules).state is State.ENABLE
