"""What only people start on the table: notes, scans, outages undone, items reassessed, erased, forgotten."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from healthy_mailing import operations
from healthy_mailing.evidence import MarkKind, Record, Rules, State, bounces_cleared, evidence_of, override
from healthy_mailing.item import PUSHED, to_item
from healthy_mailing.row import Change, Outcome
from healthy_mailing_cli.table import clearing, deleting, erasing, outage, reassessing, scan
from healthy_mailing_cli.table.annotating import annotate
from healthy_mailing_cli.table.outage import Outage
from support.faults import first, lose_answer, refuse
from support.marks import mark
from support.table import TABLE

from .conftest import (
    ADDRESS,
    NOON,
    RULES,
    Answer,
    add,
    article,
    between,
    calls,
    consistency,
    items,
    once_before,
    plain,
    refusal,
    refusal_of,
    soon,
    table_of,
    write,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Faults = dict[str, Answer]
NOW = "2026-03-20T12:00:00.000Z"
HARD = mark(MarkKind.HARD_BOUNCE, diagnosticCode="smtp; 550 <jane@example.com> unknown")
COMPLAINT = mark(MarkKind.COMPLAINT, feedbackType="abuse", userAgent="Mail/1.0")
DELIVERY = mark(MarkKind.DELIVERY)


def pages_of(client: "DynamoDBClient", size: int, operation: str) -> None:
    """Let an operation answer in pages of so many items."""

    def limit(params: dict[str, Any], **_: object) -> dict[str, Any]:
        return {**params, "Limit": size}

    client.meta.events.register(f"provide-client-params.dynamodb.{operation}", cast("Any", limit))


# ---- Attributes beside the evidence


def note(client: "DynamoDBClient", value: dict[str, str] | None, deadline: float | None = None) -> Outcome:
    return annotate(table_of(client), ADDRESS, PUSHED, value, deadline or soon())


def test_an_attribute_beside_the_evidence_is_set_stays_and_is_taken_away(client: "DynamoDBClient") -> None:
    assert note(client, {"at": "then"}) == Outcome(ADDRESS, error="ConditionalCheckFailed")
    assert items(client) == {}
    add(client, HARD)
    before = plain(client)

    assert note(client, {"at": "then"}) == Outcome(ADDRESS, written=True)
    assert plain(client) == {**before, PUSHED: {"at": "then"}}
    add(client, COMPLAINT)
    (item,) = table_of(client).read([ADDRESS], soon(), consistent=True).values()
    assert item is not None
    assert (item["reason"], item[PUSHED]) == ("complaint:abuse", {"at": "then"})

    assert note(client, None).written
    assert plain(client).keys() == before.keys()


@pytest.mark.parametrize(("times", "error"), [(9, ""), (10, "ThrottlingError")])
def test_an_attribute_is_tried_again_as_long_as_evidence_is(
    client: "DynamoDBClient", faults: Faults, longest_pauses: list[float], times: int, error: str
) -> None:
    add(client, HARD)
    faults["BatchExecuteStatement"] = refusal_of(ADDRESS, "ThrottlingError", times)
    assert note(client, {"at": "then"}) == Outcome(ADDRESS, written=not error, error=error)
    assert len(longest_pauses) == 9


def test_an_attribute_that_is_refused_or_too_late_is_an_error(client: "DynamoDBClient", faults: Faults) -> None:
    add(client, HARD)
    assert note(client, {"at": "then"}, time.monotonic() - 1).error == "OutOfTime"
    for fault, error in [
        (refusal("AccessDeniedException"), "AccessDeniedException"),
        (refusal_of(ADDRESS, "AccessDenied", 1), "AccessDenied"),
    ]:
        faults["BatchExecuteStatement"] = fault
        assert note(client, {"at": "then"}).error == error
    assert PUSHED not in items(client)[ADDRESS]


# ---- Reading all, or all that are blocked


def test_the_whole_table_is_read_page_by_page_each_item_once(client: "DynamoDBClient") -> None:
    expected = {f"{n}@example.com": evidence_of([mark(MarkKind.DELIVERY, 1, n)]) for n in range(25)}
    write(client, expected)
    client.put_item(TableName=TABLE, Item={"UserId": {"S": "odd@example.com"}, "segment": {"S": "gold"}})
    pages_of(client, 3, "Scan")

    pages = list(scan.everything(table_of(client)))

    found = [item for page in pages for item in page]
    assert Counter(item["UserId"] for item in found) == Counter([*expected, "odd@example.com"])
    assert len(pages) > scan.SEGMENTS
    assert max(map(len, pages)) <= 3
    assert {"state", "evidence", "version", "updatedAt"} <= found[0].keys() | found[1].keys()


def test_what_blocks_an_address_is_in_the_index_oldest_change_first(client: "DynamoDBClient") -> None:
    for number, kind in enumerate((MarkKind.HARD_BOUNCE, MarkKind.UNDETERMINED, MarkKind.DELIVERY) * 3):
        add(client, mark(kind), address=f"{number}@example.com", now=NOON + timedelta(minutes=number))
    pages_of(client, 2, "Query")

    def blocked(since: str = "") -> list[str]:
        pages = list(scan.blocked(table_of(client), since=since))
        assert max(map(len, pages)) == 2
        assert all("evidence" in item for page in pages for item in page)
        return [item["UserId"][0] for page in pages for item in page]

    order = blocked()
    assert sorted(order) == list("013467")
    assert [each for each in order if each in "036"] == list("036")
    assert sorted(blocked("2026-03-20T12:04:00.000Z")) == list("467")


def test_a_table_without_the_index_is_read_whole(client: "DynamoDBClient", faults: Faults) -> None:
    """DynamoDB then calls a query invalid; moto (5.2.5) says that there is nothing of that name."""
    faults["Query"] = refusal("ValidationException")
    write(client, {f"{n}@example.com": evidence_of([HARD]) for n in range(3)})
    add(client, DELIVERY, address="fine@example.com")
    found = {item["UserId"] for page in scan.blocked(table_of(client)) for item in page}
    assert found == {"0@example.com", "1@example.com", "2@example.com"}


# ---- Outages

OUTAGE = Outage("2026-03-01T11:00:00.000Z", "2026-03-01T13:00:00.000Z", {"example.com"})


def clear(client: "DynamoDBClient", until: dict[str, str]) -> list[Outcome]:
    return clearing.clear_bounces(table_of(client), until, soon(), now=NOW, by="dana", note="outage", always=False)


def test_bounces_of_an_outage_are_found_and_cleared(client: "DynamoDBClient") -> None:
    suppressed = mark(MarkKind.HARD_BOUNCE, 5, subType="OnAccountSuppressionList")
    write(
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
    assert all(outcome.written for outcome in clear(client, until))
    assert not any(outcome.written for outcome in clear(client, until))

    states = {address: item["state"]["S"] for address, item in items(client).items()}
    left = {"other@example.org", "later@example.com", "out@example.com", "unlisted@example.com"}
    assert {address for address, state in states.items() if state != "enable"} == left
    assert plain(client, "out@example.com")["transactional"] == "enable"
    cleared = plain(client, "0@example.com")["evidence"]["bouncesCleared"]
    assert cleared == {"at": OUTAGE.end, "by": "dana", "note": "outage"}
    assert not [each for page in outage.find_caused_by(table, OUTAGE, listed=listed) for each in page]


# ---- Rules that have changed

STRICT = Rules(soft_bounce_limit=2)
SOFT = [mark(MarkKind.SOFT_BOUNCE, day, day) for day in (1, 2, 3)]


def run(client: "DynamoDBClient", rules: Rules, *, dry_run: bool = False) -> tuple[int, dict[str, Outcome]]:
    later = table_of(client, rules, NOON + timedelta(days=1))
    pages = list(reassessing.reassess(later, dry_run=dry_run, keep_spellings=False))
    outcomes = [outcome for _, page in pages for outcome in page]
    return sum(read for read, _ in pages), {outcome.address: outcome for outcome in outcomes}


def test_what_follows_from_evidence_is_written_where_the_rules_give_another(client: "DynamoDBClient") -> None:
    each = {ADDRESS: SOFT, "b@example.com": SOFT[:1], "c@example.com": [COMPLAINT], "d@example.com": [DELIVERY]}
    write(client, {address: evidence_of(marks) for address, marks in each.items()})
    before = items(client)
    change = Change(ADDRESS, State.ENABLE, State.DISABLE, State.DISABLE, "soft-bounces:3")

    expected = (4, {ADDRESS: Outcome(ADDRESS, written=True, change=change)})
    assert run(client, STRICT, dry_run=True) == expected
    assert items(client) == before
    assert run(client, STRICT) == expected
    assert run(client, STRICT) == (4, {})

    after = items(client)
    assert {address for address in after if after[address] != before[address]} == {ADDRESS}
    record = to_item(ADDRESS, Record.of(evidence_of(SOFT), STRICT))
    assert plain(client) == record | {"version": "2", "updatedAt": "2026-03-21T12:00:00.000Z"}


@pytest.mark.parametrize("expire_days", [None, 30, 60])
def test_the_time_to_expire_follows_the_rules(client: "DynamoDBClient", expire_days: int | None) -> None:
    """Even where so fresh a delivery would not be written."""
    add(client, DELIVERY, rules=Rules(expire_days=30, delivery_refresh_days=7))
    rules = Rules(expire_days=expire_days, delivery_refresh_days=7)
    _, outcomes = run(client, rules)
    assert outcomes == ({} if expire_days == 30 else {ADDRESS: Outcome(ADDRESS, written=True)})
    expected = to_item(ADDRESS, Record.of(evidence_of([DELIVERY]), rules)).get("expiresAt")
    assert plain(client).get("expiresAt") == (expected and str(expected))


def test_what_others_and_earlier_versions_wrote_is_brought_up_to_date_or_left_alone(client: "DynamoDBClient") -> None:
    """An item before there were two answers, one of the article, one that is no record, and one without evidence."""
    earlier, original, odd, empty = (f"{name}@example.com" for name in ("earlier", "original", "odd", "empty"))
    add(client, mark(MarkKind.OPT_OUT), address=earlier)
    client.update_item(TableName=TABLE, Key={"UserId": {"S": earlier}}, UpdateExpression="REMOVE transactional")
    article(client, original, "Bounce")
    client.put_item(TableName=TABLE, Item={"UserId": {"S": odd}, "evidence": {"S": "none"}})
    add(client, override(State.DISABLE, DELIVERY.at, "dana"), address=empty)
    operations.remove_override(table_of(client), empty, soon())
    before = items(client)

    change = Change(earlier, State.DISABLE, State.DISABLE, State.ENABLE, "opt-out")
    expected = {
        earlier: Outcome(earlier, written=True, change=change),
        original: Outcome(original, written=True),
        odd: Outcome(odd, error="RecordError"),
    }
    for dry_run in (True, False):
        assert items(client) == before
        assert run(client, RULES, dry_run=dry_run) == (4, expected)
    assert {name: items(client)[name] for name in (odd, empty)} == {name: before[name] for name in (odd, empty)}
    assert plain(client, earlier)["transactional"] == "enable"
    item = plain(client, original)
    assert (item["suppressed"], item["version"], item["evidence"].keys()) == ("disable", "1", {"hardBounce"})


def test_an_item_that_is_gone_is_not_made_again(client: "DynamoDBClient") -> None:
    add(client, *SOFT)
    once_before(client, "BatchExecuteStatement", lambda: forget(client))
    assert run(client, STRICT) == (1, {ADDRESS: Outcome(ADDRESS, conflicts=1)})
    assert items(client) == {}


@pytest.mark.parametrize(
    ("act", "marks"),
    [
        (lambda client: clear(client, {ADDRESS: OUTAGE.end}), {"hardBounce", "bouncesCleared"}),
        (lambda client: run(client, STRICT)[1].values(), {"hardBounce"}),
        (lambda client: erasing.erase(table_of(client), [ADDRESS], soon()), {"hardBounce"}),
    ],
    ids=["cleared", "reassessed", "erased"],
)
def test_what_is_reported_meanwhile_is_kept_and_counts(
    client: "DynamoDBClient", act: Callable[["DynamoDBClient"], list[Outcome]], marks: set[str]
) -> None:
    add(client, HARD)
    client.update_item(TableName=TABLE, Key={"UserId": {"S": ADDRESS}}, UpdateExpression="REMOVE suppressed")
    once_before(client, "BatchExecuteStatement", lambda: add(client, COMPLAINT))
    (outcome,) = act(client)
    assert outcome.conflicts == 1
    item = plain(client)
    assert item["evidence"].keys() == {"complaint", *marks}
    assert (item["state"], item["reason"]) == ("disable", "complaint:abuse")


# ---- What is erased


def erase(client: "DynamoDBClient", rules: Rules = RULES) -> list[Outcome]:
    return erasing.erase(table_of(client, rules), [ADDRESS], soon())


def test_what_identifies_goes_and_the_state_stays(client: "DynamoDBClient") -> None:
    add(client, HARD, COMPLAINT, DELIVERY, bounces_cleared("2026-02-01T00:00:00.000Z", "dana", "an outage"))
    before = plain(client)

    assert erase(client) == [Outcome(ADDRESS, written=True)]

    after = plain(client)
    for name in ("UserId", "state", "reason", "notificationType", "timestamp", "suppressed"):
        assert after[name] == before[name]
    assert after["version"] == "2"
    assert after["evidence"].keys() == before["evidence"].keys()
    for text in ("jane", "news@", "f0", "m0", "dana", "outage", "Mail/1.0"):
        assert text not in str(after)
    assert erase(client) == [Outcome(ADDRESS)]


def test_feedback_that_comes_again_brings_nothing_back(client: "DynamoDBClient") -> None:
    marks = [mark(kind, 3, 7) for kind in MarkKind if kind not in {MarkKind.OVERRIDE, MarkKind.BOUNCES_CLEARED}]
    add(client, *marks)
    erase(client)
    before = items(client)
    add(client, *marks)
    assert items(client) == before


@pytest.mark.parametrize("refresh", [1, 7, 365])
def test_a_delivery_alone_is_erased_too(client: "DynamoDBClient", refresh: int) -> None:
    add(client, DELIVERY)
    assert erase(client, rules=Rules(delivery_refresh_days=refresh)) == [Outcome(ADDRESS, written=True)]
    assert plain(client)["evidence"]["delivery"] == {"at": DELIVERY.at, "from": "", "messageId": ""}


def test_what_was_written_just_before_is_erased(client: "DynamoDBClient") -> None:
    """An eventually consistent read may miss it, and then there is nothing to write that would notice."""
    add(client, HARD)
    reads = calls(client, "BatchGetItem")
    erase(client)
    forget(client)
    assert consistency(reads) == [True, True]


def test_a_function_that_read_before_the_erasure_does_not_write_it_back(client: "DynamoDBClient") -> None:
    add(client, HARD)
    once_before(client, "BatchExecuteStatement", lambda: erase(client))
    add(client, COMPLAINT)
    evidence = plain(client)["evidence"]
    assert (evidence["hardBounce"]["from"], evidence["complaint"]["from"]) == ("", "news@example.org")


def test_an_address_of_which_nothing_is_known_gets_no_item(client: "DynamoDBClient") -> None:
    assert erase(client) == forget(client) == [Outcome(ADDRESS)]
    assert items(client) == {}


# ---- What is forgotten


def forget(client: "DynamoDBClient", *addresses: str, deadline: float | None = None) -> list[Outcome]:
    return deleting.delete(table_of(client), addresses or [ADDRESS], deadline or soon())


def test_a_forgotten_address_has_no_item(client: "DynamoDBClient") -> None:
    write(client, {f"{n}@example.com": evidence_of([HARD]) for n in range(30)})
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
    client.put_item(TableName=TABLE, Item={"UserId": {"S": ADDRESS}, **attributes})
    assert forget(client) == [Outcome(ADDRESS, written=True)]
    assert items(client) == {}


def test_what_is_merged_before_the_item_is_forgotten_is_forgotten_too(client: "DynamoDBClient") -> None:
    add(client, HARD)
    once_before(client, "DeleteItem", lambda: add(client, COMPLAINT))
    assert forget(client) == [Outcome(ADDRESS, written=True, conflicts=1)]
    assert items(client) == {}


def test_a_function_that_read_a_forgotten_item_writes_nothing_of_it(client: "DynamoDBClient") -> None:
    add(client, HARD)
    once_before(client, "BatchExecuteStatement", lambda: forget(client))
    add(client, COMPLAINT)
    item = plain(client)
    assert (item["version"], item["evidence"].keys()) == ("1", {"complaint"})


@pytest.mark.parametrize("version", [1, 2])
def test_a_new_item_stays_when_the_answer_to_a_deletion_was_lost(
    client: "DynamoDBClient", faults: Faults, version: int
) -> None:
    """botocore asks again, and meanwhile feedback has come."""
    for each in [HARD, DELIVERY][:version]:
        add(client, each)
    assert plain(client)["version"] == str(version)
    sent: list[None] = []

    def after_the_first(**_: object) -> None:
        sent.append(None)
        if len(sent) == 2:
            add(client, COMPLAINT, now=NOON + timedelta(seconds=1))

    faults["DeleteItem"] = between(first(1, lose_answer(refuse("InternalServerError", 500))))
    client.meta.events.register("request-created.dynamodb.DeleteItem", after_the_first)

    assert forget(client) == [Outcome(ADDRESS, written=True, conflicts=1)]
    assert plain(client)["evidence"].keys() == {"complaint"}


def test_a_deletion_whose_answer_was_lost_is_done(client: "DynamoDBClient", faults: Faults) -> None:
    add(client, HARD)
    reads = calls(client, "BatchGetItem")
    faults["DeleteItem"] = between(first(1, lose_answer(refuse("InternalServerError", 500))))
    assert forget(client) == [Outcome(ADDRESS, written=True, conflicts=1)]
    assert items(client) == {}
    assert consistency(reads) == [True, True]


def test_a_deletion_that_is_refused_or_too_late_is_an_error(client: "DynamoDBClient", faults: Faults) -> None:
    add(client, HARD)
    assert forget(client, deadline=time.monotonic() - 1) == [Outcome(ADDRESS, error="OutOfTime")]
    faults["DeleteItem"] = refusal("AccessDeniedException")
    assert forget(client) == [Outcome(ADDRESS, error="AccessDeniedException")]
    assert items(client).keys() == {ADDRESS}
