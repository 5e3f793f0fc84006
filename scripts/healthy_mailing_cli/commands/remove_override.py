"""``mailing remove-override``: a person's decision taken back.

Needs ``dynamodb:BatchGetItem`` and ``dynamodb:PartiQLUpdate`` on the table, and ``lambda:GetFunctionConfiguration`` on
the function.
"""

from healthy_mailing import operations
from healthy_mailing.address import spellings
from healthy_mailing.evidence import State
from healthy_mailing.item import REASON, STATE
from healthy_mailing.operations import UnreadableError
from healthy_mailing.row import UNREADABLE, Outcome
from healthy_mailing.table import TableError
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.addresses import canonical_one
from healthy_mailing_cli.shell.connection import Connection, step_deadline
from healthy_mailing_cli.shell.explanation import followed, other_row
from healthy_mailing_cli.table import lookups


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
    if as_json:
        output.ndjson({"address": key, "result": "removed" if outcome else "nothing", **followed(key, item)})
    else:
        state, reason = item.get(STATE, State.ENABLE), item.get(REASON, "nothing is known")
        output.line(f"{key}: {f'the override is gone; {state} ({reason})' if outcome else 'there is no override'}")
        if other := other_row(key, item, "remove-override" if reason == "operator" else "explain"):
            output.note(f"{key}: {other}")
    options.end(done=outcome is not None)
