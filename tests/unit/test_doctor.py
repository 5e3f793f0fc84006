"""What `mailing doctor` says of answers that no emulator gives."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError

from healthy_mailing_cli.doctor import checks, events, function, metrics, ses, table
from healthy_mailing_cli.doctor.examination import Examination, Finding, Level
from healthy_mailing_cli.shell.stack import Names, Parts, Place

PLACE = Place("aws-cn", "cn-north-1", "123456789012")
TOPIC = PLACE.arn("sns", "mailing-feedback")
STACK = Parts.of(PLACE, Names.of("mailing"), topic=TOPIC, table="mailing")
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
def seen(metas: Mapping[str, Any]) -> Any:
    """An examination whose clients answer what a test tells them to."""
    clients: dict[str, Any] = {name: Mock(meta=meta) for name, meta in metas.items()}
    clients["lambda_"].exceptions.ResourceNotFoundException = KeyError
    clients["dynamodb"].exceptions.ResourceNotFoundException = KeyError
    clients["sqs"].exceptions.QueueDoesNotExist = KeyError
    clients["iam"].exceptions.NoSuchEntityException = KeyError
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
def test_the_account(seen: Any, changed: Mapping[str, Any], level: Level, says: str) -> None:
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


def test_all_pages_of_identities_are_read_and_asked_about_a_hundred_at_a_time(seen: Any) -> None:
    names = [f"{n}.example" for n in range(250)]
    listed = [{"IdentityName": name, "VerificationStatus": "SUCCESS"} for name in names]
    pages = {"": {"EmailIdentities": listed[:200], "NextToken": "more"}, "more": {"EmailIdentities": listed[200:]}}
    seen.sesv2.list_email_identities.side_effect = lambda PageSize, NextToken="": pages[NextToken]  # noqa: N803, ARG005
    seen.ses.get_identity_notification_attributes.side_effect = reports(*names)
    found = list(ses.look_at_identities(seen))
    assert [each.text.split()[0] for each in found] == names
    assert {each.level for each in found} == {Level.OK}
    asked = seen.ses.get_identity_notification_attributes.mock_calls
    assert [len(call.kwargs["Identities"]) for call in asked] == [100, 100, 50]
    assert seen.sources == [f"arn:aws-cn:ses:cn-north-1:123456789012:identity/{name}" for name in names]


def test_an_identity_that_is_not_verified_sends_nothing(seen: Any) -> None:
    seen.sesv2.list_email_identities.return_value = {
        "EmailIdentities": [{"IdentityName": "a.example", "VerificationStatus": "PENDING"}]
    }
    seen.ses.get_identity_notification_attributes.side_effect = reports()
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
def test_the_function(seen: Any, configuration: Mapping[str, Any], level: Level, says: str) -> None:
    variables = {"Environment": {"Variables": {"TABLE_NAME": "mailing"}}}
    seen.lambda_.get_function_configuration.return_value = {**variables, **configuration}
    seen.lambda_.get_function_concurrency.return_value = {}
    finding = only(function.look_at_function(seen))
    assert (finding.level, says in finding.text) == (level, True), finding


def test_an_error_of_aws_ends_a_check_and_no_other(seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> Iterator[Finding]:
        yield Finding(Level.OK, "Before.")
        raise ClientError({"Error": {"Code": "Throttling", "Message": "Slow down"}}, "ListEmailIdentities")

    def denied(_: Examination) -> Iterator[Finding]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "x"}}, "GetMetricData")

    def fine(_: Examination) -> Iterator[Finding]:
        yield Finding(Level.OK, "Fine.")

    monkeypatch.setattr(checks, "CHECKS", {"first": fails, "second": denied, "third": fine})
    done: list[None] = []
    found = list(checks.examine(seen, lambda: done.append(None)))
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
    seen: Any,
    *,
    mapping: Mapping[str, Any] | None = MAPPING,
    settings: Mapping[str, str] = SETTINGS,
    letters: str | None = "0",
) -> list[tuple[Level, str]]:
    """Look at a table with a stream and what reads it, and return what is found."""
    seen.table = {"StreamSpecification": {"StreamEnabled": True}, "LatestStreamArn": STREAM}
    pages = [{"EventSourceMappings": [] if mapping is None else [{"FunctionArn": f"{CHANGES}-2"}, mapping]}]
    seen.lambda_.get_paginator.return_value.paginate.return_value = pages
    seen.lambda_.get_function_configuration.return_value = {"Environment": {"Variables": settings}}
    seen.sqs.get_queue_url.side_effect = KeyError if letters is None else None
    seen.sqs.get_queue_url.return_value = {"QueueUrl": SETTINGS["DEAD_LETTER_QUEUE_URL"]}
    seen.sqs.get_queue_attributes.return_value = {"Attributes": {"ApproximateNumberOfMessages": letters}}
    return [(each.level, each.text) for each in events.look_at_events(seen)]


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
        ({"letters": None}, Level.PROBLEM, "There is no dead-letter queue mailing-changes-dead-letter"),
    ],
    ids=str,
)
def test_events_that_do_not_come(seen: Any, changed: dict[str, Any], level: Level, says: str) -> None:
    ((found, text),) = [each for each in with_events(seen, **changed) if each[0] is not Level.OK]
    assert found is level
    assert says in text


def role(seen: Any, *answers: Mapping[str, Any]) -> Finding:
    """Return what is said of a role for which IAM gives these answers to each question."""
    seen.function = {"Role": "arn:aws-cn:iam::123456789012:role/mailing-feedback"}
    seen.queue, seen.to_function = {}, True
    seen.iam.simulate_principal_policy.return_value = {"EvaluationResults": answers}
    return only(function.look_at_role(seen))


WRITE = {"EvalActionName": "dynamodb:PartiQLUpdate", "EvalDecision": "implicitDeny"}


def test_a_role_is_asked_about_each_part_of_the_stack(seen: Any) -> None:
    assert role(seen, {**WRITE, "EvalDecision": "allowed"}).level is Level.OK
    asked = {call.kwargs["ResourceArns"][0]: call.kwargs["ActionNames"] for call in seen.iam.mock_calls}
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


def test_a_role_that_does_not_allow_what_the_function_does(seen: Any) -> None:
    found = role(seen, WRITE)
    assert found.level is Level.PROBLEM
    assert f"does not allow dynamodb:PartiQLUpdate on {STACK.table}; " in found.text
    # A condition on what the simulation does not know.
    found = role(seen, {**WRITE, "MissingContextValues": ["aws:SourceVpce"]})
    assert found.level is Level.UNKNOWN
    seen.iam.simulate_principal_policy.side_effect = KeyError
    assert role(seen).text == "The role mailing-feedback of mailing-feedback is gone: each call fails."


def test_the_batching_window_comes_on_top_of_the_timeout(seen: Any) -> None:
    seen.queue, seen.function, seen.window = {"VisibilityTimeout": "200"}, {"Timeout": 30}, 20
    assert only(function.look_at_timeouts(seen)).level is Level.OK
    seen.window = 21
    found = only(function.look_at_timeouts(seen))
    assert (found.level, "at least 201 s" in found.remedy) == (Level.WARNING, True)


Series = Mapping[str, Mapping[float, float]]
"""By metric, values by how many minutes ago they were."""


def count(seen: Any, series: Series) -> None:
    """Let CloudWatch have metrics, in pages."""
    results = [
        {"Id": name, "Timestamps": [seen.now - timedelta(minutes=ago) for ago in values], "Values": [*values.values()]}
        for name, values in series.items()
    ]
    pages = [{"MetricDataResults": results[:1]}, {"MetricDataResults": results[1:]}]
    seen.cloudwatch.get_paginator.return_value.paginate.return_value = pages


@pytest.mark.parametrize(
    ("hours_ago", "sent", "level", "says"),
    [
        (None, None, Level.WARNING, "mailing-feedback was not called in the last 14 days: no feedback came."),
        (None, 7.0, Level.WARNING, "SES sent 7 mails in the last 24 hours"),
        (72, 7.0, Level.WARNING, "No feedback came since the hour of 2026-03-07 00:00 UTC. SES sent 7 mails"),
        (72, 0.0, Level.OK, "Feedback last came in the hour of 2026-03-07 00:00 UTC."),
        (72, None, Level.OK, "Feedback last came"),
        (23, 7.0, Level.OK, "Feedback last came in the hour of 2026-03-09 01:00 UTC."),
    ],
)
def test_feedback_that_stopped_is_a_warning_if_mail_was_sent(
    seen: Any, hours_ago: int | None, sent: float | None, *, level: Level, says: str
) -> None:
    seen.sent = sent
    count(seen, {"calls": {0: 0} if hours_ago is None else {0: 0, hours_ago * 60: 2, 99 * 60: 1}})
    finding = only(metrics.look_at_calls(seen))
    assert (finding.level, says in finding.text) == (level, True), finding
    assert bool(finding.remedy) == (level is not Level.OK)


@pytest.mark.parametrize(
    ("series", "level", "says"),
    [
        ({}, Level.OK, "failed at nothing"),
        ({"invocations": {1: 4}, "errors": {1: 0}, "written": {1: 9}}, Level.OK, "failed at nothing"),
        ({"invocations": {1: 4}, "errors": {1: 4}}, Level.PROBLEM, "Every call of mailing-feedback"),
        ({"invocations": {1: 4}, "errors": {1: 1}}, Level.WARNING, "1 call failed"),
        ({"failed": {1: 1, 2: 1}, "malformed": {3: 1}}, Level.PROBLEM, "2 addresses not written, 1 message not under"),
        ({"failed": {1: 1}, "unchanged": {9: 1}}, Level.WARNING, "1 address not"),
        ({"failed": {16: 1}}, Level.WARNING, "1 address not written"),
        ({"throttles": {600: 1200}}, Level.WARNING, "1,200 calls throttled"),
        ({"age": {2: 2_000, 1: 2_060}}, Level.PROBLEM, "the oldest for 2,060 s"),
        ({"age": {5: 2_000, 1: 0}}, Level.OK, "failed at nothing"),
        ({"age": {20: 2_000}}, Level.OK, "failed at nothing"),
        ({"age": {1: 900}}, Level.OK, "failed at nothing"),
    ],
    ids=str,
)
def test_failures_are_found_before_they_are_dead_letters(seen: Any, series: Series, level: Level, says: str) -> None:
    count(seen, series)
    finding = only(metrics.look_at_failures(seen))
    assert (finding.level, says in finding.text) == (level, True), finding
    assert bool(finding.remedy) == (level is not Level.OK)


MERGE, NAME = ["mailing reassess"], ["mailing reassess --dry-run"]
ODD = ("Odd@x.org", "2@x.org")


@pytest.mark.parametrize(
    ("keys", "old", "expected"),
    [
        ([], 0, {}),
        (["jane@example.com", "orders"], 0, {}),
        (["jane@example.com"], 2, {"warning: 2 of 3 rows are as the original": MERGE}),
        (["Jane@x.org"], 0, {"problem: 1 of 1 rows is under another spelling": MERGE}),
        (
            ["Jane@x.org", "Joe@x.org"],
            1,
            {
                "problem: 2 of 3 rows are under another spelling": MERGE,
                "warning: 1 of 3 rows is as the original": MERGE,
            },
        ),
        (["Odd@x.org"], 0, {"problem: 1 of 1 rows can't be read: O***@x.org.": NAME}),
        ([], 3, {"problem: 1 of 3": NAME, "warning: 2 of 3 rows are as the": MERGE}),
        # It is not merged into one that can't be read.
        (["2@X.org", "2@x.org"], 0, {"problem: 1 of 2 rows can't be read: 2***": NAME}),
        (
            ["Odd@x.org", "Joe@x.org"],
            0,
            {
                "problem: 1 of 2 rows can't be read: O***@x.org.": NAME,
                "problem: 1 of 2 rows is under another spelling than the canonical address: J***@x.org.": MERGE,
            },
        ),
    ],
    ids=str,
)
def test_rows_for_reassess_are_counted_and_those_that_it_can_not_read(
    seen: Any, keys: list[str], old: int, expected: dict[str, list[str]]
) -> None:
    """By the addresses that are canonical or not, and the number of rows without a version; odd ones can't be read."""
    seen.table = {"TableSizeBytes": 1}
    items = [{"UserId": {"S": key}, "version": {"N": "1"}} for key in keys]
    pages = [{"Items": items}, {"Items": [{"UserId": {"S": f"{number}@x.org"}} for number in range(old)]}]
    seen.dynamodb.get_paginator.return_value.paginate.return_value = pages
    there = {item["UserId"]["S"]: item for page in pages for item in page["Items"]}

    def whole(RequestItems: Any) -> Any:  # noqa: N803  (boto3's)
        ((name, wanted),) = RequestItems.items()
        found = [there[key["UserId"]["S"]] for key in wanted["Keys"] if key["UserId"]["S"] in there]
        evidence: list[dict[str, Any]] = [{"S": "?"} if row["UserId"]["S"] in ODD else {"M": {}} for row in found]
        return {"Responses": {name: [row | {"evidence": each} for row, each in zip(found, evidence, strict=True)]}}

    seen.dynamodb.batch_get_item.side_effect = whole
    found = [(f"{each.level}: {each.text}", list(each.commands)) for each in table.look_at_rows(seen)]
    if not expected:
        assert found == [
            (f"ok: All rows ({len(keys)}) are under the canonical address, and as this version writes them.", [])
        ]
        return
    assert [commands for _, commands in found] == [*expected.values()]
    assert all(text.startswith(says) for (text, _), says in zip(found, expected, strict=True)), found
    assert not [text for text, _ in found if "Jane@" in text]


def test_the_rows_of_a_large_table_are_not_read(seen: Any) -> None:
    seen.table = {"TableSizeBytes": 2**40, "ItemCount": 10**9}
    finding = only(table.look_at_rows(seen))
    assert (finding.level, "`mailing reassess --dry-run`" in finding.text) == (Level.OK, True)
    seen.dynamodb.get_paginator.assert_not_called()
