"""Moves rows in other spellings of an address, as the original article's function wrote them, to its canonical row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import sleep
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.calls import chunks, is_past, pause
from healthy_mailing.evidence import Evidence, Record, merge
from healthy_mailing.item import ADDRESS, beside_evidence, from_dynamodb, to_dynamodb, to_item
from healthy_mailing.row import Edit, Outcome, Row, Spellings, planned
from healthy_mailing.table import KEYS_PER_READ, OUT_OF_TIME, Table, code_of
from healthy_mailing_cli.table.outcomes import CONDITION_FAILED, together

REPLICATION = 2.0
"""After how many seconds an eventually consistent read sees a write. It is usually less than one (Amazon DynamoDB
Developer Guide, "Read consistency")."""


def move(
    table: Table, spellings: Spellings, deadline: float, *, keep: bool = False, dry_run: bool = False
) -> list[Outcome]:
    """Merge rows in other ``spellings`` into the rows of their canonical addresses, then delete them.

    Errors as in ``Table.add``. At any moment, one of the two rows has the evidence, even to eventually consistent
    reads. So an interruption does no harm: move it again. A row that changes between the merge and its deletion is not
    deleted, but merged again. Attributes of other programs move along, unless the canonical row has one of that name.
    ``keep`` leaves the rows there. ``dry_run`` changes nothing: outcomes say what would happen if the rows of the
    canonical addresses were up to date with the rules.

    A row that is not a record stays, and is an error of its address.
    """
    outcomes: dict[str, Outcome] = {}
    left, attempt = {address: list(each) for address, each in spellings.items()}, 0
    while left:
        moved, left = _moved(table, left, deadline, keep=keep, dry_run=dry_run)
        for each in moved:
            before = [outcomes[each.address]] if each.address in outcomes else []
            outcomes[each.address] = together(each.address, [*before, each])
        if left:
            attempt += 1
            pause(attempt)
    return list(outcomes.values())


def _moved(
    table: Table, spellings: Mapping[str, Sequence[str]], deadline: float, *, keep: bool, dry_run: bool
) -> tuple[list[Outcome], dict[str, list[str]]]:
    """Try once to ``move`` rows. Return the outcomes, and the rows that changed meanwhile, to move them again."""
    keys = [key for each in spellings.values() for key in each]
    found: dict[str, Mapping[str, Any]] = {}
    errors: dict[str, str] = dict.fromkeys(keys, OUT_OF_TIME)  # of those that no call answers in time
    fetched, _ = table.calls.make(
        lambda chunk: table.fetch(chunk, deadline, consistent=True), chunks(keys, KEYS_PER_READ), deadline
    )
    for chunk, (items, error) in fetched:
        found |= items
        errors |= dict.fromkeys(chunk, error)
    rows = {key: Row.of(from_dynamodb(each)) for key, each in found.items()}
    errors |= {key: row.error for key, row in rows.items()}
    evidence: dict[str, Evidence] = {}
    for address, each in spellings.items():
        for key in each:
            if not errors[key] and key in rows:
                evidence[address] = merge(evidence.get(address, {}), rows[key].evidence)
    edits = {address: partial(merge, each) for address, each in evidence.items()}
    merged = _foreseen(table, edits, deadline) if dry_run else table.edit(edits, deadline, consistent=True, exact=True)
    of_address = {outcome.address: outcome for outcome in merged}
    movable = [
        (key, address)
        for address in evidence
        for key in spellings[address]
        if key in rows
        and not errors[key]
        and not of_address[address].error
        # What other programs keep of someone of whom nothing is known has no row to go to.
        and (of_address[address].item or not beside_evidence(found[key]))
    ]
    if movable and not keep and not dry_run:
        # Else a reader could find neither: the deletion on one replica, and on another not yet the merge.
        sleep(REPLICATION)
        removed, late = table.calls.make(
            lambda each: _removed(table, found[each[0]], each[1], deadline), movable, deadline
        )
        errors |= {key: code for (key, _), code in removed} | {key: OUT_OF_TIME for key, _ in late}
    outcomes = [
        together(
            address,
            [
                of_address.get(address, Outcome(address)),
                *(Outcome(address, error=errors[key]) for key in each if errors[key] != CONDITION_FAILED),
                Outcome(address, moved=sum(not errors[key] for key, of in movable if of == address)),
            ],
        )
        for address, each in spellings.items()
    ]
    again = {address: [key for key in each if errors[key] == CONDITION_FAILED] for address, each in spellings.items()}
    return outcomes, {address: each for address, each in again.items() if each}


def _foreseen(table: Table, edits: Mapping[str, Edit], deadline: float) -> list[Outcome]:
    """Return what ``Table.edit`` with ``exact`` would make of rows that were up to date with the rules."""
    rows = table.rows(list(edits), deadline, consistent=True)
    for address, row in rows.items():
        if row.item and not row.error:
            rows[address] = replace(row, item=to_item(address, Record.of(row.evidence, table.rules)))
    outcomes, writes = planned(rows, edits, table.rules, exact=True)
    return outcomes + [each.outcome() for each in writes]


def _removed(table: Table, found: Mapping[str, Any], address: str, deadline: float) -> str:
    """Delete a row of another spelling if it is still as it was found, and return the code of the error, if any.

    Before that, an address's row gets those of its attributes that it lacks and that do not follow from evidence.
    """
    others = beside_evidence(found)
    held = {name: value for name, value in found.items() if name != ADDRESS}
    try:
        if others and not is_past(deadline):
            table.client.update_item(
                TableName=table.name,
                Key=to_dynamodb({ADDRESS: address}),
                ConditionExpression=f"attribute_exists({ADDRESS})",
                UpdateExpression="SET "
                + ", ".join(f"#{number} = if_not_exists(#{number}, :{number})" for number in range(len(others))),
                **_placeholders(others),
            )
        if is_past(deadline):
            return OUT_OF_TIME
        # All attributes: the original article's function writes no version.
        table.client.delete_item(
            TableName=table.name,
            Key={ADDRESS: found[ADDRESS]},
            ConditionExpression=" AND ".join(f"#{number} = :{number}" for number in range(len(held))),
            **_placeholders(held),
        )
    except (ClientError, BotoCoreError) as error:
        return code_of(error)
    return ""


def _placeholders(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands for names and values in an expression: ``#0`` and ``:0`` for the first, and so on."""
    return {
        "ExpressionAttributeNames": {f"#{number}": name for number, name in enumerate(attributes)},
        "ExpressionAttributeValues": {f":{number}": value for number, value in enumerate(attributes.values())},
    }
