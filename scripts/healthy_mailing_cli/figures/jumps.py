"""Days on which far more addresses of a domain bounced than usual, as in an outage. Pure: no AWS, no clock."""

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from healthy_mailing_cli.shell.connection import DEFAULT_TABLE
from healthy_mailing_cli.shell.output import counted

JUMP_BOUNCES, JUMP_FACTOR = 20, 5
"""When the hard bounces of a domain on one day are a jump: at least so many, and so many times what is usual."""

_MOST = 5


@dataclass(slots=True)
class Jump:
    """The hard bounces of a domain on one day."""

    domain: str
    day: str  # the UTC day
    count: int  # how many addresses' newest hard bounce is of that day
    usual: float  # how many were on an average day of the window besides
    first: str  # the time of the first of them
    last: str  # the time of the last

    @property
    def sentence(self) -> str:
        """What it is, for people."""
        usual = f"{self.usual:,.0f}" if self.usual >= 1 else "less than one"
        return (
            f"{self.domain}: {counted(self.count, 'address')} bounced on {self.day}, on other days {usual}. "
            "Perhaps the mailbox provider had an outage."
        )

    def remedy(self, table: str) -> str:
        """Return the command that shows what clearing these bounces would do, as a shell takes it."""
        command = ["mailing", "clear-bounces", "--domain", self.domain, "--from", self.first, "--to", self.last]
        # SES has put such addresses on its own list too, from where the next mail would block them again.
        command += ["--ses", "--dry-run", "--selection", f"{self.domain}.csv"]
        return shlex.join(command if table == DEFAULT_TABLE else [*command, "--table", table])


@dataclass
class HardBounces:
    """Counts hard bounces by domain and day."""

    _found: dict[tuple[str, str], Jump] = field(default_factory=dict)

    def add(self, domain: str, day: str, at: str) -> None:
        """Count an address."""
        held = self._found.setdefault((domain, day), Jump(domain, day, 0, 0, at, at))
        held.count += 1
        held.first, held.last = min(held.first, at), max(held.last, at)

    def jumps(self, addresses: Mapping[str, int], days: int) -> list[Jump]:
        """Return where a day's hard bounces are a jump, largest first.

        They are if they are many, many times those of the domain's other days, and, by the number of addresses, many
        times those of all other domains on that day. The last keeps apart an outage and a mailing to an old list.

        Args:
            addresses: How many addresses each domain has.
            days: How many days were counted.
        """
        by_domain, by_day, total = Counter[str](), Counter[str](), sum(addresses.values())
        for each in self._found.values():
            by_domain[each.domain] += each.count
            by_day[each.day] += each.count
        found = []
        for each in self._found.values():
            count, size = each.count, addresses[each.domain]
            usual = (by_domain[each.domain] - count) / max(1, days - 1)
            elsewhere = (by_day[each.day] - count) / max(1, total - size)
            if count >= max(JUMP_BOUNCES, JUMP_FACTOR * usual) and count / size >= JUMP_FACTOR * elsewhere:
                found.append(replace(each, usual=usual))
        return sorted(found, key=lambda each: (-each.count, each.domain, each.day))[:_MOST]
