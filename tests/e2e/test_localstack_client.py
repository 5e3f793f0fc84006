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
from support.eventually import eventually

PUBLISH = """
import sys, localstack_client.session
localstack_client.session.Session().client("sns").publish(TopicArn=sys.argv[1], Message=sys.argv[2])
"""
READ = """
import json, sys, localstack_client.session
table = localstack_client.session.Session().resource("dynamodb").Table(sys.argv[1])
print(json.dumps(table.get_item(Key={"UserId": sys.argv[2]})["Item"], default=str))
"""


def printed_by_up(deployed: Deployed) -> dict[str, str]:
    """Return the environment that `make up` asks its user to set."""
    output = io.StringIO()
    state = {"name": deployed.stack.name, "environment": deployed.emulator.environment(), "outputs": deployed.outputs}
    up.explain(Console(file=output, width=60), state)
    return dict(re.findall(r"^export (\w+)=(\S*)$", output.getvalue(), re.MULTILINE))


@pytest.mark.needs("takes_any_keys")
def test_what_is_published_by_localstack_client_is_in_the_table_that_it_reads(deployed: Deployed) -> None:
    address, environment = ses.fresh("client"), {"PATH": os.environ["PATH"], **printed_by_up(deployed)}

    def run(program: str, *arguments: str) -> str:
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(PUBLISH, deployed.outputs["topic_arn"], ses.text(ses.complaint(address)))
    eventually(lambda: deployed.states(address), {address: "disable"})
    item = json.loads(run(READ, deployed.outputs["table_name"], address))
    assert (item["UserId"], item["state"], item["reason"]) == (address, "disable", "complaint:abuse")
