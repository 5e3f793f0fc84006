"""The embedded emulator as a child process, for real."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from harness import emulator, paths
from harness.emulator import Emulator
from harness.emulators import embedded, launched
from harness.errors import HarnessError
from support import ses
from support.eventually import SECONDS, eventually
from support.functions import zipped
from support.hand_made import policy
from support.held import detached, held
from support.processes import runs
from support.stream import changes_in, create_streamed
from support.suppression import listed_at

SENDER = "news@example.org"
# Answers with what of its environment the harness decides.
ENVIRONMENT_HANDLER = """
import os, sys
def handler(event, context):
    return {"path": sys.path, "environment": dict(os.environ), "pid": os.getpid()}
"""
# Notes each message that SNS hands over.
NOTING_HANDLER = """
import os
def handler(event, context):
    with open(os.environ["NOTES"], "a") as notes:
        print(event["Records"][0]["Sns"]["Message"], file=notes)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator.running("embedded", tmp_path_factory.mktemp("run")) as started:
        yield started


def deploy(target: Emulator, name: str, code: str, **variables: str) -> str:
    """Create a function with a role of the same name, and return its ARN."""
    role = target.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    return target.client("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": zipped(code, "index.py")},
        Environment={"Variables": variables},
    )["FunctionArn"]


def invoke(target: Emulator) -> dict[str, object]:
    """Deploy a function that tells about its process, call it, and return its answer."""
    deploy(target, "function", ENVIRONMENT_HANDLER)
    answer = json.loads(target.client("lambda").invoke(FunctionName="function")["Payload"].read())
    assert isinstance(answer, dict)
    return answer


def test_two_emulators_have_ports_of_their_own_on_loopback_and_contents(running: Emulator, tmp_path: Path) -> None:
    with emulator.running("embedded", tmp_path / "other") as other:
        assert other.endpoint_url != running.endpoint_url
        assert other.endpoint_url.startswith("http://127.0.0.1:")
        running.client("sns").create_topic(Name="only-here")
        assert other.client("sns").list_topics()["Topics"] == []


def test_a_stopped_emulator_leaves_its_log_and_no_process_port_or_temporary_file(tmp_path: Path) -> None:
    with emulator.running("embedded", tmp_path) as started:
        worker = invoke(started)["pid"]
        assert isinstance(worker, int)
        assert runs(worker)
    eventually(lambda: runs(worker), expected=False)
    assert not emulator.answers(started.endpoint_url)
    assert [path.name for path in tmp_path.iterdir()] == ["emulator.log"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_is_left_when_the_harness_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    holder, folder, endpoint_url = held("embedded", tmp_path)
    with holder:
        try:
            worker = invoke(emulator.running_at(endpoint_url))["pid"]
        finally:
            holder.send_signal(number)
    assert isinstance(worker, int)
    eventually(lambda: launched.answers(endpoint_url, folder / "emulator"), expected=False)
    eventually(lambda: runs(worker), expected=False)
    eventually((folder / "emulator").exists, expected=False)


def test_a_detached_emulator_outlives_its_starter_until_it_is_stopped(tmp_path: Path) -> None:
    endpoint_url, folder = detached("embedded", tmp_path), tmp_path / "emulator"
    assert launched.answers(endpoint_url, folder)
    emulator.stop_detached({"endpoint_url": endpoint_url, "folder": str(folder)})
    assert not launched.answers(endpoint_url, folder)
    assert not folder.exists()


def test_stopping_does_not_touch_another_emulator_that_got_the_port(running: Emulator, tmp_path: Path) -> None:
    emulator.stop_detached({"endpoint_url": running.endpoint_url, "folder": str(tmp_path / "emulator")})
    assert emulator.answers(running.endpoint_url)


def test_one_that_does_not_start_says_so_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no such module')")
    monkeypatch.setattr(embedded, "LAUNCHER", broken)
    with pytest.raises(HarnessError, match=r"did not start; the end of .*emulator.log:\nno such module"):
        emulator.start("embedded", tmp_path / "run")


def test_nothing_of_the_users_environment_reaches_the_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/leaked")
    monkeypatch.setenv("AWS_PROFILE", "leaked")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://leaked.example.com")
    monkeypatch.setenv("TABLE_NAME", "leaked")
    with emulator.running("embedded", tmp_path) as started:
        answer = invoke(started)
    assert "leaked" not in json.dumps(answer)
    environment = answer["environment"]
    assert isinstance(environment, dict)
    assert environment["AWS_ENDPOINT_URL"] == started.endpoint_url
    assert environment["HOME"] == environment["TMPDIR"] == str(tmp_path / "emulator")


def test_a_call_creates_no_log_group(running: Emulator) -> None:
    invoke(running)
    assert running.client("logs").describe_log_groups()["logGroups"] == []


def test_a_dashboard_is_of_all_regions(running: Emulator) -> None:
    here, there = (replace(running, region=region).client("cloudwatch") for region in ("us-east-1", "eu-west-3"))
    here.put_dashboard(DashboardName="one", DashboardBody="{}")
    assert [each["DashboardName"] for each in there.list_dashboards()["DashboardEntries"]] == ["one"]


LISTED = "Jane.Doe/Sales%2F+a@Example.COM"


def test_ses_keeps_a_suppression_list_that_takes_each_spelling_as_it_is(running: Emulator) -> None:
    sesv2 = running.client("sesv2")
    before = datetime.now(UTC)
    sesv2.put_suppressed_destination(EmailAddress=LISTED, Reason="BOUNCE")
    entry = sesv2.get_suppressed_destination(EmailAddress=LISTED)["SuppressedDestination"]
    assert (entry["EmailAddress"], entry["Reason"]) == (LISTED, "BOUNCE")
    assert timedelta(seconds=-1) < entry["LastUpdateTime"] - before < timedelta(minutes=1)

    for call in (sesv2.get_suppressed_destination, sesv2.delete_suppressed_destination):
        with pytest.raises(sesv2.exceptions.NotFoundException):
            call(EmailAddress=LISTED.lower())
    sesv2.put_suppressed_destination(EmailAddress=LISTED, Reason="COMPLAINT")
    assert [each["Reason"] for each in suppressed(running)] == ["COMPLAINT"]
    sesv2.delete_suppressed_destination(EmailAddress=LISTED)
    assert suppressed(running) == []
    with pytest.raises(sesv2.exceptions.NotFoundException):
        sesv2.delete_suppressed_destination(EmailAddress=LISTED)


def suppressed(target: Emulator, **selection: Any) -> list[Any]:
    """Return the suppression list's entries, in pages of two."""
    found: list[Any] = []
    token: dict[str, Any] = {}
    while True:
        page = target.client("sesv2").list_suppressed_destinations(PageSize=2, **selection, **token)
        assert len(page["SuppressedDestinationSummaries"]) <= 2
        found += page["SuppressedDestinationSummaries"]
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def test_ses_lists_suppressed_addresses_by_reason_and_time(running: Emulator) -> None:
    sesv2 = running.client("sesv2")
    times = {f"{day}@example.com": datetime(2020, 12, day, 12, tzinfo=UTC) for day in range(14, 19)}
    for address, at in times.items():
        with listed_at(sesv2, at):
            sesv2.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE" if at.day % 2 else "COMPLAINT")

    def addresses(**selection: Any) -> list[str]:
        return [each["EmailAddress"] for each in suppressed(running, **selection)]

    assert {each["EmailAddress"]: each["LastUpdateTime"] for each in suppressed(running)} == times
    assert addresses(Reasons=["BOUNCE"]) == ["15@example.com", "17@example.com"]
    assert addresses(Reasons=["BOUNCE", "COMPLAINT"]) == list(times)
    assert addresses(StartDate=datetime(2020, 12, 16, tzinfo=UTC)) == list(times)[2:]
    assert addresses(EndDate=datetime(2020, 12, 16, tzinfo=UTC)) == list(times)[:2]
    first = sesv2.list_suppressed_destinations(PageSize=2)
    for address in times:
        if address < "17":
            sesv2.delete_suppressed_destination(EmailAddress=address)
    rest = sesv2.list_suppressed_destinations(PageSize=2, NextToken=first["NextToken"])
    assert [each["EmailAddress"] for each in rest["SuppressedDestinationSummaries"]] == list(times)[3:]
    for address in list(times)[3:]:
        sesv2.delete_suppressed_destination(EmailAddress=address)


@pytest.mark.parametrize("version", ["ses", "sesv2"])
def test_mail_to_a_suppressed_address_is_reported_and_not_sent(running: Emulator, version: str) -> None:
    sender = f"{version}@suppressing.example"
    running.client("ses").verify_email_identity(EmailAddress=sender)
    topic = running.client("sns").create_topic(Name=f"of-{version}")["TopicArn"]
    arn = topic.replace(":sns:", ":sqs:")
    may_send = policy("sns.amazonaws.com", "sqs:SendMessage", arn)
    queue = running.client("sqs").create_queue(QueueName=f"of-{version}", Attributes={"Policy": may_send})["QueueUrl"]
    attributes = {"RawMessageDelivery": "true"}
    running.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    for kind in ("Bounce", "Complaint", "Delivery"):
        running.client("ses").set_identity_notification_topic(Identity=sender, NotificationType=kind, SnsTopic=topic)
    sesv2 = running.client("sesv2")
    sesv2.put_suppressed_destination(EmailAddress="Bounced@example.com", Reason="BOUNCE")
    sesv2.put_suppressed_destination(EmailAddress="complained@example.com", Reason="COMPLAINT")
    recipients = ["bounced@Example.com", "complained@example.com", "suppressionlist@simulator.amazonses.com"]

    def reports() -> dict[str, tuple[str, str | None]]:
        ses.send(running, sender, *recipients, version=version)
        found: dict[str, tuple[str, str | None]] = {}

        def receive() -> int:
            for message in running.client("sqs").receive_message(QueueUrl=queue).get("Messages", []):
                running.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                report = json.loads(message["Body"])
                assert report["mail"]["destination"] == recipients
                kind = report["notificationType"].lower()
                address = next(each for each in recipients if each in json.dumps(report[kind]))
                found[address] = (kind, report[kind].get("bounceSubType") or report[kind].get("complaintSubType"))
            return len(found)

        eventually(receive, len(recipients))
        return found

    simulated = ("bounce", "Suppressed")
    listed = ("bounce", "OnAccountSuppressionList"), ("complaint", "OnAccountSuppressionList"), simulated
    assert reports() == dict(zip(recipients, listed, strict=True))
    sesv2.put_account_suppression_attributes(SuppressedReasons=["COMPLAINT"])
    unused = ("delivery", None), ("complaint", "OnAccountSuppressionList"), simulated
    assert reports() == dict(zip(recipients, unused, strict=True))
    sesv2.put_account_suppression_attributes(SuppressedReasons=["BOUNCE", "COMPLAINT"])
    for each in suppressed(running):
        sesv2.delete_suppressed_destination(EmailAddress=each["EmailAddress"])


def test_writes_by_partiql_are_in_the_table_s_stream(running: Emulator) -> None:
    client = running.client("dynamodb")
    stream = create_streamed(client, "streamed")
    key, one, two = {"UserId": {"S": "a"}}, {"S": "1"}, {"S": "2"}
    insert = {"Statement": """INSERT INTO "streamed" VALUE {'UserId': ?, 'n': ?}""", "Parameters": [key["UserId"], one]}
    update = 'UPDATE "streamed" SET "n"=? WHERE "UserId"=? AND "n"=?'
    statements: Any = [
        insert,
        insert,  # refused: there is one
        {"Statement": update, "Parameters": [two, key["UserId"], two]},  # refused: it says 1
        {"Statement": update, "Parameters": [two, key["UserId"], one]},
        {"Statement": 'DELETE FROM "streamed" WHERE "UserId"=?', "Parameters": [key["UserId"]]},
    ]
    for statement in statements:
        client.batch_execute_statement(Statements=[statement])

    first, second = {**key, "n": one}, {**key, "n": two}
    assert changes_in(running.client("dynamodbstreams"), stream) == [
        ("INSERT", None, first),
        ("MODIFY", first, second),
        ("REMOVE", second, None),
    ]


# Leases workers as ministack's Lambda does, for calls that read the function's configuration before and after a change.
CHANGED = """
import json
from harness.emulators.embedded import ministack_gaps
from ministack.services import lambda_svc

ministack_gaps.fill()

def lease(value):
    arn = "arn:aws:lambda:us-east-1:000000000000:function:changed"
    config = {"FunctionArn": arn, "Runtime": "python3.13", "Environment": {"Variables": {"NAME": value}}}
    return lambda_svc.acquire_worker("changed", config, b"")

early, late = lease("old"), lease("old")
for worker, _ in (early, late):
    lambda_svc.release_worker(worker)
new = lease("new")
lambda_svc.release_worker(new[0])
again = lease("new")
print(json.dumps([[worker.config["Environment"]["Variables"]["NAME"], how] for worker, how in (new, again)]))
"""


def test_no_call_is_served_under_an_earlier_configuration(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", CHANGED],
        env={
            "PATH": os.defpath,
            "PYTHONPATH": str(paths.ROOT / "scripts"),
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert json.loads(answer.splitlines()[-1]) == [["new", "spawn"], ["new", "reused"]]


def test_sns_calls_a_function_that_lets_it_and_else_uses_the_dead_letter_queue(
    running: Emulator, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    function = deploy(running, "noting", NOTING_HANDLER, NOTES=str(notes))
    sns, sqs, client = running.client("sns"), running.client("sqs"), running.client("lambda")
    topic, other = (sns.create_topic(Name=name)["TopicArn"] for name in ("calling", "calling-too"))
    letters = topic.replace(":sns:", ":sqs:").replace("calling", "not-handed-over")
    may_send = policy("sns.amazonaws.com", "sqs:SendMessage", letters, ArnEquals={"aws:SourceArn": topic})
    url = sqs.create_queue(QueueName="not-handed-over", Attributes={"Policy": may_send})["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": letters})
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function, Attributes={"RedrivePolicy": redrive})

    def permit(topic_arn: str, service: str, account: str) -> None:
        client.add_permission(
            FunctionName="noting",
            StatementId=uuid.uuid4().hex,
            Action="lambda:InvokeFunction",
            Principal=service,
            SourceArn=topic_arn,
            SourceAccount=account,
        )

    def letter() -> str | None:
        found = sqs.receive_message(QueueUrl=url).get("Messages", [])
        return json.loads(found[0]["Body"])["Message"] if found else None

    right = topic, "sns.amazonaws.com", "000000000000"
    for wrong in ((other, *right[1:]), (topic, "s3.amazonaws.com", right[2]), (*right[:2], "111111111111")):
        message = json.dumps(wrong)
        sns.publish(TopicArn=topic, Message=message)
        eventually(letter, message)
        permit(*wrong)
    sns.publish(TopicArn=topic, Message="not yet")
    eventually(letter, "not yet")
    assert not notes.exists()

    permit(*right)
    sns.publish(TopicArn=topic, Message="welcome")
    eventually(lambda: notes.exists() and notes.read_text(), "welcome\n")
    assert letter() is None

    client.delete_function(FunctionName="noting")
    sns.publish(TopicArn=topic, Message="too late")
    eventually(letter, "too late")


def test_a_call_by_sns_that_failed_is_tried_again_with_the_code_as_it_is_then(
    running: Emulator, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    function = deploy(running, "mended", NOTING_HANDLER + "    raise ValueError\n", NOTES=str(notes))
    sns, client = running.client("sns"), running.client("lambda")
    topic = sns.create_topic(Name="retrying")["TopicArn"]
    client.add_permission(
        FunctionName="mended", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=topic, Message="again")
    eventually(notes.exists, expected=True)
    mended = NOTING_HANDLER.replace('["Message"]', '["Message"] + " and right"')
    client.update_function_code(FunctionName="mended", ZipFile=zipped(mended, "index.py"))
    eventually(lambda: notes.read_text().splitlines()[-1], "again and right")


def test_an_api_calls_only_a_function_that_lets_it(running: Emulator) -> None:
    function = deploy(
        running, "answering", "def handler(event, context): return {'statusCode': 200, 'body': '[\"yes\"]'}"
    )
    client = running.client("apigateway")
    api: str = client.create_rest_api(name="calling")["id"]
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    method = {"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}}
    document = {"openapi": "3.0.1", "info": {"title": "calling"}, "paths": {"/a/{b}": {"get": method}}}
    client.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(document).encode())
    client.create_deployment(restApiId=api, stageName="v1")

    for source, expected in (
        ("other-api/*/*", (500, {"message": "Internal server error"})),
        (f"{api}/*/POST/*", (500, {"message": "Internal server error"})),
        (f"{api}/*/GET/a/*", (200, ["yes"])),
    ):
        running.client("lambda").add_permission(
            FunctionName="answering",
            StatementId=uuid.uuid4().hex,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{source}",
        )
        answer = requests.get(f"{running.endpoint_url}/_aws/execute-api/{api}/v1/a/b", timeout=SECONDS)
        assert (answer.status_code, answer.json()) == expected
