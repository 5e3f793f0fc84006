"""A subscriber of an applied stack's events: a rule of the bus and a queue that it fills."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from support import ses
from support.deployed import Deployed, taken
from support.eventually import eventually


@dataclass
class Subscriber:
    """A queue that a rule of the bus fills, and what it has got so far."""

    deployed: Deployed
    url: str
    got: list[dict[str, Any]] = field(default_factory=list)

    def receive(self) -> None:
        """Take what is in the queue."""
        self.got += map(json.loads, taken(self.deployed.sqs, self.url))

    def events(self, address: str) -> list[dict[str, Any]]:
        """Return the details of an address's events so far, each once, in the order of its changes."""
        self.receive()
        details = {each["detail"]["id"]: each["detail"] for each in self.got if each["detail"]["address"] == address}
        return sorted(details.values(), key=lambda each: str(each["sequence"]))

    def changes(self, address: str) -> list[tuple[str | None, str, str]]:
        """Return what became of an address: before, after and reason of each change."""
        return [(each["before"], each["after"], each["reason"]) for each in self.events(address)]


@contextmanager
def subscribed(deployed: Deployed) -> Iterator[Subscriber]:
    """Give a rule for all events of a stack, and its queue, for a ``with`` block."""
    events, sqs = deployed.emulator.client("events"), deployed.sqs
    name, bus = ses.fresh("crm").partition("@")[0], deployed.outputs["changes_bus_name"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventBusName=bus, EventPattern=deployed.outputs["changes_event_pattern"])
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    try:
        yield Subscriber(deployed, url)
    finally:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
        events.delete_rule(Name=name, EventBusName=bus)
        sqs.delete_queue(QueueUrl=url)


def complained(deployed: Deployed, name: str) -> str:
    """Let an address complain, and return it once the table has it."""
    address = ses.fresh(name)
    deployed.publish(ses.text(ses.complaint(address)))
    eventually(lambda: deployed.states(address), {address: "disable"})
    return address
