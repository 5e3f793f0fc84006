"""Nobody gets in: what IAM and the resources' policies refuse, tried on the applied stacks.

ministack 1.5.33 enforces IAM for requests from outside and for the function's own. It does not for what Lambda does
with the function's role (queues, logs), nor for what services send each other: ``tests/terraform/test_access.py``
evaluates those policies instead.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support import ses
from support.deployed import Deployed
from support.eventually import eventually
from support.iam import role_without, user

pytestmark = pytest.mark.needs("enforces_iam")


def in_plain_text(client: Any) -> Any:
    """Let a client's requests count as plain HTTP (see ``scripts/harness/emulators/embedded/launcher.py``)."""

    def mark(request: Any, **_: object) -> None:
        request.headers["X-Forwarded-Proto"] = "http"

    client.meta.events.register("before-sign", mark)
    return client


def refused(call: Any, **arguments: Any) -> str:
    """Return the code with which AWS refuses a call."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}


@pytest.mark.parametrize(
    ("action", "known"),
    [("BatchGetItem", False), ("BatchGetItem", True), ("PartiQLInsert", False), ("PartiQLUpdate", True)],
)
def test_each_action_on_the_table_is_needed_and_no_other(deployed: Deployed, action: str, *, known: bool) -> None:
    address = ses.fresh("a")
    if known:
        deployed.invoke(ses.sqs_event(ses.delivery(address)))
    before = deployed.item(address)
    event = ses.sqs_event(ses.complaint(address))

    with role_without(deployed, f"dynamodb:{action}"):
        refused_answer = deployed.invoke(event)
        assert deployed.item(address) == before

    assert refused_answer == {"batchItemFailures": [{"itemIdentifier": "sqs-0"}]}
    assert deployed.invoke(event) == {"batchItemFailures": []}
    assert deployed.states(address) == {address: "disable"}


def test_a_user_of_the_account_needs_a_policy_to_publish_send_or_call(deployed: Deployed) -> None:
    url = deployed.outputs.get("queue_url") or deployed.outputs["dead_letter_queue_url"]
    with user(deployed.emulator) as session:

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=deployed.emulator.endpoint_url)  # type: ignore[call-overload]  # any service

        codes = {
            refused(client("sns").publish, TopicArn=deployed.outputs["topic_arn"], Message="{}"),
            refused(client("sqs").send_message, QueueUrl=url, MessageBody="{}"),
            refused(client("lambda").invoke, FunctionName=deployed.outputs["function_name"], Payload=b"{}"),
            refused(client("dynamodb").scan, TableName=deployed.outputs["table_name"]),
        }
    assert codes <= DENIED


def test_plain_http_is_denied_to_those_who_may_publish(deployed: Deployed) -> None:
    address = ses.fresh("a")
    topic = deployed.outputs["topic_arn"]
    message = ses.text(ses.complaint(address))
    with user(deployed.emulator, {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}) as session:
        plain = in_plain_text(session.client("sns", endpoint_url=deployed.emulator.endpoint_url))
        assert refused(plain.publish, TopicArn=topic, Message=message) in DENIED
        assert deployed.item(address) is None

        encrypted = session.client("sns", endpoint_url=deployed.emulator.endpoint_url)
        encrypted.publish(TopicArn=topic, Message=message)
    eventually(lambda: deployed.states(address), {address: "disable"})


def test_plain_http_is_denied_to_those_who_may_use_the_queues(deployed: Deployed) -> None:
    arn, url = deployed.outputs["dead_letter_queue_arn"], deployed.outputs["dead_letter_queue_url"]
    allowed = {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"], "Resource": arn}
    with user(deployed.emulator, allowed) as session:
        plain = in_plain_text(session.client("sqs", endpoint_url=deployed.emulator.endpoint_url))
        assert refused(plain.send_message, QueueUrl=url, MessageBody="{}") in DENIED
        assert refused(plain.receive_message, QueueUrl=url) in DENIED
        session.client("sqs", endpoint_url=deployed.emulator.endpoint_url).receive_message(
            QueueUrl=url, VisibilityTimeout=0
        )
