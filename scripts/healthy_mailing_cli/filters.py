"""Which addresses, and which feedback, a command counts. Pure: no AWS, no clock."""

from typing import Annotated

import typer

SIMULATOR = "simulator.amazonses.com"
"""The domain of SES's mailbox simulator. SES counts mail to it in no rate (Amazon SES Developer Guide, "Using the mailbox
simulator manually")."""

Sender = Annotated[
    str | None, typer.Option(metavar="ADDRESS|DOMAIN", help="Only feedback about mail from this address or domain.")
]


def is_simulated(address: str) -> bool:
    """Return whether a canonical address is one of SES's mailbox simulator, which no person reads."""
    return address.endswith(f"@{SIMULATOR}")


def sent_by(sender: str, wanted: str) -> bool:
    """Return whether the sender of a mail is an address, or one of a domain, in any case."""
    address = sender.rpartition("<")[2].rstrip("> ").lower()
    return address == wanted.lower() or address.endswith(f"@{wanted.lower().removeprefix('@')}")
