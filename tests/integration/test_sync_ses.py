"""What `mailing sync-ses` does where the table or SES's list changes meanwhile, or where it is interrupted."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from healthy_mailing.evidence import Mark, MarkKind, Rules, State, evidence_of, override
from healthy_mailing.item import PUSHED
from healthy_mailing.table import Table
from healthy_mailing_cli.commands.sync_ses import Direction, Plan, _compared
from healthy_mailing_cli.ses.suppression_list import Entry, Reason
from healthy_mailing_cli.ses.syncing import Done, Result, Sync
from healthy_mailing_cli.table.annotating import annotate
from healthy_mailing_cli.table.deleting import delete
from support.table import TABLE

from .conftest import Answer, items, refusal_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from healthy_mailing_cli.ses.suppression_list import SuppressionList

BOUNCED, AT, LATER = "2026-03-01T10:00:00.000Z", "2026-03-02T10:00:00.000Z", "2026-03-03T10:00:00.000Z"
ADDRESS = "a@example.com"
OURS = Entry(ADDRESS, AT, Reason.BOUNCE)
NOTE = {"at": {"S": AT}, "reason": {"S": "BOUNCE"}}
FAR = time.monotonic() + 6000


class Fake:
    """SES's list, which does something else when it is asked to put an address there."""

    def __init__(self, *entries: Entry, on_put: Callable[[], object] = lambda: None) -> None:
        self.held = {entry.spelling: entry for entry in entries}
        self._on_put = on_put

    def entries(self) -> list[Entry]:
        return list(self.held.values())

    def look_up(self, spelling: str) -> Entry | None:
        return self.held.get(spelling)

    def put(self, spelling: str, reason: Reason) -> str:
        self._on_put()
        self.held[spelling] = Entry(spelling, AT, reason)
        return AT

    def remove(self, spelling: str) -> str:
        del self.held[spelling]
        return AT


def mark(kind: MarkKind, at: str = BOUNCED) -> Mark:
    detail = (("bounceType", "Permanent"), ("subType", "General")) if kind is MarkKind.HARD_BOUNCE else ()
    return Mark(kind=kind, at=at, feedback_id="f", message_id="m", sender="news@example.org", detail=detail)


BOUNCE, ENABLED = mark(MarkKind.HARD_BOUNCE), override(State.ENABLE, AT, "dana")


@pytest.fixture
def table(client: "DynamoDBClient") -> Table:
    return Table(client, TABLE, Rules(), now=lambda: datetime(2026, 3, 1, tzinfo=UTC))


def known(table: Table, *marks: Mark, address: str = ADDRESS, pushed: bool = False) -> None:
    assert not table.add({address: evidence_of(marks)}, FAR)[0].error
    if pushed:
        assert annotate(table, address, PUSHED, {"at": AT, "reason": "BOUNCE"}, FAR).written


def syncing(table: Table, fake: Fake) -> Sync:
    return Sync(table, cast("SuppressionList", fake))


def note_of(client: "DynamoDBClient") -> Any:
    return items(client)[ADDRESS].get(PUSHED, {}).get("M")


# ---- push


def test_who_is_put_on_the_list_is_noted(client: "DynamoDBClient", table: Table) -> None:
    known(table, BOUNCE)
    fake = Fake()
    assert syncing(table, fake).put(ADDRESS) == Done(ADDRESS, Result.PUT)
    assert fake.entries() == [OURS]
    assert note_of(client) == NOTE


def test_who_was_enabled_meanwhile_is_not_put_on_the_list(client: "DynamoDBClient", table: Table) -> None:
    """A push of many thousands takes hours."""
    known(table, BOUNCE, ENABLED)
    fake = Fake()
    assert syncing(table, fake).put(ADDRESS) == Done(ADDRESS, Result.CHANGED)
    assert syncing(table, fake).put("forgotten@example.com") == Done("forgotten@example.com", Result.CHANGED)
    assert fake.entries() == []
    assert note_of(client) is None


def test_what_became_a_complaint_meanwhile_is_put_there_as_one(table: Table) -> None:
    known(table, BOUNCE, mark(MarkKind.COMPLAINT))
    fake = Fake()
    syncing(table, fake).put(ADDRESS)
    assert [entry.reason for entry in fake.entries()] == [Reason.COMPLAINT]


def test_an_interruption_while_ses_is_asked_loses_no_note(client: "DynamoDBClient", table: Table) -> None:
    """Whether the address is on the list by then is not known."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    known(table, BOUNCE)
    with pytest.raises(KeyboardInterrupt):
        syncing(table, Fake(on_put=interrupt)).put(ADDRESS)
    assert note_of(client)["reason"] == {"S": "BOUNCE"}


def test_what_ses_takes_for_no_address_fails_alone(client: "DynamoDBClient", table: Table) -> None:
    def refuse() -> None:
        raise ValueError("Invalid email address.")

    known(table, BOUNCE)
    done = syncing(table, Fake(on_put=refuse)).put(ADDRESS)
    assert done == Done(ADDRESS, Result.FAILED, "RefusedBySes", "SES refuses it: Invalid email address")
    assert note_of(client) is None


def test_what_was_forgotten_meanwhile_is_put_there_without_a_note(client: "DynamoDBClient", table: Table) -> None:
    known(table, BOUNCE)
    fake = Fake(on_put=lambda: delete(table, [ADDRESS], FAR))
    assert syncing(table, fake).put(ADDRESS) == Done(ADDRESS, Result.PUT)
    assert items(client) == {}


def test_a_note_that_the_table_refuses_is_told(table: Table, faults: dict[str, Answer]) -> None:
    known(table, BOUNCE)
    faults["BatchExecuteStatement"] = refusal_of(ADDRESS, "AccessDeniedException")
    done = syncing(table, Fake()).put(ADDRESS)
    assert done.result is Result.FAILED
    assert "could not note it" in done.message
    assert "docs/operate.md" in done.message


def test_our_entry_of_an_enabled_address_is_taken_off_and_the_note_too(client: "DynamoDBClient", table: Table) -> None:
    known(table, BOUNCE, ENABLED, pushed=True)
    fake = Fake(OURS)
    assert syncing(table, fake).take_off(ADDRESS, OURS) == Done(ADDRESS, Result.TAKEN_OFF)
    assert fake.entries() == []
    assert note_of(client) is None


@pytest.mark.parametrize(
    ("marks", "held"),
    [
        ([BOUNCE, ENABLED, mark(MarkKind.COMPLAINT, LATER)], OURS),
        ([BOUNCE], OURS),
        ([BOUNCE, ENABLED], Entry(ADDRESS, AT, Reason.COMPLAINT)),
        ([BOUNCE, ENABLED], Entry(ADDRESS, LATER, Reason.BOUNCE)),
        ([BOUNCE, ENABLED], Entry(ADDRESS, AT, Reason.BOUNCE, "m")),
    ],
    ids=["complained", "disabled", "ses: complained", "ses: later", "ses: by a mail"],
)
def test_what_changed_since_the_lists_were_read_is_left(
    client: "DynamoDBClient", table: Table, marks: list[Mark], held: Entry
) -> None:
    known(table, *marks, pushed=True)
    fake = Fake(held)
    assert syncing(table, fake).take_off(ADDRESS, OURS) == Done(ADDRESS, Result.CHANGED)
    assert fake.entries() == [held]
    assert note_of(client) == NOTE


def test_without_a_note_or_an_entry_nothing_is_taken_off(table: Table) -> None:
    known(table, BOUNCE, ENABLED)
    fake = Fake(OURS)
    assert syncing(table, fake).take_off(ADDRESS, OURS) == Done(ADDRESS, Result.CHANGED)
    assert fake.entries() == [OURS]
    known(table, BOUNCE, ENABLED, pushed=True)
    assert syncing(table, Fake()).take_off(ADDRESS, OURS) == Done(ADDRESS, Result.CHANGED)


def test_an_item_that_another_program_spoilt_meanwhile_is_left(client: "DynamoDBClient", table: Table) -> None:
    client.put_item(TableName=TABLE, Item={"UserId": {"S": ADDRESS}, "evidence": {"S": "x"}, "state": {"S": "disable"}})
    fake = Fake(OURS)
    assert syncing(table, fake).take_off(ADDRESS, OURS) == Done(ADDRESS, Result.CHANGED)
    assert syncing(table, Fake()).put(ADDRESS) == Done(ADDRESS, Result.CHANGED)
    assert fake.entries() == [OURS]


# ---- What is to be done


def planned(table: Table, fake: Fake, direction: Direction) -> Plan:
    return _compared(table, cast("SuppressionList", fake), direction)


def test_each_direction_changes_its_own_side(client: "DynamoDBClient", table: Table) -> None:
    known(table, BOUNCE, address="put@example.com")
    known(table, BOUNCE, ENABLED, pushed=True)
    theirs, odd = Entry("New@Example.com", AT, Reason.COMPLAINT), Entry("no address", AT, Reason.BOUNCE)
    spoilt = {"UserId": {"S": "spoilt@example.com"}, "state": {"S": "disable"}, "evidence": {"S": "x"}}
    index = {"suppressed": {"S": "disable"}, "updatedAt": {"S": AT}}
    client.put_item(TableName=TABLE, Item={**spoilt, **index})
    fake = Fake(OURS, theirs, odd)

    push, pull, both = (planned(table, fake, direction) for direction in Direction)
    assert (push.put, push.take_off, push.marks) == ([("put@example.com", Reason.BOUNCE)], [(ADDRESS, OURS)], {})
    assert (pull.put, pull.take_off, [*pull.marks]) == ([], [], ["new@example.com"])
    assert (both.put, both.take_off, both.marks) == (push.put, push.take_off, pull.marks)
    assert both.unreadable == ["spoilt@example.com"]
    assert both.listed == {Reason.BOUNCE: 2, Reason.COMPLAINT: 1}
    assert (both.changes, both.seconds) == (3, 3)
    assert both.what() == (
        "take 1 from SES's list into the table (new@example.com), take 1 off SES's list (a@example.com), "
        "put 1 on SES's list (put@example.com), in about 3 seconds"
    )


def test_what_was_taken_over_changes_nothing_the_second_time(client: "DynamoDBClient", table: Table) -> None:
    fake = Fake(Entry("New@Example.com", AT, Reason.COMPLAINT), Entry("new@example.com", AT, Reason.BOUNCE))
    sync = syncing(table, fake)
    assert list(sync.mark(planned(table, fake, Direction.BOTH).marks)) == [Done("new@example.com", Result.MARKED)]
    before = items(client)
    assert before["new@example.com"]["evidence"]["M"].keys() == {"hardBounce", "complaint"}
    assert planned(table, fake, Direction.BOTH).changes == 0
    assert items(client) == before


def test_a_mark_that_the_table_refuses_fails_alone(table: Table, faults: dict[str, Answer]) -> None:
    faults["BatchExecuteStatement"] = refusal_of("new@example.com", "AccessDeniedException")
    marks = {"new@example.com": (BOUNCE,), "other@example.com": (BOUNCE,)}
    done = {each.address: each for each in syncing(table, Fake()).mark(marks)}
    assert done["other@example.com"] == Done("other@example.com", Result.MARKED)
    assert done["new@example.com"] == Done("new@example.com", Result.FAILED, "AccessDeniedException")
