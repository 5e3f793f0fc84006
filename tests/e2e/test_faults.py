"""Faults around the applied stacks: the table goes away and comes back, and dead letters are brought back."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from faults import database, oracle, workload
from faults.proxy import Proxy, cut_before, hold, proxied
from healthy_mailing_cli.redrive.feedback import messages_in
from support import ses
from support.command_line import Mailing
from support.deployed import Deployed
from support.eventually import eventually
from support.faults import Forward, Request, nothing, refuse

# Functions in containers do not reach a proxy on this machine's loopback.
pytestmark = pytest.mark.needs("functions_reach_loopback")

GONE = refuse("ResourceNotFoundException")


@pytest.fixture
def proxy(deployments: Mapping[str, Deployed]) -> Iterator[Proxy]:
    with proxied(deployments["queue"].emulator.endpoint_url) as started:
        yield started


@contextmanager
def behind(deployed: Deployed, proxy: Proxy) -> Iterator[None]:
    """Let the function reach DynamoDB through a proxy for a ``with`` block."""
    functions = deployed.emulator.client("lambda")
    name = deployed.outputs["function_name"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def use(environment: Mapping[str, str]) -> None:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": environment})
        # boto3's waiter looks every five seconds.
        eventually(
            lambda: functions.get_function_configuration(FunctionName=name).get("LastUpdateStatus"), "Successful"
        )

    use({**variables, "AWS_ENDPOINT_URL_DYNAMODB": proxy.endpoint_url})
    try:
        yield
    finally:
        use(variables)


def feedback(count: int) -> tuple[list[str], dict[str, Any]]:
    """Return messages that mark addresses which no other test uses, and the items they amount to."""
    label = ses.fresh("x").partition("@")[0]
    some = workload.feedback(count, addresses=max(2, count // 4), seed=31)
    renamed = [each.replace("reader-", f"{label}-").replace("READER-", f"{label}-".upper()) for each in some]
    messages = [each for each in renamed if oracle.marks_of(each)]
    return messages, oracle.table(messages)


def difference(deployed: Deployed, expected: Mapping[str, Any]) -> str:
    found = database.items(deployed.dynamodb, deployed.outputs["table_name"])
    return oracle.difference(expected, {address: found[address] for address in expected if address in found})


def redrive(deployed: Deployed, *options: str) -> dict[str, Any]:
    """Run ``mailing redrive`` and return what it says."""
    mailing = Mailing(deployed.emulator.environment(), deployed.outputs["table_name"])
    done = mailing("redrive", "--json", *options)
    assert done.code == 0, done
    (report,) = done.json
    return report  # type: ignore[no-any-return]  # parsed JSON


def test_the_queue_holds_feedback_while_the_table_is_away(queue_mode: Deployed, proxy: Proxy) -> None:
    messages, expected = feedback(20)

    async def away(request: Request, forward: Forward) -> None:
        # Some calls learn that it is away, others are killed at their timeout or end just before it.
        await (cut_before if request.number % 2 else hold)(request, forward)

    with queue_mode.quick_redelivery(tries=1000), behind(queue_mode, proxy):
        proxy.fault = away
        queue_mode.publish(*messages)
        # More than botocore tries for one call.
        eventually(lambda: proxy.seen("BatchGetItem") > 4)
        assert not any(queue_mode.states(*expected).values())

        proxy.fault = nothing
        eventually(lambda: difference(queue_mode, expected), "")


def test_dead_letters_come_back(deployed: Deployed, proxy: Proxy) -> None:
    queued = deployed.mode == "queue"
    messages, expected = feedback(20 if queued else 3)
    proxy.fault = GONE

    with deployed.quick_redelivery(tries=2) if queued else nullcontext(), behind(deployed, proxy):
        deployed.publish(*messages)
        eventually(lambda: dead(deployed, messages))
        assert not any(deployed.states(*expected).values())

        proxy.fault = nothing
        assert redrive(deployed, "--dry-run")["moved"] == 0
        assert redrive(deployed)["moved"] >= len(messages)
        eventually(lambda: difference(deployed, expected), "")


def dead(deployed: Deployed, messages: Sequence[str]) -> bool:
    """Return whether each of these messages, as often as it is among them, is a dead letter."""
    found = Counter(each for letter in deployed.dead_letters() for each in messages_in(letter["Body"]))
    return Counter(messages) <= found
