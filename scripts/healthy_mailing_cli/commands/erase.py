"""``mailing erase``: what is known of a person beyond need, or all of it.

Needs what decisions need, and what `mailing reassess` needs for a row in another spelling than the canonical one.
``--forget`` needs ``dynamodb:BatchGetItem`` and ``dynamodb:DeleteItem`` alone. With ``ses:GetSuppressedDestination``,
both tell whether SES's own list still has an address.
"""

from collections.abc import Sequence
from typing import Annotated

import typer

from healthy_mailing.evidence import erased
from healthy_mailing.item import ADDRESS, Item, RecordError, evidence_in
from healthy_mailing.row import Outcome
from healthy_mailing.table import TableError
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.commands.decide import WINDOW
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.ses.suppression_list import Asking, Told
from healthy_mailing_cli.shell import errors, output
from healthy_mailing_cli.shell.connection import Connection, step_deadline
from healthy_mailing_cli.shell.explanation import argument
from healthy_mailing_cli.table import deleting, erasing, lookups

Forget = Annotated[bool, typer.Option("--forget", help="Delete all that is known: the address may be mailed again.")]


@options.connected
def erase(
    connection: Connection,
    given: options.Addresses,
    forget: Forget = False,
    function: options.Function = None,
    column: options.Column = None,
    encoding: options.Encoding = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Erase what identifies a person; who may be mailed stays.

    Diagnostic messages, message ids, senders, names and notes go. The address, its states and the reason stay, so that
    nobody is mailed by mistake. The same feedback, delivered once more, brings nothing back. Backups of the table,
    SES's own suppression list, and what other programs keep are not changed.

    With --forget the whole item goes, and with it an opt-out or a complaint. It can't be undone, so it always asks
    first.
    """
    found = addresses.canonical_ones(given, column, encoding)
    for text, problem in found.problems:
        output.note(f"{text}: {problem}")
    verb = "forget" if forget else "erase what identifies"
    what = f"{verb} {output.those(found.addresses)}"
    if forget:
        what += ", which may then be mailed again"
    if dry_run:
        output.would(what, ({"address": each} for each in found.addresses), as_json=as_json)
        return
    if found.addresses and (forget or len(found.addresses) > output.FEW):
        options.confirm(f"{what}?", yes=yes)
    table = connection.open() if forget else connection.open(connection.rules(function))
    act = deleting.delete if forget else erasing.erase
    are_few = len(found.addresses) <= output.FEW
    ask = Asking(connection)
    done, failed, listed, left = 0, 0, 0, 0
    with output.progress("Erase") as counter:
        counter.expect(len(found.addresses))
        for window in output.windows(found.addresses, WINDOW):
            outcomes = act(table, window, step_deadline(), spellings=found.spellings)
            beside = lookups.rows_beside(table, window, step_deadline(), spellings=found.spellings)
            for outcome in outcomes:
                others = [item[ADDRESS] for item in beside.get(outcome.address, ()) if forget or _has_details(item)]
                left += bool(others)
                done += outcome.written and not others
                failed += bool(outcome.error)
                told = Told()
                if are_few and not outcome.error:
                    told = ask([outcome.address, *found.spellings.get(outcome.address, ())])
                    listed += bool(told.entries)
                _tell(outcome, told, others, forget=forget, as_json=as_json)
            counter.add(len(window))
    if not as_json:
        _sum_up(len(found.addresses), done, failed, left, forget=forget, on_list_of_ses=listed > 0 or not are_few)
    if failed or left or found.problems:
        raise typer.Exit(output.NO)


def _has_details(item: Item) -> bool:
    """Return whether there is anything to erase in an item; one that is not a record may hold anything."""
    try:
        evidence = evidence_in(item)
    except RecordError:
        return True
    return erased(evidence) != evidence


def _tell(outcome: Outcome, told: Told, others: Sequence[str], *, forget: bool, as_json: bool) -> None:
    """Say what became of one address: each in JSON, else those that failed, have other rows or are on SES's own list.

    ``others`` are the keys of rows that are left, which lookups of the address read too.
    """
    if as_json:
        done = {"forgotten" if forget else "erased": outcome.written}
        reasons = {"sesReasons": [each.reason for each in told.entries]} if told.entries else {}
        left = {"left": others} if others else {}
        output.ndjson({"address": outcome.address, **done, **left, **errors.as_json(outcome.error), **reasons})
    elif outcome.error:
        output.note(f"{outcome.address}: not done. {errors.sentence(TableError(outcome.error))}.")
    for key in () if as_json else others:
        command = f"mailing erase{' --forget' if forget else ''} {argument(key)}"
        output.note(
            f"{outcome.address}: {key} is left. Some programs take one for the other, so lookups read both rows. "
            f"If both are one person's, `{command}`."
        )
    for note in () if as_json else told.notes():
        output.note(f"{outcome.address}: {note}")


def _sum_up(count: int, done: int, failed: int, left: int, *, forget: bool, on_list_of_ses: bool) -> None:
    """Say what was done; ``on_list_of_ses``: an address is on SES's own list, or may be, since it was not asked."""
    if done and forget and on_list_of_ses:
        output.line(f"Forgotten: {done:,}. The table lets them be mailed again, until new feedback says otherwise.")
    elif done and forget:
        output.line(f"Forgotten: {done:,}. They may be mailed again, until new feedback says otherwise.")
    elif done:
        output.line(f"Erased: {done:,}. Whether they may be mailed is as before.")
    if left:
        output.line(f"Left in another row: {left:,}.")
    if done or left:
        output.note("SES's own suppression list is not changed.")
    if (rest := count - done - failed - left) > 0:
        output.line(f"Nothing to {'forget' if forget else 'erase'}: {rest:,}.")
        output.note(
            "A row of the original article's function is found by its own spelling, or after `mailing reassess`."
        )
    if failed:
        output.line(f"Failed: {failed:,}. Run the command again.")
