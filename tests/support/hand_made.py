"""A stack made by plain calls of AWS, in a second and of the parts that Terraform makes, to be broken at will.

SNS hands feedback to the queue and to the function, as with delivery ``both``. The function does nothing.
"""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.emulator import Emulator
from harness.polling import until
from harness.stack import Stack
from harness.terraform import Terraform
from healthy_mailing.address import spelled
from healthy_mailing.evidence import Mark, Rules, evidence_of
from healthy_mailing.notification import parse
from healthy_mailing.table import Table
from support.deployed import Deployed
from support.functions import zipped
from support.table import SCHEMA

HANDLER = """
def handler(event, context):
    if event == "fail":
        raise ValueError
"""
_SECONDS = 30


@dataclass(frozen=True)
class HandMade:
    """A stack's name, and where it is."""

    emulator: Emulator
    name: str

    @property
    def domain(self) -> str:
        """The SES identity that reports to the topic; the configuration set that does is called as the stack."""
        return f"{self.name}.example"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of the account."""
        return f"arn:aws:{service}:{self.emulator.region}:000000000000:{resource}"

    @property
    def topic(self) -> str:
        """ARN of the topic."""
        return self.arn("sns", f"{self.name}-feedback")

    @property
    def function(self) -> str:
        """Name of the function and of the queue."""
        return f"{self.name}-feedback"

    @property
    def role(self) -> str:
        """The name of the function's role."""
        return f"{self.function}-{self.emulator.region}"

    def url(self, suffix: str = "") -> str:
        """Return the URL of a queue."""
        return self.emulator.client("sqs").get_queue_url(QueueName=f"{self.function}{suffix}")["QueueUrl"]

    def subscriptions(self) -> dict[str, str]:
        """Return the ARNs of the topic's subscriptions, by protocol."""
        found = self.emulator.client("sns").list_subscriptions_by_topic(TopicArn=self.topic)["Subscriptions"]
        return {each["Protocol"]: each["SubscriptionArn"] for each in found}

    def set_queue(self, suffix: str = "", **attributes: Any) -> None:
        """Set attributes of a queue."""
        self.emulator.client("sqs").set_queue_attributes(QueueUrl=self.url(suffix), Attributes=attributes)  # type: ignore[arg-type]  # names of attributes

    def report(self, *kinds: str) -> None:
        """Let the identity report these kinds of feedback to the topic, and no others."""
        for kind in ("Bounce", "Complaint", "Delivery"):
            topic = {"SnsTopic": self.topic} if kind in kinds else {}
            client: Any = self.emulator.client("ses")
            client.set_identity_notification_topic(Identity=self.domain, NotificationType=kind, **topic)

    def publish_events(self, *kinds: str, enabled: bool = True) -> None:
        """Let the configuration set publish these kinds of events to the topic, and no others."""
        self.emulator.client("sesv2").update_configuration_set_event_destination(
            ConfigurationSetName=self.name,
            EventDestinationName="feedback",
            EventDestination=self.destination(*kinds, enabled=enabled),
        )

    def destination(self, *kinds: str, enabled: bool = True) -> Any:
        """Return an event destination at the topic."""
        types = [kind.upper() for kind in kinds]
        return {"Enabled": enabled, "MatchingEventTypes": types, "SnsDestination": {"TopicArn": self.topic}}

    def set_variables(self, **variables: str) -> None:
        """Set the function's environment."""
        client = self.emulator.client("lambda")
        client.update_function_configuration(FunctionName=self.function, Environment={"Variables": variables})
        self.settle()

    def allow(self, *actions_on_table: str) -> None:
        """Let the function's role do these things with the table, all of them if none are given, and the rest."""
        actions = actions_on_table or ("dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate")
        log = self.arn("logs", f"log-group:/aws/lambda/{self.function}:log-stream:*")
        allowed = (
            (actions, self.arn("dynamodb", f"table/{self.name}")),
            (("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"), self.arn("sqs", self.function)),
            (("sqs:SendMessage",), self.arn("sqs", f"{self.function}-dead-letter")),
            (("logs:CreateLogStream", "logs:PutLogEvents"), log),
        )
        statements = [{"Effect": "Allow", "Action": each, "Resource": resource} for each, resource in allowed]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        client = self.emulator.client("iam")
        client.put_role_policy(RoleName=self.role, PolicyName=self.function, PolicyDocument=document)

    def settle(self, function: str = "") -> None:
        """Wait until the function, or another one, can be called."""
        client = self.emulator.client("lambda")
        until(
            lambda: client.get_function_configuration(FunctionName=function or self.function).get("State"),
            _SECONDS,
            found=lambda state: state == "Active",
        )

    def count(self, namespace: str, **values: float) -> None:
        """Put metrics of the function."""
        common = {"Dimensions": [{"Name": "FunctionName", "Value": self.function}], "Timestamp": datetime.now(UTC)}
        data: Any = [{"MetricName": each, "Value": value, **common} for each, value in values.items()]
        self.emulator.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)

    def fail(self) -> None:
        """Call the function with what it fails at."""
        self.emulator.client("lambda").invoke(FunctionName=self.function, Payload=b'"fail"')


def hand_made(emulator: Emulator) -> HandMade:
    """Make a stack with a name of its own, in which all is well."""
    made = HandMade(emulator, f"hand-{uuid.uuid4().hex[:10]}")
    _make_topic_and_queues(made)
    _make_function(made)
    _make_table(made)
    _subscribe(made)
    _make_senders(made)
    made.count("AWS/Lambda", Invocations=1)  # as if feedback came; a call would start a Python
    return made


def add_function(made: HandMade, purpose: str, variables: Mapping[str, str], code: bytes = b"") -> str:
    """Add a function to a stack, called ``NAME-purpose``, and return its name.

    With ``code``, a zip, its handler is ``purpose.handler``; without, it does nothing.
    """
    name = f"{made.name}-{purpose}"
    _create(made, name, variables, f"{purpose}.handler" if code else "index.handler", code)
    return name


def _create(
    made: HandMade, name: str, variables: Mapping[str, str], handler: str = "index.handler", code: bytes = b""
) -> None:
    made.emulator.client("lambda").create_function(
        FunctionName=name,
        Role=f"arn:aws:iam::000000000000:role/{made.role}",
        Runtime="python3.13",
        Handler=handler,
        Code={"ZipFile": code or zipped(HANDLER, "index.py")},
        Environment={"Variables": variables},
    )
    made.settle(name)


def add_events(made: HandMade) -> None:
    """Add what tells of changes to a stack: the table's stream, and the function that reads it."""
    view: Any = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    made.emulator.client("dynamodb").update_table(TableName=made.name, StreamSpecification=view)
    queue = made.emulator.client("sqs").create_queue(QueueName=f"{made.name}-changes-dead-letter")
    variables = {
        "EVENT_BUS": made.arn("events", "event-bus/default"),
        "TABLE_ARN": made.arn("dynamodb", f"table/{made.name}"),
        "DEAD_LETTER_QUEUE_URL": queue["QueueUrl"],
    }
    add_function(made, "changes", variables)
    made.emulator.client("lambda").create_event_source_mapping(
        FunctionName=f"{made.name}-changes",
        EventSourceArn=made.emulator.client("dynamodb").describe_table(TableName=made.name)["Table"]["LatestStreamArn"],
        FunctionResponseTypes=["ReportBatchItemFailures"],
        StartingPosition="LATEST",
    )


@dataclass(frozen=True)
class Filled(Deployed):
    """A stack made by hand, whose table has at once what is published."""

    def publish(self, *messages: str) -> None:
        """Do what the function does with messages, in order."""
        table = Table(self.dynamodb, self.outputs["table_name"], Rules())
        for message in messages:
            marks: dict[str, list[Mark]] = {}
            feedback = parse(json.loads(message))
            for address, mark in feedback.marks:
                marks.setdefault(address, []).append(mark)
            evidence = {address: evidence_of(each) for address, each in marks.items()}
            outcomes = table.add(evidence, time.monotonic() + _SECONDS, spellings=spelled(feedback.spellings))
            assert [outcome.error for outcome in outcomes if outcome.error] == []


def filled(made: HandMade) -> Filled:
    """Return a stack made by hand as an applied one."""
    outputs = {
        "table_name": made.name,
        "table_arn": made.arn("dynamodb", f"table/{made.name}"),
        "topic_arn": made.topic,
        "function_name": made.function,
        "changes_function_name": f"{made.name}-changes",
        "queue_url": made.url(),
        "dead_letter_queue_url": made.url("-dead-letter"),
    }
    return Filled(Stack(made.emulator, made.name, Path(), Terraform(Path(), "Terraform", ""), outputs))


def without_index(made: HandMade) -> None:
    """Take the index away."""
    change: Any = [{"Delete": {"IndexName": "suppressed-updatedAt"}}]
    made.emulator.client("dynamodb").update_table(TableName=made.name, GlobalSecondaryIndexUpdates=change)


def policy(service: str, action: str, resource: str, **condition: Any) -> str:
    """Return a resource's policy that lets a service do one thing."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _make_topic_and_queues(made: HandMade) -> None:
    of_ses = {"ArnLike": {"aws:SourceArn": [made.arn("ses", "identity/*"), made.arn("ses", "configuration-set/*")]}}
    may_publish = policy("ses.amazonaws.com", "sns:Publish", made.topic, **of_ses)
    made.emulator.client("sns").create_topic(Name=f"{made.name}-feedback", Attributes={"Policy": may_publish})
    of_topic = {"ArnEquals": {"aws:SourceArn": made.topic}}
    for suffix in ("-dead-letter", ""):
        name = f"{made.function}{suffix}"
        attributes = {"Policy": policy("sns.amazonaws.com", "sqs:SendMessage", made.arn("sqs", name), **of_topic)}
        if not suffix:
            target = {"deadLetterTargetArn": made.arn("sqs", f"{name}-dead-letter"), "maxReceiveCount": 5}
            attributes["RedrivePolicy"] = json.dumps(target)
        made.emulator.client("sqs").create_queue(QueueName=name, Attributes=attributes)  # type: ignore[arg-type]  # names of attributes


def _make_function(made: HandMade) -> None:
    made.emulator.client("iam").create_role(RoleName=made.role, AssumeRolePolicyDocument="{}")
    made.allow()
    _create(made, made.function, {"TABLE_NAME": made.name})
    client = made.emulator.client("lambda")
    client.add_permission(
        FunctionName=made.function,
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=made.topic,
    )
    client.put_function_event_invoke_config(
        FunctionName=made.function,
        DestinationConfig={"OnFailure": {"Destination": made.arn("sqs", f"{made.function}-dead-letter")}},
    )
    client.create_event_source_mapping(
        FunctionName=made.function,
        EventSourceArn=made.arn("sqs", made.function),
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )


def _make_table(made: HandMade) -> None:
    client = made.emulator.client("dynamodb")
    client.create_table(TableName=made.name, DeletionProtectionEnabled=True, **SCHEMA)
    recovery = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName=made.name, PointInTimeRecoverySpecification=recovery)  # type: ignore[arg-type]  # a plain dict is one


def _subscribe(made: HandMade) -> None:
    redrive = json.dumps({"deadLetterTargetArn": made.arn("sqs", f"{made.function}-dead-letter")})
    for protocol, endpoint in (
        ("sqs", made.arn("sqs", made.function)),
        ("lambda", made.arn("lambda", f"function:{made.function}")),
    ):
        made.emulator.client("sns").subscribe(
            TopicArn=made.topic, Protocol=protocol, Endpoint=endpoint, Attributes={"RedrivePolicy": redrive}
        )


def _make_senders(made: HandMade) -> None:
    sesv2 = made.emulator.client("sesv2")
    sesv2.create_email_identity(EmailIdentity=made.domain)
    made.report("Bounce", "Complaint", "Delivery")
    sesv2.create_configuration_set(ConfigurationSetName=made.name)
    sesv2.create_configuration_set_event_destination(
        ConfigurationSetName=made.name,
        EventDestinationName="feedback",
        EventDestination=made.destination("Bounce", "Complaint", "Delivery"),
    )
