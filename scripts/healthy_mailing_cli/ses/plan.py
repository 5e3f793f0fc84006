"""What is to be done so that the table and SES's own suppression list agree, and the steps that do it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from healthy_mailing.evidence import Mark
from healthy_mailing.item import ADDRESS
from healthy_mailing.table import Table
from healthy_mailing_cli.ses.bulk_sync import BulkSync
from healthy_mailing_cli.ses.difference import Difference, Known, difference
from healthy_mailing_cli.ses.suppression_list import Entry, SesReason
from healthy_mailing_cli.ses.syncing import Done, Sync, known_now
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import WINDOW
from healthy_mailing_cli.table import scan

ENOUGH_FOR_A_JOB = 300
"""More addresses than that, five minutes of single requests, are an import job's work, if there is a bucket."""

Entries = Mapping[str, Sequence[Entry]]  # SES's list, by canonical address


_NONE = Difference()


class Direction(StrEnum):
    """Which of the two is changed: SES's list, the table, or both."""

    PUSH = "push"
    PULL = "pull"
    BOTH = "both"


@dataclass
class Plan:
    """What is to be done, by canonical address."""

    by_job: bool = False  # whether there is a bucket, so that many may be left to SES's import jobs
    marks: dict[str, tuple[Mark, ...]] = field(default_factory=dict)  # what goes into the table
    take_off: dict[str, Entry] = field(default_factory=dict)  # what is taken off SES's list
    put: dict[str, SesReason] = field(default_factory=dict)  # what is put on it, for which reason
    # Addresses on SES's list that may be mailed by the table, and stay on the list.
    left: list[str] = field(default_factory=list)
    reasons: set[SesReason] = field(default_factory=set)  # for which SES's list has an entry, or gets one
    unreadable: list[str] = field(default_factory=list)  # addresses whose item can't be read

    @property
    def puts_by_job(self) -> bool:
        """Whether addresses are put on SES's list by import jobs."""
        return self.by_job and len(self.put) > ENOUGH_FOR_A_JOB

    @property
    def takes_off_by_job(self) -> bool:
        """Whether addresses are taken off SES's list by import jobs."""
        return self.by_job and len(self.take_off) > ENOUGH_FOR_A_JOB

    @property
    def changes(self) -> int:
        """How many addresses change, there or here."""
        return len(self.marks) + len(self.take_off) + len(self.put)

    @property
    def seconds(self) -> int:
        """How long SES will take: one request for each that is put there, and two for each that is taken off.

        How long import jobs take, SES does not say.
        """
        put = 0 if self.puts_by_job else len(self.put)
        return put + (0 if self.takes_off_by_job else 2 * len(self.take_off))

    def add(self, address: str, found: Difference, direction: Direction) -> None:
        """Add what differs for an address, as far as a direction changes it."""
        if direction is not Direction.PUSH and found.marks:
            self.marks[address] = found.marks
        if direction is not Direction.PULL:
            for entry in found.take_off:  # of ours there is one at most
                self.take_off[address] = entry
            if found.put:
                self.put[address] = found.put
                self.reasons.add(found.put)
        if found.left:
            self.left.append(address)


def planned(table: Table, entries: Entries, direction: Direction, *, by_job: bool = False) -> Plan:
    """Return what brings the table and SES's list together."""
    plan = Plan(by_job, reasons={entry.reason for found in entries.values() for entry in found})
    differences: dict[str, Difference | None] = {}

    def weigh(address: str, known: Known | None) -> None:
        # One that changes meanwhile comes once more, and is then as it is now.
        found = difference(address, known, entries.get(address, ()), table.rules) if known else None
        differences[address] = _NONE if found == _NONE else found

    if direction is not Direction.PULL:
        with output.progress("Blocked") as counter:
            for page in scan.blocked(table):
                for item in page:
                    weigh(item[ADDRESS], Known.of(item))
                counter.add(len(page))
    with output.progress("Compare") as counter:
        counter.expect(len(entries))
        for window in output.windows(entries, WINDOW):
            for address, known in known_now(table, [each for each in window if each not in differences]):
                weigh(address, known)
            counter.add(len(window))
    for address, found in differences.items():
        if found is None:
            plan.unreadable.append(address)
        else:
            plan.add(address, found, direction)
    return plan


@dataclass(frozen=True)
class Step:
    """A part of the work: what the display calls it, how much it is, and what it does when it is run."""

    name: str
    weight: int
    done: Iterator[Done]
    each: int = 1


def steps(plan: Plan, sync: Sync, bulk: BulkSync | None, since: str) -> Iterator[Step]:
    """Yield the parts of a plan, in order; ``since`` is a time before SES's list was read."""
    yield Step("Into the table", len(plan.marks), sync.mark(plan.marks))
    if bulk and plan.takes_off_by_job:
        yield Step("Off SES's list", len(plan.take_off), bulk.take_off(plan.take_off, since))
    else:
        took_off = (sync.take_off(address, entry) for address, entry in plan.take_off.items())
        yield Step("Off SES's list", 2 * len(plan.take_off), took_off, each=2)
    put = bulk.put(plan.put) if bulk and plan.puts_by_job else map(sync.put, plan.put)
    yield Step("Onto SES's list", len(plan.put), put)
