"""What differs between the table and SES's list, for one address, by the rules of docs/operate.md."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.evidence import (
    Evidence,
    Mark,
    MarkKind,
    Record,
    Rules,
    State,
    bounces_cleared,
    evidence_of,
    merge,
    override,
)
from healthy_mailing.item import PUSHED, evidence_in, to_item
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.ses.difference import Difference, Known, Pushed, difference, mark_of, suppression
from healthy_mailing_cli.ses.suppression_list import Entry, SesReason
from support.marks import mark

from . import oracle, strategies

ADDRESS = "jane@example.com"
AT = "2026-03-10T12:00:00.000Z"

ENTRIES = st.builds(
    Entry,
    st.sampled_from([ADDRESS, "Jane@Example.com", "JANE@example.com"]),
    st.builds(strategies.at, st.integers(0, 3), st.integers(0, 3)),
    st.sampled_from(SesReason),
    st.sampled_from(["", "", "", "m"]),
)
# An address has one entry in each spelling.
LISTS = st.lists(ENTRIES, max_size=3, unique_by=lambda entry: entry.spelling)
HISTORIES: st.SearchStrategy[list[Mark]] = st.just([]) | strategies.histories(ids_tell_all=True)


@st.composite
def pushes(draw: st.DrawFn, entries: list[Entry]) -> Pushed | None:
    """Return no note of a push, one of any time, or one that fits an entry, at least nearly."""
    if not entries or draw(st.booleans()):
        time = strategies.at(draw(st.integers(0, 3)), draw(st.integers(0, 3)))
        return draw(st.none() | st.builds(Pushed, st.just(time), st.sampled_from(SesReason)))
    entry = draw(st.sampled_from(entries))
    apart = timedelta(seconds=draw(st.integers(-7, 7)))
    return Pushed(from_datetime(datetime.fromisoformat(entry.at) + apart), entry.reason)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Mark], Pushed | None, list[Entry], Rules]:
    entries = draw(LISTS)
    return draw(HISTORIES), draw(pushes(entries)), entries, draw(strategies.ALL_RULES)


Situation = tuple[list[Mark], Pushed | None, list[Entry], Rules]


def by_the_rules(history: list[Mark], rules: Rules) -> str | None:
    """Return for which reason SES's list should have an address: what feedback amounts to for transactional mail.

    A decision to disable is left out, so that what the feedback says is seen. One to enable stays.
    """
    newest = max((mark for mark in history if mark.kind == "override"), key=oracle.order, default=None)
    if newest is not None and dict(newest.detail)["state"] == "disable":
        history = [mark for mark in history if mark.kind != "override"]
    if not history:
        return None
    verdict = oracle.verdict(history, rules, transactional=True)
    if verdict.state != "disable":
        return None
    return "COMPLAINT" if verdict.reason.startswith("complaint") else "BOUNCE"


def compared(situation: Situation) -> tuple[Difference, Evidence]:
    history, pushed, entries, rules = situation
    evidence = evidence_of(history)
    return difference(ADDRESS, Known(evidence, pushed), entries, rules), evidence


@given(HISTORIES, strategies.ALL_RULES)
def test_the_list_should_have_whom_feedback_keeps_from_transactional_mail(history: list[Mark], rules: Rules) -> None:
    assert suppression(evidence_of(history), rules) == by_the_rules(history, rules)


def marked(kind: MarkKind, day: int) -> Mark:
    return mark(kind, strategies.at(day, 2))


def decided(state: State, day: int) -> Mark:
    return override(state, strategies.at(day, 2), "dana")


HARD, SPAM, LEFT = (marked(kind, 1) for kind in (MarkKind.HARD_BOUNCE, MarkKind.COMPLAINT, MarkKind.OPT_OUT))


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        ([SPAM], SesReason.COMPLAINT),
        ([HARD, SPAM], SesReason.COMPLAINT),
        ([HARD], SesReason.BOUNCE),
        ([marked(MarkKind.SOFT_BOUNCE, day) for day in range(5)], SesReason.BOUNCE),
        ([LEFT], None),
        ([LEFT, HARD], SesReason.BOUNCE),
        ([decided(State.DISABLE, 2)], None),
        ([decided(State.DISABLE, 2), SPAM], SesReason.COMPLAINT),
        ([HARD, SPAM, decided(State.ENABLE, 2)], None),
        ([SPAM, decided(State.ENABLE, 0)], SesReason.COMPLAINT),
        ([HARD, bounces_cleared(strategies.at(2, 2), "dana")], None),
        ([HARD, marked(MarkKind.DELIVERY, 2)], None),
        ([SPAM, marked(MarkKind.DELIVERY, 2)], SesReason.COMPLAINT),
        ([marked(MarkKind.UNDETERMINED, 1)], None),
        ([], None),
    ],
)
def test_the_table_of_the_runbook_holds(marks: list[Mark], reason: SesReason | None) -> None:
    assert suppression(evidence_of(marks), Rules()) is reason


@given(situations())
def test_only_who_is_not_on_the_list_is_put_there_and_for_the_right_reason(situation: Situation) -> None:
    history, _, entries, rules = situation
    found, _ = compared(situation)
    assert found.put == (None if entries else by_the_rules(history, rules))


@given(situations())
def test_only_what_a_push_made_is_taken_off_and_only_if_the_address_may_be_mailed(situation: Situation) -> None:
    history, pushed, entries, rules = situation
    found, _ = compared(situation)
    for entry in found.take_off:
        assert by_the_rules(history, rules) is None
        assert entry in entries
        assert (entry.spelling, entry.message_id) == (ADDRESS, "")
        assert pushed is not None
        assert entry.reason == pushed.reason
        assert abs(datetime.fromisoformat(entry.at) - datetime.fromisoformat(pushed.at)) <= timedelta(seconds=5)


@given(situations())
def test_an_enabled_address_s_entry_is_taken_off_taken_over_or_left(situation: Situation) -> None:
    """None is forgotten; and where one of others keeps it on the list, ours stays too."""
    history, _, entries, rules = situation
    found, _ = compared(situation)
    if entries and by_the_rules(history, rules) is None and not found.marks:
        assert {*found.take_off, *found.left} == {*entries}
        assert not {*found.take_off} & {*found.left}
    else:
        assert (found.take_off, found.left) == ((), ())


@given(situations())
def test_what_was_taken_over_is_taken_over_once(situation: Situation) -> None:
    _, pushed, entries, rules = situation
    found, evidence = compared(situation)
    for each in found.marks:
        evidence = merge(evidence, {each.slot: each})
    again = difference(ADDRESS, Known(evidence, pushed), entries, rules)
    assert again.marks == ()
    assert again.put is None or not entries
    assert again.left == found.left
    assert again.take_off == found.take_off
    if found.marks:
        assert suppression(evidence, rules) is not None


@given(situations(), st.data())
def test_the_order_of_the_list_does_not_matter(situation: Situation, data: st.DataObject) -> None:
    history, pushed, entries, rules = situation
    shuffled = data.draw(st.permutations(entries))
    found, _ = compared(situation)
    other, _ = compared((history, pushed, shuffled, rules))
    assert (found.put, found.marks) == (other.put, other.marks)
    assert ({*found.take_off}, {*found.left}) == ({*other.take_off}, {*other.left})


@given(situations())
def test_a_mark_says_just_what_the_list_says(situation: Situation) -> None:
    _, _, entries, _ = situation
    found, _ = compared(situation)
    kinds = {MarkKind.COMPLAINT: SesReason.COMPLAINT, MarkKind.HARD_BOUNCE: SesReason.BOUNCE}
    for each in found.marks:
        assert (each.at, kinds[each.kind]) in {(entry.at, entry.reason) for entry in entries}
        assert each.get("subType") == "OnAccountSuppressionList"
        assert (each.sender, each.message_id, each.feedback_id) == ("", "", "")


@given(situations())
def test_what_a_push_made_is_no_evidence(situation: Situation) -> None:
    """It only repeats what the table knew."""
    history, pushed, entries, rules = situation
    theirs = [entry for entry in entries if pushed is None or not pushed.made(ADDRESS, entry)]
    assert compared(situation)[0].marks == compared((history, pushed, theirs, rules))[0].marks


BOUNCED = mark(MarkKind.HARD_BOUNCE, AT)


def test_the_mail_server_s_own_words_are_kept() -> None:
    """SES puts an address on its list a moment after it reports the bounce."""
    evidence = evidence_of([BOUNCED])
    entry = Entry(ADDRESS, "2026-03-10T12:00:00.400Z", SesReason.BOUNCE)
    assert difference(ADDRESS, Known(evidence, None), [entry], Rules()) == Difference()


def test_a_complaint_that_only_ses_knows_is_taken_over_though_the_address_has_bounced() -> None:
    entry = Entry(ADDRESS, AT, SesReason.COMPLAINT)
    found = difference(ADDRESS, Known(evidence_of([BOUNCED]), None), [entry], Rules())
    assert [each.kind for each in found.marks] == [MarkKind.COMPLAINT]


@pytest.mark.parametrize(("reason", "code"), [("BOUNCE", "bounce:Permanent/"), ("COMPLAINT", "complaint:")])
def test_a_mark_taken_over_can_be_written_and_read(reason: str, code: str) -> None:
    taken_over = mark_of(Entry("Jane@Example.com", AT, SesReason(reason)))
    record = Record.of({taken_over.slot: taken_over}, Rules())
    item = to_item(ADDRESS, record)
    assert (item["state"], item["reason"]) == (State.DISABLE, f"{code}OnAccountSuppressionList")
    assert evidence_in(item) == {taken_over.slot: taken_over}


DELIVERED, NOT_SPAM = (mark(kind, AT) for kind in (MarkKind.DELIVERY, MarkKind.NOT_SPAM))
BEFORE = "2026-03-09T12:00:00.000Z"  # so these outweigh what an entry of that time says


@pytest.mark.parametrize(
    ("entry", "is_ours"),
    [
        (Entry(ADDRESS, BEFORE, SesReason.BOUNCE), True),
        (Entry(ADDRESS, "2026-03-09T12:00:05.000Z", SesReason.BOUNCE), True),
        (Entry(ADDRESS, "2026-03-09T11:59:55.000Z", SesReason.BOUNCE), True),
        (Entry(ADDRESS, "2026-03-09T12:00:05.001Z", SesReason.BOUNCE), False),
        (Entry(ADDRESS, "2026-03-09T11:59:54.999Z", SesReason.BOUNCE), False),
        (Entry("Jane@example.com", BEFORE, SesReason.BOUNCE), False),
        (Entry(ADDRESS, BEFORE, SesReason.BOUNCE, "m"), False),
        (Entry(ADDRESS, BEFORE, SesReason.COMPLAINT), False),
    ],
)
def test_an_enabled_address_is_taken_off_only_where_the_entry_is_just_as_the_push_made_it(
    entry: Entry, *, is_ours: bool
) -> None:
    known = Known(evidence_of([DELIVERED, NOT_SPAM]), Pushed(BEFORE, SesReason.BOUNCE))
    expected = Difference(take_off=(entry,)) if is_ours else Difference(left=(entry,))
    assert difference(ADDRESS, known, [entry], Rules()) == expected


@pytest.mark.parametrize("value", [None, "x", 1, {}, {"at": AT}, {"at": 1, "reason": "BOUNCE"}])
def test_a_note_that_this_program_did_not_write_is_none(value: Any) -> None:
    assert Pushed.of({"UserId": ADDRESS, PUSHED: value}) is None


@pytest.mark.parametrize("at", ["soon", "2026-03-10T12:00:00", ""])
def test_a_note_with_an_odd_time_fits_no_entry(at: str) -> None:
    pushed = Pushed.of({PUSHED: {"at": at, "reason": "BOUNCE"}})
    assert pushed is not None
    assert not pushed.made(ADDRESS, Entry(ADDRESS, AT, SesReason.BOUNCE))


def test_a_note_is_read_as_it_was_written() -> None:
    pushed = Pushed(AT, SesReason.BOUNCE)
    assert Pushed.of({PUSHED: pushed.to_map()}) == pushed
    assert Known.of(None) == Known({}, None)
    assert Known.of({"UserId": ADDRESS, "state": "review"}) is None


def test_the_mailbox_simulator_is_never_put_on_the_list_and_what_an_earlier_push_put_there_is_taken_off() -> None:
    address = "bounce+1@simulator.amazonses.com"
    ours, theirs = Entry(address, AT, SesReason.BOUNCE, ""), Entry(address, AT, SesReason.BOUNCE, "m")
    record = Record.of(evidence_of([mark_of(ours)]), Rules())

    def differs(of: str, *entries: Entry, **more: Any) -> Difference:
        known = Known.of({**to_item(of, record), **more})
        assert known is not None
        return difference(of, known, entries, Rules())

    assert differs(ADDRESS) == Difference(put=SesReason.BOUNCE)
    assert differs(address) == Difference()
    assert differs(address, ours, **{PUSHED: Pushed(AT, SesReason.BOUNCE).to_map()}) == Difference(take_off=(ours,))
    assert difference(address, Known({}, None), [theirs], Rules()) == Difference()
