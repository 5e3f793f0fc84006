"""Whoever needs to know learns it: feedback -> table -> stream -> function -> EventBridge -> a rule -> a queue.

What the emulators can't show is in their ``limits``: until when and how often Lambda tries a batch, and that it splits
one. ``tests/faults`` and ``tests/soak`` try the function itself against a shard that does all of it.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from support import ses
from support.command_line import Mailing
from support.deployed import Deployed
from support.events import Subscriber, complained, subscribed
from support.eventually import eventually
from support.iam import role_without
from support.stream import problems


@pytest.fixture
def subscriber(deployed: Deployed) -> Iterator[Subscriber]:
    with subscribed(deployed) as found:
        yield found


def test_a_complaint_arrives_as_an_event_that_fits_the_schema(deployed: Deployed, subscriber: Subscriber) -> None:
    address = complained(deployed, "private")

    eventually(lambda: subscriber.changes(address), [(None, "disable", "complaint:abuse")])

    (event,) = [each for each in subscriber.got if each["detail"]["address"] == address]
    assert problems(event) == []
    assert event["resources"] == [deployed.outputs["table_arn"]]
    assert (event["detail"]["mayBeMailed"], event["detail"]["domain"]) == (False, "example.com")
    item = deployed.item(address)
    assert item
    assert (event["detail"]["changedAt"], event["detail"]["timestamp"]) == (item["updatedAt"], item["timestamp"])
    eventually(lambda: any('"EventsPut"' in line for line in deployed.log("changes_log_group_name")))
    assert [line for line in deployed.log("changes_log_group_name") if address.partition("@")[0] in line] == []


def test_each_change_is_told_in_order_and_what_changes_nothing_is_not(
    deployed: Deployed, subscriber: Subscriber
) -> None:
    address, fine = ses.fresh("a"), ses.fresh("fine")
    history = [
        (ses.complaint(address, at="2026-03-01T12:00:00.000Z"), "disable"),
        (ses.complaint(address, at="2026-03-02T12:00:00.000Z"), "disable"),  # evidence alone
        (ses.complaint(address, feedback_type="not-spam", at="2026-03-03T12:00:00.000Z"), "enable"),
        (ses.delivery(address, sent="2026-03-04T12:00:00.000Z"), "enable"),  # evidence alone
        (ses.bounce(address, at="2026-03-05T12:00:00.000Z"), "disable"),
    ]
    deployed.publish(ses.text(ses.delivery(fine)))
    eventually(lambda: deployed.states(fine), {fine: "enable"})
    for number, (message, state) in enumerate(history, 1):
        deployed.publish(ses.text(message))
        eventually(lambda number=number: int((deployed.item(address) or {"version": 0})["version"]) == number)  # type: ignore[misc]  # mypy takes no type from a default
        assert deployed.states(address) == {address: state}
    deployed.dynamodb.delete_item(TableName=deployed.outputs["table_name"], Key={"UserId": {"S": address}})

    eventually(
        lambda: subscriber.changes(address),
        [
            (None, "disable", "complaint:abuse"),
            ("disable", "enable", "not-spam"),
            ("enable", "disable", "bounce:Permanent/General"),
            ("disable", "enable", "erased"),
        ],
    )
    assert subscriber.events(fine) == [], "new addresses that may be mailed are no events unless asked for"


@pytest.mark.needs("enforces_iam")
def test_what_the_function_may_not_send_waits_and_comes_in_order(deployed: Deployed, subscriber: Subscriber) -> None:
    first = complained(deployed, "first")
    eventually(lambda: len(subscriber.events(first)), 1)

    with role_without(deployed, "events:PutEvents", "changes_role_arn"):
        held_up = complained(deployed, "a")
        deployed.dynamodb.delete_item(TableName=deployed.outputs["table_name"], Key={"UserId": {"S": held_up}})
        eventually(lambda: any("event not put" in line for line in deployed.log("changes_log_group_name")))
        assert subscriber.events(held_up) == []

    eventually(
        lambda: subscriber.changes(held_up), [(None, "disable", "complaint:abuse"), ("disable", "enable", "erased")]
    )


def test_an_image_that_it_cannot_read_is_set_aside_and_brought_back(deployed: Deployed, subscriber: Subscriber) -> None:
    table, unreadable = deployed.outputs["table_name"], ses.fresh("unreadable")
    deployed.dynamodb.put_item(TableName=table, Item={"UserId": {"S": unreadable}, "state": {"S": "perhaps"}})
    behind = complained(deployed, "behind")

    eventually(lambda: subscriber.changes(behind), [(None, "disable", "complaint:abuse")])  # nobody waits for it
    eventually(lambda: len(dead_letters(deployed, unreadable)) >= 1)
    assert subscriber.events(unreadable) == []

    item: Any = deployed.dynamodb.get_item(TableName=table, Key={"UserId": {"S": behind}})["Item"]
    deployed.dynamodb.put_item(TableName=table, Item={**item, "UserId": {"S": unreadable}})
    eventually(lambda: len(subscriber.events(unreadable)), 1)
    mailing = Mailing(deployed.emulator.environment(), table)
    ran = mailing("redrive", "--changes", "--json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.json[0]["moved"] >= 1
    eventually(lambda: {each[1] for each in subscriber.changes(unreadable)}, {"disable"})
    assert dead_letters(deployed, unreadable) == []


def dead_letters(deployed: Deployed, address: str) -> list[str]:
    """Return the dead letters of changes that hold an address."""
    return [each["Body"] for each in deployed.dead_letters("changes_dead_letter_queue_url") if address in each["Body"]]
