"""What `mailing sync-ses` does where the table or SES's list changes meanwhile, or where it is interrupted."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from healthy_mailing.evidence import Mark, MarkKind, Rules, State, override
from healthy_mailing.item import PUSHED
from healthy_mailing.table import Table
from healthy_mailing_cli.commands.sync_ses import _warn, _what
from healthy_mailing_cli.ses.plan import Direction, Plan, planned
from healthy_mailing_cli.ses.suppression_list import Entry, SesReason, by_address
from healthy_mailing_cli.ses.syncing import Done, Result, Sync
from healthy_mailing_cli.shell.connection import step_deadline
from healthy_mailing_cli.table.deleting import delete
from support.marks import mark
from support.suppression import FakeList, known
from support.table import TABLE

from .conftest import DynamoDB, Faults, items, refusal_of

if TYPE_CHECKING:
    from healthy_mailing_cli.ses.suppression_list import SuppressionList

BOUNCED, AT, LATER = "2026-03-01T10:00:00.000Z", "2026-03-02T10:00:00.000Z", "2026-03-03T10:00:00.000Z"
ADDRESS = "a@example.com"
OURS = Entry(ADDRESS, AT, SesReason.BOUNCE)
NOTE = {"at": {"S": AT}, "reason": {"S": "BOUNCE"}}
BOUNCE, COMPLAINT = mark(MarkKind.HARD_BOUNCE, BOUNCED), mark(MarkKind.COMPLAINT, LATER)
ENABLED = override(State.ENABLE, AT, "dana")
DONE = {result: Done(ADDRESS, result) for result in Result}


@pytest.fixture
def table(client: DynamoDB) -> Table:
    return Table(client, TABLE, Rules(), now=lambda: datetime(2026, 3, 1, tzinfo=UTC))


def syncing(table: Table, fake: FakeList) -> Sync:
    return Sync(table, cast("SuppressionList", fake))


def note_of(client: DynamoDB) -> Any:
    return items(client).get(ADDRESS, {}).get(PUSHED, {}).get("M")


def spoil(client: DynamoDB, address: str, **more: Any) -> None:
    """Let another program write an item."""
    item: Any = {"UserId": {"S": address}, "state": {"S": "disable"}, "evidence": {"S": "x"}, **more}
    client.put_item(TableName=TABLE, Item=item)


# ---- push


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        ([BOUNCE], SesReason.BOUNCE),
        ([BOUNCE, COMPLAINT], SesReason.COMPLAINT),
        ([BOUNCE, ENABLED], None),
        ([], None),
    ],
    ids=["bounced", "complained meanwhile", "enabled meanwhile", "forgotten meanwhile"],
)
def test_who_is_put_on_the_list_is_noted(
    client: DynamoDB, table: Table, marks: list[Mark], reason: SesReason | None
) -> None:
    """A push of many thousands takes hours, so the table is asked once more."""
    if marks:
        known(table, ADDRESS, *marks)
    fake = FakeList(at=AT)
    assert syncing(table, fake).put(ADDRESS) == DONE[Result.PUT if reason else Result.CHANGED]
    assert fake.entries() == ([Entry(ADDRESS, AT, reason)] if reason else [])
    assert note_of(client) == ({**NOTE, "reason": {"S": str(reason)}} if reason else None)


def test_an_interruption_while_ses_is_asked_loses_no_note(client: DynamoDB, table: Table) -> None:
    """Whether the address is on the list by then is not known."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    known(table, ADDRESS, BOUNCE)
    with pytest.raises(KeyboardInterrupt):
        syncing(table, FakeList(on_put=interrupt)).put(ADDRESS)
    assert note_of(client)["reason"] == {"S": "BOUNCE"}


def test_what_ses_takes_for_no_address_fails_alone(client: DynamoDB, table: Table) -> None:
    def refuse() -> None:
        raise ValueError("Invalid email address.")

    known(table, ADDRESS, BOUNCE)
    done = syncing(table, FakeList(on_put=refuse)).put(ADDRESS)
    assert done == Done(ADDRESS, Result.FAILED, "RefusedBySes", "SES refuses it: Invalid email address")
    assert note_of(client) is None


def test_what_was_forgotten_while_ses_is_asked_is_put_there_without_a_note(client: DynamoDB, table: Table) -> None:
    known(table, ADDRESS, BOUNCE)
    fake = FakeList(on_put=lambda: delete(table, [ADDRESS], step_deadline()))
    assert syncing(table, fake).put(ADDRESS) == DONE[Result.PUT]
    assert items(client) == {}


def test_a_note_that_the_table_refuses_is_told(table: Table, faults: Faults) -> None:
    known(table, ADDRESS, BOUNCE)
    faults["BatchExecuteStatement"] = refusal_of(ADDRESS, "AccessDeniedException")
    done = syncing(table, FakeList()).put(ADDRESS)
    assert done.result is Result.FAILED
    assert "could not note it" in done.message
    assert "docs/operate.md" in done.message


@pytest.mark.parametrize(
    ("marks", "pushed", "held", "is_taken_off"),
    [
        ([BOUNCE, ENABLED], OURS, OURS, True),
        ([BOUNCE, ENABLED, COMPLAINT], OURS, OURS, False),
        ([BOUNCE], OURS, OURS, False),
        ([BOUNCE, ENABLED], OURS, Entry(ADDRESS, LATER, SesReason.BOUNCE), False),
        ([BOUNCE, ENABLED], OURS, None, False),
        ([BOUNCE, ENABLED], None, OURS, False),
    ],
    ids=["ours", "complained", "disabled", "ses: later", "ses: gone", "not ours"],
)
def test_what_changed_since_the_lists_were_read_is_left(
    client: DynamoDB, table: Table, marks: list[Mark], pushed: Entry | None, held: Entry | None, is_taken_off: bool
) -> None:
    known(table, ADDRESS, *marks, pushed=pushed)
    fake = FakeList(*filter(None, [held]))
    assert syncing(table, fake).take_off(ADDRESS, OURS) == DONE[Result.TAKEN_OFF if is_taken_off else Result.CHANGED]
    assert fake.entries() == ([held] if held and not is_taken_off else [])
    assert note_of(client) == (NOTE if pushed and not is_taken_off else None)


def test_an_item_that_another_program_spoilt_meanwhile_is_left(client: DynamoDB, table: Table) -> None:
    spoil(client, ADDRESS)
    fake = FakeList(OURS)
    assert syncing(table, fake).take_off(ADDRESS, OURS) == DONE[Result.CHANGED]
    assert syncing(table, FakeList()).put(ADDRESS) == DONE[Result.CHANGED]
    assert fake.entries() == [OURS]


# ---- What is to be done


def plan_of(table: Table, fake: FakeList, direction: Direction) -> Plan:
    return planned(table, by_address(fake.entries()), direction)


def test_each_direction_changes_its_own_side(
    client: DynamoDB, table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    known(table, "put@example.com", BOUNCE)
    known(table, ADDRESS, BOUNCE, ENABLED, pushed=OURS)
    theirs, odd = Entry("New@Example.com", AT, SesReason.COMPLAINT), Entry("no address", AT, SesReason.BOUNCE)
    spoil(client, "spoilt@example.com", suppressed={"S": "disable"}, updatedAt={"S": AT})
    fake = FakeList(OURS, theirs, odd)

    push, pull, both = (plan_of(table, fake, direction) for direction in Direction)
    assert (push.put, push.take_off, push.marks) == ({"put@example.com": SesReason.BOUNCE}, {ADDRESS: OURS}, {})
    assert (pull.put, pull.take_off, [*pull.marks]) == ({}, {}, ["new@example.com"])
    assert (both.put, both.take_off, both.marks) == (push.put, push.take_off, pull.marks)
    assert both.unreadable == ["spoilt@example.com"]
    assert (both.changes, both.seconds) == (3, 3)
    assert _what(both) == (
        "take 1 from SES's list into the table (new@example.com), take 1 off SES's list (a@example.com), "
        "put 1 on SES's list (put@example.com), in about 3 seconds"
    )
    _warn(both, {*SesReason})
    assert capsys.readouterr().err == (
        "Left alone, since another program or a newer version of this one wrote their items: 1 address, "
        "spoilt@example.com.\n"
    )


@pytest.mark.parametrize(
    ("enforced", "unused"), [(SesReason.BOUNCE, "complaints"), (SesReason.COMPLAINT, "bounces")], ids=str
)
def test_a_reason_for_which_ses_does_not_use_its_list_is_told(
    table: Table, capsys: pytest.CaptureFixture[str], enforced: SesReason, unused: str
) -> None:
    """Whether the list has it, or gets it."""
    known(table, ADDRESS, BOUNCE)
    _warn(plan_of(table, FakeList(Entry("b@example.com", AT, SesReason.COMPLAINT)), Direction.PUSH), {enforced})
    (line,) = capsys.readouterr().err.splitlines()
    assert f"SES does not use its list for {unused}" in line


def test_what_was_taken_over_changes_nothing_the_second_time(client: DynamoDB, table: Table) -> None:
    fake = FakeList(Entry("New@Example.com", AT, SesReason.COMPLAINT), Entry("new@example.com", AT, SesReason.BOUNCE))
    sync = syncing(table, fake)
    assert list(sync.mark(plan_of(table, fake, Direction.BOTH).marks)) == [Done("new@example.com", Result.MARKED)]
    before = items(client)
    assert before["new@example.com"]["evidence"]["M"].keys() == {"hardBounce", "complaint"}
    assert plan_of(table, fake, Direction.BOTH).changes == 0
    assert items(client) == before


def test_a_mark_that_the_table_refuses_fails_alone(table: Table, faults: Faults) -> None:
    faults["BatchExecuteStatement"] = refusal_of("new@example.com", "AccessDeniedException")
    marks = {"new@example.com": (BOUNCE,), "other@example.com": (BOUNCE,)}
    done = {each.address: each for each in syncing(table, FakeList()).mark(marks)}
    assert done["other@example.com"] == Done("other@example.com", Result.MARKED)
    assert done["new@example.com"] == Done("new@example.com", Result.FAILED, "AccessDeniedException")
