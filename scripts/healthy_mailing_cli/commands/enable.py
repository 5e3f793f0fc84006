"""``mailing enable``: mail to addresses, by a person's decision above the feedback.

Needs ``dynamodb:BatchGetItem``, ``dynamodb:PartiQLInsert`` and ``dynamodb:PartiQLUpdate`` on the table, and
``lambda:GetFunctionConfiguration`` on the function, whose rules a decision is weighed by like feedback. With
``ses:GetSuppressedDestination``, it tells whether SES's own list has an address too.
"""

from healthy_mailing.evidence import State
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.decisions import overrides
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.shell.connection import Connection


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
    read = addresses.canonical_ones(given, column, encoding)
    fields = {"state": State.ENABLE}
    if options.agreed(State.ENABLE, read, yes=yes, dry_run=dry_run, as_json=as_json, fields=fields):
        done = overrides.set_overrides(connection, State.ENABLE, note, read, function, as_json=as_json)
        options.end(done=done and not read.problems)
