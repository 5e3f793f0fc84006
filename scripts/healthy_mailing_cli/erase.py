"""``mailing erase``: what is known of a person beyond need, or all of it.

Needs what decisions need; ``--forget`` needs ``dynamodb:BatchGetItem`` and ``dynamodb:DeleteItem`` alone.
"""

from typing import Annotated

import typer

from healthy_mailing import operations
from healthy_mailing.table import Outcome, TableError
from healthy_mailing_cli import addresses, errors, output
from healthy_mailing_cli.connection import Connection, Function, connected, soon
from healthy_mailing_cli.decide import WINDOW

Forget = Annotated[bool, typer.Option("--forget", help="Delete all that is known: the address may be mailed again.")]


@connected
def erase(
    connection: Connection,
    given: addresses.Given,
    forget: Forget = False,
    function: Function = None,
    column: addresses.Column = None,
    encoding: addresses.Encoding = None,
    yes: output.Yes = False,
    dry_run: output.DryRun = False,
    as_json: output.AsJson = False,
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
    what = f"{verb} {output.counted(len(found.addresses), 'address')}: {output.some(found.addresses)}"
    if forget:
        what += ", which may then be mailed again"
    if dry_run:
        output.would(what, ({"address": each} for each in found.addresses), as_json=as_json)
        return
    if found.addresses and (forget or len(found.addresses) > output.FEW):
        output.confirm(f"{what}?", yes=yes)
    table = connection.open() if forget else connection.open(connection.rules(function))
    act = operations.forget if forget else operations.erase
    done, failed = 0, 0
    with output.progress("Erase") as counter:
        counter.expect(len(found.addresses))
        for window in output.windows(found.addresses, WINDOW):
            for outcome in act(table, window, soon()):
                done += outcome.written
                failed += bool(outcome.error)
                _tell(outcome, forget=forget, as_json=as_json)
            counter.add(len(window))
    if not as_json:
        _sum_up(len(found.addresses), done, failed, forget=forget)
    if failed or found.problems:
        raise typer.Exit(output.NO)


def _tell(outcome: Outcome, *, forget: bool, as_json: bool) -> None:
    """Say what became of one address: each in JSON, else those that failed."""
    if as_json:
        done = {"forgotten" if forget else "erased": outcome.written}
        output.ndjson({"address": outcome.address, **done, **errors.told(outcome.error)})
    elif outcome.error:
        output.note(f"{outcome.address}: not done. {errors.sentence(TableError(outcome.error))}.")


def _sum_up(count: int, done: int, failed: int, *, forget: bool) -> None:
    if done and forget:
        output.line(f"Forgotten: {done:,}. They may be mailed again, until new feedback says otherwise.")
    elif done:
        output.line(f"Erased: {done:,}. Whether they may be mailed is as before.")
    if rest := count - done - failed:
        output.line(f"Nothing to {'forget' if forget else 'erase'}: {rest:,}.")
    if failed:
        output.line(f"Failed: {failed:,}. Run the command again.")
