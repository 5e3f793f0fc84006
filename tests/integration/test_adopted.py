"""Rows of the original article's function, whose key is an address as SES spells it: they count, and become one row."""

import importlib
import itertools
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from healthy_mailing import operations
from healthy_mailing.address import spellings
from healthy_mailing.evidence import Evidence, Mark, MarkKind, Purpose, Rules, State, evidence_of, override
from healthy_mailing.item import to_dynamodb
from healthy_mailing.row import Outcome, Row
from healthy_mailing.table import Table
from healthy_mailing_cli.table import clearing, deleting, erasing, lookups, reassessing
from healthy_mailing_cli.table.annotating import annotate
from healthy_mailing_cli.table.moving import move
from support import ses
from support.faults import first, lose_answer, refuse
from support.marks import mark
from support.table import TABLE

from .conftest import (
    JANE,
    SPELLED,
    DynamoDB,
    Faults,
    add,
    article,
    between,
    calls,
    consistency,
    items,
    refusal,
    refusal_of,
    soon,
    table_of,
)
from .lookup_api import Api, start

LATER, NOW = "2026-03-01T12:00:00.000Z", "2026-03-20T12:00:00.000Z"


@pytest.fixture(autouse=True)
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nothing rests here; a list says for how long it would."""
    rested: list[float] = []
    monkeypatch.setattr("healthy_mailing_cli.table.moving.sleep", rested.append)
    return rested


@pytest.fixture
def api(client: DynamoDB, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Api:
    return start(client, faults, monkeypatch)


def may_be_mailed(client: DynamoDB, *given: str, purpose: Purpose = Purpose.BULK) -> dict[str, bool]:
    answers = operations.check(table_of(client), given, soon(), purpose=purpose, consistent=True)
    return {answer.given: answer.may_be_mailed for answer in answers}


def reassess(client: DynamoDB, *, keep: bool = False, dry_run: bool = False) -> dict[str, Outcome]:
    count = len(items(client))
    pages = list(reassessing.reassess(table_of(client), dry_run=dry_run, keep_spellings=keep))
    assert sum(read for read, _ in pages) == count
    return {outcome.address: outcome for _, outcomes in pages for outcome in outcomes}


# ---- They count


@pytest.mark.parametrize("kind", ["Complaint", "Bounce"])
@pytest.mark.parametrize("given", [SPELLED, f"Jane <{SPELLED}>", f" {SPELLED} "])
def test_a_row_counts_for_who_asks_in_its_spelling(client: DynamoDB, api: Api, kind: str, given: str) -> None:
    article(client, kind=kind)
    for purpose in Purpose:
        assert may_be_mailed(client, given, purpose=purpose) == {given: False}
    (answer,) = api("POST", "/check", {"addresses": [given]}).body["addresses"]
    assert (answer["address"], answer["known"], answer["mayBeMailed"]) == (JANE, True, False)
    reply = api("GET", f"/addresses/{SPELLED.replace('@', '%40')}")
    assert (reply.status, reply.body["address"], reply.body["state"]) == (200, JANE, "disable")


def test_an_address_in_canonical_spelling_costs_one_key(client: DynamoDB) -> None:
    reads = calls(client, "BatchGetItem")
    may_be_mailed(client, JANE, SPELLED, "joe@example.com")
    (keys,) = (read["RequestItems"][TABLE]["Keys"] for read in reads)
    assert [key["UserId"]["S"] for key in keys] == [JANE, "joe@example.com", SPELLED]


@pytest.mark.parametrize(
    ("row", "other", "expected"),
    [
        ("Complaint", mark(MarkKind.DELIVERY), (False, "complaint")),
        ("Complaint", mark(MarkKind.HARD_BOUNCE), (False, "complaint")),
        ("Bounce", mark(MarkKind.DELIVERY), (True, "delivery")),  # rule 4: of mail sent on a later day
        ("Delivery", mark(MarkKind.COMPLAINT), (False, "complaint")),
        ("Complaint", override(State.ENABLE, LATER, "dana"), (True, "operator")),
        ("Delivery", mark(MarkKind.DELIVERY), (True, "delivery")),
    ],
)
def test_both_rows_of_an_address_are_weighed_together(
    client: DynamoDB, row: str, other: Mark, expected: tuple[bool, str]
) -> None:
    article(client, kind=row)
    add(client, other, address=JANE)
    (answer,) = operations.check(table_of(client), [SPELLED], soon(), purpose=Purpose.BULK, consistent=True)
    assert (answer.may_be_mailed, answer.reason) == expected


def test_other_rules_than_those_of_the_table_let_nobody_through(client: DynamoDB) -> None:
    """`check` may not read the function's settings: by the default rules, three soft bounces block nobody."""
    soft = [mark(MarkKind.SOFT_BOUNCE, day) for day in (1, 2, 3)]
    strict = Table(client, TABLE, Rules(soft_bounce_limit=3))
    strict.add({JANE: evidence_of(soft)}, soon())
    article(client, kind="Delivery")
    assert may_be_mailed(client, SPELLED) == {SPELLED: False}


def test_a_row_that_is_no_record_keeps_mail_back_and_is_left_and_told_of(client: DynamoDB) -> None:
    client.put_item(TableName=TABLE, Item={"UserId": {"S": SPELLED}, "state": {"S": "disable"}})
    add(client, mark(MarkKind.DELIVERY), address=JANE)
    assert may_be_mailed(client, SPELLED) == {SPELLED: False}
    assert may_be_mailed(client, JANE) == {JANE: True}
    add(client, override(State.DISABLE, LATER, "dana", "called"), address=JANE)
    table, given = table_of(client), {JANE: [SPELLED]}
    assert lookups.rows_beside(table, [JANE], soon(), spellings=given) == {}
    removed = operations.remove_override(table, JANE, soon(), spellings=given)
    assert removed is not None
    assert not removed.error
    (erased,) = erasing.erase(table, [JANE], soon(), spellings=given)
    assert erased.error == reassess(client)[JANE].error == "RecordError"
    assert items(client).keys() == {JANE, SPELLED}


@pytest.mark.parametrize(
    "act",
    [
        lambda table, given: operations.set_overrides(
            table, [JANE], State.ENABLE, soon(), now=NOW, by="d", note="", spellings=given
        ),
        lambda table, given: clearing.clear_bounces(
            table, {JANE: NOW}, soon(), now=NOW, by="d", note="", always=True, spellings=given
        ),
        lambda table, given: lookups.weighed(table, [Outcome(JANE)], soon(), spellings=given),
        lambda table, _: lookups.rows_beside(
            table, ["jane@xn--strae-oqa.de"], soon(), spellings={"jane@xn--strae-oqa.de": ["jane@stra\u00dfe.de"]}
        ),
    ],
    ids=["override", "clear", "weighed", "beside"],
)
def test_who_decides_goes_by_no_old_copy(
    client: DynamoDB, act: Callable[[Table, Mapping[str, list[str]]], object]
) -> None:
    article(client)
    reads = calls(client, "BatchGetItem")
    act(table_of(client), {JANE: [SPELLED]})
    assert set(consistency(reads)) == {True}


def test_a_row_that_can_not_be_read_is_no_row_that_is_not_there() -> None:
    """As where it is asked for in another request than the canonical one."""
    assert Row().joined_with(Row(error="AccessDeniedException")).error == "AccessDeniedException"


def test_feedback_counts_what_the_row_in_the_spelling_of_ses_knows(
    client: DynamoDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    article(client)
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.delitem(sys.modules, "feedback", raising=False)
    feedback = importlib.import_module("feedback")
    monkeypatch.setattr(feedback, "table", table_of(client))
    context = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 600_000)
    feedback.handler(ses.sns_event(ses.delivery(SPELLED)), context)

    assert items(client)[JANE]["evidence"]["M"].keys() == {"complaint", "delivery"}
    assert may_be_mailed(client, JANE, SPELLED) == {JANE: False, SPELLED: False}


def test_a_decision_outranks_the_row_and_takes_its_evidence_over(client: DynamoDB, api: Api) -> None:
    article(client)
    reply = api("PUT", f"/addresses/{SPELLED}/override", {"state": "enable"})
    assert (reply.status, reply.body["state"]) == (200, "enable")
    assert may_be_mailed(client, JANE, SPELLED) == {JANE: True, SPELLED: True}
    assert items(client)[JANE]["evidence"]["M"].keys() == {"complaint", "override"}


def test_bounces_of_the_row_are_cleared(client: DynamoDB) -> None:
    article(client, kind="Bounce")
    (outcome,) = clearing.clear_bounces(
        table_of(client), {JANE: NOW}, soon(), now=NOW, by="d", note="", always=False, spellings={JANE: [SPELLED]}
    )
    assert outcome.change is not None
    assert (outcome.change.before, outcome.change.after) == (State.DISABLE, State.ENABLE)
    assert may_be_mailed(client, JANE, SPELLED) == {JANE: True, SPELLED: True}


def test_a_person_is_erased_in_all_given_spellings(client: DynamoDB) -> None:
    article(client)
    (outcome,) = erasing.erase(table_of(client), [JANE], soon(), spellings=spellings([SPELLED]))
    assert (outcome.written, outcome.error) == (True, "")
    assert items(client).keys() == {JANE}
    assert "news@" not in str(items(client))
    assert may_be_mailed(client, SPELLED) == {SPELLED: False}


def test_a_person_is_forgotten_in_all_given_spellings(client: DynamoDB) -> None:
    given = spellings([SPELLED])
    for _ in range(2):  # without a canonical row, and with one
        article(client)
        assert deleting.delete(table_of(client), [JANE], soon(), spellings=given) == [Outcome(JANE, written=True)]
        assert items(client) == {}
        add(client, mark(MarkKind.DELIVERY), address=JANE)


def test_a_list_goes_on_behind_such_a_row(client: DynamoDB, api: Api) -> None:
    more = {"suppressed": {"S": "disable"}, "updatedAt": {"S": "2026-03-20T12:00:00Z"}}
    article(client, more=more)
    article(client, "Other@Example.com", more=more)
    first_page = api("GET", "/addresses?state=disable&limit=1").body
    second = api("GET", f"/addresses?state=disable&limit=1&cursor={first_page['cursor']}")
    assert second.status == 200
    found = {each["address"] for each in first_page["addresses"] + second.body["addresses"]}
    assert found == {SPELLED, "Other@Example.com"}


def test_the_old_function_undoes_what_is_recorded_and_the_queue_brings_it_back(client: DynamoDB) -> None:
    """So examples/adopt lets feedback wait until that function is gone."""
    complaint = mark(MarkKind.COMPLAINT)
    add(client, complaint, address=JANE)
    article(client, JANE, "Delivery")
    reassess(client)
    assert may_be_mailed(client, JANE) == {JANE: True}
    add(client, complaint, address=JANE)
    assert may_be_mailed(client, JANE) == {JANE: False}


# ---- They become one row


def test_reassessing_makes_one_canonical_row(client: DynamoDB) -> None:
    article(client, kind="Complaint")
    article(client, SPELLED.upper(), kind="Bounce")
    article(client, "Fine@Example.com", kind="Delivery")
    article(client, "orders", kind="Bounce")  # no address
    add(client, mark(MarkKind.DELIVERY), address=JANE)

    would = reassess(client, dry_run=True)
    assert {address: outcome.moved for address, outcome in would.items() if outcome.moved} == {
        JANE: 2,
        "fine@example.com": 1,
    }
    assert len(items(client)) == 5
    outcomes = reassess(client)
    assert sum(outcome.moved for outcome in outcomes.values()) == 3 or outcomes[JANE].moved == 1  # of two pages
    after = items(client)
    assert after.keys() == {JANE, "fine@example.com", "orders"}
    assert after[JANE]["evidence"]["M"].keys() == {"complaint", "hardBounce", "delivery"}
    assert (after[JANE]["state"]["S"], after[JANE]["suppressed"]["S"]) == ("disable", "disable")
    assert reassess(client) == {}


@pytest.mark.parametrize("keep", [False, True])
def test_a_dry_run_says_what_the_run_then_reports(client: DynamoDB, keep: bool) -> None:
    """Of every kind of canonical row, with every kind of row beside it, wherever both are in the table."""
    odd, more = {"evidence": {"S": "none"}}, {"theirs": {"S": "x"}}
    canonical = (None, "Complaint", "odd", "ours", "out of date")
    spelled: list[list[tuple[Callable[[str], str], str, Mapping[str, Any]]]] = [
        [],
        [(str.title, "Complaint", {})],
        [(str.title, "Bounce", {})],
        [(str.title, "Delivery", {})],
        [(str.title, "Complaint", odd)],
        [(str.title, "Complaint", more)],
        [(str.title, "Complaint", {}), (str.upper, "Delivery", {})],
        [(str.title, "Complaint", odd), (str.upper, "Bounce", {})],
    ]
    for number, (kind, others) in enumerate(itertools.product(canonical, spelled)):
        address = f"jane{number}@example.com"
        if kind in {"Complaint", "odd"}:
            article(client, address, more=odd if kind == "odd" else {})
        elif kind:
            add(client, mark(MarkKind.DELIVERY if kind == "ours" else MarkKind.COMPLAINT), address=address)
        if kind == "out of date":
            key = to_dynamodb({"UserId": address})
            client.update_item(TableName=TABLE, Key=key, UpdateExpression="REMOVE suppressed")
        for spell, what, attributes in others:
            article(client, spell(address), what, attributes)
    before = items(client)

    def reported(*, dry_run: bool) -> list[str]:
        pages = reassessing.reassess(table_of(client), dry_run=dry_run, keep_spellings=keep)
        return sorted(str(outcome) for _, outcomes in pages for outcome in outcomes)

    foreseen = reported(dry_run=True)
    assert items(client) == before
    assert reported(dry_run=False) == foreseen
    assert sum("RecordError" in each for each in foreseen) > 10
    assert sum("State.DISABLE" in each for each in foreseen) >= 8
    # What is left is what can't be read, and what was to stay.
    assert all("RecordError" in each or (keep and "moved=0" not in each) for each in reported(dry_run=True))


def test_rows_can_be_kept_for_an_application_that_asks_in_its_own_spelling(client: DynamoDB) -> None:
    article(client)
    before = items(client)[SPELLED]
    assert reassess(client, keep=True)[JANE].moved == 1
    assert items(client).keys() == {JANE, SPELLED}
    assert items(client)[SPELLED] == before
    assert may_be_mailed(client, JANE) == {JANE: False}


@pytest.mark.parametrize("fault", ["AccessDeniedException", "ProvisionedThroughputExceededException"])
def test_an_interruption_lets_nobody_through_and_a_second_run_finishes(
    client: DynamoDB, faults: Faults, fault: str
) -> None:
    """Between the two steps, both rows are there."""
    article(client)
    faults["DeleteItem"] = refusal(fault)
    assert reassess(client)[JANE].error == fault
    assert items(client).keys() == {JANE, SPELLED}
    assert may_be_mailed(client, JANE, SPELLED) == {JANE: False, SPELLED: False}
    del faults["DeleteItem"]
    assert reassess(client)[JANE].moved == 1
    assert items(client).keys() == {JANE}


def test_a_row_that_can_not_be_merged_is_not_deleted(client: DynamoDB, faults: Faults) -> None:
    article(client)
    faults["BatchExecuteStatement"] = refusal_of(JANE, "ValidationError")
    assert reassess(client)[JANE].error == "ValidationError"
    assert items(client).keys() == {SPELLED}


def test_a_row_that_goes_on_changing_is_merged_again_after_longer_pauses(
    client: DynamoDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old function replaces its row blindly, and writes no version by which that could be noticed."""
    pauses: list[int] = []
    monkeypatch.setattr("healthy_mailing_cli.table.moving.pause", pauses.append)
    article(client, kind="Delivery")
    kinds = ["Bounce", "Complaint"]

    def change(**_: object) -> None:
        if kinds:
            article(client, kind=kinds.pop())

    client.meta.events.register("before-call.dynamodb.DeleteItem", change)
    assert reassess(client)[JANE].moved == 1
    assert pauses == [1, 2]
    assert items(client)[JANE]["evidence"]["M"].keys() == {"complaint", "delivery", "hardBounce"}


def test_at_no_moment_a_reader_of_either_row_finds_the_address_mailable(client: DynamoDB) -> None:
    article(client)
    seen: list[bool] = []

    def look(**_: object) -> None:
        if not looking:
            looking.append(True)
            seen.append(any(may_be_mailed(client, SPELLED).values()))
            looking.clear()

    looking: list[bool] = []
    for moment in ("before-call", "after-call"):
        for operation in ("BatchExecuteStatement", "DeleteItem"):
            client.meta.events.register(f"{moment}.dynamodb.{operation}", look)
    reassess(client)
    assert seen == [False] * 4


def test_a_row_is_deleted_only_once_all_readers_see_what_was_merged(client: DynamoDB, rests: list[float]) -> None:
    """A reader that is eventually consistent might otherwise find the deletion, and not yet the merge."""
    article(client)
    rested: list[list[float]] = []
    for operation in ("BatchExecuteStatement", "DeleteItem"):
        client.meta.events.register(f"before-call.dynamodb.{operation}", lambda **_: rested.append(list(rests)))
    reassess(client, keep=True)
    article(client, SPELLED.upper(), "Bounce")
    reassess(client)
    # Merged; the other merged; after a rest, both deleted.
    assert rested[:2] == [[], []]
    assert [each for each in rested[2:] if not each] == []
    assert items(client).keys() == {JANE}


def test_a_deletion_whose_answer_was_lost_is_done(client: DynamoDB, faults: Faults) -> None:
    article(client)
    faults["DeleteItem"] = between(first(1, lose_answer(refuse("InternalServerError", 500))))
    assert reassess(client)[JANE].error == ""
    assert items(client).keys() == {JANE}


def test_attributes_of_other_programs_move_along(client: DynamoDB) -> None:
    more = {"segment": {"S": "gold"}, 'a "quoted" name': {"N": "1.5"}, "since": {"S": "2015"}}
    article(client, more=more)
    add(client, mark(MarkKind.DELIVERY), address=JANE)
    client.update_item(
        TableName=TABLE,
        Key={"UserId": {"S": JANE}},
        UpdateExpression="SET since = :since",
        ExpressionAttributeValues={":since": {"S": "2020"}},
    )
    reassess(client)
    moved = items(client)[JANE]
    assert items(client).keys() == {JANE}
    assert {name: moved[name] for name in more} == more | {"since": {"S": "2020"}}


def test_a_row_of_this_version_in_another_spelling_moves_with_all_it_knows(client: DynamoDB) -> None:
    """As one that an earlier version took for canonical."""
    known: Evidence = evidence_of([mark(MarkKind.COMPLAINT), override(State.DISABLE, LATER, "dana", "called")])
    table_of(client).add({SPELLED: known}, soon())
    annotate(table_of(client), SPELLED, "pushedToSes", {"at": LATER, "reason": "COMPLAINT"}, soon())
    before = items(client)[SPELLED]
    reassess(client)
    after = items(client)[JANE]
    assert items(client).keys() == {JANE}
    assert {name: after[name] for name in ("evidence", "state", "pushedToSes")} == {
        name: before[name] for name in ("evidence", "state", "pushedToSes")
    }


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_a_refresh_would_not_write_is_merged(client: DynamoDB, dry_run: bool) -> None:
    """Else it would be lost with its row. Nor may a reader of an old copy merge into what is no longer so."""
    table = Table(client, TABLE, Rules(delivery_refresh_days=7))
    for key, day in ((JANE, 1), (SPELLED, 3)):
        table.add({key: evidence_of([mark(MarkKind.DELIVERY, day)])}, soon())
    reads = calls(client, "BatchGetItem")
    (outcome,) = move(table, {JANE: [SPELLED]}, soon(), dry_run=dry_run)
    assert (outcome.written, outcome.moved) == (True, 1)
    assert [each.day for each in outcome.held.values()] == ["2026-03-01"]
    assert consistency(reads) == [True, True]
    if not dry_run:
        assert items(client)[JANE]["evidence"]["M"]["delivery"]["M"]["at"]["S"][:10] == "2026-03-03"


@pytest.mark.parametrize(
    "key", [f"Jane <{SPELLED}>", f" {JANE}", f"{JANE} (home)", f'"{JANE.partition("@")[0]}"@example.com']
)
def test_a_row_under_more_than_an_address_is_merged_too(client: DynamoDB, key: str) -> None:
    article(client, key)
    assert reassess(client, dry_run=True)[JANE].moved == 1
    assert reassess(client)[JANE].moved == 1
    assert items(client).keys() == {JANE}
    assert may_be_mailed(client, JANE) == {JANE: False}
    assert reassess(client) == {}


def test_a_row_without_evidence_ends_no_run_late(client: DynamoDB, rests: list[float]) -> None:
    """What another program keeps there has no row to go to, so it stays; without that, the row goes."""
    empty: Any = {"state": {"S": "enable"}, "evidence": {"M": {}}, "version": {"N": "2"}, "updatedAt": {"S": LATER}}
    for key, more in ((SPELLED, {"segment": {"S": "gold"}}), ("Joe@Example.com", {})):
        client.put_item(TableName=TABLE, Item={"UserId": {"S": key}, "reason": {"S": "operator"}, **empty, **more})
    foreseen = reassess(client, dry_run=True)
    assert reassess(client) == foreseen
    assert items(client).keys() == {SPELLED}
    assert len(rests) == 1


def test_a_row_with_needless_quotation_marks_does_not_outrank_a_decision(client: DynamoDB) -> None:
    quoted = '"jane.doe"@example.com'
    add(client, mark(MarkKind.COMPLAINT), address=quoted)
    add(client, override(State.ENABLE, NOW, "dana"), address=JANE)
    assert may_be_mailed(client, quoted, JANE) == {quoted: True, JANE: True}
