"""Whatever DynamoDB and the network do, the table ends as if nothing had been, and what is not in it is reported."""

import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from harness.emulator import Emulator
from healthy_mailing.evidence import Rules, evidence_of
from healthy_mailing.notification import parse
from healthy_mailing.row import Outcome
from healthy_mailing.table import Table
from support import ses
from support.faults import (
    Answer,
    Forward,
    Request,
    first,
    in_turn,
    keep_back,
    nothing,
    only,
    refuse,
    refuse_statements,
)
from support.table import TABLE

from . import database, workload
from .conftest import Compare, Functions
from .delivery import deliver
from .proxy import Proxy, Stall, cut_after, cut_before, delay, together

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MANY = 1000  # tries: how many a call with little time needs depends on the machine


THROTTLING = [refuse("ThrottlingException"), refuse("ProvisionedThroughputExceededException")]
STATEMENTS = [
    refuse_statements(code, about=lambda address: address < "reader-3")
    for code in ("ThrottlingError", "InternalServerError")
]
ERRORS = [refuse("InternalServerError", 500), refuse("ServiceUnavailable", 503)]
FAULTS = {
    "throttled": in_turn(*THROTTLING),
    "internal errors": in_turn(*ERRORS),
    "slow": in_turn(delay(0.2), delay(0.2, before=False)),
    "cut before the request took effect": in_turn(cut_before),
    "cut after the request took effect": in_turn(cut_after),
    "partial answers": keep_back(all_but=3),
    "statements throttled": in_turn(STATEMENTS[0]),
    "statements that failed": in_turn(STATEMENTS[1]),
    "all at once": in_turn(*THROTTLING, *ERRORS, *STATEMENTS, cut_before, cut_after, keep_back(all_but=3)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_passing_faults_leave_no_trace(
    fault: str, functions: Functions, proxy: Proxy, assert_table_is: Compare
) -> None:
    messages = workload.feedback(150, addresses=40, seed=3)
    proxy.fault = FAULTS[fault]

    result = deliver(messages, functions(2), batch_size=15, tries=20)

    assert result.dead_letters == []
    assert_table_is(messages)


def test_a_storm_of_writers_on_one_address(
    emulator: Emulator, client: "DynamoDBClient", proxy: Proxy, assert_table_is: Compare
) -> None:
    """Each has read the empty table before any of them writes, so that one of them wins and all others conflict."""
    del client  # the table is empty
    writers = 64
    proxy.fault = together("BatchGetItem", writers)
    messages = [ses.text(ses.bounce("a@example.com", at=f"2026-03-10T12:00:{n % 60:02d}.{n:03d}Z")) for n in range(24)]
    messages += [ses.text(ses.complaint("a@example.com", at=f"2026-03-10T13:00:00.{n:03d}Z")) for n in range(24)]
    messages += [ses.text(ses.delivery("a@example.com", sent=f"2026-03-{n + 1:02d}T12:00:00.000Z")) for n in range(16)]
    random.Random(64).shuffle(messages)  # noqa: S311  (not for secrets)
    shared = boto3.Session().client(
        "dynamodb",
        endpoint_url=proxy.endpoint_url,
        region_name=emulator.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  (the emulator takes any)
        config=Config(max_pool_connections=writers, proxies={}),
    )

    def write(message: str) -> Outcome:
        ((address, mark),) = parse(message).marks
        (outcome,) = Table(shared, TABLE, Rules()).add({address: evidence_of([mark])}, time.monotonic() + 600)
        return outcome

    with ThreadPoolExecutor(writers) as pool:
        outcomes = list(pool.map(write, messages))

    assert [outcome.error for outcome in outcomes] == [""] * writers
    assert sum(outcome.conflicts for outcome in outcomes) >= writers - 1
    assert_table_is(messages)


@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchExecuteStatement"])
def test_a_table_that_does_not_answer_is_reported_before_the_timeout(
    operation: str, functions: Functions, proxy: Proxy, assert_table_is: Compare
) -> None:
    """Else the call would die with all it did, also with what was written, and nobody would learn why."""
    messages = [ses.text(ses.delivery(f"reader-{n}@example.com")) for n in range(40)]
    (function,) = functions(1, timeout=4)
    stall = Stall()
    proxy.fault = only(operation, stall)

    answer = function.invoke(ses.sqs_event(*messages))

    assert len(answer["answer"]["batchItemFailures"]) == len(messages)
    proxy.fault = nothing
    stall.release()
    function.timeout = 60
    assert deliver(messages, [function], tries=1).dead_letters == []  # what still waits for answers is in nobody's way
    assert_table_is(messages)


@pytest.mark.parametrize("before", [True, False], ids=["before it took effect", "after it took effect"])
def test_answers_later_than_the_timeout(
    before: bool,  # noqa: FBT001  (a table's column)
    functions: Functions,
    proxy: Proxy,
    assert_table_is: Compare,
) -> None:
    messages = workload.feedback(60, addresses=10, seed=4)
    proxy.fault = first(6, delay(6, before=before))

    result = deliver(messages, functions(2, timeout=3), batch_size=30, tries=MANY)

    assert result.dead_letters == []
    assert_table_is(messages)


def test_a_table_that_is_down_for_a_while(functions: Functions, proxy: Proxy, assert_table_is: Compare) -> None:
    messages = workload.feedback(400, addresses=16, seed=5)
    requests = 16

    async def down_at_first(request: Request, forward: Forward) -> Answer | None:
        down = sum(map(proxy.seen, ("BatchGetItem", "BatchExecuteStatement"))) <= requests
        return await (cut_before if down else nothing)(request, forward)

    proxy.fault = down_at_first

    result = deliver(messages, functions(2), batch_size=200, tries=50)

    assert result.dead_letters == []
    assert_table_is(messages)


def test_what_fails_to_the_last_is_a_dead_letter_and_counts_once_it_comes_back(
    functions: Functions, proxy: Proxy, assert_table_is: Compare
) -> None:
    messages = workload.feedback(300, addresses=60, seed=6)
    made = functions(2)

    def is_refused(address: str) -> bool:
        return int(re.sub(r"\D", "", address)) % 2 == 0

    proxy.fault = refuse_statements("AccessDenied", about=is_refused)

    result = deliver(messages, made, batch_size=50, tries=2)

    proxy.fault = nothing
    named = [message for message in messages if any(is_refused(address) for address, _ in parse(message).marks)]
    assert sorted(result.dead_letters) == sorted(named)
    assert deliver(result.dead_letters, made).dead_letters == []
    assert_table_is(messages)


def test_items_of_the_original_article_are_taken_over(functions: Functions, client: "DynamoDBClient") -> None:
    """They have no version; what the article knew, the newest feedback of each address, counts on."""
    held = [ses.complaint("a@example.com", at="2026-03-10T12:00:00.000Z"), ses.delivery("b@example.com")]
    for address, feedback, state in zip(("a@example.com", "b@example.com"), held, ("disable", "enable"), strict=True):
        client.put_item(
            TableName=TABLE,
            Item={
                "UserId": {"S": address},
                "notificationType": {"S": feedback["notificationType"]},
                "from": {"S": feedback["mail"]["source"]},
                "timestamp": {"S": feedback["mail"]["timestamp"]},
                "state": {"S": state},
            },
        )
    messages = [
        ses.text(ses.delivery("a@example.com", sent="2026-03-20T12:00:00.000Z")),
        ses.text(ses.bounce("b@example.com")),
    ]

    assert deliver(messages, functions()).dead_letters == []

    found = database.items(client)
    assert {address: item["state"] for address, item in found.items()} == dict.fromkeys(found, "disable")
    assert found["a@example.com"]["evidence"].keys() == {"complaint", "delivery"}
    assert found["b@example.com"]["evidence"].keys() == {"hardBounce", "delivery"}
