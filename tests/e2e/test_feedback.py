"""The whole chain: SNS, SQS or not, the real zip in a Lambda function under its own role, DynamoDB."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from harness.stack import Stack
from support import ses
from support.deployed import Deployed
from support.eventually import eventually


def texts(*messages: ses.Message) -> list[str]:
    return [ses.text(message) for message in messages]


def bodies(deployed: Deployed) -> list[str]:
    return [message["Body"] for message in deployed.dead_letters()]


def test_each_kind_of_feedback_marks_each_of_its_recipients(deployed: Deployed) -> None:
    bounced, bounced_too, complained, delivered, delivered_too, doubtful, left = map(ses.fresh, "abcdefg")

    deployed.publish(
        *texts(
            ses.bounce(bounced, bounced_too),
            ses.complaint(complained),
            ses.delivery(delivered, delivered_too),
            ses.bounce(doubtful, kind="Undetermined", subtype="Undetermined"),
            ses.subscription(left),
        )
    )

    eventually(
        lambda: deployed.states(bounced, bounced_too, complained, delivered, delivered_too, doubtful, left),
        {
            bounced: "disable",
            bounced_too: "disable",
            complained: "disable",
            delivered: "enable",
            delivered_too: "enable",
            doubtful: "review",
            left: "disable",
        },
    )
    item = deployed.item(complained)
    assert item is not None
    assert (item["reason"], item["notificationType"], item["from"]) == ("complaint:abuse", "Complaint", ses.SENDER)
    assert item["timestamp"] == ses.AT
    assert item["suppressed"] == "disable"


def test_event_publishing_is_understood_as_well(deployed: Deployed) -> None:
    bounced, complained, delivered = map(ses.fresh, "abc")

    deployed.publish(
        *texts(*map(ses.event, (ses.bounce(bounced), ses.complaint(complained), ses.delivery(delivered)))),
        *texts(ses.other("Send", bounced), ses.other("Open", delivered), ses.SET_UP_TEXT),
    )

    eventually(
        lambda: deployed.states(bounced, complained, delivered),
        {bounced: "disable", complained: "disable", delivered: "enable"},
    )


def test_order_and_repetition_make_no_difference(deployed: Deployed) -> None:
    """Three addresses with the same history: once in order, in reverse, and each piece three times."""
    in_order, reverse, thrice = map(ses.fresh, "abc")

    def history(address: str) -> list[str]:
        ids = {"sender": ses.SENDER}
        return texts(
            ses.bounce(address, at="2026-03-01T12:00:00.000Z", feedback_id="f1", message_id="m1", **ids),
            ses.delivery(address, sent="2026-03-02T12:00:00.000Z", message_id="m2", **ids),
            ses.bounce(
                address,
                kind="Transient",
                subtype="MailboxFull",
                at="2026-03-03T12:00:00.000Z",
                feedback_id="f3",
                message_id="m3",
                **ids,
            ),
            ses.complaint(
                address, feedback_type="not-spam", at="2026-03-05T12:00:00.000Z", message_id="m4", feedback_id="f4"
            ),
            ses.complaint(address, at="2026-03-04T12:00:00.000Z", message_id="m5", feedback_id="f5"),
        )

    deployed.publish(*history(in_order))
    deployed.publish(*reversed(history(reverse)))
    for _ in range(3):
        deployed.publish(*history(thrice))

    def without_history(address: str) -> dict[str, Any]:
        ignored = {"UserId", "version", "updatedAt"}
        return {name: value for name, value in (deployed.item(address) or {}).items() if name not in ignored}

    for address in (in_order, reverse, thrice):
        eventually(
            lambda address=address: without_history(address).get("evidence", {}).keys(),  # type: ignore[misc]  # mypy takes no type from a default
            {"hardBounce", "delivery", "softBounces", "complaint", "notSpam"},
        )
    assert without_history(in_order) == without_history(reverse) == without_history(thrice)
    assert without_history(in_order)["state"] == "enable"


def test_a_batch_reports_exactly_the_messages_that_failed(deployed: Deployed) -> None:
    good, also_good, in_bad_company = map(ses.fresh, "abc")

    answer = deployed.invoke(
        ses.sqs_event(
            ses.delivery(good), "not JSON", ses.bounce(in_bad_company, "no address"), ses.complaint(also_good)
        )
    )

    assert answer == {"batchItemFailures": [{"itemIdentifier": "sqs-1"}, {"itemIdentifier": "sqs-2"}]}
    assert deployed.states(good, also_good, in_bad_company) == {
        good: "enable",
        also_good: "disable",
        in_bad_company: None,
    }


def test_malformed_feedback_ends_whole_in_the_dead_letter_queue_and_its_neighbours_do_not(queue_mode: Deployed) -> None:
    before, after = map(ses.fresh, "ab")
    message = json.dumps({"notificationType": "Bounce", "mark": uuid.uuid4().hex})

    with queue_mode.quick_redelivery(tries=2):
        queue_mode.publish(*texts(ses.delivery(before)), message, *texts(ses.delivery(after)))

        eventually(lambda: queue_mode.states(before, after), {before: "enable", after: "enable"})
        eventually(lambda: message in bodies(queue_mode))


def test_feedback_that_fails_in_every_try_ends_whole_in_the_dead_letter_queue(direct_mode: Deployed) -> None:
    good = ses.fresh("a")
    malformed = json.dumps({"notificationType": "Bounce", "mark": uuid.uuid4().hex})

    direct_mode.publish(malformed, *texts(ses.delivery(good)))

    eventually(lambda: direct_mode.states(good), {good: "enable"})
    eventually(
        lambda: [
            (body["requestContext"]["condition"], body["requestContext"]["approximateInvokeCount"])
            for body in map(json.loads, bodies(direct_mode))
            if malformed in (record["Sns"]["Message"] for record in body.get("requestPayload", {}).get("Records", []))
        ],
        expected=[("RetriesExhausted", 3)],
    )


@contextmanager
def out_of_reach(deployed: Deployed) -> Iterator[None]:
    """Keep SNS from calling the function: without its permission, or without the function where none is asked for."""
    client, name = deployed.lambda_, deployed.outputs["function_name"]
    if not deployed.emulator.enforces_iam:
        client.delete_function(FunctionName=name)
        try:
            yield
        finally:
            deployed.stack.apply()
        return
    (permission,) = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
    client.remove_permission(FunctionName=name, StatementId=permission["Sid"])
    try:
        yield
    finally:
        client.add_permission(
            FunctionName=name,
            StatementId=permission["Sid"],
            Action=permission["Action"],
            Principal=permission["Principal"]["Service"],
            SourceArn=deployed.outputs["topic_arn"],
        )


def test_feedback_that_sns_can_not_hand_over_ends_in_the_dead_letter_queue(direct_mode: Deployed) -> None:
    message = ses.text(ses.delivery(ses.fresh("a")))
    with out_of_reach(direct_mode):
        direct_mode.publish(message)

        eventually(lambda: message in [json.loads(body).get("Message") for body in bodies(direct_mode)], expected=True)


@pytest.mark.needs("simulates_ses")
def test_mail_to_the_mailbox_simulator_comes_back_as_feedback(deployed: Deployed) -> None:
    sender = ses.fresh("news")
    clients = deployed.emulator.client("ses")
    clients.verify_email_identity(EmailAddress=sender)
    for kind in ("Bounce", "Complaint", "Delivery"):
        clients.set_identity_notification_topic(
            Identity=sender, NotificationType=kind, SnsTopic=deployed.outputs["topic_arn"]
        )
    # A label of its own keeps the two modes' mail apart; the simulator ignores it.
    label = uuid.uuid4().hex[:8]
    expected = {
        f"{name}+{label}@simulator.amazonses.com": state
        for name, state in {
            "success": "enable",
            "bounce": "disable",
            "complaint": "disable",
            "suppressionlist": "disable",
        }.items()
    }

    for address in expected:
        clients.send_email(
            Source=sender,
            Destination={"ToAddresses": [address]},
            Message={"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "Hello"}}},
        )

    eventually(lambda: deployed.states(*expected), expected)


def test_the_log_tells_of_changes_without_a_whole_address(deployed: Deployed) -> None:
    address = ses.fresh("private")
    deployed.publish(*texts(ses.complaint(address)), json.dumps({"notificationType": "Bounce", "mail": address}))
    eventually(lambda: deployed.states(address), {address: "disable"})

    def change() -> list[Mapping[str, Any]]:
        lines = [json.loads(line) for line in deployed.log() if line.startswith("{")]
        return [
            line for line in lines if line.get("message") == "state changed" and line["address"] == "p***@example.com"
        ]

    eventually(lambda: bool(change()), expected=True)
    assert change()[-1]["reason"] == "complaint:abuse"
    eventually(lambda: any('"Malformed"' in line for line in deployed.log()), expected=True)
    assert not [line for line in deployed.log() if address in line or address.partition("@")[0] in line]


def test_metrics_are_in_the_log(deployed: Deployed) -> None:
    address = ses.fresh("counted")
    deployed.publish(*texts(ses.bounce(address)))
    eventually(lambda: deployed.states(address), {address: "disable"})

    def namespaces() -> set[str]:
        lines = [json.loads(line) for line in deployed.log() if '"_aws"' in line]
        return {each["Namespace"] for line in lines for each in line["_aws"]["CloudWatchMetrics"]}

    eventually(namespaces, {"HealthyMailing"})


@pytest.mark.needs("large_batches")
def test_a_function_gets_more_messages_of_the_queue_at_once_than_sqs_hands_out(queue_mode: Deployed) -> None:
    addresses = [ses.fresh("batch") for _ in range(40)]
    queue_mode.publish(*texts(*(ses.bounce(each) for each in addresses)))
    eventually(lambda: set(queue_mode.states(*addresses).values()), {"disable"})

    def most() -> int:
        return max((json.loads(line).get("HardBounces", 0) for line in queue_mode.log() if '"_aws"' in line), default=0)

    eventually(lambda: most() > 10)


def test_a_second_plan_shows_no_drift(configuration: Stack) -> None:
    assert configuration.drift() == []
