"""What a platform team does to a live stack: nothing of it may lose a message, a row or the stack itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.emulator import Emulator
from harness.stack import Stack, applied
from harness.terraform import TerraformError
from support import ses
from support.deployed import QUICK, Deployed
from support.events import complained, subscribed
from support.eventually import eventually
from support.table import KEY, create_table

IDENTITY = "platform.example"
CALLER = Path(__file__).with_name("platform")
FEEDBACK = "module.root.module.feedback"
HOLD_OR_TAKE = (
    "topic_arn",
    "queue_arn",
    "dead_letter_queue_arn",
    "table_arn",
    "function_arn",
    "role_arn",
    "log_group_name",
)
"""Outputs that name what holds data or takes part in its way."""
TABLE = f"{FEEDBACK}.aws_dynamodb_table.this[0]"


@pytest.fixture(scope="module")
def platform(embedded: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack in queue mode whose modules all wait for something; tests that change it change it back."""
    variables = {
        **QUICK,
        "table": {"deletion_protection": False},
        "ses": {"identities": {IDENTITY: {}}},
    }
    embedded.client("ses").verify_domain_identity(Domain=IDENTITY)
    with applied(embedded, variables, tmp_path_factory.mktemp("platform"), CALLER) as stack:
        yield deployed(stack)
    assert stack.leftovers() == []


def deployed(stack: Stack) -> Deployed:
    """Return the root's stack in the platform team's configuration."""
    return Deployed(replace(stack, outputs={**stack.outputs, **stack.outputs["root"]}))


def destroyed(planned: list[str]) -> list[str]:
    """Return the planned changes that delete something."""
    return [each for each in planned if "delete" in each.partition(": ")[2]]


def test_a_change_beside_the_modules_replaces_nothing(platform: Deployed) -> None:
    assert platform.stack.drift() == []

    planned = platform.stack.planned(release=2)

    # What is unknown to the plan may be written again, as it was.
    assert any(each.startswith(FEEDBACK) for each in planned), "the change must reach the module"
    assert destroyed(planned) == []

    platform.stack.change({"release": 2})
    complained(platform, "a")
    assert platform.stack.drift() == []


def test_events_come_and_go_and_the_table_stays(platform: Deployed) -> None:
    stack = platform.stack
    known = complained(platform, "known")

    planned = stack.planned(events=True)
    assert [each for each in planned if each.startswith(TABLE)] == [
        f"{TABLE}: update stream_arn, stream_enabled, stream_view_type"
    ]
    assert destroyed(planned) == []

    stack.change({"events": True})
    try:
        assert stack.drift() == []
        assert destroyed(stack.planned(release=3)) == []
        changing = deployed(stack.reread())
        with subscribed(changing) as subscriber:
            address = complained(changing, "a")
            eventually(lambda: subscriber.changes(address), [(None, "disable", "complaint:abuse")])
            assert subscriber.events(known) == []
        gone = destroyed(stack.planned(events=False))
        assert gone
        theirs = ("changes[0].", 'monitoring[0].aws_cloudwatch_metric_alarm.this["changes-')
        assert [each for each in gone if not each.removeprefix("module.root.module.").startswith(theirs)] == []
    finally:
        stack.change({"events": False})
    assert stack.drift() == []
    assert platform.states(known, address) == {known: "disable", address: "disable"}


def test_another_name_renames_nothing_that_holds_data(platform: Deployed) -> None:
    known, waiting = complained(platform, "known"), "waiting"
    platform.sqs.send_message(QueueUrl=platform.outputs["dead_letter_queue_url"], MessageBody=waiting)
    before = platform.outputs
    name = f"{platform.stack.name}-other"

    planned = platform.stack.planned(name=name, table={"deletion_protection": False, "name": f"{name}-table"})
    assert [
        each for each in planned if each.startswith((FEEDBACK, "module.root.module.lookup[0].module.function"))
    ] == []

    platform.stack.change({"name": name, "table": {"name": f"{name}-table"}})
    try:
        after = deployed(platform.stack.reread()).outputs
        assert {each: after[each] for each in HOLD_OR_TAKE} == {each: before[each] for each in HOLD_OR_TAKE}
        assert platform.states(known) == {known: "disable"}
        assert [each["Body"] for each in platform.dead_letters()] == [waiting]
        complained(platform, "a")
        assert platform.stack.drift() == []
    finally:
        platform.stack.change({"name": platform.stack.name, "table": {"name": None}})
        platform.sqs.purge_queue(QueueUrl=platform.outputs["dead_letter_queue_url"])


@pytest.mark.parametrize("owner", ["module", "platform team"])
def test_a_table_moves_to_another_name_as_the_docs_say(platform: Deployed, owner: str) -> None:
    """Hold the queue, copy the table, use the copy (docs/change.md): nothing that comes meanwhile is lost."""
    stack, dynamodb = platform.stack, platform.dynamodb
    old, new = platform.outputs["table_name"], f"moved-{ses.fresh('t').partition('@')[0]}"
    early, meanwhile, late = complained(platform, "early"), ses.fresh("meanwhile"), ses.fresh("late")

    stack.change({"queue": {"enabled": False}})
    platform.publish(ses.text(ses.complaint(meanwhile)))
    # What a restore to another name gives (ministack 1.5.33 has no RestoreTableToPointInTime).
    create_table(dynamodb, new)
    for page in dynamodb.get_paginator("scan").paginate(TableName=old):
        for item in page["Items"]:
            dynamodb.put_item(TableName=new, Item=item)
    stack.run("state", "rm", TABLE)
    if owner == "module":
        stack.run("import", "-no-color", TABLE, new)
        assert destroyed(stack.planned()) == []
    stack.change({"table": {"existing": None if owner == "module" else new}})
    stack.change({"queue": {"enabled": True}})
    moved = deployed(stack.reread())
    try:
        assert moved.outputs["table_name"] == new
        assert dynamodb.describe_table(TableName=old)["Table"]["TableStatus"] == "ACTIVE"
        moved.publish(ses.text(ses.complaint(late)))
        eventually(lambda: moved.states(early, meanwhile, late), dict.fromkeys((early, meanwhile, late), "disable"))
        assert stack.drift() == []
    finally:
        if owner == "module":
            stack.run("state", "rm", TABLE)
        stack.run("import", "-no-color", "-var=table={deletion_protection=false}", TABLE, old)
        stack.change({"table": {"existing": None}, "queue": {"enabled": True}})
        dynamodb.delete_table(TableName=new)


def test_topics_of_other_regions_end_in_the_same_table(platform: Deployed) -> None:
    """SNS publishes across regions; here each topic is told of another address."""
    emulator = platform.emulator
    topics = [platform.outputs["topic_arn"], *platform.outputs["more_topic_arns"]]
    assert {topic.split(":")[3] for topic in topics} == {emulator.region, "eu-west-3"}
    addresses = {topic: ses.fresh("a") for topic in topics}

    for topic, address in addresses.items():
        client = emulator.client("sns", region_name=topic.split(":")[3])
        client.publish(TopicArn=topic, Message=ses.text(ses.complaint(address)))

    eventually(lambda: set(platform.states(*addresses.values()).values()), {"disable"})


@pytest.mark.parametrize(
    ("key", "problem"),
    [("email", "must have the partition key UserId"), (KEY, "lacks the index suppressed-updatedAt")],
)
def test_a_table_that_does_not_fit_is_refused(platform: Deployed, key: str, problem: str) -> None:
    name = f"other-{ses.fresh('t').partition('@')[0]}"
    platform.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        with pytest.raises(TerraformError, match=problem):
            platform.stack.planned(table={"existing": name})
    finally:
        platform.dynamodb.delete_table(TableName=name)
