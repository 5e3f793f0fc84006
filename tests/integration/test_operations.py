"""Long work on the table, and what takes something away: outages undone, items reassessed, erased, forgotten."""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from healthy_mailing import operations
from healthy_mailing.evidence import (
    Evidence,
    Mark,
    MarkKind,
    Record,
    Rules,
    State,
    bounces_cleared,
    evidence_of,
    override,
)
from healthy_mailing.item import to_dynamodb, to_item
from healthy_mailing.row import Change, Outcome
from healthy_mailing.table import Table
from healthy_mailing_cli.table import clearing, deleting, erasing, outage, reassessing, scan
from healthy_mailing_cli.table.outage import Outage
from healthy_mailing_cli.table.scan import SEGMENTS
from support.faults import first, lose_answer, refuse
from support.table import TABLE

from .conftest import Answer, between, consistency_of_reads, items, once_before, refusal, refusal_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RULES = Rules()
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
NOW = "2026-03-20T12:00:00.000Z"
Faults = dict[str, Answer]


def mark(kind: MarkKind, day: int = 1, number: int = 0, **detail: str) -> Mark:
    if kind is MarkKind.HARD_BOUNCE:
        detail = {"bounceType": "Permanent", "subType": "General"} | detail
    return Mark(
        kind=kind,
        at=f"2026-03-{day:02d}T12:00:00.000Z",
        feedback_id=f"f{number}",
        message_id=f"m{number}",
        sender="news@example.org",
        detail=tuple(sorted(detail.items())),
    )


HARD = mark(MarkKind.HARD_BOUNCE, 1, diagnosticCode="smtp; 550 <jane@example.com> unknown")
COMPLAINT = mark(MarkKind.COMPLAINT, 1, feedbackType="abuse", userAgent="Mail/1.0")
DELIVERY = mark(MarkKind.DELIVERY, 1)


def table_of(client: "DynamoDBClient", rules: Rules = RULES, now: datetime = NOON) -> Table:
    return Table(client, TABLE, rules, now=lambda: now)


def soon() -> float:
    """Return a deadline that no machine is too slow for."""
    return time.monotonic() + 600


def put(client: "DynamoDBClient", evidence: Mapping[str, Evidence], rules: Rules = RULES, now: datetime = NOON) -> None:
    assert not [each for each in table_of(client, rules, now).add(evidence, soon()) if each.error]


def plain(client: "DynamoDBClient", address: str = "a@example.com") -> Any:
    def value(attribute: Mapping[str, Any]) -> Any:
        ((kind, held),) = attribute.items()
        return {name: value(each) for name, each in held.items()} if kind == "M" else held

    return {name: value(each) for name, each in items(client)[address].items()}


def pages_of(client: "DynamoDBClient", size: int, *operation: str) -> None:
    """Let an operation answer in pages of so many items."""

    def limit(params: dict[str, Any], **_: object) -> dict[str, Any]:
        return {**params, "Limit": size}

    for each in operation:
        client.meta.events.register(f"provide-client-params.dynamodb.{each}", cast("Any", limit))


# ---- Reading all, or all that are kept from mail


def test_the_whole_table_is_read_page_by_page_each_item_once(client: "DynamoDBClient") -> None:
    expected = {f"{n}@example.com": evidence_of([mark(MarkKind.DELIVERY, 1, n)]) for n in range(25)}
    put(client, expected)
    client.put_item(TableName=TABLE, Item={"UserId": {"S": "odd@example.com"}, "segment": {"S": "gold"}})
    pages_of(client, 3, "Scan")

    pages = list(scan.everything(table_of(client)))

    found = [item for page in pages for item in page]
    assert Counter(item["UserId"] for item in found) == Counter([*expected, "odd@example.com"])
    assert len(pages) > SEGMENTS
    assert max(map(len, pages)) <= 3
    assert {"state", "evidence", "version", "updatedAt"} <= found[0].keys() | found[1].keys()


def test_what_blocks_an_address_is_in_the_index_oldest_change_first(client: "DynamoDBClient") -> None:
    for number, kind in enumerate((MarkKind.HARD_BOUNCE, MarkKind.UNDETERMINED, MarkKind.DELIVERY) * 3):
        put(client, {f"{number}@example.com": evidence_of([mark(kind)])}, now=NOON + timedelta(minutes=number))
    pages_of(client, 2, "Query")

    table = table_of(client)
    found = [[item["UserId"] for item in page] for page in scan.blocked(table)]
    order = [address for page in found for address in page]
    assert sorted(order) == [f"{number}@example.com" for number in (0, 1, 3, 4, 6, 7)]
    assert [each for each in order if each[0] in "036"] == [f"{number}@example.com" for number in (0, 3, 6)]
    assert max(map(len, found)) == 2

    since = "2026-03-20T12:04:00.000Z"
    later = {item["UserId"]: item for page in scan.blocked(table, since=since) for item in page}
    assert later.keys() == {f"{number}@example.com" for number in (4, 6, 7)}
    assert later["6@example.com"]["evidence"].keys() == {"hardBounce"}


def test_a_table_without_the_index_is_read_whole(client: "DynamoDBClient", faults: Faults) -> None:
    """DynamoDB then calls a query invalid; moto (5.2.5) says that there is nothing of that name."""
    faults["Query"] = refusal("ValidationException")
    put(client, {f"{n}@example.com": evidence_of([HARD]) for n in range(3)})
    put(client, {"fine@example.com": evidence_of([DELIVERY])})

    found = {item["UserId"] for page in scan.blocked(table_of(client)) for item in page}
    assert found == {"0@example.com", "1@example.com", "2@example.com"}


# ---- Outages

OUTAGE = Outage("2026-03-01T11:00:00.000Z", "2026-03-01T13:00:00.000Z", {"example.com"})


def test_bounces_of_an_outage_are_found_and_cleared(client: "DynamoDBClient") -> None:
    suppressed = mark(MarkKind.HARD_BOUNCE, 5, subType="OnAccountSuppressionList")
    put(
        client,
        {
            **{f"{n}@example.com": evidence_of([HARD]) for n in range(30)},
            "other@example.org": evidence_of([HARD]),
            "later@example.com": evidence_of([mark(MarkKind.HARD_BOUNCE, 2)]),
            "out@example.com": evidence_of([HARD, mark(MarkKind.OPT_OUT)]),
            "listed@example.com": evidence_of([suppressed]),
            "unlisted@example.com": evidence_of([suppressed]),
            "review@example.com": evidence_of([mark(MarkKind.UNDETERMINED)]),
        },
    )
    table, listed = table_of(client), {"listed@example.com": "2026-03-01T12:00:01.000Z"}
    pages_of(client, 7, "Query")

    found = [each for page in outage.find_caused_by(table, OUTAGE, listed=listed) for each in page]
    until = {each.address: each.at for each in found}
    assert until == {
        **{f"{n}@example.com": OUTAGE.end for n in range(30)},
        "out@example.com": OUTAGE.end,
        "listed@example.com": suppressed.at,
        "review@example.com": OUTAGE.end,
    }
    outcomes = clearing.clear_bounces(table, until, soon(), now=NOW, by="dana", note="outage", always=False)

    assert all(outcome.written for outcome in outcomes)
    states = {address: item["state"]["S"] for address, item in items(client).items()}
    assert {address for address, state in states.items() if state != "enable"} == {
        "other@example.org",
        "later@example.com",
        "out@example.com",
        "unlisted@example.com",
    }
    assert plain(client, "out@example.com")["transactional"] == "enable"
    assert plain(client, "0@example.com")["evidence"]["bouncesCleared"] == {
        "at": OUTAGE.end,
        "by": "dana",
        "note": "outage",
    }
    assert not [each for page in outage.find_caused_by(table, OUTAGE, listed=listed) for each in page]


def test_clearing_twice_writes_once(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    written = [
        clearing.clear_bounces(
            table_of(client), {"a@example.com": OUTAGE.end}, soon(), now=NOW, by="dana", note="", always=False
        )[0].written
        for _ in range(2)
    ]
    assert written == [True, False]


def test_what_is_reported_while_bounces_are_cleared_is_kept(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    once_before(client, "BatchExecuteStatement", lambda: put(client, {"a@example.com": evidence_of([COMPLAINT])}))
    (outcome,) = clearing.clear_bounces(
        table_of(client), {"a@example.com": OUTAGE.end}, soon(), now=NOW, by="d", note="", always=False
    )

    assert (outcome.written, outcome.conflicts) == (True, 1)
    item = plain(client)
    assert item["evidence"].keys() == {"hardBounce", "complaint", "bouncesCleared"}
    assert item["state"] == "disable"


def test_a_bounce_of_the_outage_that_comes_later_changes_nothing(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    clearing.clear_bounces(
        table_of(client), {"a@example.com": OUTAGE.end}, soon(), now=NOW, by="dana", note="", always=False
    )
    late = Mark(kind=HARD.kind, at=OUTAGE.end, feedback_id="f9", message_id="m9", sender="s", detail=HARD.detail)
    put(client, {"a@example.com": evidence_of([late])})
    assert plain(client)["state"] == "enable"

    put(client, {"a@example.com": evidence_of([mark(MarkKind.HARD_BOUNCE, 2)])})
    assert plain(client)["state"] == "disable"


# ---- Rules that have changed

STRICT = Rules(soft_bounce_limit=2)
SOFT = [mark(MarkKind.SOFT_BOUNCE, day, day) for day in (1, 2, 3)]


def run(client: "DynamoDBClient", rules: Rules, *, dry_run: bool = False) -> tuple[int, dict[str, Outcome]]:
    later = table_of(client, rules, NOON + timedelta(days=1))
    pages = list(reassessing.reassess(later, soon(), dry_run=dry_run, keep_spellings=False))
    outcomes = [outcome for _, page in pages for outcome in page]
    return sum(read for read, _ in pages), {outcome.address: outcome for outcome in outcomes}


def test_what_follows_from_evidence_is_written_where_the_rules_give_another(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of(SOFT), "b@example.com": evidence_of(SOFT[:1])})
    put(client, {"c@example.com": evidence_of([COMPLAINT]), "d@example.com": evidence_of([DELIVERY])})
    before = items(client)
    change = Change("a@example.com", State.ENABLE, State.DISABLE, State.DISABLE, "soft-bounces:3")

    expected = (4, {"a@example.com": Outcome("a@example.com", written=True, change=change)})
    assert run(client, STRICT, dry_run=True) == expected
    assert items(client) == before
    assert run(client, STRICT) == expected
    assert run(client, STRICT) == (4, {})

    after = items(client)
    assert {address for address in after if after[address] != before[address]} == {"a@example.com"}
    item = plain(client)
    record = to_item("a@example.com", Record.of(evidence_of(SOFT), STRICT))
    assert item == record | {"version": "2", "updatedAt": "2026-03-21T12:00:00.000Z"}


@pytest.mark.parametrize("expire_days", [None, 30, 60])
def test_the_time_to_expire_follows_the_rules(client: "DynamoDBClient", expire_days: int | None) -> None:
    """Even where so fresh a delivery would not be written."""
    put(client, {"a@example.com": evidence_of([DELIVERY])}, Rules(expire_days=30, delivery_refresh_days=7))
    rules = Rules(expire_days=expire_days, delivery_refresh_days=7)
    _, outcomes = run(client, rules)
    assert outcomes == ({} if expire_days == 30 else {"a@example.com": Outcome("a@example.com", written=True)})
    expected = to_item("a@example.com", Record.of(evidence_of([DELIVERY]), rules)).get("expiresAt")
    assert plain(client).get("expiresAt") == (expected and str(expected))


def test_an_item_without_the_second_answer_gets_it(client: "DynamoDBClient") -> None:
    """As one that was written before there were two."""
    put(client, {"a@example.com": evidence_of([mark(MarkKind.OPT_OUT)])})
    client.update_item(TableName=TABLE, Key={"UserId": {"S": "a@example.com"}}, UpdateExpression="REMOVE transactional")
    _, outcomes = run(client, RULES)
    assert outcomes["a@example.com"].change == Change(
        "a@example.com", State.DISABLE, State.DISABLE, State.ENABLE, "opt-out"
    )
    assert plain(client)["transactional"] == "enable"


def test_an_item_of_the_original_article_is_taken_over_into_the_index(client: "DynamoDBClient") -> None:
    original = {
        "UserId": "a@example.com",
        "notificationType": "Bounce",
        "from": "news@example.com",
        "timestamp": "2012-05-25T14:59:38.623-07:00",
        "state": "disable",
    }
    client.put_item(TableName=TABLE, Item=to_dynamodb(original))
    _, outcomes = run(client, RULES)
    assert outcomes == {"a@example.com": Outcome("a@example.com", written=True)}
    item = plain(client)
    assert (item["suppressed"], item["version"], item["evidence"].keys()) == ("disable", "1", {"hardBounce"})


def test_what_is_no_record_is_named_and_left_alone(client: "DynamoDBClient") -> None:
    odd = {"UserId": {"S": "odd@example.com"}, "evidence": {"S": "none"}}
    client.put_item(TableName=TABLE, Item=odd)
    for dry_run in (True, False):
        assert run(client, RULES, dry_run=dry_run) == (
            1,
            {"odd@example.com": Outcome("odd@example.com", error="RecordError")},
        )
    assert items(client)["odd@example.com"] == odd


def test_an_item_without_evidence_is_up_to_date(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of([override(State.DISABLE, DELIVERY.at, "dana")])})
    operations.remove_override(table_of(client), "a@example.com", soon())
    assert run(client, STRICT) == (1, {})


def test_what_is_merged_while_an_item_is_reassessed_is_kept(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of(SOFT)})
    once_before(client, "BatchExecuteStatement", lambda: put(client, {"a@example.com": evidence_of([COMPLAINT])}))
    _, outcomes = run(client, STRICT)
    assert outcomes["a@example.com"].conflicts == 1
    expected = to_item("a@example.com", Record.of(evidence_of([*SOFT, COMPLAINT]), STRICT))
    item = plain(client)
    assert {name: item[name] for name in expected} == expected


def test_an_item_that_is_gone_is_not_made_again(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of(SOFT)})
    once_before(
        client,
        "BatchExecuteStatement",
        lambda: client.delete_item(TableName=TABLE, Key={"UserId": {"S": "a@example.com"}}),
    )
    _, outcomes = run(client, STRICT)
    assert outcomes == {"a@example.com": Outcome("a@example.com", conflicts=1)}
    assert items(client) == {}


# ---- What is erased


def erase(client: "DynamoDBClient", *addresses: str, rules: Rules = RULES) -> list[Outcome]:
    return erasing.erase(table_of(client, rules), addresses or ["a@example.com"], soon())


def test_what_identifies_goes_and_the_state_stays(client: "DynamoDBClient") -> None:
    decisions = [bounces_cleared("2026-02-01T00:00:00.000Z", "dana", "an outage")]
    put(client, {"a@example.com": evidence_of([HARD, COMPLAINT, DELIVERY, *decisions])})
    before = plain(client)

    assert erase(client) == [Outcome("a@example.com", written=True)]

    after = plain(client)
    for name in ("UserId", "state", "reason", "notificationType", "timestamp", "suppressed"):
        assert after[name] == before[name]
    assert after["version"] == "2"
    assert after["evidence"].keys() == before["evidence"].keys()
    for text in ("jane", "news@", "f0", "m0", "dana", "outage", "Mail/1.0"):
        assert text not in str(after)
    assert erase(client) == [Outcome("a@example.com")]


def test_feedback_that_comes_again_brings_nothing_back(client: "DynamoDBClient") -> None:
    marks = [mark(kind, 3, 7) for kind in MarkKind if kind not in {MarkKind.OVERRIDE, MarkKind.BOUNCES_CLEARED}]
    put(client, {"a@example.com": evidence_of(marks)})
    erase(client)
    before = items(client)
    put(client, {"a@example.com": evidence_of(marks)})
    assert items(client) == before


@pytest.mark.parametrize("refresh", [1, 7, 365])
def test_a_delivery_alone_is_erased_too(client: "DynamoDBClient", refresh: int) -> None:
    put(client, {"a@example.com": evidence_of([DELIVERY])})
    assert erase(client, rules=Rules(delivery_refresh_days=refresh)) == [Outcome("a@example.com", written=True)]
    assert plain(client)["evidence"]["delivery"] == {"at": DELIVERY.at, "from": "", "messageId": ""}


def test_what_was_written_just_before_is_erased(client: "DynamoDBClient") -> None:
    """An eventually consistent read may miss it, and then there is nothing to write that would notice."""
    put(client, {"a@example.com": evidence_of([HARD])})
    reads = consistency_of_reads(client)
    erase(client)
    forget(client)
    assert reads == [True, True]


def test_what_is_merged_while_an_item_is_erased_is_erased_too(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    once_before(client, "BatchExecuteStatement", lambda: put(client, {"a@example.com": evidence_of([COMPLAINT])}))
    (outcome,) = erase(client)
    assert (outcome.written, outcome.conflicts) == (True, 1)
    assert "news@" not in str(plain(client))
    assert plain(client)["evidence"].keys() == {"hardBounce", "complaint"}


def test_a_function_that_read_before_the_erasure_does_not_write_it_back(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    once_before(client, "BatchExecuteStatement", lambda: erase(client))
    put(client, {"a@example.com": evidence_of([COMPLAINT])})
    evidence = plain(client)["evidence"]
    assert evidence["hardBounce"]["from"] == ""
    assert evidence["complaint"]["from"] == "news@example.org"


def test_an_address_of_which_nothing_is_known_gets_no_item(client: "DynamoDBClient") -> None:
    assert erase(client) == [Outcome("a@example.com")]
    assert deleting.delete(table_of(client), ["a@example.com"], soon()) == [Outcome("a@example.com")]
    assert items(client) == {}


def test_an_item_of_the_original_article_is_erased(client: "DynamoDBClient") -> None:
    original = {
        "UserId": "a@example.com",
        "notificationType": "Complaint",
        "from": "news@example.com",
        "timestamp": "2012-05-25T14:59:38.623-07:00",
        "state": "disable",
    }
    client.put_item(TableName=TABLE, Item=to_dynamodb(original))
    assert erase(client) == [Outcome("a@example.com", written=True)]
    assert "news@" not in str(plain(client))
    assert plain(client)["state"] == "disable"


def test_what_is_no_record_is_not_erased(client: "DynamoDBClient") -> None:
    client.put_item(TableName=TABLE, Item={"UserId": {"S": "a@example.com"}, "evidence": {"S": "none"}})
    assert erase(client) == [Outcome("a@example.com", error="RecordError")]


# ---- What is forgotten


def forget(client: "DynamoDBClient", *addresses: str) -> list[Outcome]:
    return deleting.delete(table_of(client), addresses or ["a@example.com"], soon())


def test_a_forgotten_address_has_no_item(client: "DynamoDBClient") -> None:
    put(client, {f"{n}@example.com": evidence_of([HARD]) for n in range(30)})
    outcomes = forget(client, *(f"{n}@example.com" for n in range(1, 30)), "new@example.com")
    assert Counter(outcome.written for outcome in outcomes) == {True: 29, False: 1}
    assert items(client).keys() == {"0@example.com"}


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"evidence": {"S": "none"}},
        {"version": {"S": "1"}},
        {"version": {"N": "1.5"}, "updatedAt": {"S": "soon"}},
        {"version": {"N": "3"}},
    ],
    ids=repr,
)
def test_whatever_the_item_holds_it_is_forgotten(client: "DynamoDBClient", attributes: dict[str, Any]) -> None:
    client.put_item(TableName=TABLE, Item={"UserId": {"S": "a@example.com"}, **attributes})
    assert forget(client) == [Outcome("a@example.com", written=True)]
    assert items(client) == {}


def test_what_is_merged_before_the_item_is_forgotten_is_forgotten_too(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    once_before(client, "DeleteItem", lambda: put(client, {"a@example.com": evidence_of([COMPLAINT])}))
    assert forget(client) == [Outcome("a@example.com", written=True, conflicts=1)]
    assert items(client) == {}


def test_a_function_that_read_a_forgotten_item_writes_nothing_of_it(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    once_before(client, "BatchExecuteStatement", lambda: forget(client))
    put(client, {"a@example.com": evidence_of([COMPLAINT])})
    item = plain(client)
    assert (item["version"], item["evidence"].keys()) == ("1", {"complaint"})


def test_nor_does_one_that_finds_another_item_of_the_same_version(client: "DynamoDBClient") -> None:
    def replace() -> None:
        forget(client)
        put(client, {"a@example.com": evidence_of([COMPLAINT])}, now=NOON + timedelta(milliseconds=1))
        assert plain(client)["version"] == "1"

    put(client, {"a@example.com": evidence_of([HARD])})
    once_before(client, "BatchExecuteStatement", replace)
    put(client, {"a@example.com": evidence_of([DELIVERY])})
    assert plain(client)["evidence"].keys() == {"complaint", "delivery"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_new_item_stays_when_the_answer_to_a_deletion_was_lost(
    client: "DynamoDBClient", faults: Faults, version: int
) -> None:
    """botocore asks again, and meanwhile feedback has come."""
    for each in [HARD, DELIVERY][:version]:
        put(client, {"a@example.com": evidence_of([each])})
    assert plain(client)["version"] == str(version)
    sent: list[None] = []

    def after_the_first(**_: object) -> None:
        sent.append(None)
        if len(sent) == 2:
            put(client, {"a@example.com": evidence_of([COMPLAINT])}, now=NOON + timedelta(seconds=1))

    faults["DeleteItem"] = between(first(1, lose_answer(refuse("InternalServerError", 500))))
    client.meta.events.register("request-created.dynamodb.DeleteItem", after_the_first)

    assert forget(client) == [Outcome("a@example.com", written=True, conflicts=1)]
    assert plain(client)["evidence"].keys() == {"complaint"}


def test_a_deletion_whose_answer_was_lost_is_done(client: "DynamoDBClient", faults: Faults) -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    reads = consistency_of_reads(client)
    faults["DeleteItem"] = between(first(1, lose_answer(refuse("InternalServerError", 500))))
    assert forget(client) == [Outcome("a@example.com", written=True, conflicts=1)]
    assert items(client) == {}
    assert reads == [True, True]


def test_a_refused_deletion_is_the_outcome_of_its_address(client: "DynamoDBClient", faults: Faults) -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    faults["DeleteItem"] = refusal("AccessDeniedException")
    assert forget(client) == [Outcome("a@example.com", error="AccessDeniedException")]
    assert items(client).keys() == {"a@example.com"}


def test_nothing_is_deleted_after_the_deadline(client: "DynamoDBClient") -> None:
    put(client, {"a@example.com": evidence_of([HARD])})
    outcomes = deleting.delete(table_of(client), ["a@example.com"], time.monotonic() - 1)
    assert outcomes == [Outcome("a@example.com", error="OutOfTime")]
    assert items(client).keys() == {"a@example.com"}


def test_an_error_of_one_address_is_of_no_other(client: "DynamoDBClient", faults: Faults) -> None:
    put(client, {"a@example.com": evidence_of([HARD]), "b@example.com": evidence_of([HARD])})
    faults["BatchExecuteStatement"] = refusal_of("b@example.com", "ValidationError")
    outcomes = {outcome.address: outcome for outcome in erase(client, "a@example.com", "b@example.com")}
    assert outcomes["a@example.com"].written
    assert outcomes["b@example.com"].error == "ValidationError"
