"""Whole addresses are in the table and in SES's own messages, and nowhere else that a run leaves anything."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from support import ses
from support.deployed import Deployed
from support.eventually import eventually

# Not `j***@example.com`: a star is no part of an address here.
ADDRESS = re.compile(r"[\w.+'=-]+@[\w-]+(?:\.[\w-]+)+")
# Recipients and senders in tests. Terraform's state has other addresses too: the identities that it was told to create.
OF_FEEDBACK = ("@example.com", "@example.org", "@simulator.amazonses.com")


@pytest.fixture
def used(deployed: Deployed) -> tuple[Deployed, str]:
    """A stack that has seen feedback of all kinds, some of it malformed, some of it failed in every try."""
    address = ses.fresh("private")
    malformed = json.dumps({"notificationType": "Bounce", "mail": {"source": address}, address: address})
    queued = deployed.outputs.get("queue_url")
    good = [ses.bounce(address), ses.complaint(address), ses.delivery(address), ses.bounce(address, "no address")]
    with deployed.quick_redelivery(tries=2) if queued else nullcontext():
        deployed.publish(*map(ses.text, good), malformed, f"{address} is not JSON")
        eventually(lambda: deployed.states(address), {address: "disable"})
        eventually(lambda: any(address in each["Body"] for each in deployed.dead_letters()))
    deployed.invoke(ses.sqs_event(malformed))
    deployed.invoke({"Records": [{"eventSource": address}]})
    return deployed, address


def left_behind(deployed: Deployed) -> Iterator[tuple[str, str]]:
    """Yield what a run leaves, but for the table and what SES wrote, as (where, text)."""
    for line in deployed.log():
        yield "log", line
    for page in deployed.emulator.client("cloudwatch").get_paginator("list_metrics").paginate():
        yield "metrics", json.dumps(page["Metrics"])
    for message in deployed.dead_letters():
        attributes = {name: value for name, value in message.items() if name != "Body"}
        yield "dead letter's attributes", json.dumps(attributes)
        try:
            record = json.loads(message["Body"])
        except ValueError:
            continue
        if isinstance(record, dict) and "requestPayload" in record:
            del record["requestPayload"]  # the event, with SES's message in it
            yield "dead letter's record", json.dumps(record)
    yield "Terraform's state", (deployed.stack.folder / "terraform.tfstate").read_text()


def test_no_whole_address_is_anywhere_else(used: tuple[Deployed, str]) -> None:
    deployed, address = used
    seen = list(left_behind(deployed))

    assert {"log", "dead letter's attributes", "Terraform's state"} <= {where for where, _ in seen}
    assert [(where, text) for where, text in seen if address.partition("@")[0] in text] == []
    found = [(where, each) for where, text in seen for each in ADDRESS.findall(text.lower())]
    assert [(where, each) for where, each in found if each.endswith(OF_FEEDBACK)] == []


def test_the_scan_would_find_one() -> None:
    address = f"a-{uuid.uuid4().hex}@example.com"
    assert ADDRESS.findall(json.dumps({"problem": f"bad {address}", "masked": "a***@example.com"})) == [address]
