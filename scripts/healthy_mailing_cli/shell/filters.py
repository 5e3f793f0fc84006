"""Which addresses, and which feedback, a command is about. Pure: no AWS, no clock."""

import re

from healthy_mailing.timestamp import to_utc
from healthy_mailing_cli.shell.output import CommandError


def sent_by(sender: str, wanted: str) -> bool:
    """Return whether the sender of a mail is an address, or one of a domain, in any case; both may have a name."""
    address, wanted = (text.rpartition("<")[2].rstrip("> ").lower() for text in (sender, wanted))
    return address == wanted or address.endswith(f"@{wanted.removeprefix('@')}")


def time_of(option: str, text: str, *, end: bool = False) -> str:
    """Return the time that an option names; a date alone is the beginning of that UTC day, with ``end`` its end.

    Raises:
        CommandError: It is neither a time nor a date.
    """
    is_date = re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
    try:
        return to_utc(f"{text}T{'23:59:59.999' if end else '00:00:00'}Z" if is_date else text)
    except ValueError:
        raise CommandError(f"{option} {text} is not a time such as 2026-01-31T12:00:00Z or 2026-01-31") from None
