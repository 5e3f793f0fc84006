"""The addresses that were blocked last, those of one hour and reason together. Pure: no AWS, no clock."""

from collections import Counter
from dataclasses import dataclass, field

from healthy_mailing.address import masked

CHANGES = 15  # how many of the newest changes are kept, those of one hour, state and reason together

_HOUR = len("2026-01-31T12")


def kind_of(reason: str) -> str:
    """Return a reason; soft bounces of any number are one."""
    return "soft-bounces" if reason.startswith("soft-bounces:") else reason


@dataclass(frozen=True, slots=True)
class NewlyBlocked:
    """Addresses that may not get bulk mail, and since when: those of one hour, state and reason."""

    at: str  # when the newest of their items changed; empty if that is not known
    since: str  # when the oldest did
    count: int  # how many addresses they are
    domain: str  # the recipient domain that most of them have
    of_domain: int  # how many have it
    address: str  # the newest address, masked
    state: str  # their state for bulk mail
    transactional: str  # their state for transactional mail
    reason: str  # the code of the reason of the newest


@dataclass
class _Hour:
    newest: tuple[str, str, str]
    """When, the address, the reason."""
    since: str
    domains: Counter[str] = field(default_factory=Counter)


@dataclass
class Newest:
    """Keeps the newest changes, whatever their order."""

    _hours: dict[tuple[str, str, str, str], _Hour] = field(default_factory=dict)

    def add(self, at: str, address: str, reason: str, state: str, transactional: str) -> None:
        """Count an address that is blocked."""
        key, change = (at[:_HOUR], state, transactional, kind_of(reason)), (at, address, reason)
        hour = self._hours.get(key)
        if hour is None:
            if len(self._hours) == CHANGES:
                oldest = min(self._hours)
                if key < oldest:  # as all of this key that came before, and all that will
                    return
                del self._hours[oldest]
            hour = self._hours[key] = _Hour(change, at)
        hour.newest = max(hour.newest, change)
        hour.since = min(hour.since, at)
        hour.domains[address.rpartition("@")[2]] += 1

    def found(self) -> list[NewlyBlocked]:
        """Return them, newest first."""
        found = []
        for (_, state, transactional, _), hour in self._hours.items():
            at, address, reason = hour.newest
            domain, most = min(hour.domains.items(), key=lambda each: (-each[1], each[0]))
            who = hour.domains.total(), domain, most, masked(address)
            found.append(NewlyBlocked(at, hour.since, *who, state, transactional, reason))
        return sorted(found, key=lambda each: (each.at, each.state, each.transactional, each.reason), reverse=True)
