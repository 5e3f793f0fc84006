"""The function dies, is called again with the same, and gets batches as large and as bad as they come."""

import json
from collections import Counter
from typing import TYPE_CHECKING

from support import ses
from support.faults import Answer, Fault, Forward, Request
from support.table import TABLE

from . import workload
from .conftest import Compare, Functions
from .delivery import deliver
from .function import Function
from .proxy import Proxy, Stall

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SQS_BATCH = (
    10_000  # messages (AWS Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping")
)
SQS_PAYLOAD = 6 * 1024 * 1024  # octets of a call's event (AWS Lambda quotas)
SNS_MESSAGE = 256 * 1024  # octets (Amazon SNS quotas)


def killing(function: Function, *, times: int) -> Fault:
    """Return a fault that kills so many of the function's processes, each at the second of its writes.

    Its other writes of that moment take effect or do not; this one does, and nobody learns of it.
    """
    writes: Counter[int | None] = Counter()
    left = iter(range(times))

    async def fault(request: Request, forward: Forward) -> Answer | None:
        if request.operation == "BatchExecuteStatement":
            process_id = function.process_id
            writes[process_id] += 1
            if writes[process_id] == 2 and next(left, None) is not None:
                function.kill_outright()
        return await forward()

    return fault


def test_a_function_that_is_killed_in_the_middle_of_batches(
    functions: Functions, proxy: Proxy, assert_table_is: Compare
) -> None:
    # So many addresses that each batch has some of which nothing is known, for more than one write.
    messages = workload.feedback(400, addresses=400, seed=11)
    (function,) = functions()
    proxy.fault = killing(function, times=4)

    result = deliver(messages, [function], batch_size=100)

    assert result.failed_calls == 4
    assert result.dead_letters == []
    assert_table_is(messages)


def test_calls_that_take_longer_than_the_timeout(functions: Functions, proxy: Proxy, assert_table_is: Compare) -> None:
    """So many writes, each of them so slow, that no call has the time for all: each gets a part done."""
    messages = [ses.text(ses.delivery(f"reader-{n}@example.com")) for n in range(600)]
    stall = Stall()
    done_in_a_call = 0

    async def eight_in_a_call(request: Request, forward: Forward) -> Answer | None:
        nonlocal done_in_a_call
        if request.operation == "BatchExecuteStatement":
            done_in_a_call += 1
            if done_in_a_call > 8:
                await stall(request, forward)
                return None
        return await forward()

    def call_ended(_: int) -> None:
        nonlocal done_in_a_call
        done_in_a_call = 0
        stall.release()

    proxy.fault = eight_in_a_call

    result = deliver(messages, functions(1, timeout=4), batch_size=600, tries=1000, progress=call_ended)

    assert result.calls > 1
    assert result.failed_calls == 0
    assert result.dead_letters == []
    assert_table_is(messages)


def test_the_same_messages_again_and_again(
    functions: Functions, proxy: Proxy, client: "DynamoDBClient", assert_table_is: Compare
) -> None:
    messages = workload.feedback(200, addresses=50, seed=12)
    made = functions(2)
    deliver(messages, made)
    settled = client.scan(TableName=TABLE)["Items"]
    writes = proxy.seen("BatchExecuteStatement")

    result = deliver(messages * 10, made, batch_size=300)

    assert result.dead_letters == []
    assert_table_is(messages)
    assert client.scan(TableName=TABLE)["Items"] == settled
    assert proxy.seen("BatchExecuteStatement") == writes


def test_messages_that_cannot_be_read_among_thousands(functions: Functions, assert_table_is: Compare) -> None:
    """They alone are dead letters, whole; of one with an invalid recipient, nothing is applied."""
    poison = json.dumps({"notificationType": "Bounce", "bounce": {"bouncedRecipients": "reader-1@example.com"}})
    partly = ses.text(ses.bounce("reader-1@example.com", "no address", "reader-2@example.com"))
    messages = workload.feedback(2000, addresses=60, seed=13)
    messages[500:500], messages[1500:1500] = [poison], [partly]

    result = deliver(messages, functions(2), batch_size=1000, tries=3)

    assert sorted(result.dead_letters) == sorted([poison, partly])
    assert result.failed_calls == 0
    assert_table_is(messages)


def test_the_largest_batch(functions: Functions, assert_table_is: Compare) -> None:
    messages = [
        ses.text(
            ses.delivery(
                f"reader-{n % 500}@example.com", message_id=f"m{n}", sent=f"2026-03-10T12:00:00.{n % 1000:03d}Z"
            )
        )
        for n in range(SQS_BATCH)
    ]

    result = deliver(messages, functions(), batch_size=SQS_BATCH, tries=1)

    assert (result.calls, result.dead_letters) == (1, [])
    assert_table_is(messages)


def test_the_largest_payload(functions: Functions, assert_table_is: Compare) -> None:
    """Messages as large as SNS takes them, as many as Lambda takes at once: one of recipients, others of a header."""
    crowd = [f"{'reader' * 8}-{n}@example.com" for n in range(500)]
    several = ses.delivery(*crowd)
    messages = [ses.text(several)]
    for n in range(SQS_PAYLOAD // SNS_MESSAGE - 1):
        bounce = ses.bounce(f"reader-{n}@example.com", feedback_id=f"f{n}", message_id=f"m{n}")
        bounce["mail"]["headers"] = [{"name": "Subject", "value": "x" * (SNS_MESSAGE - 3000)}]
        messages.append(ses.text(bounce))
    assert all(SNS_MESSAGE * 0.2 < len(message) <= SNS_MESSAGE for message in messages)

    result = deliver(messages, functions(), tries=1)

    assert (result.calls, result.dead_letters) == (1, [])
    assert_table_is(messages)
