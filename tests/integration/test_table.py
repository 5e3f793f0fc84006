"""What the table adapter promises when others write too and DynamoDB does not always do as asked."""

import itertools
import random
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from healthy_mailing.evidence import MADE_BY_PEOPLE, Evidence, Mark, MarkKind, Record, Rules, State, evidence_of
from healthy_mailing.item import PUSHED, evidence_in, to_dynamodb, to_item
from healthy_mailing.row import Change, Outcome
from healthy_mailing.table import CONNECTIONS, OUT_OF_TIME, Table, TableError, connect
from healthy_mailing_cli.table.annotating import annotate
from support.clock import Clock
from support.eventually import SECONDS, eventually
from support.faults import first, keep_back, lose_answer, refuse
from support.table import SCHEMA, TABLE

from .conftest import Answer, between, items, meet_after_reading, refusal, refusal_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RULES = Rules()
Faults = dict[str, Answer]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def mark(kind: MarkKind, day: int, number: int = 0) -> Mark:
    at = f"2026-03-{day:02d}T12:00:{number % 60:02d}.000Z"
    detail = (("bounceType", "Permanent"), ("subType", "General")) if kind is MarkKind.HARD_BOUNCE else ()
    return Mark(
        kind=kind,
        at=at,
        feedback_id=f"f{number}",
        message_id=f"m{number}",
        sender="news@example.com",
        detail=detail,
    )


def soon() -> float:
    """Return a deadline that no machine is too slow for."""
    return time.monotonic() + 600


def add(
    client: "DynamoDBClient",
    evidence: Mapping[str, Evidence],
    deadline: float | None = None,
    rules: Rules = RULES,
    now: datetime = NOON,
) -> dict[str, Outcome]:
    outcomes = Table(client, TABLE, rules, now=lambda: now).add(evidence, deadline or soon())
    return {outcome.address: outcome for outcome in outcomes}


def one(*marks: Mark, address: str = "a@example.com") -> dict[str, Evidence]:
    return {address: evidence_of(marks)}


def calls(client: "DynamoDBClient", operation: str) -> list[Mapping[str, Any]]:
    """Return a list that grows with each request of an operation from now on."""
    seen: list[Mapping[str, Any]] = []

    def note(params: Mapping[str, Any], **_: object) -> None:
        seen.append(params)

    client.meta.events.register(f"provide-client-params.dynamodb.{operation}", note)
    return seen


def plain(item: Mapping[str, Any]) -> Any:
    """Return an item or value of DynamoDB's JSON as Python's."""
    return {name: plain(value["M"]) if "M" in value else next(iter(value.values())) for name, value in item.items()}


def test_a_new_address_gets_an_item(client: "DynamoDBClient") -> None:
    outcome = add(client, one(mark(MarkKind.HARD_BOUNCE, 1)))["a@example.com"]

    assert outcome.written
    assert outcome.change is not None
    assert (outcome.change.before, outcome.change.after) == (None, "disable")
    item = plain(items(client)["a@example.com"])
    assert item.pop("version") == "1"
    assert item.pop("updatedAt") == "2026-03-01T12:00:00.000Z"
    assert item == to_item("a@example.com", Record.of(evidence_of([mark(MarkKind.HARD_BOUNCE, 1)]), RULES))


def test_what_changes_nothing_costs_no_write(client: "DynamoDBClient") -> None:
    add(client, one(mark(MarkKind.DELIVERY, 2)))
    writes = calls(client, "BatchExecuteStatement")

    same_again = add(client, one(mark(MarkKind.DELIVERY, 2)))["a@example.com"]
    later_that_day = add(client, one(mark(MarkKind.DELIVERY, 2, number=30)))["a@example.com"]
    older = add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"]

    assert [same_again, later_that_day, older] == [Outcome("a@example.com")] * 3
    assert writes == []


def test_the_index_key_comes_and_goes_with_the_state(client: "DynamoDBClient") -> None:
    add(client, one(mark(MarkKind.HARD_BOUNCE, 1)))
    assert items(client)["a@example.com"]["suppressed"] == {"S": "disable"}

    add(client, one(mark(MarkKind.DELIVERY, 2)))
    item = items(client)["a@example.com"]
    assert item["state"] == {"S": "enable"}
    assert "suppressed" not in item
    assert item["version"] == {"N": "2"}


def test_the_second_answer_comes_and_goes_with_the_opt_out(client: "DynamoDBClient") -> None:
    """It is there only where it differs from the state, which stays the same all the while."""
    changes = []
    for number, kind in enumerate((MarkKind.OPT_OUT, MarkKind.HARD_BOUNCE, MarkKind.DELIVERY, MarkKind.COMPLAINT)):
        outcome = add(client, one(mark(kind, 1 + number)))["a@example.com"]
        item = plain(items(client)["a@example.com"])
        changes.append((outcome.change, item["state"], item.get("transactional")))

    def change(before: State | None, transactional: State, reason: str) -> Change:
        return Change("a@example.com", before, State.DISABLE, transactional, reason)

    disable = State.DISABLE
    assert changes == [
        (change(None, State.ENABLE, "opt-out"), "disable", "enable"),
        (change(disable, State.DISABLE, "opt-out"), "disable", None),
        (change(disable, State.ENABLE, "opt-out"), "disable", "enable"),
        (change(disable, State.DISABLE, "complaint"), "disable", None),
    ]


def test_what_changes_neither_answer_is_no_change(client: "DynamoDBClient") -> None:
    add(client, one(mark(MarkKind.OPT_OUT, 1)))
    outcome = add(client, one(mark(MarkKind.DELIVERY, 2)))["a@example.com"]
    assert (outcome.written, outcome.change) == (True, None)


def test_attributes_of_others_stay(client: "DynamoDBClient") -> None:
    add(client, one(mark(MarkKind.DELIVERY, 1)))
    client.update_item(
        TableName=TABLE,
        Key={"UserId": {"S": "a@example.com"}},
        UpdateExpression="SET #segment = :s",
        ExpressionAttributeNames={"#segment": "segment"},
        ExpressionAttributeValues={":s": {"S": "gold"}},
    )

    add(client, one(mark(MarkKind.DELIVERY, 2)))

    assert items(client)["a@example.com"]["segment"] == {"S": "gold"}


# ---- Items that expire

EXPIRING = Rules(expire_days=30)


def test_an_attribute_beside_the_evidence_is_set_stays_and_is_taken_away(client: "DynamoDBClient") -> None:
    table = Table(client, TABLE, RULES)
    add(client, one(mark(MarkKind.HARD_BOUNCE, 1)))
    before = items(client)["a@example.com"]

    assert annotate(table, "a@example.com", PUSHED, {"at": "then"}, soon()) == Outcome("a@example.com", written=True)
    assert items(client)["a@example.com"] == {**before, PUSHED: {"M": {"at": {"S": "then"}}}}
    add(client, one(mark(MarkKind.COMPLAINT, 2)))
    assert plain(items(client)["a@example.com"])["state"] == "disable"
    (item,) = table.read(["a@example.com"], soon(), consistent=True).values()
    assert item is not None
    assert item[PUSHED] == {"at": "then"}

    assert annotate(table, "a@example.com", PUSHED, None, soon()).written
    assert items(client)["a@example.com"].keys() == before.keys()


def test_an_attribute_makes_no_item(client: "DynamoDBClient") -> None:
    outcome = annotate(Table(client, TABLE, RULES), "a@example.com", PUSHED, {"at": "then"}, soon())
    assert outcome == Outcome("a@example.com", error="ConditionalCheckFailed")
    assert items(client) == {}


@pytest.mark.parametrize(("times", "error"), [(9, ""), (10, "ThrottlingError")])
def test_an_attribute_is_tried_again_as_long_as_evidence_is(
    client: "DynamoDBClient", faults: Faults, longest_pauses: list[float], times: int, error: str
) -> None:
    add(client, one(mark(MarkKind.HARD_BOUNCE, 1)))
    faults["BatchExecuteStatement"] = refusal_of("a@example.com", "ThrottlingError", times)
    outcome = annotate(Table(client, TABLE, RULES), "a@example.com", PUSHED, {"at": "then"}, soon())
    assert outcome == Outcome("a@example.com", written=not error, error=error)
    assert len(longest_pauses) == 9


def test_an_attribute_that_is_refused_or_too_late_is_an_error(client: "DynamoDBClient", faults: Faults) -> None:
    add(client, one(mark(MarkKind.HARD_BOUNCE, 1)))
    table = Table(client, TABLE, RULES)
    late = annotate(table, "a@example.com", PUSHED, {"at": "then"}, time.monotonic() - 1)
    assert late.error == OUT_OF_TIME
    faults["BatchExecuteStatement"] = refusal("AccessDeniedException")
    assert annotate(table, "a@example.com", PUSHED, {"at": "then"}, soon()).error == "AccessDeniedException"
    assert PUSHED not in items(client)["a@example.com"]


def test_the_time_to_expire_goes_with_the_first_mark_that_is_no_delivery(client: "DynamoDBClient") -> None:
    add(client, one(mark(MarkKind.DELIVERY, 1)), rules=EXPIRING)
    first_day = int(items(client)["a@example.com"]["expiresAt"]["N"])
    add(client, one(mark(MarkKind.DELIVERY, 2)), rules=EXPIRING)
    assert int(items(client)["a@example.com"]["expiresAt"]["N"]) == first_day + 24 * 60 * 60

    add(client, one(mark(MarkKind.COMPLAINT, 1)), rules=EXPIRING)
    assert "expiresAt" not in items(client)["a@example.com"]


def test_the_time_to_expire_goes_with_the_next_write_once_nothing_expires(client: "DynamoDBClient") -> None:
    add(client, one(mark(MarkKind.DELIVERY, 1)), rules=EXPIRING)
    assert not add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"].written

    assert add(client, one(mark(MarkKind.DELIVERY, 2)))["a@example.com"].written
    assert "expiresAt" not in items(client)["a@example.com"]


@pytest.mark.parametrize("rules", [RULES, EXPIRING], ids=["nothing expires", "expiring"])
@pytest.mark.parametrize("held", [{"S": "soon"}, {"N": "-86400"}, {"N": "1.5"}, {"BOOL": True}, {"L": []}], ids=repr)
def test_a_time_to_expire_that_another_program_wrote_is_overwritten(
    client: "DynamoDBClient", held: dict[str, Any], rules: Rules
) -> None:
    add(client, one(mark(MarkKind.DELIVERY, 1)))
    client.update_item(
        TableName=TABLE,
        Key={"UserId": {"S": "a@example.com"}},
        UpdateExpression="SET expiresAt = :held",
        ExpressionAttributeValues={":held": held},
    )
    assert add(client, one(mark(MarkKind.DELIVERY, 2)), rules=rules)["a@example.com"] == Outcome(
        "a@example.com", written=True
    )
    assert items(client)["a@example.com"].get("expiresAt") != held


@pytest.mark.parametrize("rules", [RULES, EXPIRING], ids=["forgotten", "expired"])
def test_what_another_wrote_after_an_item_was_gone_is_not_overwritten(client: "DynamoDBClient", rules: Rules) -> None:
    """The item that was read and the one that took its place have the same version."""
    add(client, one(mark(MarkKind.DELIVERY, 1), mark(MarkKind.OPT_IN, 1)), rules=rules)
    once = iter([True])

    def replace(**_: object) -> None:
        if next(once, False):
            client.delete_item(TableName=TABLE, Key={"UserId": {"S": "a@example.com"}})
            add(client, one(mark(MarkKind.COMPLAINT, 1)), rules=rules, now=NOON + timedelta(milliseconds=1))
            assert items(client)["a@example.com"]["version"] == {"N": "1"}

    client.meta.events.register("before-call.dynamodb.BatchExecuteStatement", replace)
    outcome = add(client, one(mark(MarkKind.DELIVERY, 2)), rules=rules)["a@example.com"]

    assert (outcome.written, outcome.conflicts) == (True, 1)
    item = plain(items(client)["a@example.com"])
    assert item["evidence"].keys() == {"complaint", "delivery"}
    assert item["version"] == "2"


@pytest.mark.parametrize(
    "held", [{"S": "soon"}, {"N": "1"}, {"N": "1.5"}, {"BOOL": True}, {"L": []}, {"NULL": True}, None], ids=repr
)
def test_a_time_of_another_program_keeps_nobody_from_writing(
    client: "DynamoDBClient", held: dict[str, Any] | None
) -> None:
    item = to_item("a@example.com", Record.of(evidence_of([mark(MarkKind.DELIVERY, 1)]), RULES)) | {"version": 1}
    if held is not None and "S" not in held:  # the index takes no other type
        client.delete_table(TableName=TABLE)
        client.create_table(
            TableName=TABLE,
            KeySchema=SCHEMA["KeySchema"],
            AttributeDefinitions=SCHEMA["AttributeDefinitions"][:1],
            BillingMode="PAY_PER_REQUEST",
        )
    client.put_item(TableName=TABLE, Item=to_dynamodb(item) | ({"updatedAt": held} if held else {}))

    outcome = add(client, one(mark(MarkKind.DELIVERY, 2)))["a@example.com"]

    assert outcome == Outcome("a@example.com", written=True)
    assert items(client)["a@example.com"]["updatedAt"] == {"S": "2026-03-01T12:00:00.000Z"}


def test_an_item_of_the_original_article_is_taken_over(client: "DynamoDBClient") -> None:
    client.put_item(
        TableName=TABLE,
        Item={
            "UserId": {"S": "a@example.com"},
            "notificationType": {"S": "Complaint"},
            "from": {"S": "news@example.com"},
            "timestamp": {"S": "2012-05-25T14:59:38.623-07:00"},
            "state": {"S": "disable"},
        },
    )

    outcome = add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"]

    assert outcome.change is None
    item = plain(items(client)["a@example.com"])
    assert (item["state"], item["reason"], item["version"]) == ("disable", "complaint", "1")
    assert item["evidence"]["complaint"]["at"] == "2012-05-25T21:59:38.623Z"


def test_requests_are_as_full_as_they_may_be(client: "DynamoDBClient") -> None:
    known = {f"{n}@example.com": evidence_of([mark(MarkKind.DELIVERY, 1, n)]) for n in range(0, 201, 2)}
    add(client, known)
    evidence = {f"{n}@example.com": evidence_of([mark(MarkKind.DELIVERY, 1, n)]) for n in range(201)}
    reads, writes = calls(client, "BatchGetItem"), calls(client, "BatchExecuteStatement")

    outcomes = add(client, evidence)

    assert {address for address, outcome in outcomes.items() if outcome.written} == evidence.keys() - known.keys()
    assert items(client).keys() == evidence.keys()
    # So many DynamoDB takes at most (API Reference, BatchGetItem and BatchExecuteStatement).
    assert sorted(len(read["RequestItems"][TABLE]["Keys"]) for read in reads) == [1, 100, 100]
    assert [len(write["Statements"]) for write in writes] == [25] * 4


def test_unprocessed_keys_are_asked_for_again(client: "DynamoDBClient", faults: Faults) -> None:
    addresses = [f"{n}@example.com" for n in range(20)]
    add(client, {address: evidence_of([mark(MarkKind.HARD_BOUNCE, 1)]) for address in addresses})
    faults["BatchGetItem"] = between(keep_back(all_but=3))

    outcomes = add(client, {address: evidence_of([mark(MarkKind.COMPLAINT, 2)]) for address in addresses})

    assert [outcome.conflicts for outcome in outcomes.values()] == [0] * 20  # all rows were seen as they are
    for item in items(client).values():
        assert plain(item)["evidence"].keys() == {"hardBounce", "complaint"}


def test_keys_that_stay_unprocessed_are_errors_and_not_taken_for_absent(
    client: "DynamoDBClient", faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("healthy_mailing.calls.time", clock)
    faults["BatchGetItem"] = between(keep_back(all_but=0))
    writes = calls(client, "BatchExecuteStatement")

    outcome = add(client, one(mark(MarkKind.DELIVERY, 1)), deadline=clock.monotonic() + 30)["a@example.com"]

    assert outcome.error == "OutOfTime"
    assert writes == []


def test_a_lost_race_is_merged_with_what_won(client: "DynamoDBClient") -> None:
    others = iter([mark(MarkKind.HARD_BOUNCE, 1), mark(MarkKind.COMPLAINT, 2)])
    racing = threading.local()

    def come_first(**_: object) -> None:
        if getattr(racing, "on", False):
            return
        racing.on = True
        try:
            for other in others:
                assert add(client, one(other))["a@example.com"].written
                break
        finally:
            racing.on = False

    client.meta.events.register("before-call.dynamodb.BatchExecuteStatement", come_first)
    outcome = add(client, one(mark(MarkKind.DELIVERY, 3)))["a@example.com"]

    assert outcome.written
    assert outcome.conflicts >= 1
    assert plain(items(client)["a@example.com"])["evidence"].keys() == {"hardBounce", "complaint", "delivery"}


def test_many_writers_on_one_address_lose_nothing(client: "DynamoDBClient") -> None:
    """Each has read the empty table before any of them writes, so that one of them wins and all others conflict."""
    writers = 32
    meet_after_reading(writers, client)
    kinds = [kind for kind in MarkKind if kind not in MADE_BY_PEOPLE]
    marks = [mark(kinds[n % len(kinds)], 1 + n % 25, n) for n in range(writers)]
    random.Random(7).shuffle(marks)  # noqa: S311  (not for secrets)

    with ThreadPoolExecutor(writers) as pool:
        outcomes = list(pool.map(lambda each: add(client, one(each))["a@example.com"], marks))

    assert [outcome.error for outcome in outcomes] == [""] * writers
    assert sum(outcome.conflicts for outcome in outcomes) >= writers - 1
    item = plain(items(client)["a@example.com"])
    assert int(item["version"]) == sum(outcome.written for outcome in outcomes)
    assert evidence_in(item) == evidence_of(marks)


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "ThrottlingException", "InternalServerError"]
)
@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchExecuteStatement"])
def test_a_passing_refusal_is_waited_out(client: "DynamoDBClient", faults: Faults, operation: str, code: str) -> None:
    faults[operation] = between(first(1, refuse(code, 500 if code == "InternalServerError" else 400)))

    assert add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"].written


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "InternalServerError",
        "TransactionConflict",
    ],
)
def test_a_passing_refusal_of_one_statement_is_waited_out(client: "DynamoDBClient", faults: Faults, code: str) -> None:
    faults["BatchExecuteStatement"] = refusal_of("busy@example.com", code, times=3)
    evidence = one(mark(MarkKind.DELIVERY, 1), address="busy@example.com") | one(mark(MarkKind.DELIVERY, 1))
    writes = calls(client, "BatchExecuteStatement")

    outcomes = add(client, evidence)

    assert all(outcome.written and outcome.conflicts == 0 for outcome in outcomes.values())
    # The neighbour, which was written, is not written again.
    assert [len(write["Statements"]) for write in writes] == [2, 1, 1, 1]
    assert plain(items(client)["a@example.com"])["version"] == "1"


@pytest.mark.parametrize("code", ["ValidationError", "AccessDenied", "ResourceNotFound", "SomethingNew"])
def test_a_lasting_refusal_is_the_outcome_of_its_address_alone(
    client: "DynamoDBClient", faults: Faults, code: str
) -> None:
    faults["BatchExecuteStatement"] = refusal_of("bad@example.com", code)
    evidence = one(mark(MarkKind.DELIVERY, 1), address="bad@example.com") | one(mark(MarkKind.DELIVERY, 1))

    outcomes = add(client, evidence)

    assert outcomes["bad@example.com"].error == code
    assert outcomes["a@example.com"].written
    assert items(client).keys() == {"a@example.com"}


@pytest.fixture
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each pause between two attempts might have been; none takes any time."""
    longest: list[float] = []

    def note(_: float, to: float) -> float:
        longest.append(to)
        return 0.0

    monkeypatch.setattr("healthy_mailing.calls.random.uniform", note)
    return longest


def test_a_refusal_that_does_not_pass_is_left_to_the_queue_after_ten_tries(
    client: "DynamoDBClient", faults: Faults, longest_pauses: list[float]
) -> None:
    faults["BatchExecuteStatement"] = refusal_of("a@example.com", "ThrottlingError")
    writes = calls(client, "BatchExecuteStatement")

    outcome = add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"]

    assert outcome == Outcome("a@example.com", error="ThrottlingError")
    assert len(writes) == 10
    assert longest_pauses == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5, 0.5])


def test_pauses_double_while_keys_stay_unprocessed(
    client: "DynamoDBClient", faults: Faults, longest_pauses: list[float]
) -> None:
    faults["BatchGetItem"] = between(first(4, keep_back(all_but=0)))

    assert add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"].written
    assert longest_pauses == pytest.approx([0.01, 0.02, 0.04, 0.08])


def test_only_what_was_refused_is_read_consistently(client: "DynamoDBClient", faults: Faults) -> None:
    """A consistent read costs twice as much; the condition of a write makes up for one that saw too little."""
    faults["BatchExecuteStatement"] = refusal_of("a@example.com", "ConditionalCheckFailed", times=1)
    reads = calls(client, "BatchGetItem")

    assert add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"].written
    assert [read["RequestItems"][TABLE]["ConsistentRead"] for read in reads] == [False, True]


def test_an_answer_that_leaves_statements_out_is_not_taken_for_success(client: "DynamoDBClient") -> None:
    def leave_all_out(parsed: dict[str, Any], **_: object) -> None:
        parsed["Responses"] = []

    client.meta.events.register("after-call.dynamodb.BatchExecuteStatement", leave_all_out)
    with pytest.raises(ValueError, match="shorter"):
        add(client, one(mark(MarkKind.DELIVERY, 1)))


@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchExecuteStatement", "Query"])
def test_an_answer_that_does_not_come_is_an_error_by_its_name(
    client: "DynamoDBClient", faults: Faults, operation: str
) -> None:
    def lose(**_: object) -> AWSResponse:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com/")

    faults[operation] = lose

    if operation == "Query":
        with pytest.raises(TableError, match="ReadTimeoutError"):
            Table(client, TABLE, RULES).blocked(State.DISABLE, 1, soon())
    else:
        assert add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"].error == "ReadTimeoutError"


@pytest.mark.parametrize("code", ["ThrottlingException", "RequestLimitExceeded", "InternalServerError"])
def test_a_refused_request_is_not_sent_beyond_what_botocore_does(
    client: "DynamoDBClient", faults: Faults, code: str
) -> None:
    faults["BatchExecuteStatement"] = refusal(code, 500 if code == "InternalServerError" else 400)
    writes = calls(client, "BatchExecuteStatement")
    assert add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"].error == code
    assert len(writes) == 1


def test_a_request_without_answer_holds_up_no_other(
    client: "DynamoDBClient", faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hangs; an address of another, refused at first, is written all the same."""
    evidence = {f"{n}@example.com": evidence_of([mark(MarkKind.DELIVERY, 1, n)]) for n in range(50)}
    refused = refusal_of("49@example.com", "ThrottlingError", times=1)
    hanging, released = threading.Event(), threading.Event()

    def hang_or_refuse(request: Any, **event: Any) -> AWSResponse | None:
        if b'"0@example.com"' not in request.body:
            return refused(request=request, **event)
        hanging.set()
        released.wait(600)
        return refusal("AccessDeniedException")(request)

    def wait_for_the_others(futures: Sequence[Future[Any]], _: float) -> Any:
        """Let the time be up as soon as all is done that does not hang."""
        eventually(lambda: [each.done() for each in futures].count(False) <= hanging.is_set())
        return wait(futures, 0)

    faults["BatchExecuteStatement"] = hang_or_refuse
    monkeypatch.setattr("healthy_mailing.calls.wait", wait_for_the_others)
    try:
        outcomes = add(client, evidence)
    finally:
        released.set()

    assert {address for address, outcome in outcomes.items() if outcome.written} == set(list(evidence)[25:])
    assert {outcome.error for outcome in outcomes.values() if not outcome.written} == {"OutOfTime"}


def test_a_refused_write_is_the_outcome_of_all_its_addresses(client: "DynamoDBClient", faults: Faults) -> None:
    faults["BatchExecuteStatement"] = refusal("AccessDeniedException")
    evidence = one(mark(MarkKind.DELIVERY, 1), address="b@example.com") | one(mark(MarkKind.DELIVERY, 1))
    assert {outcome.error for outcome in add(client, evidence).values()} == {"AccessDeniedException"}


def test_a_refused_read_writes_nothing(client: "DynamoDBClient", faults: Faults) -> None:
    faults["BatchGetItem"] = refusal("AccessDeniedException")
    writes = calls(client, "BatchExecuteStatement")

    outcome = add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"]

    assert outcome.error == "AccessDeniedException"
    assert writes == []


def test_a_write_whose_answer_was_lost_is_not_written_twice(client: "DynamoDBClient", faults: Faults) -> None:
    faults["BatchExecuteStatement"] = between(first(1, lose_answer(refuse("InternalServerError", 500))))

    outcome = add(client, one(mark(MarkKind.DELIVERY, 1)))["a@example.com"]

    assert outcome.error == ""
    assert plain(items(client)["a@example.com"])["version"] == "1"


def test_nothing_is_begun_after_the_deadline(client: "DynamoDBClient") -> None:
    outcome = add(client, one(mark(MarkKind.DELIVERY, 1)), deadline=time.monotonic() - 1)["a@example.com"]

    assert outcome.error == "OutOfTime"
    assert items(client) == {}


def test_what_lost_a_race_is_not_written_after_the_deadline(
    client: "DynamoDBClient", faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is up between the second read, of what lost the race, and its write."""
    clock = Clock()
    monkeypatch.setattr("healthy_mailing.calls.time", clock)
    faults["BatchExecuteStatement"] = refusal_of("b@example.com", "ConditionalCheckFailed", times=1)
    reads, writes = calls(client, "BatchGetItem"), calls(client, "BatchExecuteStatement")

    def take_long(**_: object) -> None:
        clock.sleep(60 if len(reads) > 1 else 0)

    client.meta.events.register("after-call.dynamodb.BatchGetItem", take_long)
    evidence = one(mark(MarkKind.DELIVERY, 1)) | one(mark(MarkKind.DELIVERY, 1), address="b@example.com")

    outcomes = add(client, evidence, deadline=clock.monotonic() + 50)

    assert outcomes["a@example.com"].written
    assert outcomes["b@example.com"] == Outcome("b@example.com", conflicts=1, error="OutOfTime")
    assert len(writes) == 1


@pytest.mark.parametrize(
    "attributes",
    [
        {"evidence": {"M": {"newKind": {"M": {"at": {"S": "x"}}}}}},
        {"evidence": {"S": "none"}},
        {"evidence": {"M": {}}, "version": {"S": "1"}},
        {"evidence": {"M": {}}, "version": {"N": "1.5"}},
    ],
)
def test_an_item_that_is_no_record_is_left_alone_and_its_neighbours_are_written(
    client: "DynamoDBClient", attributes: dict[str, Any]
) -> None:
    foreign = {"UserId": {"S": "odd@example.com"}, **attributes}
    client.put_item(TableName=TABLE, Item=foreign)
    evidence = one(mark(MarkKind.DELIVERY, 1), address="odd@example.com") | one(mark(MarkKind.DELIVERY, 1))

    outcomes = add(client, evidence)

    assert outcomes["odd@example.com"].error == "RecordError"
    assert items(client)["odd@example.com"] == foreign
    assert outcomes["a@example.com"].written


def test_the_client_has_a_connection_for_each_request_and_waits_for_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over real connections, all of them under way at once; what a busy machine makes late is asked for again."""
    together, numbers = threading.Barrier(CONNECTIONS), itertools.count()

    class Empty(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if next(numbers) < CONNECTIONS:
                together.wait(SECONDS)
            body = b'{"Responses": {}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # the client may have given up
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever).start()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        client = connect()
        try:
            addresses = [f"{number}@example.com" for number in range(100 * CONNECTIONS)]
            read = Table(client, TABLE, RULES).read(addresses, soon(), consistent=False)
        finally:
            client.close()
            server.shutdown()

    assert read == dict.fromkeys(addresses)
    assert client.meta.config.max_pool_connections == CONNECTIONS  # type: ignore[attr-defined]  # its stubs leave it out
