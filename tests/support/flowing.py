"""Feedback that flows while something is done to a stack."""

import itertools
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from harness.emulator import Emulator
from support import ses
from support.eventually import eventually


class Addresses(list[str]):
    """Addresses, one for each bounce published so far."""

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more bounces were published."""
        enough = len(self) + count
        eventually(lambda: len(self) >= enough, expected=True)


@contextmanager
def publishing(emulator: Emulator, topic_arn: str) -> Iterator[Addresses]:
    """Publish a bounce to an address of its own, four times a second, and give the growing list of addresses."""
    label = uuid.uuid4().hex[:12]
    addresses = Addresses()
    stop = threading.Event()
    sns = emulator.client("sns")

    def publish() -> None:
        for number in itertools.count():
            address = f"{number}-{label}@example.com"
            sns.publish(TopicArn=topic_arn, Message=ses.text(ses.bounce(address)))
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
