"""``make demo``: the whole pipeline once, on one machine, and the table that results."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness import emulator, paths, run_folder, stack
from harness.emulator import Emulator
from harness.errors import HarnessError
from harness.polling import until
from harness.stack import Stack

COMPLAINT = paths.EVENTS / "complaint-article.json"
# The SES mailbox simulator's addresses (Amazon SES Developer Guide, "Using the mailbox simulator"): the state that
# follows from what each stands for, and a sample of the notification.
SIMULATOR = {
    "success@simulator.amazonses.com": ("enable", "delivery"),
    "bounce@simulator.amazonses.com": ("disable", "bounce-permanent-general-with-headers"),
    "complaint@simulator.amazonses.com": ("disable", "complaint-abuse"),
    "suppressionlist@simulator.amazonses.com": ("disable", "bounce-permanent-suppressed"),
    "ooto@simulator.amazonses.com": ("enable", "delivery"),
}

_FEEDBACK_SECONDS = 60
_STYLES = {"enable": "green", "disable": "red", "review": "yellow"}


def run(console: Console, choice: str | None = None) -> None:
    """Start, apply, send, print, destroy, stop.

    Raises:
        HarnessError: a step failed; the run's folder with the emulator's log is kept then.
    """
    timings: dict[str, float] = {}
    emulator.prepare(emulator.choose(choice))  # it may pull or install, and shows that itself
    with run_folder.kept_on_failure("demo") as folder:
        with _step(console, timings, "Start the emulator"):
            server = emulator.start(choice, folder)
        try:
            _run_on(console, timings, server.emulator, folder)
        finally:
            server.stop()
    console.print(f"Done in {sum(timings.values()):.0f} s. Nothing is left running.", highlight=False)
    console.print(f"Not proven by this run: {'; '.join(server.emulator.limits)}.", style="dim", highlight=False)


def _run_on(console: Console, timings: dict[str, float], on: Emulator, folder: Path) -> None:
    console.print(stack.WAITS, style="dim")
    with _step(console, timings, "Apply the Terraform root"):
        applied = stack.apply(on, variables(on), folder)
    try:
        with _step(console, timings, "Send mail, publish the article's complaint, wait for the table"):
            expected = send(applied)
            items = wait_for(applied, expected)
            if on.simulates_ses:  # it is not in Terraform's state
                on.client("sesv2").delete_email_identity(EmailIdentity=sender(applied))
        console.print(as_table(items, str(applied.outputs["table_name"])))
    except BaseException:
        stack.abandon(applied)
        raise
    with _step(console, timings, "Destroy the stack"):
        applied.destroy(refresh=False)


def variables(on: Emulator) -> dict[str, Any]:
    """Return the root's variables for a stack that has the emulator to itself unless others use it too."""
    return {"name": "mailing"} if on.disposable else {}


def send(applied: Stack) -> dict[str, str]:
    """Produce the feedback, and return the state that each address must get."""
    topic = str(applied.outputs["topic_arn"])
    sns = applied.emulator.client("sns")
    if applied.emulator.simulates_ses:
        verify_sender(applied)
        ses = applied.emulator.client("ses")
        for address in SIMULATOR:
            ses.send_email(
                Source=sender(applied),
                Destination={"ToAddresses": [address]},
                Message={"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}},
            )
    else:
        print("This emulator's SES sends no feedback, so the demo publishes it to the topic directly.")
        for address, (_, sample) in SIMULATOR.items():
            # Senders of the samples are at example.org.
            message = re.sub(r"(?i)[\w.]+@example\.com", address, (paths.EVENTS / f"{sample}.json").read_text())
            sns.publish(TopicArn=topic, Message=message)
    sns.publish(TopicArn=topic, Message=COMPLAINT.read_text())
    return {"recipient1@example.com": "disable", **{address: state for address, (state, _) in SIMULATOR.items()}}


def sender(applied: Stack) -> str:
    """Return the address that sends. Each stack has its own, since an identity has one topic."""
    return f"{applied.name}@example.com"


def verify_sender(applied: Stack) -> None:
    """Let SES send from the stack's address, and report to its topic."""
    applied.emulator.client("sesv2").create_email_identity(EmailIdentity=sender(applied))
    ses = applied.emulator.client("ses")
    for kind in ("Bounce", "Complaint", "Delivery"):
        ses.set_identity_notification_topic(
            Identity=sender(applied),
            NotificationType=kind,
            SnsTopic=str(applied.outputs["topic_arn"]),
        )


def wait_for(applied: Stack, expected: Mapping[str, str]) -> list[dict[str, str]]:
    """Wait until the table says what is expected, and return its items, text attributes only, by address.

    Raises:
        HarnessError: it does not within 60 seconds.
    """
    client = applied.emulator.client("dynamodb")
    table_name = str(applied.outputs["table_name"])

    def states_match() -> list[dict[str, str]] | None:
        items = [
            {name: value["S"] for name, value in item.items() if "S" in value}
            for page in client.get_paginator("scan").paginate(TableName=table_name, ConsistentRead=True)
            for item in page["Items"]
        ]
        states = {item["UserId"]: item["state"] for item in items}
        matches = all(states.get(address) == state for address, state in expected.items())
        return sorted(items, key=lambda item: item["UserId"]) if matches else None

    items = until(states_match, _FEEDBACK_SECONDS, found=lambda value: value is not None)
    if items is None:
        raise HarnessError(
            f"The feedback did not reach {table_name} within {_FEEDBACK_SECONDS} s. See the function's log lines in "
            f"{applied.folder.parent / 'emulator.log'}."
        )
    return items


def as_table(items: list[dict[str, str]], title: str) -> Table:
    """Return the table of addresses as it is printed."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("address", "state", "reason", "type", "timestamp"):
        # On a narrow terminal the long columns fold; nothing is cut off.
        table.add_column(heading, no_wrap=heading not in {"address", "reason"}, overflow="fold")
    for item in items:
        state = item["state"]
        style = _STYLES.get(state, "")
        # To the second, as "2026-03-10 12:00:00".
        timestamp = item.get("timestamp", "").replace("T", " ").split(".")[0]
        cells = (item.get("reason", ""), item.get("notificationType", ""), timestamp)
        table.add_row(item["UserId"], f"[{style}]{state}[/]" if style else state, *cells)
    return table


@contextmanager
def progress(console: Console, name: str) -> Iterator[None]:
    """Show on a terminal that something runs, and for how long."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        shown.add_task(name)
        yield


@contextmanager
def _step(console: Console, timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.monotonic()
    with progress(console, name):
        yield
    timings[name] = time.monotonic() - start
    console.print(f"{timings[name]:5.1f} s  {name}", highlight=False)
