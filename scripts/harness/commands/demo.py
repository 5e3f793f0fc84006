"""``make demo``: the whole pipeline once, on one machine, and the table that results."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import package
from harness import emulator, paths, run_folder, stack
from harness.emulator import Emulator
from harness.errors import HarnessError
from harness.polling import until
from harness.stack import Stack

COMPLAINT = paths.EVENTS / "complaint-article.json"
# The SES mailbox simulator's addresses, and the state that follows from what each stands for (Amazon SES Developer
# Guide, "Using the mailbox simulator").
SIMULATOR = {
    "success": "enable",
    "bounce": "disable",
    "complaint": "disable",
    "suppressionlist": "disable",
    "ooto": "enable",
}
SIMULATOR_DOMAIN = "simulator.amazonses.com"

_FEEDBACK_SECONDS = 60
_STYLES = {"enable": "green", "disable": "red", "review": "yellow"}


def run(console: Console, choice: str | None = None) -> None:
    """Build, start, apply, send, print, destroy, stop.

    Raises:
        HarnessError: a step failed; the run's folder with the emulator's log is kept then.
    """
    timings: dict[str, float] = {}
    emulator.prepare(emulator.choose(choice))  # it may pull or install, and shows that itself
    with run_folder.kept_on_failure("demo") as folder:
        with _step(console, timings, "Build the zip"):
            zip_path = package.build(folder / "healthy-mailing.zip")
        with _step(console, timings, "Start the emulator"):
            server = emulator.start(choice, folder)
        try:
            _run_on(console, timings, server.emulator, zip_path)
        finally:
            server.stop()
    console.print(f"All in {sum(timings.values()):.0f} s; nothing is left running.", highlight=False)
    console.print(f"Not proven by this run: {'; '.join(server.emulator.limits)}.", style="dim", highlight=False)


def _run_on(console: Console, timings: dict[str, float], on: Emulator, zip_path: Path) -> None:
    console.print(stack.WAITS, style="dim")
    with _step(console, timings, "Apply the Terraform root"):
        applied = stack.apply(on, variables(on, zip_path), zip_path.parent)
    try:
        with _step(console, timings, "Send mail, publish the article's complaint, wait for the table"):
            expected = send(applied)
            items = wait_for(applied, expected)
            forget_sender(applied)
        console.print(as_table(items, str(applied.outputs["table_name"])))
    except BaseException:
        stack.abandon(applied)
        raise
    with _step(console, timings, "Destroy the stack"):
        applied.destroy(refresh=False)


def variables(on: Emulator, zip_path: Path) -> dict[str, Any]:
    """Return the root's variables for a stack that has the emulator to itself unless others use it too."""
    named = {"name": "mailing"} if on.disposable else {}
    return {"package": {"path": str(zip_path)}, **named}


def send(applied: Stack) -> dict[str, str]:
    """Produce the feedback, and return the state that each address must get."""
    topic = str(applied.outputs["topic_arn"])
    sns = applied.emulator.client("sns")
    if applied.emulator.simulates_ses:
        ses = applied.emulator.client("ses")
        ses.verify_email_identity(EmailAddress=sender(applied))
        for kind in ("Bounce", "Complaint", "Delivery"):
            ses.set_identity_notification_topic(Identity=sender(applied), NotificationType=kind, SnsTopic=topic)
        for local_part in SIMULATOR:
            ses.send_email(
                Source=sender(applied),
                Destination={"ToAddresses": [f"{local_part}@{SIMULATOR_DOMAIN}"]},
                Message={"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}},
            )
    else:
        print("This emulator's SES sends no feedback: the same notifications are published to the topic directly.")
        for local_part in SIMULATOR:
            sns.publish(TopicArn=topic, Message=json.dumps(notification(local_part, sender(applied))))
    sns.publish(TopicArn=topic, Message=COMPLAINT.read_text())
    expected = {f"{local_part}@{SIMULATOR_DOMAIN}": state for local_part, state in SIMULATOR.items()}
    return {**expected, "recipient1@example.com": "disable"}


def sender(applied: Stack) -> str:
    """Return the address that sends. Each stack has its own, since an identity has one topic."""
    return f"{applied.name}@example.com"


def forget_sender(applied: Stack) -> None:
    """Delete the identity, which is not in Terraform's state."""
    if applied.emulator.simulates_ses:
        applied.emulator.client("ses").delete_identity(Identity=sender(applied))


def notification(local_part: str, source: str) -> dict[str, Any]:
    """Return what SES would say about mail to an address of the mailbox simulator.

    Shape: Amazon SES Developer Guide, "Amazon SNS notification contents for Amazon SES".
    """
    address = f"{local_part}@{SIMULATOR_DOMAIN}"
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    mail = {"timestamp": now, "messageId": f"demo-{local_part}", "source": source, "destination": [address]}
    recipients = [{"emailAddress": address}]
    seen = {"timestamp": now, "feedbackId": f"demo-{local_part}"}
    subtypes = {"bounce": "General", "suppressionlist": "Suppressed"}
    if local_part in subtypes:
        bounce = {"bounceType": "Permanent", "bounceSubType": subtypes[local_part], "bouncedRecipients": recipients}
        return {"notificationType": "Bounce", "mail": mail, "bounce": {**bounce, **seen}}
    if local_part == "complaint":
        complaint = {"complainedRecipients": recipients, "complaintFeedbackType": "abuse"}
        return {"notificationType": "Complaint", "mail": mail, "complaint": {**complaint, **seen}}
    return {"notificationType": "Delivery", "mail": mail, "delivery": {"timestamp": now, "recipients": [address]}}


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
            f"After {_FEEDBACK_SECONDS} s {table_name} does not hold the feedback: see the function's log lines in "
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
    if not console.is_terminal:
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        shown.add_task(name)
        yield


@contextmanager
def _step(console: Console, timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.monotonic()
    with progress(console, name):
        yield
    timings[name] = time.monotonic() - start
    console.print(f"{timings[name]:5.1f} s  {name}", highlight=False)
