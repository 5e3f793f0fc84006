"""``mailing erase``: what is known of a person beyond need, or all of it.

Needs what decisions need, and what `mailing reassess` needs for a row in another spelling than the canonical one.
``--forget`` needs ``dynamodb:BatchGetItem`` and ``dynamodb:DeleteItem`` alone. With ``ses:GetSuppressedDestination``,
both tell whether SES's own list still has an address.
"""

from typing import Annotated

import typer

from healthy_mailing_cli.commands import options
from healthy_mailing_cli.decisions import erasure
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.ses.suppression_list import Asking
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.outcomes import Failures, Outcomes

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
    read = addresses.canonical_ones(given, column, encoding)
    what, end = ("forget", ", which may then be mailed again") if forget else ("erase what identifies", "")
    if not options.agreed(what, read, yes=yes, dry_run=dry_run, as_json=as_json, always_ask=forget, end=end):
        return
    table = connection.open() if forget else connection.open(connection.rules(function))
    words = {
        "erased": "Erased: {}. Whether they may be mailed is as before.",
        "forgotten": "Forgotten: {}. They may be mailed again, until new feedback says otherwise.",
        "left": "Left in another row: {}.",
        "nothing": f"Nothing to {'forget' if forget else 'erase'}: {{}}.",
        "failed": "Failed: {}. Run the command again.",
    }
    outcomes = Outcomes(words, as_json, Failures("not done"), ("left", "failed"))
    if not erasure.erase(table, read, Asking(connection), outcomes, forget=forget):
        words["forgotten"] = "Forgotten: {}. The table lets them be mailed again, until new feedback says otherwise."
    outcomes.sum_up()
    if not as_json:
        if outcomes.counts.keys() & {"erased", "forgotten", "left"}:
            output.note("SES's own suppression list is not changed.")
        if outcomes.counts["nothing"]:
            output.note(
                "A row of the original article's function is found by its own spelling, or after `mailing reassess`."
            )
    options.end(done=outcomes.is_done and not read.problems)
