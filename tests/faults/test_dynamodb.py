"""Whatever DynamoDB and the network do, the table ends as if nothing had been, and what is not in it is reported."""

import re

import pytest

from healthy_mailing.notification import parse
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

from . import workload
from .conftest import Compare, Functions
from .delivery import deliver
from .proxy import Proxy, Stall, cut_after, cut_before, delay

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


@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchExecuteStatement"])
def test_a_table_that_does_not_answer_is_reported_before_the_timeout(
    operation: str, functions: Functions, proxy: Proxy, assert_table_is: Compare
) -> None:
    """Else the call would die with all it did, also with what was written, and nobody would learn why.

    The log of what failed has no whole address.
    """
    messages = [ses.text(ses.delivery(f"reader-{n}@example.com")) for n in range(40)]
    (function,) = functions(1, timeout=4)
    stall = Stall()
    proxy.fault = only(operation, stall)

    answer = function.invoke(ses.sqs_event(*messages))

    assert len(answer["answer"]["batchItemFailures"]) == len(messages)
    log = function.log.read_text()
    assert "feedback not written" in log
    assert "reader-1" not in log
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
