"""Every command that docs/operate.md gives does what it is there for, on an applied stack."""

import re
import shlex
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import typer

from harness.emulator import Emulator
from healthy_mailing_cli.__main__ import app
from support import ses
from support.command_line import Mailing
from support.deployed import Deployed
from support.eventually import eventually
from support.runbook import BUCKET, RUNBOOK, bucket_for_jobs

# LocalStack 4.14.0 lacks what the commands ask of SES.
pytestmark = pytest.mark.needs("simulates_ses")

COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.+?)^```", RUNBOOK, re.MULTILINE | re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]


@pytest.fixture(scope="module")
def desk(
    emulator: Emulator, deployments: Mapping[str, Deployed], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A folder with what the commands name, a table that knows the addresses in them, and the bucket."""
    deployed = deployments["queue"]
    folder = tmp_path_factory.mktemp("desk")
    (folder / "list.csv").write_text("name,email\nJane,jane@example.com\nJoe,joe@example.com\n")
    (folder / "sendgrid-bounces.csv").write_text(
        "status,reason,email,created\n5.1.1,550 5.1.1 no such user,jim@example.com,1417885600\n"
    )
    with zipfile.ZipFile(folder / "mailgun.zip", "w") as archive:
        archive.writestr("complaints.csv", 'address,created_at\njill@example.com,"Fri, 21 Oct 2011 11:02:55 GMT"\n')
    (folder / "unsubscribed.txt").write_text("june@example.com\n")
    deployed.publish(*map(ses.text, (ses.complaint("jane@example.com"), ses.delivery("joe@example.com"))))
    eventually(
        lambda: deployed.states("jane@example.com", "joe@example.com"),
        {"jane@example.com": "disable", "joe@example.com": "enable"},
    )
    with bucket_for_jobs(emulator.client("s3")):
        yield folder


@pytest.fixture(scope="module")
def export_id(desk: Path, deployments: Mapping[str, Deployed]) -> str:
    """An export that DynamoDB made to where the commands look for one."""
    del desk  # whose bucket it is in
    deployed = deployments["queue"]
    answer = deployed.dynamodb.export_table_to_point_in_time(
        TableArn=deployed.outputs["table_arn"], S3Bucket=BUCKET, S3Prefix="exports"
    )
    return answer["ExportDescription"]["ExportArn"].rpartition("/")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_runbook_works(queue_mode: Deployed, desk: Path, export_id: str, command: str) -> None:
    # An identity that reports to this stack.
    command = command.replace("news@example.com", "news@queue.example")
    command = command.replace("01693685827463-2d8752fd", export_id)
    program, name, *arguments = shlex.split(command)
    mailing = Mailing(queue_mode.emulator.environment(), queue_mode.outputs["table_name"], folder=desk)
    done = mailing(name, *arguments)
    # 1 is an answer too: no, or some failed.
    assert (program, done.code in {0, 1}) == ("mailing", True), done
    assert "Traceback" not in done.err


def test_the_runbook_names_every_command() -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # it is a group
    assert {name for name in commands if not re.search(rf"mailing {name}\b", RUNBOOK)} == set()
