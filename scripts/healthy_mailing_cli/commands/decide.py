"""``mailing enable``, ``disable`` and ``remove-override``: a person's decision above the feedback.

Needs ``dynamodb:BatchGetItem``, ``dynamodb:PartiQLInsert`` and ``dynamodb:PartiQLUpdate`` on the table, and
``lambda:GetFunctionConfiguration`` on the function, whose rules a decision is weighed by like feedback. With
``ses:GetSuppressedDestination``, ``enable`` tells whether SES's own list has an address too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import typer

from healthy_mailing import api, operations
from healthy_mailing.address import spellings
from healthy_mailing.evidence import Mark, MarkKind, Purpose, State, unhidden
from healthy_mailing.item import ADDRESS, REASON, STATE, Item, evidence_in, state_of
from healthy_mailing.operations import UnreadableError
from healthy_mailing.row import UNREADABLE, Outcome
from healthy_mailing.table import TableError
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.ses.suppression_list import Asking, Told
from healthy_mailing_cli.shell import errors, output
from healthy_mailing_cli.shell.addresses import canonical_one
from healthy_mailing_cli.shell.connection import Connection, step_deadline
from healthy_mailing_cli.shell.explanation import maker, moment, other_row
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.table import lookups

WINDOW = 1_000
"""How many addresses are decided about at a time."""


@options.connected
def enable(
    connection: Connection,
    given: options.Addresses,
    note: options.Note = "",
    function: options.Function = None,
    column: options.Column = None,
    encoding: options.Encoding = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Let addresses be mailed, whatever is known of them so far.

    Prints the state that followed, and tells of a complaint and of SES's own suppression list. Feedback that comes
    later counts. If a provider's outage bounced good addresses, use `mailing clear-bounces`, which keeps complaints and
    opt-outs in force.
    """
    _decide(
        connection,
        _Decision(State.ENABLE, note, function),
        addresses.canonical_ones(given, column, encoding),
        yes=yes,
        dry_run=dry_run,
        as_json=as_json,
    )


@options.connected
def disable(
    connection: Connection,
    given: options.Addresses,
    note: options.Note = "",
    function: options.Function = None,
    column: options.Column = None,
    encoding: options.Encoding = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Stop mail to addresses until a person decides otherwise."""
    _decide(
        connection,
        _Decision(State.DISABLE, note, function),
        addresses.canonical_ones(given, column, encoding),
        yes=yes,
        dry_run=dry_run,
        as_json=as_json,
    )


@options.connected
def remove_override(
    connection: Connection,
    address: options.Address,
    function: options.Function = None,
    as_json: options.AsJson = False,
) -> None:
    """Take a person's decision back: the feedback decides again.

    Exits with 1 if there is none to take back.
    """
    key = canonical_one(address)
    table = connection.open(connection.rules(function))
    otherwise = spellings([address])
    try:
        outcome = operations.remove_override(table, key, step_deadline(), spellings=otherwise)
    except UnreadableError:
        raise TableError(UNREADABLE) from None
    ((_, item),) = lookups.weighed(table, [outcome or Outcome(key)], step_deadline(), spellings=otherwise)
    state, reason = item.get(STATE, State.ENABLE), item.get(REASON, "nothing is known")
    if as_json:
        followed = {"state": state, "reason": reason, **decided_by(key, item)} if outcome else {}
        output.ndjson({"address": key, "removed": outcome is not None, **followed})
    else:
        output.line(f"{key}: {f'the override is gone; {state} ({reason})' if outcome else 'there is no override'}")
        if other := other_row(key, item, "remove-override" if reason == "operator" else "explain"):
            output.note(f"{key}: {other}")
    if outcome is None:
        raise typer.Exit(output.NO)


def check_note(note: str) -> None:
    """Check the length of a note.

    Raises:
        CommandError: It is too long.
    """
    if len(note) > api.MAX_NOTE:
        raise CommandError(f"The note is longer than {api.MAX_NOTE} characters: shorten it")


@dataclass(frozen=True)
class _Decision:
    state: State
    note: str
    function: str | None


def _decide(
    connection: Connection,
    decision: _Decision,
    given: addresses.Read,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    check_note(decision.note)
    for text, problem in given.problems:
        output.note(f"{text}: {problem}")
    what = f"{decision.state} {output.those(given.addresses)}"
    if dry_run:
        output.would(what, ({"address": each, "state": decision.state} for each in given.addresses), as_json=as_json)
        return
    if len(given.addresses) > output.FEW:
        options.confirm(f"{what}?", yes=yes)
    failed = _set(connection, decision, given, as_json=as_json)
    if failed or given.problems:
        raise typer.Exit(output.NO)


def _set(connection: Connection, decision: _Decision, given: addresses.Read, *, as_json: bool) -> int:
    """Set overrides, say what followed, and return how many addresses are not in the state asked for."""
    table = connection.open(connection.rules(decision.function))
    by = connection.caller()
    now = from_datetime(datetime.now(UTC))
    found, are_few = given.addresses, len(given.addresses) <= output.FEW
    ask = Asking(connection)
    done = failed = other = 0
    with output.progress("Set") as counter:
        counter.expect(len(found))
        for window in output.windows(found, WINDOW):
            outcomes = operations.set_overrides(
                table,
                window,
                decision.state,
                step_deadline(),
                now=now,
                by=by,
                note=decision.note,
                spellings=given.spellings,
            )
            for outcome, item in lookups.weighed(table, outcomes, step_deadline(), spellings=given.spellings):
                is_as_asked = all(state_of(item, purpose) is decision.state for purpose in Purpose)
                done += is_as_asked
                failed += bool(outcome.error)
                other += not is_as_asked and not outcome.error
                listed = Told()
                if decision.state is State.ENABLE and are_few and not outcome.error:
                    listed = ask([outcome.address, *given.spellings.get(outcome.address, ())])
                if as_json:
                    output.ndjson({"address": outcome.address, **_shown(outcome, item, listed)})
                    continue
                _tell(outcome, item, listed, now, are_few=are_few or not is_as_asked)
                if not is_as_asked and (row := other_row(outcome.address, item, decision.state)):
                    output.note(f"{outcome.address}: {row}")
            counter.add(len(window))
    if not as_json:
        output.line(
            " ".join(
                filter(
                    None,
                    (
                        f"{_PAST[decision.state]}: {done:,}.",
                        f"Decided, and yet not {decision.state}: {other:,}." if other else "",
                        f"Not set: {failed:,}. Run the command again." if failed else "",
                    ),
                )
            )
        )
        if decision.state is State.ENABLE and done and not are_few:
            output.note("SES's own suppression list was not asked: `mailing sync-ses both --dry-run` compares the two.")
    return failed + other


_PAST = {State.ENABLE: "Enabled", State.DISABLE: "Disabled"}


def _tell(outcome: Outcome, item: Item, listed: Told, now: str, *, are_few: bool) -> None:
    """Say what followed for an address, and what the person who decides should know."""
    if outcome.error:
        output.note(f"{outcome.address}: not set. {errors.sentence(TableError(outcome.error))}.")
        return
    if are_few:
        output.line(f"{outcome.address}: {item[STATE]} ({item.get(REASON, 'unknown')})")
    for note in _notes(outcome, now):
        output.note(f"{outcome.address}: {note}")
    for note in listed.notes():
        output.note(f"{outcome.address}: {note}")


def _notes(outcome: Outcome, now: str) -> Iterator[str]:
    made = evidence_in(outcome.item).get(MarkKind.OVERRIDE)
    if complaint := _complaint(outcome):
        yield f"The recipient complained on {moment(complaint.at)}. SES reviews accounts for complaints."
    if replaced := _replaced(outcome):
        yield f'This replaces the note of {maker(replaced)} of {moment(replaced.at)}: "{replaced.get("note")}".'
    if made and made.at > now:
        hides = "; feedback until then does not count" if made.get("state") == State.ENABLE else ""
        yield f"This decision is dated {moment(made.at)}, since what it decides upon is dated later than now{hides}."


def _complaint(outcome: Outcome) -> Mark | None:
    """Return the complaint that an address was enabled in spite of."""
    seen = unhidden(outcome.held)
    complaint, withdrawn = seen.get(MarkKind.COMPLAINT), seen.get(MarkKind.NOT_SPAM)
    if outcome.item.get(STATE) != State.ENABLE or (withdrawn and complaint and withdrawn.at > complaint.at):
        return None
    return complaint


def _replaced(outcome: Outcome) -> Mark | None:
    """Return the decision whose note was replaced by another."""
    held, made = outcome.held.get(MarkKind.OVERRIDE), evidence_in(outcome.item).get(MarkKind.OVERRIDE)
    return held if held and made and held.get("note") not in {"", made.get("note")} else None


def decided_by(address: str, item: Item) -> dict[str, object]:
    """Return the key of the row that decides about an address as JSON has it, if that is not its own."""
    key = item.get(ADDRESS, address)
    return {} if key == address else {"decidedBy": key}


def _shown(outcome: Outcome, item: Item, listed: Told) -> dict[str, object]:
    if outcome.error:
        return {**errors.as_json(outcome.error)}
    shown: dict[str, object] = {"state": item[STATE], "reason": item.get(REASON, "unknown")}
    shown |= decided_by(outcome.address, item)
    if outcome.change:
        shown["before"] = outcome.change.before or "unknown"
    if replaced := _replaced(outcome):
        shown["replacedNote"] = {"note": replaced.get("note"), "by": replaced.sender, "at": replaced.at}
    if complaint := _complaint(outcome):
        shown["complaintAt"] = complaint.at
    if listed.entries:
        shown["sesReasons"] = [each.reason for each in listed.entries]
    return shown
