"""The example that calls all modules, applied from a root of its own as another team would."""

import json
import uuid
from collections.abc import Iterator

import pytest

from harness import paths
from harness.emulator import Emulator
from harness.stack import applied
from support import ses
from support.deployed import Deployed
from support.eventually import eventually


@pytest.fixture(scope="module")
def example(embedded: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    variables = {"domain": "complete.example", "deletion_protection": False}
    folder = tmp_path_factory.mktemp("complete")
    with applied(embedded, variables, folder, paths.TERRAFORM / "examples" / "complete") as stack:
        yield Deployed(stack)
    assert stack.leftovers() == []


def test_mail_from_the_domain_comes_back_and_complaints_reach_those_on_call(example: Deployed) -> None:
    label = uuid.uuid4().hex[:12]
    names = ("success", "bounce", "complaint")
    success, bounced, complained = (f"{name}+{label}@simulator.amazonses.com" for name in names)
    for address in (success, bounced, complained):
        ses.send(example.emulator, "news@complete.example", address)

    expected = {success: "enable", bounced: "disable", complained: "disable"}
    eventually(lambda: example.states(*expected), expected)
    told: set[str] = set()

    def addresses() -> set[str]:
        messages = example.sqs.receive_message(QueueUrl=example.outputs["complaints_queue_url"]).get("Messages", [])
        told.update(json.loads(each["Body"])["detail"]["address"] for each in messages)
        return told

    eventually(addresses, {complained})


def test_alarms_tell_whom_the_example_says_and_the_dashboard_shows_each(example: Deployed) -> None:
    client, prefix = example.emulator.client("cloudwatch"), f"{example.stack.name}-"
    alarms = client.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    # One of each module that has some.
    assert {f"{prefix}{name}" for name in ("errors", "lookup-errors", "changes-errors", "reputation-bounce")} <= {
        alarm["AlarmName"] for alarm in alarms
    }
    told = {topic.rsplit(":", 1)[-1] for alarm in alarms for topic in alarm["AlarmActions"]}
    assert told == {f"{prefix}on-call"}

    body = json.loads(client.get_dashboard(DashboardName=example.outputs["dashboard_name"])["DashboardBody"])
    assert set(body["widgets"][0]["properties"]["alarms"]) == {alarm["AlarmArn"] for alarm in alarms}


def test_a_second_plan_shows_no_drift(example: Deployed) -> None:
    assert example.stack.drift() == []
