"""From the topic to the table as LocalStack's users go: by localstack-client, with what `make up` prints."""

import io
import json
import os
import re
import subprocess
import sys

import pytest
from rich.console import Console

from harness.commands import up
from support import ses
from support.deployed import Deployed
from support.eventually import SECONDS

PROGRAM = """
import json, sys, time
import localstack_client.session

topic, table, message, address, seconds = sys.argv[1:]
session = localstack_client.session.Session()
session.client("sns").publish(TopicArn=topic, Message=message)
items, end = session.resource("dynamodb").Table(table), time.monotonic() + float(seconds)
while (item := items.get_item(Key={"UserId": address}).get("Item")) is None and time.monotonic() < end:
    time.sleep(0.1)
print(json.dumps(item, default=str))
"""


def printed_by_up(deployed: Deployed) -> dict[str, str]:
    """Return the environment that `make up` asks its user to set."""
    output = io.StringIO()
    state = {"environment": deployed.emulator.environment(), "outputs": deployed.outputs}
    up.explain(Console(file=output, width=60), state)
    return dict(re.findall(r"^export (\w+)=(\S*)$", output.getvalue(), re.MULTILINE))


@pytest.mark.needs("takes_any_keys")
def test_what_is_published_by_localstack_client_is_in_the_table_that_it_reads(deployed: Deployed) -> None:
    address, outputs = ses.fresh("client"), deployed.outputs
    message = ses.text(ses.complaint(address))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, outputs["topic_arn"], outputs["table_name"], message, address, str(SECONDS)],
        env={"PATH": os.environ["PATH"], **printed_by_up(deployed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    item = json.loads(done.stdout)
    assert (item["UserId"], item["state"], item["reason"]) == (address, "disable", "complaint:abuse")
