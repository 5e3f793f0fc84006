"""SES itself makes the feedback: Terraform points it at the topic, a test only sends mail to the mailbox simulator."""

import uuid
from collections.abc import Mapping

import pytest

from support import ses
from support.deployed import Deployed
from support.eventually import eventually

pytestmark = pytest.mark.needs("simulates_ses")

# The simulator's addresses and what the table must then say (Amazon SES Developer Guide, "Using the mailbox
# simulator"). An out-of-office answer is no bounce: the mail was delivered.
OUTCOMES = {
    "success": ("enable", "delivery"),
    "ooto": ("enable", "delivery"),
    "bounce": ("disable", "bounce:Permanent/General"),
    "suppressionlist": ("disable", "bounce:Permanent/Suppressed"),
    "complaint": ("disable", "complaint:abuse"),
}
VERSIONS = pytest.mark.parametrize("version", ["ses", "sesv2"])
"""Which version of the SES API sends."""


def domain(deployed: Deployed) -> str:
    (created,) = deployed.outputs["dkim_tokens"]
    return str(created)


def simulated(*names: str) -> dict[str, str]:
    """Return addresses of the simulator that no other test uses, by name; it ignores the label."""
    label = uuid.uuid4().hex[:12]
    return {name: f"{name}+{label}@simulator.amazonses.com" for name in names}


def rows(deployed: Deployed, addresses: Mapping[str, str]) -> dict[str, tuple[str, str] | None]:
    """Return state and reason of each address, by its name, None where there is no item."""
    items = {name: deployed.item(address) for name, address in addresses.items()}
    return {name: (item["state"], item["reason"]) if item else None for name, item in items.items()}


@VERSIONS
def test_mail_from_a_wired_domain_comes_back_as_rows(deployed: Deployed, version: str) -> None:
    addresses = simulated(*OUTCOMES)
    sender = f"news@{domain(deployed)}"

    sent = {name: ses.send(deployed.emulator, sender, address, version=version) for name, address in addresses.items()}

    eventually(lambda: rows(deployed, addresses), OUTCOMES)
    item = deployed.item(addresses["bounce"]) or {}
    assert item["from"] == sender
    assert item["evidence"]["hardBounce"]["messageId"] == sent["bounce"]


@VERSIONS
def test_mail_with_a_configuration_set_comes_back_as_rows(deployed: Deployed, version: str) -> None:
    addresses = simulated("success", "bounce", "complaint")
    sender = f"{uuid.uuid4().hex}@example.org"  # an identity that reports nothing by itself
    deployed.emulator.client("ses").verify_email_identity(EmailAddress=sender)

    for address in addresses.values():
        ses.send(deployed.emulator, sender, address, version=version, ConfigurationSetName=deployed.mode)

    eventually(lambda: rows(deployed, addresses), {name: OUTCOMES[name] for name in addresses})


@VERSIONS
def test_a_verified_address_goes_by_its_own_settings(deployed: Deployed, version: str) -> None:
    addresses = simulated("success", "bounce")
    sender = f"quiet@{domain(deployed)}"  # reports no deliveries, other than its domain

    for address in addresses.values():
        ses.send(deployed.emulator, sender, address, version=version)
    # What comes after them, of a sender that reports deliveries: once it is there, the others would be, too.
    later = simulated("success")
    ses.send(deployed.emulator, f"news@{domain(deployed)}", later["success"], version=version)

    eventually(lambda: rows(deployed, later), {"success": OUTCOMES["success"]})
    eventually(lambda: rows(deployed, addresses), {"success": None, "bounce": OUTCOMES["bounce"]})


def test_email_is_forwarded_unless_turned_off(deployed: Deployed) -> None:
    client = deployed.emulator.client("sesv2")
    forwarded = {
        identity: client.get_email_identity(EmailIdentity=identity)["FeedbackForwardingStatus"]
        for identity in (domain(deployed), f"quiet@{domain(deployed)}")
    }
    assert forwarded == {domain(deployed): True, f"quiet@{domain(deployed)}": False}


def test_a_domain_has_tokens_for_its_dns(deployed: Deployed) -> None:
    assert {name: len(tokens) for name, tokens in deployed.outputs["dkim_tokens"].items()} == {domain(deployed): 3}
