"""``mailing enable``, ``disable`` and ``remove-override``: a person's decision above the feedback.

Needs ``dynamodb:BatchGetItem``, ``dynamodb:PartiQLInsert`` and ``dynamodb:PartiQLUpdate`` on the table, and
``lambda:GetFunctionConfiguration`` on the function, whose rules a decision is weighed by like feedback.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from healthy_mailing import api, operations
from healthy_mailing.evidence import State
from healthy_mailing.operations import UnreadableError
from healthy_mailing.table import UNREADABLE, Outcome, TableError
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli import addresses, errors, output
from healthy_mailing_cli.connection import Connection, Function, connected, soon
from healthy_mailing_cli.output import CommandError

WINDOW = 1_000
"""How many addresses are decided about at a time."""

Note = Annotated[str, typer.Option(help="Why: for the next person who looks at the address.")]


@connected
def enable(
    connection: Connection,
    given: addresses.Given,
    note: Note = "",
    function: Function = None,
    column: addresses.Column = None,
    encoding: addresses.Encoding = None,
    yes: output.Yes = False,
    dry_run: output.DryRun = False,
    as_json: output.AsJson = False,
) -> None:
    """Let addresses be mailed, whatever is known of them so far.

    Feedback that comes later counts. If a provider's outage bounced good addresses, use `mailing clear-bounces`, which
    keeps complaints and opt-outs in force.
    """
    _decide(
        connection,
        _Decision(State.ENABLE, note, function),
        addresses.canonical_ones(given, column, encoding),
        yes=yes,
        dry_run=dry_run,
        as_json=as_json,
    )


@connected
def disable(
    connection: Connection,
    given: addresses.Given,
    note: Note = "",
    function: Function = None,
    column: addresses.Column = None,
    encoding: addresses.Encoding = None,
    yes: output.Yes = False,
    dry_run: output.DryRun = False,
    as_json: output.AsJson = False,
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


@connected
def remove_override(
    connection: Connection,
    address: addresses.One,
    function: Function = None,
    as_json: output.AsJson = False,
) -> None:
    """Take a person's decision back: the feedback decides again.

    Exits with 1 if there is none to take back.
    """
    key = addresses.canonical_one(address)
    table = connection.open(connection.rules(function))
    try:
        outcome = operations.remove_override(table, key, soon())
    except UnreadableError:
        raise TableError(UNREADABLE) from None
    if as_json:
        output.ndjson({"address": key, "removed": outcome is not None})
    else:
        output.line(f"{key}: {'the override is gone' if outcome else 'there is no override'}")
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
    what = f"{decision.state} {output.counted(len(given.addresses), 'address')}: {output.some(given.addresses)}"
    if dry_run:
        output.would(what, ({"address": each, "state": decision.state} for each in given.addresses), as_json=as_json)
        return
    if len(given.addresses) > output.FEW:
        output.confirm(f"{what}?", yes=yes)
    failed = _set(connection, decision, given.addresses, as_json=as_json)
    if failed or given.problems:
        raise typer.Exit(output.NO)


def _set(connection: Connection, decision: _Decision, found: Sequence[str], *, as_json: bool) -> int:
    """Set overrides, say so, and return how many could not be set."""
    table = connection.open(connection.rules(decision.function))
    by = connection.caller()
    at = from_datetime(datetime.now(UTC))
    failed = 0
    with output.progress("Set") as counter:
        counter.expect(len(found))
        for window in output.windows(found, WINDOW):
            for outcome in operations.set_overrides(
                table, window, decision.state, soon(), at=at, by=by, note=decision.note
            ):
                failed += bool(outcome.error)
                if as_json:
                    output.ndjson({"address": outcome.address, "state": decision.state, **_shown(outcome)})
                elif outcome.error:
                    output.note(f"{outcome.address}: not set. {errors.sentence(TableError(outcome.error))}.")
            counter.add(len(window))
    if not as_json:
        done = f"{_PAST[decision.state]}: {len(found) - failed:,}."
        output.line(f"{done} Not set: {failed:,}. Run the command again." if failed else done)
    return failed


_PAST = {State.ENABLE: "Enabled", State.DISABLE: "Disabled"}


def _shown(outcome: Outcome) -> dict[str, str]:
    if outcome.error:
        return errors.told(outcome.error)
    return {"before": outcome.change.before or "unknown"} if outcome.change else {}
