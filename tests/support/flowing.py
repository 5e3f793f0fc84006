"""Feedback that flows while something is done to a stack."""

import itertools
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from support import ses
from support.deployed import Deployed


@contextmanager
def publishing(deployed: Deployed) -> Iterator[list[str]]:
    """Publish a bounce to an address of its own, over and over, and give the growing list of addresses."""
    label = uuid.uuid4().hex[:12]
    addresses: list[str] = []
    stop = threading.Event()
    # Made here: making a client changes the environment for a moment, which must not happen beside another thread.
    sns, topic = deployed.sns, deployed.outputs["topic_arn"]

    def publish() -> None:
        for number in itertools.count():
            address = f"{number}-{label}@example.com"
            sns.publish(TopicArn=topic, Message=ses.text(ses.bounce(address)))
            addresses.append(address)
            if stop.wait(0.25):
                return

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield addresses
    finally:
        stop.set()
        thread.join()


def has_grown_to(addresses: list[str], count: int) -> bool:
    return len(addresses) >= count
