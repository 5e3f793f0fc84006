"""One apply heals a stack: whatever was replaced or deleted by hand, the next apply brings back all that hung on it.

Every resource of the root with all modules is gone once, a generation at a time: those of one generation do not depend
on each other, and nothing that depends on them is touched. To Terraform taint is the same as ``-replace``.
docs/change.md says what each costs.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.credentials import Credentials

from support import ses
from support.deployed import Deployed
from support.events import complained, subscribed
from support.eventually import eventually
from support.flowing import publishing
from support.lookup import call_as, path_of

PROTECTED = {"aws_sesv2_email_identity", "aws_sesv2_configuration_set"}
"""Types of which Terraform refuses to destroy one (test_around.py)."""
ONLY_IN_THE_STATE = {"terraform_data"}
REFUSED = {"aws_api_gateway_deployment": "API Gateway deletes none that a stage uses"}
"""Types of which AWS refuses to delete one by hand."""

# A new policy of an API is made before the old one goes, and with that goes the policy, whichever it is. The deployed
# API keeps its copy, so callers notice nothing; the next apply writes it again.
TWO_APPLIES = {"module.lookup[0].aws_api_gateway_rest_api_policy.this: update policy"}


@dataclass(frozen=True)
class Resource:
    """A managed resource of a state, in one instance."""

    address: str
    block: str
    """The address without the instance's own key, as dependencies have it."""
    type: str
    attributes: Mapping[str, Any]
    dependencies: frozenset[str]


def resources(deployed: Deployed) -> Iterator[Resource]:
    for each in json.loads(deployed.stack.run("state", "pull"))["resources"]:
        if each["mode"] != "managed":
            continue
        block = ".".join(filter(None, (each.get("module"), each["type"], each["name"])))
        for instance in each["instances"]:
            key = instance.get("index_key")
            address = block if key is None else f"{block}[{json.dumps(key)}]"
            dependencies = frozenset(instance.get("dependencies", ()))
            yield Resource(address, block, each["type"], instance["attributes"], dependencies)


def generations(found: list[Resource]) -> list[list[Resource]]:
    """Sort resources by the length of the longest way to what depends on nothing."""
    dependencies: dict[str, frozenset[str]] = {}
    for each in found:
        name = without_keys(each.block)
        dependencies[name] = dependencies.get(name, frozenset()) | frozenset(map(without_keys, each.dependencies))

    def depth(block: str) -> int:
        return max((1 + depth(each) for each in dependencies.get(block, ()) if each in dependencies), default=0)

    depths = {each.address: depth(without_keys(each.block)) for each in found}
    return [[each for each in found if depths[each.address] == number] for number in range(max(depths.values()) + 1)]


def without_keys(address: str) -> str:
    """Return the address of all instances; dependencies name modules with the key and without."""
    return address.replace("[0]", "")


def delete_role(iam: Any, of: Mapping[str, Any]) -> None:
    for policy in iam.list_role_policies(RoleName=of["name"])["PolicyNames"]:
        iam.delete_role_policy(RoleName=of["name"], PolicyName=policy)
    iam.delete_role(RoleName=of["name"])


def undo_policy(sns: Any, of: Mapping[str, Any]) -> None:
    """Let a topic, which always has a policy, have the one of its owner."""
    own = {"Effect": "Allow", "Principal": {"AWS": of["owner"]}, "Action": "sns:Publish", "Resource": of["arn"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [own]})
    sns.set_topic_attributes(TopicArn=of["arn"], AttributeName="Policy", AttributeValue=policy)


def removed(path: str) -> list[dict[str, str]]:
    return [{"op": "remove", "path": path}]


Attributes = Mapping[str, Any]


def delete(service: str, operation: str, **arguments: str) -> tuple[str, Callable[[Any, Attributes], object]]:
    """Return how a client of a service takes it away; arguments are attributes of the state, ``Names`` lists of one."""

    def take_away(client: Any, of: Attributes) -> object:
        given = {name: [of[each]] if name.endswith("Names") else of[each] for name, each in arguments.items()}
        return getattr(client, operation)(**given)

    return service, take_away


FUNCTION, SET = {"FunctionName": "function_name"}, {"ConfigurationSetName": "configuration_set_name"}
# How a person takes it away, by type: with a client of its service, and what the state says of it.
BY_HAND: Mapping[str, tuple[Any, Callable[[Any, Attributes], object]]] = {
    "aws_api_gateway_method_settings": (
        "apigateway",
        lambda client, of: client.update_stage(
            restApiId=of["rest_api_id"], stageName=of["stage_name"], patchOperations=removed(f"/{of['method_path']}")
        ),
    ),
    "aws_api_gateway_rest_api": delete("apigateway", "delete_rest_api", restApiId="id"),
    "aws_api_gateway_rest_api_policy": (
        "apigateway",
        lambda client, of: client.update_rest_api(restApiId=of["rest_api_id"], patchOperations=removed("/policy")),
    ),
    "aws_api_gateway_stage": delete("apigateway", "delete_stage", restApiId="rest_api_id", stageName="stage_name"),
    "aws_cloudwatch_dashboard": delete("cloudwatch", "delete_dashboards", DashboardNames="dashboard_name"),
    "aws_cloudwatch_event_bus": delete("events", "delete_event_bus", Name="name"),
    "aws_cloudwatch_log_group": delete("logs", "delete_log_group", logGroupName="name"),
    "aws_cloudwatch_metric_alarm": delete("cloudwatch", "delete_alarms", AlarmNames="alarm_name"),
    "aws_dynamodb_table": delete("dynamodb", "delete_table", TableName="name"),
    "aws_iam_role": ("iam", delete_role),
    "aws_iam_role_policy": delete("iam", "delete_role_policy", RoleName="role", PolicyName="name"),
    "aws_lambda_event_source_mapping": delete("lambda", "delete_event_source_mapping", UUID="uuid"),
    "aws_lambda_function": delete("lambda", "delete_function", **FUNCTION),
    "aws_lambda_function_event_invoke_config": delete("lambda", "delete_function_event_invoke_config", **FUNCTION),
    "aws_lambda_permission": delete("lambda", "remove_permission", **FUNCTION, StatementId="statement_id"),
    "aws_ses_identity_notification_topic": delete(
        "ses", "set_identity_notification_topic", Identity="identity", NotificationType="notification_type"
    ),
    "aws_sesv2_configuration_set": delete("sesv2", "delete_configuration_set", **SET),
    "aws_sesv2_configuration_set_event_destination": delete(
        "sesv2", "delete_configuration_set_event_destination", **SET, EventDestinationName="event_destination_name"
    ),
    "aws_sesv2_email_identity": delete("sesv2", "delete_email_identity", EmailIdentity="email_identity"),
    "aws_sesv2_email_identity_feedback_attributes": (
        "sesv2",
        lambda client, of: client.put_email_identity_feedback_attributes(
            EmailIdentity=of["email_identity"], EmailForwardingEnabled=True
        ),
    ),
    "aws_sns_topic": delete("sns", "delete_topic", TopicArn="arn"),
    "aws_sns_topic_policy": ("sns", undo_policy),
    "aws_sns_topic_subscription": delete("sns", "unsubscribe", SubscriptionArn="arn"),
    "aws_sqs_queue": delete("sqs", "delete_queue", QueueUrl="url"),
}


# What a new one costs, by the end of its address. docs/change.md says so.
COSTS = {
    "feedback.aws_dynamodb_table.this": "rows",
    "feedback.aws_sqs_queue.dead_letter": "dead letters",
    "changes.aws_sqs_queue.dead_letter": "dead letters of events",
    "feedback.module.function.aws_cloudwatch_log_group.this": "log",
    "lookup.aws_api_gateway_rest_api.this": "URL",
}
DEAD_LETTER_QUEUES = ("dead_letter_queue_url", "changes_dead_letter_queue_url")
STOPS_THE_FLOW = ("feedback.aws_dynamodb_table.this", "feedback.module.topic.aws_sns_topic.this")
"""What feedback that comes in between is lost with, while both ways of delivery are there."""


def are_among(ends: Iterable[str], found: Iterable[Resource]) -> list[str]:
    """Return which ends of addresses resources have."""
    return [end for end in ends if any(without_keys(each.block).endswith(end) for each in found)]


@dataclass(frozen=True)
class Kept:
    """What a stack holds before something of it goes."""

    row: str
    log: str
    url: str

    @classmethod
    def of(cls, deployed: Deployed) -> "Kept":
        row = complained(deployed, "kept")
        for queue in DEAD_LETTER_QUEUES:
            deployed.sqs.send_message(QueueUrl=deployed.outputs[queue], MessageBody="waiting")
        return cls(row, eventually(deployed.log, found=bool)[0], deployed.outputs["lookup_endpoint"])

    def lost(self, deployed: Deployed) -> set[str]:
        """Return what is not there any more, in the words of ``COSTS``."""
        letters, of_events = ({each["Body"] for each in deployed.dead_letters(queue)} for queue in DEAD_LETTER_QUEUES)
        held = {
            "rows": deployed.states(self.row) == {self.row: "disable"},
            "dead letters": "waiting" in letters,
            "dead letters of events": "waiting" in of_events,
            "log": self.log in deployed.log(),
            "URL": self.url == deployed.outputs["lookup_endpoint"],
        }
        return {what for what, is_held in held.items() if not is_held}


def forget_letters(deployed: Deployed) -> None:
    for queue in DEAD_LETTER_QUEUES:
        deployed.sqs.purge_queue(QueueUrl=deployed.outputs[queue])


def works(deployed: Deployed) -> None:
    """Assert that a message arrives both ways, that the API answers, and that an event goes out."""
    address = ses.fresh("a")
    with subscribed(deployed) as subscriber:
        deployed.publish(ses.text(ses.complaint(address)))
        eventually(lambda: deployed.states(address), {address: "disable"})
        eventually(lambda: subscriber.changes(address), [(None, "disable", "complaint:abuse")])
    call = call_as(deployed, Credentials("test", "test"))
    assert call("GET", path_of(address)).body["state"] == "disable"

    def waiting() -> set[str]:
        counts: Any = deployed.sqs.get_queue_attributes(QueueUrl=deployed.outputs["queue_url"], AttributeNames=["All"])
        return {counts["Attributes"][f"ApproximateNumberOfMessages{kind}"] for kind in ("", "NotVisible")}

    eventually(waiting, {"0"})
    # What SNS can't deliver to the function, and what the function fails on, would come here.
    assert [each for each in deployed.dead_letters() if address in each["Body"]] == []


def all_arrive(deployed: Deployed, addresses: list[str]) -> None:
    """Assert that feedback is in the table, or complete in the dead-letter queue if SNS could not hand it over."""

    def missing() -> set[str]:
        letters = "".join(each["Body"] for each in deployed.dead_letters())
        states = deployed.states(*addresses)
        return {each for each, state in states.items() if state != "disable" and each not in letters}

    eventually(missing, set())


@pytest.mark.xdist_group("whole")
def test_all_that_hangs_on_what_is_replaced_follows(whole: Deployed) -> None:
    for generation in generations(list(resources(whole))):
        replaced = [each for each in generation if each.type not in PROTECTED]
        names = [each.address for each in replaced]
        before = Deployed(whole.stack.reread())
        kept = Kept.of(before)
        flow = publishing(whole.emulator, before.outputs["topic_arn"])
        with nullcontext(list[str]()) if are_among(STOPS_THE_FLOW, replaced) else flow as addresses:
            whole.stack.apply(*(f"-replace={each}" for each in names))

        drift = whole.stack.drift()
        assert set(drift) <= TWO_APPLIES, names
        after = Deployed(whole.stack.reread())
        assert kept.lost(after) == {COSTS[each] for each in are_among(COSTS, replaced)}, names
        works(after)
        all_arrive(after, addresses)
        if drift:
            whole.stack.apply()
        forget_letters(after)
    assert whole.stack.drift() == []


# On a stack of its own, so that both run at once.
@pytest.mark.xdist_group("another whole")
def test_what_is_deleted_by_hand_is_back_and_all_that_went_with_it(whole: Deployed) -> None:
    found = list(resources(whole))
    assert {each.type for each in found} - BY_HAND.keys() == ONLY_IN_THE_STATE | REFUSED.keys()
    for number in range(len(generations(found))):
        # What is there now: the ids have changed.
        deleted = [each for each in generations(list(resources(whole)))[number] if each.type in BY_HAND]
        names = [each.address for each in deleted]
        kept = Kept.of(Deployed(whole.stack.reread()))
        for each in deleted:
            service, take_away = BY_HAND[each.type]
            take_away(whole.emulator.client(service), each.attributes)
        whole.stack.apply()

        assert whole.stack.drift() == [], names
        after = Deployed(whole.stack.reread())
        assert kept.lost(after) == {COSTS[each] for each in are_among(COSTS, deleted)}, names
        works(after)
        forget_letters(after)
