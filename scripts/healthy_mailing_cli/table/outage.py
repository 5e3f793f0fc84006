"""Which bounces the outage of a mailbox provider caused."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from healthy_mailing.address import canonical_or_same
from healthy_mailing.evidence import (
    BOUNCES,
    Mark,
    MarkKind,
    Purpose,
    Rules,
    State,
    assess,
    bounces_cleared,
    evidence_of,
    merge,
    unhidden,
)
from healthy_mailing.item import ADDRESS, Item, RecordError, evidence_in
from healthy_mailing.table import Table
from healthy_mailing.timestamp import day_of
from healthy_mailing_cli.table import scan
from healthy_mailing_cli.table.clearing import keeps_mail_back


@dataclass(frozen=True, slots=True)
class Outage:
    """Which bounces a mailbox provider's outage caused.

    Attributes:
        start: When it began (see ``timestamp``).
        end: The latest time of its bounces: its end plus a grace period, and not in the future.
        domains: The domains of the addresses; empty for all. Only ``diagnostic`` identifies domains that a provider
            hosts for others: Gmail's diagnostic texts contain ``gsmtp``.
        diagnostic: What the provider's diagnostic text must contain; None for any text.
    """

    start: str
    end: str
    domains: Collection[str] = ()
    diagnostic: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Clearing:
    """An address whose bounces are to be cleared.

    Attributes:
        address: The canonical address.
        at: Bounces up to this time will be hidden.
        bounce: The newest bounce of the outage.
        state: The new state for bulk mail. Complaints, opt-outs and an operator's decision stay in force.
        transactional: The new state for transactional mail.
        key: The key of the item, which may be another spelling of the address.
    """

    address: str
    at: str
    bounce: Mark
    state: State
    transactional: State
    key: str = field(default="", compare=False)


def caused_by(outage: Outage, item: Item, rules: Rules, listed_at: str = "") -> Clearing | None:
    """Return what to clear for an item, or None to leave it alone.

    An item is cleared if bounces block the address now, and would not without those of the outage. So the outage does
    not free an address that an older, real bounce blocks.

    A bounce belongs to the outage if its time, domain and diagnostic text match. SES does not try to send to an address
    on the account's suppression list. Such a bounce (``OnAccountSuppressionList``) replaces the one that put the
    address on the list, so it lacks the time and text of the outage. In this case ``listed_at`` must match: the time
    when SES put the address on that list for a bounce, empty if it is not there. While the address is listed, all its
    bounces are of that kind, so this clears no real bounce.

    The mark gets the time of the outage's end, or of the newest bounce if that is later. So it also hides bounces of
    the outage that SES reports later, and real ones count.
    """
    key: str = item[ADDRESS]
    address = canonical_or_same(key)
    if outage.domains and address.rpartition("@")[2] not in outage.domains:
        return None
    try:
        evidence = evidence_in(item)
    except RecordError:
        return None
    listed = bool(listed_at) and outage.start <= listed_at <= outage.end
    weighed = {
        slot: mark
        for slot, mark in unhidden(evidence).items()
        if mark.kind in BOUNCES or mark.kind is MarkKind.DELIVERY
    }
    caused = [mark for mark in weighed.values() if mark.kind in BOUNCES and _is_of(mark, outage, listed=listed)]
    others = {slot: mark for slot, mark in weighed.items() if mark not in caused}
    if not caused or not keeps_mail_back(weighed, rules) or keeps_mail_back(others, rules):
        return None
    newest = max(caused)
    at = max(outage.end, newest.at)
    cleared = merge(evidence, evidence_of([bounces_cleared(at, "")]))
    bulk, transactional = (assess(cleared, rules, purpose).state for purpose in (Purpose.BULK, Purpose.TRANSACTIONAL))
    return Clearing(address, at, newest, bulk, transactional, key)


def find_caused_by(
    table: Table, outage: Outage, *, listed: Mapping[str, str] | None = None
) -> Iterator[list[Clearing]]:
    """Yield what to clear in the table (``caused_by``), page by page; a page may be empty. Errors as in ``Scan.pages``.

    ``listed`` maps canonical addresses to the time when SES put them on the account's suppression list for a bounce.
    """
    known = listed or {}
    # From the start of the day, because this project's clock dates items and SES's clock dates bounces.
    for items in scan.blocked(table, since=day_of(outage.start)):
        found = (
            caused_by(outage, item, table.rules, known.get(canonical_or_same(item[ADDRESS]), "")) for item in items
        )
        yield [each for each in found if each]


# SES did not try to send these mails, so no outage rejected them.
_NOT_TRIED = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"})


def _is_of(bounce: Mark, outage: Outage, *, listed: bool) -> bool:
    """Return whether a bounce belongs to an outage; ``listed`` says what SES's list says."""
    if bounce.get("subType") in _NOT_TRIED:
        return listed and bounce.get("subType") == "OnAccountSuppressionList"
    if not outage.start <= bounce.at <= outage.end:
        return False
    return outage.diagnostic is None or bool(outage.diagnostic.search(bounce.get("diagnosticCode")))
