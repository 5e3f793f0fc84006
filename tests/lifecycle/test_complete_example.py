"""The example that calls all modules, applied from a root of its own as another team would."""

import json
import uuid
from collections.abc import Iterator

import pytest

from harness import paths
from harness.emulator import Emulator
from harness.stack import applied
from support.deployed import Deployed
from support.eventually import eventually


@pytest.fixture(scope="module")
def example(embedded: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    variables = {"domain": "complete.example", "deletion_protection": False}
    folder = tmp_path_factory.mktemp("complete")
    with applied(embedded, variables, folder, paths.TERRAFORM / "examples" / "complete") as stack:
        yield Deployed(stack)
    assert stack.leftovers() == []


def test_mail_from_the_domain_comes_back_as_rows(example: Deployed) -> None:
    label = uuid.uuid4().hex[:12]
    expected = {
        f"success+{label}@simulator.amazonses.com": "enable",
        f"bounce+{label}@simulator.amazonses.com": "disable",
    }
    for address in expected:
        example.emulator.client("ses").send_email(
            Source="news@complete.example",
            Destination={"ToAddresses": [address]},
            Message={"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "Hello"}}},
        )

    eventually(lambda: example.states(*expected), expected)


def test_complaints_reach_the_queue_of_those_on_call_and_bounces_do_not(example: Deployed) -> None:
    label = uuid.uuid4().hex[:12]
    bounced, complained = (f"{name}+{label}@simulator.amazonses.com" for name in ("bounce", "complaint"))
    for address in (bounced, complained):
        example.emulator.client("ses").send_email(
            Source="news@complete.example",
            Destination={"ToAddresses": [address]},
            Message={"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "Hello"}}},
        )
    eventually(lambda: example.states(bounced, complained), dict.fromkeys((bounced, complained), "disable"))
    told: set[str] = set()

    def addresses() -> set[str]:
        messages = example.sqs.receive_message(QueueUrl=example.outputs["complaints_queue_url"]).get("Messages", [])
        told.update(json.loads(each["Body"])["detail"]["address"] for each in messages)
        return told

    eventually(addresses, {complained})


def test_alarms_tell_whom_the_example_says(example: Deployed) -> None:
    client = example.emulator.client("cloudwatch")
    alarms = client.describe_alarms(AlarmNamePrefix=f"{example.stack.name}-")["MetricAlarms"]

    problems = {alarm["AlarmName"].removeprefix(f"{example.stack.name}-") for alarm in alarms}
    assert problems == {
        "bounce-rate", "changes-age", "changes-dead-letters", "changes-errors", "changes-throttles", "complaint-rate",
        "dead-letters", "errors", "lookup-errors", "lookup-throttles", "queue-age", "reputation-bounce",
        "reputation-complaint", "silence", "throttles"
    }  # fmt: skip
    told = {topic.rsplit(":", 1)[-1] for alarm in alarms for topic in alarm["AlarmActions"]}
    assert told == {f"{example.stack.name}-on-call"}


def test_dashboard_shows_every_alarm(example: Deployed) -> None:
    client = example.emulator.client("cloudwatch")
    alarms = client.describe_alarms(AlarmNamePrefix=f"{example.stack.name}-")["MetricAlarms"]
    body = json.loads(client.get_dashboard(DashboardName=example.outputs["dashboard_name"])["DashboardBody"])

    assert set(body["widgets"][0]["properties"]["alarms"]) == {alarm["AlarmArn"] for alarm in alarms}


def test_a_second_plan_shows_no_drift(example: Deployed) -> None:
    assert example.stack.drift() == []
