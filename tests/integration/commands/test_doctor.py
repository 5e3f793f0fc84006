"""`mailing doctor` finds what is wrong: in stacks from which one thing was taken."""

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from harness.emulator import Emulator
from healthy_mailing_cli.doctor.checks import CHECKS, examine
from healthy_mailing_cli.doctor.examination import Examination, Finding
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import camel
from healthy_mailing_cli.shell.stack import Names, Parts, Place
from support.command_line import Mailing, Ran
from support.hand_made import HandMade, add_events, add_function, filled, hand_made, policy, without_index
from support.iam import user
from support.runbook import named_by, operating


def run(made: HandMade, *options: str) -> Ran:
    """Run the command on a stack, for its own identity."""
    return Mailing(made.emulator.environment(), made.name)("doctor", "--identity", made.domain, *options)


@functools.cache
def anyone(emulator: Emulator) -> Connection:
    """Return a way to AWS whose clients are made once: to make eight takes longer than to look at a stack."""
    return connected(emulator, boto3.Session("test", "test", region_name=emulator.region))


def connected(emulator: Emulator, session: boto3.Session) -> Connection:
    connection = Connection("mailing", endpoint_url=emulator.endpoint_url)
    session.client = functools.cache(session.client)  # type: ignore[method-assign]  # for this session alone
    vars(connection)["session"] = session
    return connection


def examined(made: HandMade, session: boto3.Session | None = None) -> list[Finding]:
    """Return what the command finds, without the process."""
    place = Place("aws", made.emulator.region, "000000000000")
    stack = Parts.of(place, Names.of(made.name), topic=made.topic, table=made.name)
    connection = connected(made.emulator, session) if session else anyone(made.emulator)
    return list(examine(Examination.of(connection, place, stack, [made.domain], now=datetime.now(UTC))))


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
    assert {each["check"] for each in found} == set(map(camel, CHECKS))
    assert [each for each in found if each["level"] != "ok" or each["remedy"]] == []
    # What is of which stack, a line each.
    name, feedback, letters = made.name, made.function, f"{made.function}-dead-letter"
    assert {each["message"] for each in found} >= {
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


def for_another_queue(made: HandMade) -> None:
    only = {"redrivePermission": "byQueue", "sourceQueueArns": [made.arn("sqs", "another")]}
    made.set_queue("-dead-letter", RedriveAllowPolicy=json.dumps(only))


def taken_by_another(made: HandMade) -> None:
    add_function(made, "other", {})
    client(made, "lambda").create_event_source_mapping(
        FunctionName=f"{made.name}-other", EventSourceArn=made.arn("sqs", made.function)
    )


Take = Callable[[HandMade], object]

FAULTS: Mapping[str, Mapping[str, Take]] = {
    "identity": {
        "problem: ... not report bounces ... --notification-type Bounce": lambda made: made.report(
            "Complaint", "Delivery"
        ),
        "problem: ... not report complaints ... --notification-type Complaint": lambda made: made.report(
            "Bounce", "Delivery"
        ),
        "warning: ... no deliveries ... --notification-type Delivery": lambda made: made.report("Bounce", "Complaint"),
        "problem: ... reports nothing ... set-identity-notification-topic": lambda made: made.report(),
        "problem: SES knows no identity ... Verify it": lambda made: client(made, "sesv2").delete_email_identity(
            EmailIdentity=made.domain
        ),
    },
    "reports": {"problem: No identity and no configuration set ... module ses": reports_nowhere},
    "configuration set": {
        "problem: ... is disabled ... terraform apply": lambda made: made.publish_events(
            "Bounce", "Complaint", "Delivery", enabled=False
        ),
        "problem: ... not report complaints ... terraform apply": lambda made: made.publish_events(
            "Bounce", "Delivery"
        ),
        "warning: ... reports no deliveries ... delivery": lambda made: made.publish_events("Bounce", "Complaint"),
    },
    "topic": {
        "problem: There is no topic ... --topic": lambda made: client(made, "sns").delete_topic(TopicArn=made.topic),
        "problem: ... alias/aws/sns ... kms_key_arn": lambda made: set_topic(made, "KmsMasterKeyId", "alias/aws/sns"),
    },
    "topic policy": {
        "problem: SES may not publish ... terraform apply": lambda made: set_topic(made, "Policy", ses_elsewhere(made)),
        "problem: SES may not publish ... see whether the identities": dropped,
    },
    "subscription": {
        "problem: The topic goes neither to ... terraform apply": lambda made: unsubscribed(made, "sqs", "lambda"),
        "problem: ... filter policy ... --attribute-name FilterPolicy": lambda made: set_subscription(
            made, "FilterPolicy", '{"kind": ["bounce"]}'
        ),
    },
    "queue": {
        "problem: There is no queue ... --queue": lambda made: client(made, "sqs").delete_queue(QueueUrl=made.url()),
        "problem: ... does not move ... terraform apply": lambda made: made.set_queue(RedrivePolicy=""),
    },
    "queue policy": {"problem: ... may not send to ... terraform apply": lambda made: made.set_queue(Policy="")},
    "dead letters": {
        "problem: There is no dead-letter queue ... --dead-letter-queue": lambda made: client(made, "sqs").delete_queue(
            QueueUrl=made.url("-dead-letter")
        ),
        "problem: ... holds about 1 message: ... mailing redrive --dead-letter-queue hand-": lambda made: client(
            made, "sqs"
        ).send_message(QueueUrl=made.url("-dead-letter"), MessageBody="x"),
        "problem: ... takes nothing from ... queue.dead_letter_name": for_another_queue,
        "problem: ... may not send to ... terraform apply": lambda made: made.set_queue("-dead-letter", Policy=""),
    },
    "mapping": {
        "problem: Nothing takes messages ... terraform apply": without_mapping,
        "problem: ... disabled ... update-event-source-mapping --enabled": lambda made: without_mapping(
            made, Enabled=False
        ),
        "problem: ... the function takes those of another- ... --queue": from_another_queue,
        "problem: ... -other takes ... mappings --event-source-arn": taken_by_another,
        "warning: ... takes ... from another- ... --function-name": lambda made: from_another_queue(made, own=True),
    },
    "lookup": {
        "problem: ... reads the table another, not hand- ... --name": lambda made: add_function(
            made, "lookup", {"TABLE_NAME": "another"}
        ),
        "problem: ... reads no table, not hand- ... --name": lambda made: add_function(made, "lookup", {}),
    },
    "direct calls": {
        "problem: ... may not call ... terraform apply": lambda made: client(made, "lambda").remove_permission(
            FunctionName=made.function, StatementId="topic"
        ),
        "warning: ... it is lost ... terraform apply": lambda made: client(
            made, "lambda"
        ).delete_function_event_invoke_config(FunctionName=made.function),
    },
    "function": {
        "problem: There is no function ... --function": lambda made: client(made, "lambda").delete_function(
            FunctionName=made.function
        ),
        "problem: ... concurrency is 0 ... delete-function-concurrency": lambda made: client(
            made, "lambda"
        ).put_function_concurrency(FunctionName=made.function, ReservedConcurrentExecutions=0),
        "problem: ... the table another ... --table another": lambda made: made.set_variables(TABLE_NAME="another"),
    },
    "table": {
        "problem: There is no table ... --table": without_table,
        "warning: ... lacks the index ... table.index": without_index,
        "warning: ... not protected ... table.deletion_protection": lambda made: client(made, "dynamodb").update_table(
            TableName=made.name, DeletionProtectionEnabled=False
        ),
        "warning: ... can't be restored ... table.point_in_time_recovery": without_recovery,
    },
    "role": {
        "problem: ... not allow dynamodb:PartiQLUpdate on arn: ... terraform apply": lambda made: made.allow(
            "dynamodb:BatchGetItem", "dynamodb:PartiQLInsert"
        ),
    },
    "timeouts": {"problem: ... for 2 s ... at least 18 s": lambda made: made.set_queue(VisibilityTimeout="2")},
    "failures": {
        "warning: ... 1 call failed ... filter-log-events": HandMade.fail,
        "problem: No feedback reached ... 3 addresses not written, 1 message not understood ... filter-log-events": (
            lambda made: made.count("HealthyMailing", Failed=3, Malformed=1)
        ),
    },
}
"""By check, what it must find (parts of its level, sentence, remedy and commands, in this order) if this is done."""

ALSO = {
    "No identity": {"identity"},
    "see whether the identities": {"identity", "reports"},
    "takes those of another-": {"role"},
    "There is no function": {"mapping", "direct calls"},
}
"""Other checks that find what follows from a fault; no other check may find anything."""


@pytest.mark.parametrize(("check", "says"), [(check, says) for check, faults in FAULTS.items() for says in faults])
def test_each_fault_is_named_with_its_remedy(emulator: Emulator, check: str, says: str) -> None:
    made = hand_made(emulator)
    FAULTS[check][says](made)

    found = examined(made)

    assert amiss(found).keys() - {check} <= next((also for fault, also in ALSO.items() if fault in says), set())
    (finding,) = (each for each in found if each.check == check and each.level != "ok")
    told = " ".join([f"{finding.level}:", finding.text, finding.remedy, *finding.commands])
    assert re.match(".*".join(map(re.escape, says.split(" ... "))), told), told


def test_an_identity_may_report_through_its_default_configuration_set_or_elsewhere(emulator: Emulator) -> None:
    made = hand_made(emulator)
    through, elsewhere = f"through.{made.domain}", f"elsewhere.{made.domain}"
    sesv2 = emulator.client("sesv2")
    sesv2.create_email_identity(EmailIdentity=elsewhere)
    sesv2.create_email_identity(EmailIdentity=through, ConfigurationSetName=made.name)
    for kind in ("Bounce", "Complaint"):
        topic = f"{made.topic}-other"
        client(made, "ses").set_identity_notification_topic(Identity=elsewhere, NotificationType=kind, SnsTopic=topic)

    # Among all of the region, one that reports elsewhere may belong to another stack.
    for options, level, code in ((("--identity", through, "--identity", elsewhere), "problem", 1), ((), "warning", 0)):
        ran = Mailing(emulator.environment(), made.name)("doctor", "--json", *options)
        said = {each["message"].split()[0]: each for each in ran.json if each["check"] == "identity"}
        assert (said[through]["level"], said[elsewhere]["level"], ran.code) == ("ok", level, code)
        assert f"{made.topic}-other" in said[elsewhere]["message"]


def test_a_policy_that_is_not_understood_is_not_guessed_at(emulator: Emulator) -> None:
    made = hand_made(emulator)
    odd = {"StringEquals": {"aws:SourceOrgID": "o-1"}}
    set_topic(made, "Policy", policy("ses.amazonaws.com", "sns:Publish", made.topic, **odd))
    made.set_queue(Policy=policy("sns.amazonaws.com", "sqs:SendMessage", made.arn("sqs", made.function), **odd))
    assert amiss(examined(made)) == {"topic policy": {"unknown"}, "queue policy": {"unknown"}}
    assert run(made).code == 1


def test_without_any_identity_in_ses_that_is_said_and_all_else_is_looked_at(emulator: Emulator) -> None:
    # A region in which there is nothing: neither SES's identities, nor the rest.
    environment = {**emulator.environment(), "AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-north-1"}
    ran = Mailing(environment, "mailing")("doctor", "--json")
    found = {each["check"]: each for each in ran.json if each["level"] != "ok"}
    assert (found["identity"]["level"], found["identity"]["message"][:23]) == ("warning", "SES has no identity in ")
    assert {name for name, each in found.items() if each["level"] == "problem"} == {
        "topic",
        "queue",
        "deadLetters",
        "function",
        "table",
    }
    assert ran.code == 1


OLD_ROW = {
    "UserId": {"S": "jane@example.com"},
    "state": {"S": "disable"},
    "notificationType": {"S": "Bounce"},
    "from": {"S": "news@example.com"},
    "timestamp": {"S": "2017-08-02T17:20:00.000Z"},
}
"""A row as the original article's function wrote it."""

ACTIONS = sorted(named_by("doctor"))


def allowed(actions: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": "*"}


@pytest.fixture(scope="module")
def quiet(emulator: Emulator) -> HandMade:
    """A stack whose identity has no topic, and with an old row, so that its own settings and the row are asked for."""
    made = hand_made(emulator)
    made.report()
    client(made, "dynamodb").put_item(TableName=made.name, Item=OLD_ROW)
    return made


def test_the_actions_that_the_module_names_are_enough(quiet: HandMade) -> None:
    with user(quiet.emulator, allowed(ACTIONS)) as session:
        assert amiss(examined(quiet, session)) == {"identity": {"problem"}, "rows": {"warning"}}


def test_who_looks_by_the_runbook_s_policy_can_tell_it_all(quiet: HandMade) -> None:
    read, _ = operating(filled(quiet))
    with user(quiet.emulator, *read) as session:
        assert [each.text for each in examined(quiet, session) if each.level == "unknown"] == []


@pytest.mark.parametrize("missing", ACTIONS)
def test_without_an_action_it_says_which_is_missing(quiet: HandMade, missing: str) -> None:
    with user(quiet.emulator, allowed([each for each in ACTIONS if each != missing])) as session:
        unknown = [each for each in examined(quiet, session) if each.level == "unknown"]
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
