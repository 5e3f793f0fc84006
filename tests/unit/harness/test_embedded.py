"""The embedded emulator as a child process, for real."""

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from harness import emulator, paths
from harness.emulator import Emulator
from harness.emulators import embedded, launched
from harness.errors import HarnessError
from support.eventually import eventually
from support.processes import runs

SENDER = "news@example.org"
# Starts an emulator, says where and that it is ready, and waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from harness import emulator
with emulator.running("embedded", Path(sys.argv[1])) as started:
    print(started.endpoint_url, flush=True)
    time.sleep(600)
"""
# Answers with what of its environment the harness decides.
ENVIRONMENT_HANDLER = """
import os, sys
def handler(event, context):
    return {"path": sys.path, "environment": dict(os.environ), "pid": os.getpid()}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator.running("embedded", tmp_path_factory.mktemp("run")) as started:
        yield started


def invoke(target: Emulator) -> dict[str, object]:
    """Deploy a function that tells about its process, call it, and return its answer."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", ENVIRONMENT_HANDLER)
    role = target.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client = target.client("lambda")
    client.create_function(
        FunctionName="function",
        Role=role,
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": content.getvalue()},
    )
    answer = json.loads(client.invoke(FunctionName="function")["Payload"].read())
    assert isinstance(answer, dict)
    return answer


def test_two_emulators_side_by_side_have_their_own_ports_and_contents(running: Emulator, tmp_path: Path) -> None:
    with emulator.running("embedded", tmp_path / "other") as other:
        assert other.endpoint_url != running.endpoint_url
        running.client("sns").create_topic(Name="only-here")
        assert other.client("sns").list_topics()["Topics"] == []


def test_it_listens_on_loopback_alone(running: Emulator) -> None:
    assert running.endpoint_url.startswith("http://127.0.0.1:")


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
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT / "scripts")}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()  # which emulator
        endpoint_url = holder.stdout.readline().strip()
        try:
            started = emulator.start(endpoint_url, tmp_path).emulator
            worker = invoke(started)["pid"]
        finally:
            holder.send_signal(number)
    assert isinstance(worker, int)
    eventually(lambda: launched.answers(endpoint_url, tmp_path / "emulator"), expected=False)
    eventually(lambda: runs(worker), expected=False)
    eventually((tmp_path / "emulator").exists, expected=False)


def test_a_detached_emulator_outlives_its_starter_until_it_is_stopped(tmp_path: Path) -> None:
    detaching = HOLDER.replace("with emulator.running", "started = emulator.start").split(" as started")[0]
    detaching += "\nstarted.detach()\nprint(started.emulator.endpoint_url)"
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT / "scripts")}
    endpoint_url = subprocess.run(
        [sys.executable, "-W", "error", "-c", detaching, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[-1]
    folder = tmp_path / "emulator"
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


def test_iam_is_enforced(running: Emulator) -> None:
    denied = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sns:Publish"}]}
    topic = running.client("sns").create_topic(Name="nobody-publishes", Attributes={"Policy": json.dumps(denied)})
    with pytest.raises(ClientError, match=r"AuthorizationError|AccessDenied"):
        running.client("sns").publish(TopicArn=topic["TopicArn"], Message="no")


def test_loopback_counts_as_tls(running: Emulator) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    topic = running.client("sns").create_topic(Name="tls-only", Attributes={"Policy": policy})
    assert running.client("sns").publish(TopicArn=topic["TopicArn"], Message="yes")["MessageId"]


def test_ses_answers_what_terraform_asks_of_an_identity_s_notifications(running: Emulator) -> None:
    ses = running.client("ses")
    ses.verify_email_identity(EmailAddress=SENDER)
    topic = running.client("sns").create_topic(Name="feedback")["TopicArn"]
    ses.set_identity_notification_topic(Identity=SENDER, NotificationType="Bounce", SnsTopic=topic)
    ses.set_identity_headers_in_notifications_enabled(Identity=SENDER, NotificationType="Bounce", Enabled=True)
    answer = ses.get_identity_notification_attributes(Identities=[SENDER, "unknown@example.org"])
    assert answer["NotificationAttributes"] == {
        SENDER: {
            "BounceTopic": topic,
            "ForwardingEnabled": True,
            "HeadersInBounceNotificationsEnabled": True,
            "HeadersInComplaintNotificationsEnabled": False,
            "HeadersInDeliveryNotificationsEnabled": False,
        }
    }
    ses.set_identity_headers_in_notifications_enabled(Identity=SENDER, NotificationType="Bounce", Enabled=False)
    attributes = ses.get_identity_notification_attributes(Identities=[SENDER])["NotificationAttributes"][SENDER]
    assert attributes["HeadersInBounceNotificationsEnabled"] is False


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
