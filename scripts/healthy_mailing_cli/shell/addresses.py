"""Addresses and domains that people type."""

from healthy_mailing.address import AddressError, canonical
from healthy_mailing_cli.shell.output import CommandError


def canonical_one(text: str) -> str:
    """Return the canonical form of an address that a person typed; raise ``CommandError`` if it is not one."""
    try:
        return canonical(text)
    except AddressError as error:
        raise CommandError(f"{text} is not an address: it {error}") from None


def canonical_domain(text: str) -> str:
    """Return ``--domain`` as it stands in canonical addresses; raise ``CommandError`` if it is not a domain."""
    try:
        return canonical(f"a@{text.removeprefix('@')}").rpartition("@")[2]
    except AddressError as error:
        raise CommandError(f"--domain {text} is not a domain: an address of it {error}") from None
