"""Sets overrides, and finds what followed for each address."""

from collections.abc import Iterator
from datetime import UTC, datetime

from healthy_mailing import operations
from healthy_mailing.evidence import Mark, MarkKind, Purpose, State, unhidden
from healthy_mailing.item import REASON, STATE, evidence_in, state_of
from healthy_mailing.row import Outcome
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.ses.suppression_list import Asking, Told
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import WINDOW, Connection, step_deadline
from healthy_mailing_cli.shell.explanation import followed, maker, moment, other_row
from healthy_mailing_cli.shell.outcomes import Failures, Outcomes
from healthy_mailing_cli.table import lookups

_PAST = {State.ENABLE: "enabled", State.DISABLE: "disabled"}


def set_overrides(
    connection: Connection, state: State, note: str, given: addresses.Read, function: str | None, *, as_json: bool
) -> bool:
    """Set overrides, print what followed, and return whether all addresses are in the state asked for."""
    table = connection.open(connection.rules(function))
    by, now = connection.caller(), from_datetime(datetime.now(UTC))
    are_few, ask = len(given.addresses) <= output.FEW, Asking(connection)
    as_asked = _PAST[state]
    outcomes = Outcomes(
        {
            as_asked: f"{as_asked.capitalize()}: {{}}.",
            "outweighed": f"Decided, and yet not {state}: {{}}.",
            "failed": "Not set: {}. Run the command again.",
        },
        as_json,
        Failures("not set"),
        ("outweighed", "failed"),
    )
    with output.progress("Set") as counter:
        counter.expect(len(given.addresses))
        for window in output.windows(given.addresses, WINDOW):
            done = operations.set_overrides(
                table, window, state, step_deadline(), now=now, by=by, note=note, spellings=given.spellings
            )
            for outcome, item in lookups.weighed(table, done, step_deadline(), spellings=given.spellings):
                if outcome.error:
                    outcomes.add(outcome.address, "failed", error=outcome.error)
                    continue
                is_as_asked = all(state_of(item, purpose) is state for purpose in Purpose)
                told = Told()
                if state is State.ENABLE and are_few:
                    told = ask([outcome.address, *given.spellings.get(outcome.address, ())])
                if not as_json and (are_few or not is_as_asked):
                    output.line(f"{outcome.address}: {item[STATE]} ({item.get(REASON, 'unknown')})")
                outcomes.add(
                    outcome.address,
                    as_asked if is_as_asked else "outweighed",
                    fields=followed(outcome.address, item) | _before(outcome) | told.as_json(),
                    notes=_notes(outcome, told, "" if is_as_asked else other_row(outcome.address, item, state), now),
                )
            counter.add(len(window))
    outcomes.sum_up()
    if state is State.ENABLE and outcomes.counts[as_asked] and not are_few and not as_json:
        output.note("SES's own suppression list was not asked: `mailing sync-ses both --dry-run` compares the two.")
    return outcomes.is_done


def _before(outcome: Outcome) -> dict[str, object]:
    """Return what JSON has of that which the decision was made upon."""
    fields: dict[str, object] = {}
    if outcome.change:
        fields["before"] = outcome.change.before
    if replaced := _replaced(outcome):
        fields["replacedNote"] = {"note": replaced.get("note"), "by": replaced.sender, "at": replaced.at}
    if complaint := _complaint(outcome):
        fields["complaintAt"] = complaint.at
    return fields


def _notes(outcome: Outcome, told: Told, other: str, now: str) -> Iterator[str]:
    """Yield what the person who decides should know."""
    made = evidence_in(outcome.item).get(MarkKind.OVERRIDE)
    if complaint := _complaint(outcome):
        yield f"The recipient complained on {moment(complaint.at)}. SES reviews accounts for complaints."
    if replaced := _replaced(outcome):
        yield f'This replaces the note of {maker(replaced)} of {moment(replaced.at)}: "{replaced.get("note")}".'
    if made and made.at > now:
        hides = "; feedback until then does not count" if made.get("state") == State.ENABLE else ""
        yield f"This decision is dated {moment(made.at)}, since what it decides upon is dated later than now{hides}."
    yield from told.notes()
    if other:
        yield other


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
