"""``mailing disable``: no mail to addresses, by a person's decision above the feedback.

Needs what ``enable`` needs, but for SES's list: ``dynamodb:BatchGetItem``, ``dynamodb:PartiQLInsert`` and
``dynamodb:PartiQLUpdate`` on the table, and ``lambda:GetFunctionConfiguration`` on the function.
"""

from healthy_mailing.evidence import State
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.decisions import overrides
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.shell.connection import Connection


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
    read = addresses.canonical_ones(given, column, encoding)
    fields = {"state": State.DISABLE}
    if options.agreed(State.DISABLE, read, yes=yes, dry_run=dry_run, as_json=as_json, fields=fields):
        done = overrides.set_overrides(connection, State.DISABLE, note, read, function, as_json=as_json)
        options.end(done=done and not read.problems)
