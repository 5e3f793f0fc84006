"""What the table adapter promises when others write too and DynamoDB does not always do as asked."""

import random
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from healthy_mailing.evidence import MADE_BY_PEOPLE, MarkKind, Record, Rules, State, evidence_of
from healthy_mailing.item import evidence_in, to_dynamodb, to_item
from healthy_mailing.row import Change, Outcome
from healthy_mailing.table import CONNECTIONS, TableError, connect
from support.clock import Clock
from support.faults import first, keep_back, lose_answer, refuse
from support.marks import mark
from support.table import SCHEMA, TABLE

from .conftest import (
    ADDRESS,
    NOON,
    RULES,
    Answer,
    add,
    between,
    calls,
    consistency,
    items,
    meet_after_reading,
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
EXPIRING = Rules(expire_days=30)
HARD, OPT_OUT, COMPLAINT, DELIVERY = MarkKind.HARD_BOUNCE, MarkKind.OPT_OUT, MarkKind.COMPLAINT, MarkKind.DELIVERY
TWO = {each: evidence_of([mark(DELIVERY)]) for each in (ADDRESS, "b@example.com")}


def set_attribute(client: "DynamoDBClient", name: str, value: Any) -> None:
    """Write an attribute as another program does."""
    client.update_item(
        TableName=TABLE,
        Key={"UserId": {"S": ADDRESS}},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": value},
    )


def test_an_item_says_what_follows_from_all_feedback_and_what_others_keep_there(client: "DynamoDBClient") -> None:
    """Both answers and the key of the index come and go; a change is what changes either answer."""
    disable, enable = State.DISABLE, State.ENABLE
    marks = []
    for day, (kind, change) in enumerate(
        [
            (HARD, (None, disable, disable, "bounce:Permanent/General")),
            (DELIVERY, (disable, enable, enable, "delivery")),
            (OPT_OUT, (enable, disable, enable, "opt-out")),
            (DELIVERY, None),
            (HARD, (disable, disable, disable, "opt-out")),
            (DELIVERY, (disable, disable, enable, "opt-out")),
            (COMPLAINT, (disable, disable, disable, "complaint")),
        ],
        start=1,
    ):
        marks.append(mark(kind, day))
        outcome = add(client, marks[-1])
        assert outcome == Outcome(ADDRESS, written=True, change=Change(ADDRESS, *change) if change else None)
        if day == 1:
            set_attribute(client, "segment", {"S": "gold"})
        ours = to_item(ADDRESS, Record.of(evidence_of(marks), RULES))
        beside = {"version": str(day), "updatedAt": "2026-03-20T12:00:00.000Z", "segment": "gold"}
        assert plain(client) == {**ours, **beside}


def test_what_changes_nothing_costs_no_write(client: "DynamoDBClient") -> None:
    add(client, mark(DELIVERY, 2))
    writes = calls(client, "BatchExecuteStatement")
    for same in (mark(DELIVERY, 2), mark(DELIVERY, 2, number=30), mark(DELIVERY, 1)):
        assert add(client, same) == Outcome(ADDRESS)
    assert writes == []


# ---- Items that expire


def test_the_time_to_expire_goes_once_nothing_expires_or_with_a_mark_that_is_no_delivery(
    client: "DynamoDBClient",
) -> None:
    times = []
    for mark_, rules in [
        (mark(DELIVERY, 1), EXPIRING),
        (mark(DELIVERY, 2), EXPIRING),
        (mark(DELIVERY, 2), RULES),  # which is not written
        (mark(DELIVERY, 3), RULES),
        (mark(DELIVERY, 4), EXPIRING),
        (mark(COMPLAINT, 1), EXPIRING),
    ]:
        add(client, mark_, rules=rules)
        times.append(int(plain(client).get("expiresAt", 0)))
    day, begin = 24 * 60 * 60, times[0]
    assert begin > 0
    assert times == [begin, begin + day, begin + day, 0, begin + 3 * day, 0]


@pytest.mark.parametrize("rules", [RULES, EXPIRING], ids=["nothing expires", "expiring"])
@pytest.mark.parametrize("held", [{"S": "soon"}, {"N": "-86400"}, {"N": "1.5"}, {"BOOL": True}, {"L": []}], ids=repr)
def test_a_time_to_expire_that_another_program_wrote_is_overwritten(
    client: "DynamoDBClient", held: dict[str, Any], rules: Rules
) -> None:
    add(client, mark(DELIVERY, 1))
    set_attribute(client, "expiresAt", held)
    assert add(client, mark(DELIVERY, 2), rules=rules) == Outcome(ADDRESS, written=True)
    assert items(client)[ADDRESS].get("expiresAt") != held


def test_what_another_wrote_after_an_item_was_gone_is_not_overwritten(client: "DynamoDBClient") -> None:
    """The item that was read and the one that took its place have the same version."""

    def replace() -> None:
        client.delete_item(TableName=TABLE, Key={"UserId": {"S": ADDRESS}})
        add(client, mark(COMPLAINT), now=NOON + timedelta(milliseconds=1))
        assert plain(client)["version"] == "1"

    add(client, mark(DELIVERY, 1), mark(MarkKind.OPT_IN))
    once_before(client, "BatchExecuteStatement", replace)
    outcome = add(client, mark(DELIVERY, 2))

    assert (outcome.written, outcome.conflicts) == (True, 1)
    item = plain(client)
    assert (item["evidence"].keys(), item["version"]) == ({"complaint", "delivery"}, "2")


@pytest.mark.parametrize(
    "held", [{"S": "soon"}, {"N": "1"}, {"N": "1.5"}, {"BOOL": True}, {"L": []}, {"NULL": True}, None], ids=repr
)
def test_a_time_of_another_program_keeps_nobody_from_writing(
    client: "DynamoDBClient", held: dict[str, Any] | None
) -> None:
    item = to_item(ADDRESS, Record.of(evidence_of([mark(DELIVERY, 1)]), RULES)) | {"version": 1}
    if held is not None and "S" not in held:  # the index takes no other type
        client.delete_table(TableName=TABLE)
        client.create_table(
            TableName=TABLE,
            KeySchema=SCHEMA["KeySchema"],
            AttributeDefinitions=SCHEMA["AttributeDefinitions"][:1],
            BillingMode="PAY_PER_REQUEST",
        )
    client.put_item(TableName=TABLE, Item=to_dynamodb(item) | ({"updatedAt": held} if held else {}))

    assert add(client, mark(DELIVERY, 2)) == Outcome(ADDRESS, written=True)
    assert items(client)[ADDRESS]["updatedAt"] == {"S": "2026-03-20T12:00:00.000Z"}


# ---- Many addresses, many writers


def test_requests_are_as_full_as_they_may_be(client: "DynamoDBClient") -> None:
    evidence = {f"{n}@example.com": evidence_of([mark(DELIVERY, 1, n)]) for n in range(201)}
    known = dict(list(evidence.items())[::2])
    write(client, known)
    reads, writes = calls(client, "BatchGetItem"), calls(client, "BatchExecuteStatement")

    outcomes = write(client, evidence)

    assert {address for address, outcome in outcomes.items() if outcome.written} == evidence.keys() - known.keys()
    assert items(client).keys() == evidence.keys()
    # So many DynamoDB takes at most (API Reference, BatchGetItem and BatchExecuteStatement).
    assert sorted(len(read["RequestItems"][TABLE]["Keys"]) for read in reads) == [1, 100, 100]
    assert [len(each["Statements"]) for each in writes] == [25] * 4


def test_unprocessed_keys_are_asked_for_again_after_longer_pauses(
    client: "DynamoDBClient", faults: Faults, longest_pauses: list[float]
) -> None:
    addresses = [f"{n}@example.com" for n in range(20)]
    write(client, {address: evidence_of([mark(HARD, 1)]) for address in addresses})
    faults["BatchGetItem"] = between(keep_back(all_but=3))

    outcomes = write(client, {address: evidence_of([mark(COMPLAINT, 2)]) for address in addresses})

    assert longest_pauses == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.16, 0.32])
    assert [outcome.conflicts for outcome in outcomes.values()] == [0] * 20  # all rows were seen as they are
    for address in addresses:
        assert plain(client, address)["evidence"].keys() == {"hardBounce", "complaint"}


def test_keys_that_stay_unprocessed_are_errors_and_not_taken_for_absent(
    client: "DynamoDBClient", faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("healthy_mailing.calls.time", clock)
    faults["BatchGetItem"] = between(keep_back(all_but=0))
    writes = calls(client, "BatchExecuteStatement")
    (outcome,) = table_of(client).add(dict([*TWO.items()][:1]), clock.monotonic() + 30)
    assert (outcome.error, writes) == ("OutOfTime", [])


def test_many_writers_on_one_address_lose_nothing(client: "DynamoDBClient") -> None:
    """Each has read the empty table before any of them writes, so that one of them wins and all others conflict."""
    writers = 32
    meet_after_reading(writers, client)
    kinds = [kind for kind in MarkKind if kind not in MADE_BY_PEOPLE]
    marks = [mark(kinds[n % len(kinds)], 1 + n % 25, n) for n in range(writers)]
    random.Random(7).shuffle(marks)  # noqa: S311  (not for secrets)

    with ThreadPoolExecutor(writers) as pool:
        outcomes = list(pool.map(lambda each: add(client, each), marks))

    assert [outcome.error for outcome in outcomes] == [""] * writers
    assert sum(outcome.conflicts for outcome in outcomes) >= writers - 1
    item = plain(client)
    assert int(item["version"]) == sum(outcome.written for outcome in outcomes)
    assert evidence_in(item) == evidence_of(marks)


def test_only_what_was_refused_is_read_consistently(client: "DynamoDBClient", faults: Faults) -> None:
    """A consistent read costs twice as much; the condition of a write makes up for one that saw too little."""
    faults["BatchExecuteStatement"] = refusal_of(ADDRESS, "ConditionalCheckFailed", times=1)
    reads = calls(client, "BatchGetItem")
    assert add(client, mark(DELIVERY)).written
    assert consistency(reads) == [False, True]


# ---- Refusals


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
    faults["BatchExecuteStatement"] = refusal_of("b@example.com", code, times=3)
    writes = calls(client, "BatchExecuteStatement")

    assert all(outcome.written and outcome.conflicts == 0 for outcome in write(client, TWO).values())
    # The neighbour, which was written, is not written again.
    assert [len(each["Statements"]) for each in writes] == [2, 1, 1, 1]
    assert plain(client)["version"] == "1"


@pytest.mark.parametrize("code", ["ValidationError", "AccessDenied", "ResourceNotFound", "SomethingNew"])
def test_a_lasting_refusal_is_the_outcome_of_its_address_alone(
    client: "DynamoDBClient", faults: Faults, code: str
) -> None:
    faults["BatchExecuteStatement"] = refusal_of("b@example.com", code)
    outcomes = write(client, TWO)
    assert (outcomes["b@example.com"].error, outcomes[ADDRESS].written) == (code, True)
    assert items(client).keys() == {ADDRESS}


def test_a_refusal_that_does_not_pass_is_left_to_the_queue_after_ten_tries(
    client: "DynamoDBClient", faults: Faults, longest_pauses: list[float]
) -> None:
    faults["BatchExecuteStatement"] = refusal_of(ADDRESS, "ThrottlingError")
    writes = calls(client, "BatchExecuteStatement")
    assert add(client, mark(DELIVERY)) == Outcome(ADDRESS, error="ThrottlingError")
    assert len(writes) == 10
    assert longest_pauses == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5, 0.5])


def silence(**_: object) -> AWSResponse:
    raise ReadTimeoutError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com/")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("AccessDeniedException"), "AccessDeniedException"),
        (refusal("ThrottlingException"), "ThrottlingException"),
        (refusal("RequestLimitExceeded"), "RequestLimitExceeded"),
        (refusal("InternalServerError", 500), "InternalServerError"),
        (silence, "ReadTimeoutError"),
    ],
)
@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchExecuteStatement", "Query"])
def test_a_request_that_fails_whatever_botocore_does_is_an_error_of_all_its_addresses(
    client: "DynamoDBClient", faults: Faults, operation: str, answer: Answer, error: str
) -> None:
    faults[operation] = answer
    writes = calls(client, "BatchExecuteStatement")
    if operation == "Query":
        with pytest.raises(TableError, match=error):
            table_of(client).blocked(State.DISABLE, 1, soon())
    else:
        assert {outcome.error for outcome in write(client, TWO).values()} == {error}
        assert len(writes) == (operation == "BatchExecuteStatement")


def test_an_answer_that_leaves_statements_out_is_not_taken_for_success(client: "DynamoDBClient") -> None:
    def leave_all_out(parsed: dict[str, Any], **_: object) -> None:
        parsed["Responses"] = []

    client.meta.events.register("after-call.dynamodb.BatchExecuteStatement", leave_all_out)
    with pytest.raises(ValueError, match="shorter"):
        add(client, mark(DELIVERY))


def test_a_write_whose_answer_was_lost_is_not_written_twice(client: "DynamoDBClient", faults: Faults) -> None:
    faults["BatchExecuteStatement"] = between(first(1, lose_answer(refuse("InternalServerError", 500))))
    assert add(client, mark(DELIVERY)).error == ""
    assert plain(client)["version"] == "1"


# ---- Deadlines


def test_nothing_is_begun_after_the_deadline(client: "DynamoDBClient") -> None:
    (outcome, _) = table_of(client).add(TWO, time.monotonic() - 1)
    assert outcome.error == "OutOfTime"
    assert items(client) == {}


def test_a_request_that_is_late_holds_up_no_other(client: "DynamoDBClient") -> None:
    """Of each kind of request the first is."""
    table = table_of(client)

    class Late:
        def make(self, call: Callable[[Any], Any], arguments: Iterable[Any], _: float) -> Any:
            late, *others = arguments
            return [(each, call(each)) for each in others], [late]

    table.calls = Late()  # type: ignore[assignment]  # as much of Calls as it needs
    outcomes = table.add({f"{n}@example.com": evidence_of([mark(DELIVERY)]) for n in range(130)}, soon())

    written = {outcome.address for outcome in outcomes if outcome.written}
    assert written == items(client).keys() == {f"{n}@example.com" for n in range(125, 130)}
    assert [outcome.error for outcome in outcomes if not outcome.written] == ["OutOfTime"] * 125


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
    first_, second = table_of(client).add(TWO, clock.monotonic() + 50)

    assert first_.written
    assert second == Outcome("b@example.com", conflicts=1, error="OutOfTime")
    assert len(writes) == 1


# ---- What is not a record


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
    foreign = {"UserId": {"S": "b@example.com"}, **attributes}
    client.put_item(TableName=TABLE, Item=foreign)
    outcomes = write(client, TWO)
    assert (outcomes["b@example.com"].error, outcomes[ADDRESS].written) == ("RecordError", True)
    assert items(client)["b@example.com"] == foreign


def test_the_client_has_a_connection_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """``Calls`` keeps as many under way (``unit/test_calls.py``)."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    client = connect(endpoint_url="http://127.0.0.1:9")
    assert client.meta.config.max_pool_connections == CONNECTIONS  # type: ignore[attr-defined]  # its stubs leave it out
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
