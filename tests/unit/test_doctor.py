"""What `mailing doctor` says of answers that no emulator gives."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError

from healthy_mailing_cli.commands import doctor
from healthy_mailing_cli.doctor import events, function, metrics, ses, table
from healthy_mailing_cli.doctor.examination import Examination, Finding, Level
from healthy_mailing_cli.shell.stack import Names, Place, Stack

PLACE = Place("aws-cn", "cn-north-1", "123456789012")
TOPIC = PLACE.arn("sns", "mailing-feedback")
STACK = Stack.of(PLACE, Names.of("mailing"), topic=TOPIC, table="mailing")
ACCOUNT = {
    "SendingEnabled": True,
    "ProductionAccessEnabled": True,
    "EnforcementStatus": "HEALTHY",
    "SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 1234.0},
}


@pytest.fixture(scope="module")
def metas() -> Mapping[str, Any]:
    """What boto3's clients know of themselves, by the examination's names for them."""
    session = boto3.Session("x", "x", region_name=PLACE.region)
    names = ("sesv2", "cloudwatch", "ses", "sns", "sqs", "lambda_", "dynamodb", "iam")
    return {name: session.client(name.rstrip("_")).meta for name in names}  # type: ignore[call-overload]  # any service


@pytest.fixture
def seen(metas: Mapping[str, Any]) -> Examination:
    """An examination whose clients answer what a test tells them to."""
    clients: dict[str, Any] = {name: Mock(meta=meta) for name, meta in metas.items()}
    return Examination(PLACE, STACK, [], datetime(2026, 3, 10, tzinfo=UTC), **clients)


def only(found: Iterator[Finding]) -> Finding:
    (finding,) = found
    return finding


@pytest.mark.parametrize(
    ("changed", "level", "says"),
    [
        ({}, Level.OK, "SES sent 1,234 mails in the last 24 hours, of 50,000 allowed."),
        ({"EnforcementStatus": "PROBATION"}, Level.WARNING, "under review in cn-north-1: PROBATION"),
        ({"EnforcementStatus": "SHUTDOWN"}, Level.PROBLEM, "SES sends nothing"),
        ({"SendingEnabled": False}, Level.PROBLEM, "SES sends nothing"),
        ({"ProductionAccessEnabled": False}, Level.WARNING, "sandbox"),
        # What matters more comes first.
        ({"EnforcementStatus": "PROBATION", "ProductionAccessEnabled": False}, Level.WARNING, "under review"),
    ],
)
def test_the_account(seen: Examination, changed: Mapping[str, Any], level: Level, says: str) -> None:
    seen.sesv2.get_account.return_value = {**ACCOUNT, **changed}
    finding = only(ses.look_at_account(seen))
    assert (finding.level, says in finding.text) == (level, True)
    assert bool(finding.remedy) == (level is not Level.OK)


def reports(*names: str) -> Callable[..., Any]:
    return lambda Identities: {  # noqa: N803  (boto3 calls it so)
        "NotificationAttributes": {
            name: {f"{kind}Topic": TOPIC for kind in ("Bounce", "Complaint", "Delivery")}
            for name in Identities
            if name in names
        }
    }


def test_all_pages_of_identities_are_read_and_asked_about_a_hundred_at_a_time(seen: Examination) -> None:
    names = [f"{n}.example" for n in range(250)]
    listed = [{"IdentityName": name, "VerificationStatus": "SUCCESS"} for name in names]
    pages = {"": {"EmailIdentities": listed[:200], "NextToken": "more"}, "more": {"EmailIdentities": listed[200:]}}
    seen.sesv2.list_email_identities.side_effect = lambda PageSize, NextToken="": pages[NextToken]  # noqa: N803, ARG005
    seen.ses.get_identity_notification_attributes = Mock(side_effect=reports(*names))  # type: ignore[method-assign]
    found = list(ses.look_at_identities(seen))
    assert [each.text.split()[0] for each in found] == names
    assert {each.level for each in found} == {Level.OK}
    assert [len(call.kwargs["Identities"]) for call in seen.ses.get_identity_notification_attributes.mock_calls] == [
        100,
        100,
        50,
    ]
    assert seen.sources == [f"arn:aws-cn:ses:cn-north-1:123456789012:identity/{name}" for name in names]


def test_an_identity_that_is_not_verified_sends_nothing(seen: Examination) -> None:
    seen.sesv2.list_email_identities.return_value = {
        "EmailIdentities": [{"IdentityName": "a.example", "VerificationStatus": "PENDING"}]
    }
    seen.ses.get_identity_notification_attributes = Mock(side_effect=reports())  # type: ignore[method-assign]
    finding = only(ses.look_at_identities(seen))
    assert (finding.level, finding.text) == (Level.WARNING, "a.example is not verified: SES sends nothing from it.")


@pytest.mark.parametrize(
    ("configuration", "level", "says"),
    [
        ({"State": "Active", "LastUpdateStatus": "Successful"}, Level.OK, "is ready"),
        ({"State": "Inactive"}, Level.OK, "is ready"),
        ({"State": "Failed", "StateReason": "no zip"}, Level.PROBLEM, "Failed"),
        (
            {"State": "Active", "LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no role"},
            Level.PROBLEM,
            "no role",
        ),
        ({"Environment": {"Error": {"ErrorCode": "AccessDeniedException"}}}, Level.UNKNOWN, "AccessDeniedException"),
        ({"Environment": {}}, Level.PROBLEM, "TABLE_NAME"),
    ],
)
def test_the_function(seen: Examination, configuration: Mapping[str, Any], level: Level, says: str) -> None:
    variables = {"Environment": {"Variables": {"TABLE_NAME": "mailing"}}}
    lambda_: Any = seen.lambda_
    lambda_.exceptions.ResourceNotFoundException = KeyError
    lambda_.get_function_configuration.return_value = {**variables, **configuration}
    lambda_.get_function_concurrency.return_value = {}
    finding = only(function.look_at_function(seen))
    assert (finding.level, says in finding.text) == (level, True), finding


def test_an_error_of_aws_ends_a_check_and_no_other(seen: Examination, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Examination) -> Iterator[Finding]:
        yield Finding(Level.OK, "Before.")
        raise ClientError({"Error": {"Code": "Throttling", "Message": "Slow down"}}, "ListEmailIdentities")

    def denied(_: Examination) -> Iterator[Finding]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "x"}}, "GetMetricData")

    def fine(_: Examination) -> Iterator[Finding]:
        yield Finding(Level.OK, "Fine.")

    monkeypatch.setattr(doctor, "CHECKS", {"first": fails, "second": denied, "third": fine})
    done: list[None] = []
    found = list(doctor.examine(seen, lambda: done.append(None)))
    assert [(each.check, each.level, each.is_wrong) for each in found] == [
        ("first", Level.OK, False),
        ("first", Level.UNKNOWN, True),
        ("second", Level.UNKNOWN, True),
        ("third", Level.OK, False),
    ]
    assert found[1].text == "ses:ListEmailIdentities fails: Throttling: Slow down"
    assert found[2].text == "You may not call cloudwatch:GetMetricData."
    assert len(done) == 3


STREAM = PLACE.arn("dynamodb", "table/mailing/stream/2026-03-10T12:00:00.000")
CHANGES = PLACE.arn("lambda", "function:mailing-changes")
MAPPING = {
    "FunctionArn": CHANGES,
    "UUID": "11111111-2222-3333-4444-555555555555",
    "State": "Enabled",
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}
SETTINGS = {
    "EVENT_BUS": PLACE.arn("events", "event-bus/default"),
    "TABLE_ARN": PLACE.arn("dynamodb", "table/mailing"),
    "DEAD_LETTER_QUEUE_URL": "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/mailing-changes-dead-letter",
}


def with_events(
    seen: Examination,
    *,
    stream: bool = True,
    mapping: Mapping[str, Any] | None = MAPPING,
    settings: Mapping[str, str] = SETTINGS,
    letters: str | None = "0",
) -> list[tuple[Level, str]]:
    """Look at a table with a stream and what reads it, and return what is found."""
    described: dict[str, Any] = {"StreamSpecification": {"StreamEnabled": True}, "LatestStreamArn": STREAM}
    client: Any = seen.dynamodb
    client.exceptions.ResourceNotFoundException = KeyError
    client.describe_table.return_value = {"Table": described if stream else {}}
    lambda_: Any = seen.lambda_
    lambda_.exceptions.ResourceNotFoundException = KeyError
    pages = [{"EventSourceMappings": [] if mapping is None else [{"FunctionArn": f"{CHANGES}-2"}, mapping]}]
    lambda_.get_paginator.return_value.paginate.return_value = pages
    lambda_.get_function_configuration.return_value = {"Environment": {"Variables": settings}}
    sqs: Any = seen.sqs
    sqs.exceptions.QueueDoesNotExist = LookupError
    sqs.get_queue_url.side_effect = LookupError if letters is None else None
    sqs.get_queue_url.return_value = {"QueueUrl": SETTINGS["DEAD_LETTER_QUEUE_URL"]}
    sqs.get_queue_attributes.return_value = {"Attributes": {"ApproximateNumberOfMessages": letters}}
    return [(each.level, each.text) for each in events.look_at_events(seen)]


def test_events_that_come(seen: Examination) -> None:
    assert with_events(seen) == [
        (Level.OK, "The function mailing-changes reads the stream of the table mailing."),
        (Level.OK, f"The function mailing-changes puts events on {SETTINGS['EVENT_BUS']}."),
        (Level.OK, "The dead-letter queue mailing-changes-dead-letter is empty."),
    ]


def test_events_that_nobody_asked_for(seen: Examination) -> None:
    assert with_events(seen, stream=False) == [
        (Level.OK, "The table mailing has no stream, so its changes give no events.")
    ]


@pytest.mark.parametrize(
    ("changed", "level", "says"),
    [
        ({"mapping": None}, Level.WARNING, "no function mailing-changes reads it"),
        ({"mapping": {**MAPPING, "State": "Disabled"}}, Level.PROBLEM, "changes wait, for 24 hours"),
        ({"mapping": {**MAPPING, "State": "Creating"}}, Level.WARNING, "is Creating"),
        ({"mapping": {**MAPPING, "FunctionResponseTypes": []}}, Level.PROBLEM, "those are lost"),
        ({"settings": {**SETTINGS, "EVENT_BUS": "company"}}, Level.PROBLEM, "EVENT_BUS is 'company'"),
        (
            {"mapping": {**MAPPING, "FunctionArn": f"{CHANGES}-3", "EventSourceArn": STREAM.replace("mailing", "crm")}},
            Level.PROBLEM,
            "The function mailing-changes reads the stream of the table crm",
        ),
        ({"letters": "3"}, Level.PROBLEM, "mailing-changes-dead-letter holds about 3 messages"),
        ({"letters": None}, Level.PROBLEM, "There is no queue mailing-changes-dead-letter"),
    ],
    ids=[
        "no mapping",
        "disabled",
        "creating",
        "no partial failures",
        "a wrong setting",
        "another stream",
        "dead letters",
        "no queue",
    ],
)
def test_events_that_do_not_come(seen: Examination, changed: dict[str, Any], level: Level, says: str) -> None:
    ((found, text),) = [each for each in with_events(seen, **changed) if each[0] is not Level.OK]
    assert found is level
    assert says in text


def test_without_a_table_nothing_is_said_of_events(seen: Examination) -> None:
    client: Any = seen.dynamodb
    client.exceptions.ResourceNotFoundException = KeyError
    client.describe_table.side_effect = KeyError
    assert list(events.look_at_events(seen)) == []


def role(seen: Examination, *answers: Mapping[str, Any]) -> Finding:
    """Return what is said of a role for which IAM gives these answers to each question."""
    seen.function = {"Role": "arn:aws-cn:iam::123456789012:role/mailing-feedback"}
    seen.queue, seen.to_function = {}, True
    iam: Any = seen.iam
    iam.exceptions.NoSuchEntityException = KeyError
    iam.simulate_principal_policy.return_value = {"EvaluationResults": answers}
    return only(function.look_at_role(seen))


WRITE = {"EvalActionName": "dynamodb:PartiQLUpdate", "EvalDecision": "implicitDeny"}


def test_a_role_is_asked_about_each_part_of_the_stack(seen: Examination) -> None:
    assert role(seen, {**WRITE, "EvalDecision": "allowed"}).level is Level.OK
    iam: Any = seen.iam
    asked = {call.kwargs["ResourceArns"][0]: call.kwargs["ActionNames"] for call in iam.mock_calls}
    # What the policy of module feedback's role has.
    assert asked == {
        STACK.table: ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"],
        STACK.queue: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        STACK.dead_letter_queue: ["sqs:SendMessage"],
        PLACE.arn("logs", "log-group:/aws/lambda/mailing-feedback:log-stream:any"): [
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
    }


def test_a_role_that_does_not_allow_what_the_function_does(seen: Examination) -> None:
    found = role(seen, WRITE)
    assert found.level is Level.PROBLEM
    assert f"does not allow dynamodb:PartiQLUpdate on {STACK.table}; " in found.text
    # A condition on what the simulation does not know.
    found = role(seen, {**WRITE, "MissingContextValues": ["aws:SourceVpce"]})
    assert found.level is Level.UNKNOWN
    iam: Any = seen.iam
    iam.simulate_principal_policy.side_effect = KeyError
    assert role(seen).text == "The role mailing-feedback of mailing-feedback is gone: each call fails."


def test_the_batching_window_comes_on_top_of_the_timeout(seen: Examination) -> None:
    seen.queue, seen.function, seen.window = {"VisibilityTimeout": "200"}, {"Timeout": 30}, 20
    assert only(function.look_at_timeouts(seen)).level is Level.OK
    seen.window = 21
    found = only(function.look_at_timeouts(seen))
    assert (found.level, "at least 201 s" in found.remedy) == (Level.WARNING, True)


MINUTES_AGO: Mapping[str, tuple[Mapping[str, Mapping[int, int]], Level, str]] = {
    "nothing": ({}, Level.OK, "failed at nothing"),
    "all went well": ({"invocations": {1: 4}, "errors": {1: 0}, "written": {1: 9}}, Level.OK, "failed at nothing"),
    "all calls failed": ({"invocations": {1: 4}, "errors": {1: 4}}, Level.PROBLEM, "Every call of mailing-feedback"),
    "a call failed": ({"invocations": {1: 4}, "errors": {1: 1}}, Level.WARNING, "1 call failed"),
    "all addresses failed": (
        {"invocations": {1: 4}, "failed": {1: 1, 2: 1}, "malformed": {3: 1}},
        Level.PROBLEM,
        "reached the table in the last 15 minutes: 2 addresses not written, 1 message not understood",
    ),
    "an address failed, and another was known": (
        {"failed": {1: 1}, "unchanged": {9: 1}},
        Level.WARNING,
        "1 address not",
    ),
    "an address failed before": ({"failed": {16: 1}}, Level.WARNING, "1 address not written"),
    "throttled": ({"throttles": {600: 1200}}, Level.WARNING, "1,200 calls throttled"),
    "feedback waits": ({"age": {2: 2_000, 1: 2_060}}, Level.PROBLEM, "the oldest for 2,060 s"),
    "feedback waited": ({"age": {5: 2_000, 1: 0}}, Level.OK, "failed at nothing"),
    "feedback waited long ago": ({"age": {20: 2_000}}, Level.OK, "failed at nothing"),
    "feedback waits a little": ({"age": {1: 900}}, Level.OK, "failed at nothing"),
}


@pytest.mark.parametrize("case", MINUTES_AGO)
def test_failures_are_told_before_they_are_dead_letters(seen: Examination, case: str) -> None:
    seen_then, level, says = MINUTES_AGO[case]
    results = [
        {
            "Id": name,
            "Timestamps": [seen.now - timedelta(minutes=ago) for ago in values],
            "Values": [float(value) for value in values.values()],
        }
        for name, values in seen_then.items()
    ]
    # Metrics come in pages.
    pages = [{"MetricDataResults": results[:1]}, {"MetricDataResults": results[1:]}]
    seen.cloudwatch.get_paginator.return_value.paginate.return_value = pages
    found = only(metrics.look_at_failures(seen))
    assert (found.level, says in found.text) == (level, True), found
    assert bool(found.remedy) == (level is not Level.OK)


MERGE, NAME = ["mailing reassess"], ["mailing reassess --dry-run"]


@pytest.mark.parametrize(
    ("keys", "old", "odd", "expected"),
    [
        ([], 0, [], [(Level.OK, "All rows (0)", [])]),
        (["jane@example.com", "orders"], 0, [], [(Level.OK, "All rows (2)", [])]),
        (["jane@example.com"], 2, [], [(Level.WARNING, "2 of 3 rows are as the original", MERGE)]),
        (["Jane@x.org"], 0, [], [(Level.PROBLEM, "1 of 1 rows is under another spelling", MERGE)]),
        (
            ["Jane@x.org", "Joe@x.org"],
            1,
            [],
            [
                (Level.PROBLEM, "2 of 3 rows are under another spelling", MERGE),
                (Level.WARNING, "1 of 3 rows is as the original", MERGE),
            ],
        ),
        (["Jane@x.org"], 0, ["Jane@x.org"], [(Level.PROBLEM, "1 of 1 rows can't be read: J***@x.org.", NAME)]),
        ([], 2, ["1@x.org"], [(Level.PROBLEM, "1 of 2", NAME), (Level.WARNING, "1 of 2 rows is as the", MERGE)]),
        # It is not merged into one that can't be read.
        (["Jane@x.org", "jane@x.org"], 0, ["jane@x.org"], [(Level.PROBLEM, "1 of 2 rows can't be read: J***", NAME)]),
        (
            ["Jane@x.org", "Joe@x.org"],
            0,
            ["Joe@x.org"],
            [
                (Level.PROBLEM, "1 of 2 rows can't be read: J***@x.org.", NAME),
                (Level.PROBLEM, "1 of 2 rows is under another spelling than the canonical address: J***@x.org.", MERGE),
            ],
        ),
    ],
)
def test_rows_that_reassess_is_to_bring_up_to_date_are_counted_and_those_that_it_can_not_read(
    seen: Examination, keys: list[str], old: int, odd: list[str], expected: list[tuple[Level, str, list[str]]]
) -> None:
    dynamodb: Any = seen.dynamodb
    dynamodb.describe_table.return_value = {"Table": {"TableSizeBytes": 1}}
    items = [{"UserId": {"S": key}, "version": {"N": "1"}} for key in keys]
    pages = [{"Items": items}, {"Items": [{"UserId": {"S": f"{number}@x.org"}} for number in range(old)]}]
    dynamodb.get_paginator.return_value.paginate.return_value = pages
    there = {item["UserId"]["S"]: item for page in pages for item in page["Items"]}

    def whole(RequestItems: Any) -> Any:  # noqa: N803  (boto3's)
        ((name, wanted),) = RequestItems.items()
        found = [there[key["UserId"]["S"]] for key in wanted["Keys"] if key["UserId"]["S"] in there]
        return {
            "Responses": {
                name: [{**row, "evidence": {"S": "?"} if row["UserId"]["S"] in odd else {"M": {}}} for row in found]
            }
        }

    dynamodb.batch_get_item.side_effect = whole
    found = list(table.look_at_rows(seen))
    assert [(each.level, list(each.commands)) for each in found] == [
        (level, commands) for level, _, commands in expected
    ]
    assert all(says in each.text for each, (_, says, _) in zip(found, expected, strict=True))
    assert not [each for each in found if "Jane@" in each.text]


def test_that_rows_may_not_be_read_whole_is_told(seen: Examination) -> None:
    dynamodb: Any = seen.dynamodb
    dynamodb.describe_table.return_value = {"Table": {"TableSizeBytes": 1}}
    dynamodb.get_paginator.return_value.paginate.return_value = [{"Items": [{"UserId": {"S": "Jane@x.org"}}]}]
    dynamodb.batch_get_item.side_effect = ClientError({"Error": {"Code": "AccessDeniedException"}}, "BatchGetItem")
    cannot, found = table.look_at_rows(seen)
    assert (cannot.level, cannot.text) == (Level.UNKNOWN, "You may not call dynamodb:BatchGetItem.")
    assert found.level is Level.PROBLEM


def test_the_rows_of_a_large_table_are_not_read(seen: Examination) -> None:
    dynamodb: Any = seen.dynamodb
    dynamodb.describe_table.return_value = {"Table": {"TableSizeBytes": 2**40, "ItemCount": 10**9}}
    finding = only(table.look_at_rows(seen))
    assert (finding.level, "`mailing reassess --dry-run`" in finding.text) == (Level.OK, True)
    dynamodb.get_paginator.assert_not_called()
