"""``mailing sync-ses``: SES's own suppression list and the table brought together.

All of it needs ``lambda:GetFunctionConfiguration`` on the function, ``dynamodb:BatchGetItem`` on the table,
``ses:GetAccount`` and ``ses:ListSuppressedDestinations``. ``push`` needs ``dynamodb:Query`` on the index, or
``dynamodb:Scan`` on a table without it, ``dynamodb:PartiQLUpdate``, ``ses:PutSuppressedDestination``,
``ses:GetSuppressedDestination`` and ``ses:DeleteSuppressedDestination``; with ``--bucket``, ``ses:CreateImportJob`` and
``ses:GetImportJob``, ``s3:ListBucket`` on the bucket, and ``s3:PutObject``, ``s3:GetObject`` and ``s3:DeleteObject`` on
what is in it, whose policy lets ``ses.amazonaws.com`` read it. ``pull`` needs ``dynamodb:PartiQLInsert`` and
``dynamodb:PartiQLUpdate``.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import typer

from healthy_mailing.address import AddressError, canonical
from healthy_mailing.evidence import Mark
from healthy_mailing.item import ADDRESS, Item, RecordError
from healthy_mailing.table import Table
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.ses.bulk_sync import BulkSync
from healthy_mailing_cli.ses.difference import Difference, Known, difference
from healthy_mailing_cli.ses.import_jobs import ImportJobs
from healthy_mailing_cli.ses.suppression_list import Entry, Pace, Reason, SuppressionList
from healthy_mailing_cli.ses.syncing import Done, Result, Sync
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import WINDOW, Connection, step_deadline
from healthy_mailing_cli.shell.outcomes import Failures, Outcomes
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.s3 import Place
from healthy_mailing_cli.table import scan

ENOUGH_FOR_A_JOB = 300
"""More addresses than that, five minutes of single requests, are an import job's work, if there is a bucket."""

_REASONS = {Reason.BOUNCE: "bounces", Reason.COMPLAINT: "complaints"}


class Direction(StrEnum):
    """Which of the two is changed: SES's list, the table, or both."""

    PUSH = "push"
    PULL = "pull"
    BOTH = "both"


Which = Annotated[
    Direction,
    typer.Argument(help="push changes SES's list, pull the table.", metavar="DIRECTION", show_default=False),
]
Bucket = Annotated[
    str | None,
    typer.Option(
        metavar="S3-URL", help="Leave more than a few hundred to SES's import jobs, which read s3://BUCKET/PREFIX."
    ),
]


@options.connected
def sync_ses(
    connection: Connection,
    direction: Which,
    function: options.Function = None,
    bucket: Bucket = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Bring SES's own suppression list and the table together.

    `push` puts addresses on SES's list that bounces or complaints disabled, and takes those off that a push put there
    and that may be mailed again. Opt-outs and decisions to disable are not pushed. `pull` takes what only SES's list
    knows into the table. SES allows about one request a second. You may interrupt the command: run again, it goes on.

    With --bucket, SES does the work of thousands in minutes. Lists of tenants are never touched.
    """
    place = None if bucket is None else Place.of(bucket, "--bucket")
    if place and direction is Direction.PULL:
        raise CommandError("--bucket is for push and both: leave it out, pull changes the table alone")
    table = connection.open(connection.rules(function))
    suppressed = SuppressionList(connection, Pace())
    enforced = suppressed.enforced()
    bulk = None
    if place and not dry_run:
        bulk = BulkSync(table, suppressed, ImportJobs(suppressed, connection, place))
    since = suppressed.now() if bulk else ""
    plan = _compared(table, suppressed, direction, _settling(bulk))
    plan.by_job = place is not None
    plan.warn(enforced)
    if dry_run:
        plan.tell(as_json=as_json)
        return
    if plan.changes > output.FEW:
        options.confirm(f"{plan.what()}?", yes=yes)
    outcomes = Outcomes(_WORDS, as_json, Failures("", shown=1))
    if as_json:
        plan.tell_left()
    _carry_out(_steps(Sync(table, suppressed), bulk, since, plan), outcomes)
    outcomes.sum_up()
    if not as_json:
        if not outcomes.counts:
            output.line("Nothing to change.")
        _say_left(len(plan.left))
    options.end(outcomes.is_done)


@dataclass
class Plan:
    """What is to be done.

    Attributes:
        marks: What goes into the table, by canonical address.
        take_off: What is taken off SES's list: canonical address and entry.
        put: What is put on it: canonical address and reason.
        left: Addresses on SES's list that may be mailed by the table, and stay on the list.
        listed: How many entries of each reason SES's list has.
        unreadable: Addresses whose item can't be read.
        by_job: Whether there is a bucket, so that many may be left to SES's import jobs.
    """

    marks: dict[str, tuple[Mark, ...]] = field(default_factory=dict)
    take_off: list[tuple[str, Entry]] = field(default_factory=list)
    put: list[tuple[str, Reason]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    listed: Counter[Reason] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    by_job: bool = False

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
            self.take_off += [(address, entry) for entry in found.take_off]
            if found.put:
                self.put.append((address, found.put))
        if found.left:
            self.left.append(address)

    def what(self) -> str:
        """Return what is to be done, in words."""
        parts = []
        if self.marks:
            parts.append(f"take {len(self.marks):,} from SES's list into the table ({output.some(list(self.marks))})")
        if self.take_off:
            first = output.some([address for address, _ in self.take_off])
            parts.append(f"take {len(self.take_off):,} off SES's list{_BY_JOB[self.takes_off_by_job]} ({first})")
        if self.put:
            first = output.some([address for address, _ in self.put])
            parts.append(f"put {len(self.put):,} on SES's list{_BY_JOB[self.puts_by_job]} ({first})")
        within = f", in about {_duration(self.seconds)}" if self.seconds else ""
        return f"{', '.join(parts)}{within}"

    def warn(self, enforced: frozenset[Reason]) -> None:
        """Say what a person should know before anything changes."""
        used = {*(reason for reason, count in self.listed.items() if count), *(reason for _, reason in self.put)}
        for reason in sorted(used - enforced):
            output.note(
                f"SES does not use its list for {_REASONS[reason]} in this account and region, and sends to addresses "
                f"that are there for one. `aws sesv2 put-account-suppression-attributes --suppressed-reasons BOUNCE "
                "COMPLAINT` changes that."
            )
        if self.unreadable:
            output.note(
                f"Left alone, since another program or a newer version of this one wrote their items: "
                f"{output.counted(len(self.unreadable), 'address')}, {output.some(self.unreadable)}."
            )

    def tell(self, *, as_json: bool) -> None:
        """Print what would be done."""
        if as_json or self.changes:
            output.would(self.what(), self._as_json(), as_json=as_json)
        else:
            output.line("Nothing to change.")
        if as_json:
            self.tell_left()
        else:
            _say_left(len(self.left))

    def _as_json(self) -> Iterator[dict[str, str]]:
        for address, marks in self.marks.items():
            for mark in marks:
                yield {"address": address, "result": Result.MARKED, "kind": mark.kind, "at": mark.at}
        for address, entry in self.take_off:
            yield {"address": address, "result": Result.TAKEN_OFF, "sesReason": entry.reason}
        for address, reason in self.put:
            yield {"address": address, "result": Result.PUT, "sesReason": reason}

    def tell_left(self) -> None:
        """Print as JSON what stays on SES's list."""
        for address in self.left:
            output.ndjson({"address": address, "result": Result.LEFT})


_BY_JOB = {False: "", True: " by import jobs"}

Listed = Mapping[str, list[Entry]]
"""SES's list, by canonical address."""


def _settling(bulk: BulkSync | None) -> Callable[[Listed], None]:
    """Wait for the import jobs that earlier runs left, and return what notes, by SES's list, what they did."""
    if bulk is None:
        return lambda _: None
    ended = [bulk.jobs.waited_for(job) for job in bulk.jobs.interrupted()]

    def settle(listed: Listed) -> None:
        for each in ended:
            bulk.settle(each, listed)

    return settle


def _compared(
    table: Table, suppressed: SuppressionList, direction: Direction, settle: Callable[[Listed], None] = lambda _: None
) -> Plan:
    """Return what differs between the table and SES's list, after ``settle`` has brought notes up to date by it."""
    plan = Plan()
    listed = _listed(suppressed, plan)
    settle(listed)
    comparison = _Comparison(table, listed, plan.unreadable)
    if direction is not Direction.PULL:
        comparison.with_the_blocked()
    comparison.with_the_listed()
    for address, each in comparison.found.items():
        plan.add(address, each, direction)
    return plan


@dataclass
class _Comparison:
    """What differs, by canonical address.

    Attributes:
        table: The table.
        listed: SES's list, by canonical address.
        unreadable: Gets the addresses whose item can't be read.
        found: What differs so far.
        seen: Whose item was looked at so far.
    """

    table: Table
    listed: Listed
    unreadable: list[str]
    found: dict[str, Difference] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def with_the_blocked(self) -> None:
        """Look at all items whose state is not ``enable``."""
        with output.progress("Blocked") as counter:
            for page in scan.blocked(self.table):
                for item in page:
                    self._weigh(item[ADDRESS], item)
                counter.add(len(page))

    def with_the_listed(self) -> None:
        """Look at the items of all others that SES's list has."""
        with output.progress("Compare") as counter:
            counter.expect(len(self.listed))
            for window in output.windows(self.listed, WINDOW):
                unseen = [address for address in window if address not in self.seen]
                for address, item in self.table.read(unseen, step_deadline(), consistent=True).items():
                    self._weigh(address, item)
                counter.add(len(window))

    def _weigh(self, address: str, item: Item | None) -> None:
        self.seen.add(address)
        self.found.pop(address, None)  # one that changes meanwhile comes once more, and is then as it is now
        try:
            differs = difference(address, Known.of(item), self.listed.get(address, ()), self.table.rules)
        except RecordError:
            self.unreadable.append(address)
        else:
            if differs != Difference():
                self.found[address] = differs


def _listed(suppressed: SuppressionList, plan: Plan) -> dict[str, list[Entry]]:
    """Return SES's list by canonical address; the plan counts its reasons."""
    listed: dict[str, list[Entry]] = {}
    with output.progress("SES's list") as counter:
        for entry in suppressed.entries():
            counter.add()
            plan.listed[entry.reason] += 1
            try:
                listed.setdefault(canonical(entry.spelling), []).append(entry)
            except AddressError:
                continue  # so the table can have no such address
    return listed


@dataclass(frozen=True)
class Step:
    """A part of the work: what the display calls it, how much it is, and what it does when it is run."""

    name: str
    weight: int
    done: Iterator[Done]
    each: int = 1


def _steps(sync: Sync, bulk: BulkSync | None, since: str, plan: Plan) -> Iterator[Step]:
    """Yield the parts of a plan, in order."""
    put = [address for address, _ in plan.put]
    yield Step("Into the table", len(plan.marks), sync.mark(plan.marks))
    if bulk and plan.takes_off_by_job:
        yield Step("Off SES's list", len(plan.take_off), bulk.take_off(plan.take_off, since))
    else:
        took_off = (sync.take_off(address, entry) for address, entry in plan.take_off)
        yield Step("Off SES's list", 2 * len(plan.take_off), took_off, each=2)
    if bulk and plan.puts_by_job:
        yield Step("Onto SES's list", len(put), bulk.put(put))
    else:
        yield Step("Onto SES's list", len(put), map(sync.put, put))


def _carry_out(steps: Iterator[Step], outcomes: Outcomes) -> None:
    """Carry out a plan, and report what becomes of each address."""
    for step in steps:
        with output.progress(step.name, left=True) as counter:
            counter.expect(step.weight)
            for each in step.done:
                outcomes.add(each.address, each.result, error=each.error, message=each.message)
                counter.add(step.each)


_WORDS: Mapping[str, str] = {
    Result.MARKED: "Taken from SES's list into the table: {}.",
    Result.TAKEN_OFF: "Taken off SES's list: {}.",
    Result.PUT: "Put on SES's list: {}.",
    Result.CHANGED: "Changed meanwhile, and left alone: {}.",
    Result.FAILED: "Failed; run the command again: {}.",
}


def _say_left(count: int) -> None:
    if count:
        output.line(
            f"On SES's list by someone else, though the table allows mail: {count:,}. SES refuses mail to them; "
            "`mailing clear-bounces ADDRESS --ses` takes one off that is there for a bounce."
        )


def _duration(seconds: int) -> str:
    for name, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds} seconds" if seconds != 1 else "a second"
