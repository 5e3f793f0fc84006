"""``mailing sync-ses``: SES's own suppression list and the table brought together.

All of it needs ``lambda:GetFunctionConfiguration`` on the function, ``dynamodb:BatchGetItem`` on the table,
``ses:GetAccount`` and ``ses:ListSuppressedDestinations``. ``push`` needs ``dynamodb:Query`` on the index, or
``dynamodb:Scan`` on a table without it, ``dynamodb:PartiQLUpdate``, ``ses:PutSuppressedDestination``,
``ses:GetSuppressedDestination`` and ``ses:DeleteSuppressedDestination``. ``pull`` needs ``dynamodb:PartiQLInsert`` and
``dynamodb:PartiQLUpdate``.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from healthy_mailing import operations
from healthy_mailing.address import AddressError, canonical
from healthy_mailing.evidence import Mark, evidence_of
from healthy_mailing.item import ADDRESS, PUSHED, Item, RecordError
from healthy_mailing.table import Outcome, Table, TableError
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli import errors, output
from healthy_mailing_cli.connection import Connection, Function, by_tomorrow, connected, soon
from healthy_mailing_cli.decide import WINDOW
from healthy_mailing_cli.ses_difference import Difference, Known, Pushed, difference, suppression
from healthy_mailing_cli.suppression_list import Entry, Pace, Reason, SuppressionList

_REASONS = {Reason.BOUNCE: "bounces", Reason.COMPLAINT: "complaints"}


class Direction(StrEnum):
    """Which of the two is changed: SES's list, the table, or both."""

    PUSH = "push"
    PULL = "pull"
    BOTH = "both"


class Result(StrEnum):
    """What becomes of an address, as ``--json`` says it."""

    MARKED = "marked"
    TAKEN_OFF = "takenOff"
    PUT = "put"
    LEFT = "left"
    CHANGED = "changed"
    FAILED = "failed"


Given = Annotated[
    Direction,
    typer.Argument(help="push changes SES's list, pull the table.", metavar="DIRECTION", show_default=False),
]


@connected
def sync_ses(
    connection: Connection,
    direction: Given,
    function: Function = None,
    yes: output.Yes = False,
    dry_run: output.DryRun = False,
    as_json: output.AsJson = False,
) -> None:
    """Bring SES's own suppression list and the table together.

    `push` puts addresses on SES's list that bounces or complaints disabled, and takes those off that a push put there
    and that may be mailed again. Opt-outs and decisions to disable are not pushed. `pull` takes what only SES's list
    knows into the table. SES allows about one request a second. You may interrupt the command: run again, it goes on.
    """
    table = connection.open(connection.rules(function))
    suppressed = SuppressionList(connection, Pace())
    enforced = suppressed.enforced()
    plan = _compared(table, suppressed, direction)
    plan.warn(enforced)
    if dry_run:
        plan.tell(as_json=as_json)
        return
    if plan.changes > output.FEW:
        output.confirm(f"{plan.what()}?", yes=yes)
    if as_json:
        plan.tell_left()
    done = _carry_out(Sync(table, suppressed), plan, as_json=as_json)
    if not as_json:
        _sum_up(done, len(plan.left))
    if done[Result.FAILED]:
        raise typer.Exit(output.NO)


@dataclass
class Plan:
    """What is to be done.

    Attributes:
        marks: What goes into the table, by canonical address.
        take_off: What is taken off SES's list: canonical address and entry.
        put: What is put on it: canonical address and reason.
        left: Addresses on SES's list that may be mailed by the table, and stay on the list.
        listed: How many entries of each reason SES's list has.
        unreadable: Addresses whose item is no record.
    """

    marks: dict[str, tuple[Mark, ...]] = field(default_factory=dict)
    take_off: list[tuple[str, Entry]] = field(default_factory=list)
    put: list[tuple[str, Reason]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    listed: Counter[Reason] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """How many addresses change, there or here."""
        return len(self.marks) + len(self.take_off) + len(self.put)

    @property
    def seconds(self) -> int:
        """How long SES will take: one request for each that is put there, and two for each that is taken off."""
        return len(self.put) + 2 * len(self.take_off)

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
            parts.append(f"take {len(self.take_off):,} off SES's list ({first})")
        if self.put:
            first = output.some([address for address, _ in self.put])
            parts.append(f"put {len(self.put):,} on SES's list ({first})")
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
                f"{len(self.unreadable):,} addresses, {output.some(self.unreadable)}."
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
            yield {"address": address, "result": Result.TAKEN_OFF, "reason": entry.reason}
        for address, reason in self.put:
            yield {"address": address, "result": Result.PUT, "reason": reason}

    def tell_left(self) -> None:
        """Print as JSON what stays on SES's list."""
        for address in self.left:
            output.ndjson({"address": address, "result": Result.LEFT})


def _compared(table: Table, suppressed: SuppressionList, direction: Direction) -> Plan:
    """Return what differs between the table and SES's list."""
    plan = Plan()
    comparison = _Comparison(table, _listed(suppressed, plan), plan.unreadable)
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
        unreadable: Gets the addresses whose item is no record.
        found: What differs so far.
        seen: Whose item was looked at so far.
    """

    table: Table
    listed: Mapping[str, list[Entry]]
    unreadable: list[str]
    found: dict[str, Difference] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def with_the_blocked(self) -> None:
        """Look at all items whose state is not ``enable``."""
        with output.progress("Blocked") as counter:
            for page in self.table.blocked(by_tomorrow()):
                for item in page:
                    self._weigh(item[ADDRESS], item)
                counter.add(len(page))

    def with_the_listed(self) -> None:
        """Look at the items of all others that SES's list has."""
        with output.progress("Compare") as counter:
            counter.expect(len(self.listed))
            for window in output.windows(self.listed, WINDOW):
                unseen = [address for address in window if address not in self.seen]
                for address, item in self.table.read(unseen, soon(), consistent=True).items():
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


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an address; ``error`` says in a sentence why it failed."""

    address: str
    result: Result
    error: str = ""


@dataclass(frozen=True)
class Sync:
    """Carries out a plan, one address after the other, so that an interruption loses nothing."""

    table: Table
    suppressed: SuppressionList

    def mark(self, marks: Mapping[str, tuple[Mark, ...]]) -> Iterator[Done]:
        """Merge marks into the table."""
        for window in output.windows(marks.items(), WINDOW):
            for outcome in self.table.add({address: evidence_of(each) for address, each in window}, soon()):
                error = errors.sentence(TableError(outcome.error)) if outcome.error else ""
                yield Done(outcome.address, Result.FAILED if error else Result.MARKED, error)

    def take_off(self, address: str, entry: Entry) -> Done:
        """Take an entry that a push made off SES's list.

        The list and the table were read some time ago. Someone who complained since must not be mailed, so both are
        asked once more.
        """
        try:
            known = self._known(address)
        except RecordError:
            return Done(address, Result.CHANGED)
        found = self.suppressed.look_up(entry.spelling)
        if suppression(known.evidence, self.table.rules) is not None:
            return Done(address, Result.CHANGED)
        if found is None or known.pushed is None or not known.pushed.made(address, found):
            return Done(address, Result.CHANGED)
        with output.finishing():
            self.suppressed.remove(entry.spelling)
            return self._noted(self.table.annotate(address, PUSHED, None, soon()), Result.TAKEN_OFF)

    def put(self, address: str) -> Done:
        """Put an address on SES's list, if the table still says so, and note that in its item.

        An interruption while SES is asked leaves open whether the address is there. So it is noted all the same: the
        note does no harm if it is not, since an entry that another makes later has another time.
        """
        try:
            reason = suppression(self._known(address).evidence, self.table.rules)
        except RecordError:
            reason = None
        if reason is None:
            return Done(address, Result.CHANGED)
        with output.finishing():
            try:
                at = self.suppressed.put(address, reason)
            except ValueError as error:
                return Done(address, Result.FAILED, f"SES refuses it: {str(error).rstrip('.')}")
            except KeyboardInterrupt:
                self._note(address, Pushed(from_datetime(datetime.now(UTC)), reason))
                raise
            return self._noted(self._note(address, Pushed(at, reason)), Result.PUT)

    def _known(self, address: str) -> Known:
        return Known.of(operations.find(self.table, address, soon(), consistent=True))

    def _note(self, address: str, pushed: Pushed) -> Outcome:
        return self.table.annotate(address, PUSHED, pushed.to_map(), soon())

    @staticmethod
    def _noted(outcome: Outcome, result: Result) -> Done:
        if not outcome.error or outcome.error == _NO_ITEM:
            return Done(outcome.address, result)
        told = errors.sentence(TableError(outcome.error))
        return Done(outcome.address, Result.FAILED, f"SES's list was changed, but the table could not note it. {told}")


_NO_ITEM = "ConditionalCheckFailed"  # it was forgotten meanwhile, and with it that a push put it on the list


def _carry_out(sync: Sync, plan: Plan, *, as_json: bool) -> Counter[Result]:
    """Carry out a plan, say so, and return how many came to which result."""
    done: Counter[Result] = Counter()

    def tell(each: Done) -> None:
        done[each.result] += 1
        if as_json:
            error = {"error": each.error} if each.error else {}
            output.ndjson({"address": each.address, "result": each.result, **error})
        elif each.error:
            output.note(f"{each.address}: {each.error}.")

    with output.progress("Into the table") as counter:
        counter.expect(len(plan.marks))
        for each in sync.mark(plan.marks):
            tell(each)
            counter.add()
    with output.progress("SES's list", left=True) as counter:
        counter.expect(plan.seconds)
        for address, entry in plan.take_off:
            tell(sync.take_off(address, entry))
            counter.add(2)
        for address, _ in plan.put:
            tell(sync.put(address))
            counter.add()
    return done


_WORDS = {
    Result.MARKED: "Taken from SES's list into the table",
    Result.TAKEN_OFF: "Taken off SES's list",
    Result.PUT: "Put on SES's list",
    Result.CHANGED: "Changed meanwhile, and left alone",
    Result.FAILED: "Failed; run the command again",
}


def _sum_up(done: Mapping[Result, int], left: int) -> None:
    for result, words in _WORDS.items():
        if done[result]:
            output.line(f"{words}: {done[result]:,}.")
    if not any(done.values()):
        output.line("Nothing to change.")
    _say_left(left)


def _say_left(count: int) -> None:
    if count:
        output.line(
            f"On SES's list, not put there by a push, and may be mailed by the table: {count:,}. SES refuses mail to "
            "them; `mailing clear-bounces ADDRESS --ses` takes one off that is there for a bounce."
        )


def _duration(seconds: int) -> str:
    for name, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds} seconds" if seconds != 1 else "a second"
