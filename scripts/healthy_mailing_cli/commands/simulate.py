"""``mailing simulate``: send a mail to SES's mailbox simulator, and see that its feedback reaches the table.

Needs ``ses:SendEmail`` on the identity and, unless ``--no-wait``, ``dynamodb:BatchGetItem`` on the table. If the table
is named, also ``ses:GetIdentityNotificationAttributes`` or, with ``--configuration-set``,
``ses:GetConfigurationSetEventDestinations``, and ``sns:ListSubscriptionsByTopic``, ``lambda:ListEventSourceMappings``
and ``lambda:GetFunctionConfiguration`` as ``publish``.
"""

import shlex
import time
import uuid
from contextlib import suppress
from email.utils import parseaddr
from enum import StrEnum
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from healthy_mailing import api, operations
from healthy_mailing.address import SIMULATOR
from healthy_mailing.evidence import MarkKind
from healthy_mailing.item import EVIDENCE, REASON, STATE, Item
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.shell import belonging, output
from healthy_mailing_cli.shell.connection import Connection, step_deadline
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.stack import name_in

_POLL_SECONDS = 1


class Simulation(StrEnum):
    """What the simulator does with the mail (Amazon SES Developer Guide, "Using the mailbox simulator manually")."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    DELIVERY = "delivery"
    OOTO = "ooto"
    SUPPRESSIONLIST = "suppressionlist"


# An out-of-office answer makes no mark; the delivery before it does.
_MARKS = {
    Simulation.BOUNCE: MarkKind.HARD_BOUNCE,
    Simulation.COMPLAINT: MarkKind.COMPLAINT,
    Simulation.DELIVERY: MarkKind.DELIVERY,
    Simulation.OOTO: MarkKind.DELIVERY,
    Simulation.SUPPRESSIONLIST: MarkKind.HARD_BOUNCE,
}
_LOCAL_PARTS = {Simulation.DELIVERY: "success"}

# An allowed refusal of SES says why, but not what to do.
_REFUSED = frozenset(
    {
        "AccountSuspendedException",
        "BadRequestException",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",
        "NotFoundException",
        "SendingPausedException",
    }
)

Sender = Annotated[str, typer.Option("--from", metavar="ADDRESS", help="The sender, of an identity that reports here.")]
Kind = Annotated[Simulation, typer.Argument(help="What is to become of the mail.")]
ConfigurationSet = Annotated[str | None, typer.Option(help="Send with this configuration set of SES.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Send, and do not wait for the feedback.")]
Timeout = Annotated[int, typer.Option(min=1, help="For how many seconds to wait.")]


@options.connected
def simulate(
    connection: Connection,
    sender: Sender,
    kind: Kind = Simulation.BOUNCE,
    configuration_set: ConfigurationSet = None,
    no_wait: NoWait = False,
    timeout: Timeout = 120,
    as_json: options.AsJson = False,
) -> None:
    """Send mail to SES's simulator and wait for its feedback.

    Mail to the simulator costs as much as any, and does not count for SES's bounce and complaint rates. Each run uses
    an address of its own, so each leaves an item in the table.

    Exits with 1 if nothing came in time.
    """
    # A label, which the simulator ignores: what the table says of another run's address is not taken for this one's.
    address = f"{_LOCAL_PARTS.get(kind, kind)}+{uuid.uuid4().hex[:12]}@{SIMULATOR}"
    if not no_wait:
        # Nothing is sent that could not be waited for.
        operations.find(connection.open(), address, step_deadline(), consistent=False)
    _check(connection, sender, configuration_set)
    message_id = _send(connection, sender, address, configuration_set)
    begun = time.monotonic()
    try:
        output.note(f"Sent to {address}.")
        item = None if no_wait else _wait(connection, address, _MARKS[kind], timeout)
    except KeyboardInterrupt:
        output.note(f"The mail is under way: `{_explain(address)}` shows its feedback once it is there.")
        raise
    seconds = round(time.monotonic() - begun, 1)
    if as_json:
        found = {"seconds": seconds, **api.record(item)} if item else {}
        output.ndjson({"address": address, "messageId": message_id, **found})
    elif item:
        output.line(f"{address}: {item[STATE]} ({item[REASON]}), after {seconds} s.")
    if item is None and not no_wait:
        output.note(
            f"No feedback came in {timeout} s. `mailing doctor` says what is wrong; if it finds nothing, "
            f"`{_explain(address)}` shows the feedback once it is there."
        )
        raise typer.Exit(output.NO)


def _check(connection: Connection, sender: str, configuration_set: str | None) -> None:
    """Make sure that the feedback goes to no other stack alone, if someone named the table.

    A sender may report through its default configuration set, or by another way than a topic; that is not followed.

    Raises:
        CommandError: It does.
    """
    if not connection.is_named:
        return
    topics: set[str] = set()
    if configuration_set is None:
        what, bare = sender, parseaddr(sender)[1]
        names = [bare, bare.rpartition("@")[2]]  # of which SES takes the first that it knows
        answer = connection.client("ses").get_identity_notification_attributes(Identities=names)
        for each in answer["NotificationAttributes"].values():
            topics |= {topic for name, topic in each.items() if name.endswith("Topic") and isinstance(topic, str)}
    else:
        what, client = f"The configuration set {configuration_set}", connection.client("sesv2")
        with suppress(client.exceptions.NotFoundException):  # SES says so when it is to send
            found = client.get_configuration_set_event_destinations(ConfigurationSetName=configuration_set)
            published = [each.get("SnsDestination", {}).get("TopicArn") for each in found["EventDestinations"]]
            topics = set(filter(None, published))
    if topics:
        names = sorted(map(name_in, topics))
        belonging.check_topics(connection, f"{what} reports to {' and '.join(names)}, which", sorted(topics))


def _send(connection: Connection, sender: str, address: str, configuration_set: str | None) -> str:
    text: Any = {"Data": "mailing simulate", "Charset": "UTF-8"}
    options: Any = {} if configuration_set is None else {"ConfigurationSetName": configuration_set}
    try:
        answer = connection.client("sesv2").send_email(
            FromEmailAddress=sender,
            Destination={"ToAddresses": [address]},
            Content={"Simple": {"Subject": text, "Body": {"Text": text}}},
            **options,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _REFUSED:
            raise
        message = error.response["Error"].get("Message", "").rstrip(".")
        raise CommandError(
            f"SES does not send from {sender}: {message}. `mailing doctor` lists the identities"
        ) from None
    return answer["MessageId"]


def _wait(connection: Connection, address: str, mark: MarkKind, timeout: int) -> Item | None:
    """Return the address's item once it has such a mark; None if it has none in time."""
    table = connection.open()
    with output.progress("Waiting, s") as counter:
        counter.expect(timeout)
        for _ in range(timeout):
            item = operations.find(table, address, step_deadline(), consistent=True)
            if item is not None and mark in item.get(EVIDENCE, ()):
                return item
            time.sleep(_POLL_SECONDS)
            counter.add()
    return None


def _explain(address: str) -> str:
    return f"mailing explain {shlex.quote(address)}"
