"""`mailing doctor` finds what is wrong: in stacks from which one thing was taken."""

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from harness.emulator import Emulator
from healthy_mailing_cli.commands import doctor
from healthy_mailing_cli.doctor.examination import Examination, Finding
from healthy_mailing_cli.shell.stack import Names, Place, Stack
from support.command_line import Mailing, Ran
from support.hand_made import (
    HandMade,
    add_events,
    add_function,
    add_reader,
    filled,
    hand_made,
    policy,
    without_index,
)
from support.iam import user
from support.runbook import named_by, operating


@functools.cache
def anyone(region: str) -> boto3.Session:
    """Return a session whose clients are made once: to make seven takes longer than to look at a stack."""
    session = boto3.Session("test", "test", region_name=region)
    session.client = functools.cache(session.client)  # type: ignore[method-assign]  # for this session alone
    return session


def run(made: HandMade, *options: str) -> Ran:
    """Run the command on a stack, for its own identity."""
    return Mailing(made.emulator.environment(), made.name)("doctor", "--identity", made.domain, *options)


def examined(made: HandMade, session: boto3.Session | None = None) -> list[Finding]:
    """Return what the command finds, without the process."""
    place = Place("aws", made.emulator.region, "000000000000")
    stack = Stack.of(place, Names.of(made.name), topic=made.topic, table=made.name)
    session = session or anyone(made.emulator.region)
    url, now = made.emulator.endpoint_url, datetime.now(UTC)
    return list(doctor.examine(Examination.of(session, url, place, stack, [made.domain], now=now)))


def amiss(found: Iterable[Finding]) -> dict[str, set[str]]:
    """Return the levels of what each check found, but for those where all is well."""
    levels: dict[str, set[str]] = {}
    for each in found:
        if each.level != "ok":
            levels.setdefault(each.check, set()).add(each.level)
    return levels


def test_a_stack_in_which_all_is_well(emulator: Emulator) -> None:
    made = hand_made(emulator)
    add_events(made)
    add_function(made, "lookup", {"TABLE_NAME": made.name})
    ran = run(made)
    assert (ran.code, ran.err[:4]) == (0, "ok: "), ran
    found = run(made, "--json").json
    assert {each["check"] for each in found} == set(doctor.CHECKS)
    assert [each for each in found if each["level"] != "ok" or each["remedy"]] == []
    # What is of which stack, a line each.
    name, feedback, letters = made.name, made.function, f"{made.function}-dead-letter"
    assert {each["text"] for each in found} >= {
        f"The topic {feedback} exists.",
        f"The topic {feedback} goes to the queue {feedback}.",
        f"The topic {feedback} goes to the function {feedback}.",
        f"The queue {feedback}: waiting, about 0 messages; in the function, 0. What keeps failing goes to {letters}.",
        f"The dead-letter queue {letters} is empty.",
        f"The function {feedback} takes messages from the queue {feedback}.",
        f"The function {feedback} is ready, and writes to the table {name}.",
        f"The table {name} is ACTIVE.",
        f"The lookup function {name}-lookup reads the table {name}.",
        f"The function {name}-changes reads the stream of the table {name}.",
        f"The function {name}-changes puts events on {made.arn('events', 'event-bus/default')}.",
        f"The dead-letter queue {name}-changes-dead-letter is empty.",
    }


OLD_ROW = {
    "UserId": {"S": "Jane@Example.com"},
    "state": {"S": "disable"},
    "notificationType": {"S": "Bounce"},
    "from": {"S": "news@example.com"},
    "timestamp": {"S": "2017-08-02T17:20:00.000Z"},
}
"""A row as the original article's function wrote it."""


@dataclass(frozen=True)
class Fault:
    """One thing that is taken away, and what must be said of it.

    Attributes:
        take: Takes it away.
        check: Which check must find it; no other may find anything but ``also``.
        level: How bad it is.
        says: What the sentence must hold.
        remedy: What the remedy or its commands must hold.
        also: Other checks that find what follows from it.
    """

    take: Callable[[HandMade], object]
    check: str
    level: str
    says: str
    remedy: str
    also: tuple[str, ...] = ()


def client(made: HandMade, service: str) -> Any:
    return made.emulator.client(service)  # type: ignore[call-overload]  # any service


def without_mapping(made: HandMade, **change: Any) -> None:
    (mapping,) = client(made, "lambda").list_event_source_mappings(FunctionName=made.function)["EventSourceMappings"]
    if change:
        client(made, "lambda").update_event_source_mapping(UUID=mapping["UUID"], **change)
    else:
        client(made, "lambda").delete_event_source_mapping(UUID=mapping["UUID"])


def without_table(made: HandMade) -> None:
    client(made, "dynamodb").update_table(TableName=made.name, DeletionProtectionEnabled=False)
    client(made, "dynamodb").delete_table(TableName=made.name)


def without_recovery(made: HandMade) -> None:
    off = {"PointInTimeRecoveryEnabled": False}
    client(made, "dynamodb").update_continuous_backups(TableName=made.name, PointInTimeRecoverySpecification=off)


def unsubscribed(made: HandMade, *protocols: str) -> None:
    for protocol in protocols:
        client(made, "sns").unsubscribe(SubscriptionArn=made.subscriptions()[protocol])


def set_subscription(made: HandMade, name: str, value: str) -> None:
    arn = made.subscriptions()["sqs"]
    client(made, "sns").set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


def set_topic(made: HandMade, name: str, value: str) -> None:
    client(made, "sns").set_topic_attributes(TopicArn=made.topic, AttributeName=name, AttributeValue=value)


def ses_elsewhere(made: HandMade) -> str:
    elsewhere = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    return policy("ses.amazonaws.com", "sns:Publish", made.topic, **elsewhere)


def reports_nowhere(made: HandMade) -> None:
    made.report()
    client(made, "sesv2").delete_configuration_set_event_destination(
        ConfigurationSetName=made.name, EventDestinationName="feedback"
    )


def dropped(made: HandMade) -> None:
    set_topic(made, "Policy", ses_elsewhere(made))
    reports_nowhere(made)


def from_another_queue(made: HandMade, *, own: bool = False) -> None:
    """Let the function take messages from another queue, and from its own too if asked."""
    other = client(made, "sqs").create_queue(QueueName=f"another-{made.name}")["QueueUrl"].rpartition("/")[2]
    if not own:
        without_mapping(made)
    client(made, "lambda").create_event_source_mapping(
        FunctionName=made.function, EventSourceArn=made.arn("sqs", other)
    )


def taken_by_another(made: HandMade) -> None:
    add_function(made, "other", {})
    client(made, "lambda").create_event_source_mapping(
        FunctionName=f"{made.name}-other", EventSourceArn=made.arn("sqs", made.function)
    )


def events_of_another(made: HandMade) -> None:
    """Let what tells of changes read the stream of another stack too."""
    other = hand_made(made.emulator)
    for each in (made, other):
        add_events(each)
    add_reader(made, other)


FAULTS = {
    "identity without bounces": Fault(
        lambda made: made.report("Complaint", "Delivery"),
        "identity",
        "problem",
        "does not report bounces",
        "--notification-type Bounce",
    ),
    "identity without complaints": Fault(
        lambda made: made.report("Bounce", "Delivery"),
        "identity",
        "problem",
        "does not report complaints",
        "--notification-type Complaint",
    ),
    "identity without deliveries": Fault(
        lambda made: made.report("Bounce", "Complaint"),
        "identity",
        "warning",
        "reports no deliveries",
        "--notification-type Delivery",
    ),
    "identity without any": Fault(
        lambda made: made.report(), "identity", "problem", "reports nothing", "set-identity-notification-topic"
    ),
    "identity gone": Fault(
        lambda made: client(made, "sesv2").delete_email_identity(EmailIdentity=made.domain),
        "identity",
        "problem",
        "SES knows no identity",
        "Verify it",
    ),
    "nothing reports": Fault(
        reports_nowhere, "reports", "problem", "No identity and no configuration set", "module ses", ("identity",)
    ),
    "event destination disabled": Fault(
        lambda made: made.publish_events("Bounce", "Complaint", "Delivery", enabled=False),
        "configuration set",
        "problem",
        "is disabled",
        "terraform apply",
    ),
    "event destination without complaints": Fault(
        lambda made: made.publish_events("Bounce", "Delivery"),
        "configuration set",
        "problem",
        "does not report complaints",
        "terraform apply",
    ),
    "event destination without deliveries": Fault(
        lambda made: made.publish_events("Bounce", "Complaint"),
        "configuration set",
        "warning",
        "reports no deliveries",
        "delivery",
    ),
    "topic gone": Fault(
        lambda made: client(made, "sns").delete_topic(TopicArn=made.topic),
        "topic",
        "problem",
        "There is no topic",
        "--topic",
    ),
    "topic with SNS's own key": Fault(
        lambda made: set_topic(made, "KmsMasterKeyId", "alias/aws/sns"),
        "topic",
        "problem",
        "alias/aws/sns",
        "kms_key_arn",
    ),
    "topic policy without SES": Fault(
        lambda made: set_topic(made, "Policy", ses_elsewhere(made)),
        "topic policy",
        "problem",
        "SES may not publish",
        "terraform apply",
    ),
    "topic policy without SES, which dropped the topic": Fault(
        dropped,
        "topic policy",
        "problem",
        "SES may not publish",
        "terraform apply",
        ("identity", "reports"),
    ),
    "no subscription": Fault(
        lambda made: unsubscribed(made, "sqs", "lambda"),
        "subscription",
        "problem",
        "goes neither to the queue",
        "terraform apply",
    ),
    "subscription with a filter policy": Fault(
        lambda made: set_subscription(made, "FilterPolicy", '{"kind": ["bounce"]}'),
        "subscription",
        "problem",
        "filter policy",
        "--attribute-name FilterPolicy",
    ),
    "queue gone": Fault(
        lambda made: client(made, "sqs").delete_queue(QueueUrl=made.url()),
        "queue",
        "problem",
        "There is no queue",
        "--queue",
    ),
    "queue without dead-letter queue": Fault(
        lambda made: made.set_queue(RedrivePolicy=""), "queue", "problem", "does not move", "terraform apply"
    ),
    "queue policy without the topic": Fault(
        lambda made: made.set_queue(Policy=""), "queue policy", "problem", "may not send to", "terraform apply"
    ),
    "dead-letter queue gone": Fault(
        lambda made: client(made, "sqs").delete_queue(QueueUrl=made.url("-dead-letter")),
        "dead letters",
        "problem",
        "There is no queue",
        "--dead-letter-queue",
    ),
    "dead letters": Fault(
        lambda made: client(made, "sqs").send_message(QueueUrl=made.url("-dead-letter"), MessageBody="x"),
        "dead letters",
        "problem",
        "holds about 1 message: ",
        "mailing redrive --dead-letter-queue hand-",
    ),
    "dead-letter queue for another queue": Fault(
        lambda made: made.set_queue(
            "-dead-letter",
            RedriveAllowPolicy=json.dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [made.arn("sqs", "another")]}
            ),
        ),
        "dead letters",
        "problem",
        "takes nothing from",
        "queue.dead_letter_name",
    ),
    "dead-letter queue that the topic may not use": Fault(
        lambda made: made.set_queue("-dead-letter", Policy=""),
        "dead letters",
        "problem",
        "may not send to",
        "terraform apply",
    ),
    "mapping gone": Fault(without_mapping, "mapping", "problem", "Nothing takes messages", "terraform apply"),
    "mapping disabled": Fault(
        lambda made: without_mapping(made, Enabled=False),
        "mapping",
        "problem",
        "its mapping is disabled",
        "update-event-source-mapping --enabled",
    ),
    "mapping that reports no failures": Fault(
        lambda made: without_mapping(made, FunctionResponseTypes=[]),
        "mapping",
        "problem",
        "can't tell",
        "terraform apply",
    ),
    "mapping from another queue": Fault(
        from_another_queue,
        "mapping",
        "problem",
        "the function takes those of another-",
        "--queue",
        ("role",),
    ),
    "another function at the queue": Fault(
        taken_by_another,
        "mapping",
        "problem",
        "-other takes messages from the queue hand-",
        "aws lambda list-event-source-mappings --event-source-arn",
    ),
    "another queue too": Fault(
        lambda made: from_another_queue(made, own=True),
        "mapping",
        "warning",
        "takes messages from another-",
        "aws lambda list-event-source-mappings --function-name",
    ),
    "lookup of another table": Fault(
        lambda made: add_function(made, "lookup", {"TABLE_NAME": "another"}),
        "lookup",
        "problem",
        "reads the table another, not hand-",
        "--name",
    ),
    "events of another table": Fault(
        events_of_another, "events", "problem", "reads the stream of the table hand-", "--name"
    ),
    "function that the topic may not call": Fault(
        lambda made: client(made, "lambda").remove_permission(FunctionName=made.function, StatementId="topic"),
        "direct calls",
        "problem",
        "may not call",
        "terraform apply",
    ),
    "function without destination": Fault(
        lambda made: client(made, "lambda").delete_function_event_invoke_config(FunctionName=made.function),
        "direct calls",
        "warning",
        "it is lost",
        "terraform apply",
    ),
    "function gone": Fault(
        lambda made: client(made, "lambda").delete_function(FunctionName=made.function),
        "function",
        "problem",
        "There is no function",
        "--function",
        ("mapping", "direct calls"),
    ),
    "function without concurrency": Fault(
        lambda made: client(made, "lambda").put_function_concurrency(
            FunctionName=made.function, ReservedConcurrentExecutions=0
        ),
        "function",
        "problem",
        "concurrency is 0",
        "delete-function-concurrency",
    ),
    "function with a wrong setting": Fault(
        lambda made: made.set_variables(TABLE_NAME=made.name, SOFT_BOUNCE_LIMIT="many"),
        "function",
        "problem",
        "SOFT_BOUNCE_LIMIT",
        "terraform apply",
    ),
    "function of another table": Fault(
        lambda made: made.set_variables(TABLE_NAME="another"),
        "function",
        "problem",
        "writes to the table another",
        "--table another",
    ),
    "table gone": Fault(without_table, "table", "problem", "There is no table", "--table"),
    "table without index": Fault(without_index, "table", "warning", "lacks the index", "table.index"),
    "table that may be deleted": Fault(
        lambda made: client(made, "dynamodb").update_table(TableName=made.name, DeletionProtectionEnabled=False),
        "table",
        "warning",
        "not protected",
        "table.deletion_protection",
    ),
    "table without recovery": Fault(
        without_recovery, "table", "warning", "can't be restored", "table.point_in_time_recovery"
    ),
    "row of the original article": Fault(
        lambda made: client(made, "dynamodb").put_item(TableName=made.name, Item=OLD_ROW),
        "rows",
        "problem",
        "1 of 1 rows is under another spelling than the canonical address: J***@Example.com",
        "mailing reassess",
    ),
    "row of another program": Fault(
        lambda made: client(made, "dynamodb").put_item(
            TableName=made.name, Item={"UserId": {"S": "Jane@Example.com"}, "state": {"S": "disable"}}
        ),
        "rows",
        "problem",
        "1 of 1 rows can't be read: J***@Example.com",
        "mailing reassess --table",
    ),
    "role that may not write": Fault(
        lambda made: made.allow("dynamodb:BatchGetItem", "dynamodb:PartiQLInsert"),
        "role",
        "problem",
        "does not allow dynamodb:PartiQLUpdate on arn:",
        "terraform apply",
    ),
    "queue that shows a message before the function is done": Fault(
        lambda made: made.set_queue(VisibilityTimeout="2"), "timeouts", "problem", "for 2 s", "at least 18 s"
    ),
    "a call that failed": Fault(
        lambda made: made.call("fail"), "failures", "warning", "1 call failed", "filter-log-events"
    ),
    "all messages failed": Fault(
        lambda made: made.count("HealthyMailing", Failed=3, Malformed=1),
        "failures",
        "problem",
        "No feedback reached the table in the last 15 minutes: 3 addresses not written, 1 message not understood",
        "filter-log-events",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named_with_its_remedy(emulator: Emulator, name: str) -> None:
    fault, made = FAULTS[name], hand_made(emulator)
    fault.take(made)

    found = examined(made)

    assert amiss(found).get(fault.check) == {fault.level}, found
    assert amiss(found).keys() - {fault.check} <= set(fault.also)
    (finding,) = (each for each in found if each.check == fault.check and each.level != "ok")
    assert fault.says in finding.text
    assert fault.remedy in " ".join([finding.remedy, *finding.commands])


def test_what_ses_says_of_the_account_is_told(emulator: Emulator) -> None:
    made, sesv2 = hand_made(emulator), emulator.client("sesv2")
    sesv2.put_account_sending_attributes(SendingEnabled=False)
    paused = run(made)
    sesv2.put_account_sending_attributes(SendingEnabled=True)
    details = {"MailType": "MARKETING", "WebsiteURL": "https://example.com"}
    sesv2.put_account_details(**details, ProductionAccessEnabled=False)
    sandbox = run(made)
    sesv2.put_account_details(**details, ProductionAccessEnabled=True)
    assert (paused.code, sandbox.code) == (1, 0)
    assert "SES sends nothing for this account" in re.sub(r"\s+", " ", paused.out)
    assert "put-account-sending-attributes --sending-enabled" in paused.out
    assert "in the SES sandbox" in re.sub(r"\s+", " ", sandbox.out)


def test_feedback_that_stopped_is_a_warning_if_mail_was_sent(emulator: Emulator) -> None:
    made = hand_made(emulator)
    at = datetime.now(UTC) - timedelta(days=3)
    metric = {
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "FunctionName", "Value": f"{made.name}-stopped"}],
        "Timestamp": at,
        "Value": 2,
    }
    emulator.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[metric])

    def last(name: str) -> Mapping[str, Any]:
        found = run(made, "--json", "--function", f"{made.name}-{name}").json
        return next(each for each in found if each["check"] == "last feedback")

    content = {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}}
    destination = {"ToAddresses": ["a@example.com"]}
    emulator.client("sesv2").send_email(
        FromEmailAddress=f"news@{made.domain}", Destination=destination, Content=content
    )
    stopped, never = last("stopped"), last("never")
    assert (stopped["level"], never["level"]) == ("warning", "warning")
    assert f"since the hour of {at:%Y-%m-%d}" in stopped["text"]
    assert "not called in the last 14 days" in never["text"]
    assert stopped["commands"] == never["commands"] == ["mailing simulate --from ADDRESS"]


def test_an_identity_may_report_through_its_default_configuration_set_or_elsewhere(emulator: Emulator) -> None:
    made = hand_made(emulator)
    through, elsewhere = f"through.{made.domain}", f"elsewhere.{made.domain}"
    sesv2 = emulator.client("sesv2")
    sesv2.create_email_identity(EmailIdentity=elsewhere)
    sesv2.create_email_identity(EmailIdentity=through, ConfigurationSetName=made.name)
    for kind in ("Bounce", "Complaint"):
        topic = f"{made.topic}-other"
        client(made, "ses").set_identity_notification_topic(Identity=elsewhere, NotificationType=kind, SnsTopic=topic)

    mailing = Mailing(emulator.environment(), made.name)
    named = mailing("doctor", "--json", "--identity", through, "--identity", elsewhere)
    said = {each["text"].split()[0]: each for each in named.json if each["check"] == "identity"}
    assert (said[through]["level"], said[elsewhere]["level"]) == ("ok", "problem")
    assert f"{made.topic}-other" in said[elsewhere]["text"]
    assert named.code == 1
    # Among all of the region, it may belong to another stack.
    all_ = mailing("doctor", "--json")
    said = {each["text"].split()[0]: each for each in all_.json if each["check"] == "identity"}
    assert (said[through]["level"], said[elsewhere]["level"]) == ("ok", "warning")
    assert all_.code == 0


def test_a_policy_that_is_not_understood_is_not_guessed_at(emulator: Emulator) -> None:
    made = hand_made(emulator)
    odd = {"StringEquals": {"aws:SourceOrgID": "o-1"}}
    set_topic(made, "Policy", policy("ses.amazonaws.com", "sns:Publish", made.topic, **odd))
    assert amiss(examined(made)) == {"topic policy": {"cannot tell"}}
    assert run(made).code == 1


def test_without_any_identity_in_ses_that_is_said_and_all_else_is_looked_at(emulator: Emulator) -> None:
    made = hand_made(emulator)
    # A region in which there is nothing: neither SES's identities, nor the rest.
    environment = {**emulator.environment(), "AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-north-1"}
    ran = Mailing(environment, made.name)("doctor", "--json")
    found = {each["check"]: each for each in ran.json if each["level"] != "ok"}
    assert (found["identity"]["level"], found["identity"]["text"][:23]) == ("warning", "SES has no identity in ")
    assert "reports" not in found
    assert {name for name, each in found.items() if each["level"] == "problem"} >= {
        "topic",
        "queue",
        "function",
        "table",
    }
    assert ran.code == 1


ACTIONS = sorted(named_by("doctor"))


def allowed(actions: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": "*"}


@pytest.fixture(scope="module")
def quiet(emulator: Emulator) -> HandMade:
    """A stack whose identity has no topic, and with an old row, so that its own settings and the row are asked for."""
    made = hand_made(emulator)
    made.report()
    client(made, "dynamodb").put_item(TableName=made.name, Item={**OLD_ROW, "UserId": {"S": "jane@example.com"}})
    return made


def test_the_actions_that_the_module_names_are_enough(quiet: HandMade) -> None:
    with user(quiet.emulator, allowed(ACTIONS)) as session:
        assert amiss(examined(quiet, session)) == {"identity": {"problem"}, "rows": {"warning"}}


def test_who_looks_by_the_runbook_s_policy_can_tell_it_all(quiet: HandMade) -> None:
    read, _ = operating(filled(quiet))
    with user(quiet.emulator, *read) as session:
        assert [each.text for each in examined(quiet, session) if each.level == "cannot tell"] == []


@pytest.mark.parametrize("missing", ACTIONS)
def test_without_an_action_it_says_which_is_missing(quiet: HandMade, missing: str) -> None:
    with user(quiet.emulator, allowed([each for each in ACTIONS if each != missing])) as session:
        unknown = [each for each in examined(quiet, session) if each.level == "cannot tell"]
    assert {(each.text, each.remedy) for each in unknown} == {
        (f"You may not call {missing}.", f"Use credentials that allow {missing}.")
    }


def test_it_fits_a_terminal_and_shows_commands_in_one_piece(emulator: Emulator) -> None:
    made = hand_made(emulator)
    made.report("Complaint")
    shown = Mailing(emulator.environment(), made.name).at_a_terminal("doctor", "--identity", made.domain).out
    assert "\x1b[31mproblem" in shown  # NO_COLOR is Rich's
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in shown.splitlines()]
    commands = [line for line in lines if line.startswith("    aws ses set-identity-notification-topic")]
    assert len(commands) == 2
    assert all(line.endswith(made.topic) for line in commands)
    assert [line for line in lines if len(line) > 80 and line not in commands] == []
