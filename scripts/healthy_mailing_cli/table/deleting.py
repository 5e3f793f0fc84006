"""Deletes what is known of addresses."""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.calls import is_past, pause
from healthy_mailing.item import ADDRESS, VERSION, Item, from_dynamodb, to_attribute, to_dynamodb
from healthy_mailing.row import Outcome, Row, Spellings, as_read, keys_of
from healthy_mailing.table import OUT_OF_TIME, Table, code_of
from healthy_mailing_cli.table.outcomes import CONDITION_FAILED, together

_NONE: Spellings = {}


def delete(table: Table, addresses: Iterable[str], deadline: float, *, spellings: Spellings = _NONE) -> list[Outcome]:
    """Delete the items of canonical addresses, in any of ``spellings``, whatever they hold; errors as in ``Table.add``.

    ``written`` says whether there was one. Evidence that is merged at the same time is either deleted too, or
    creates a new item without anything from this one: a writer that read this one fails on its condition.
    """
    wanted = list(dict.fromkeys(addresses))
    rows = table.rows(keys_of(wanted, spellings), deadline, consistent=True)
    held = [(key, row) for key, row in rows.items() if row.item]
    deleted, late = table.calls.make(lambda each: _deleted(table, *each, deadline), held, deadline)
    of_key = {
        **{key: Outcome(key, error=row.error) for key, row in rows.items() if not row.item},
        **{outcome.address: outcome for _, outcome in deleted},
        **{key: Outcome(key, error=OUT_OF_TIME) for key, _ in late},
    }
    return [together(address, [of_key[key] for key in (address, *spellings.get(address, ()))]) for address in wanted]


def _deleted(table: Table, address: str, row: Row, deadline: float) -> Outcome:
    """Delete the item that was read, and later versions of it, but no other that took its place."""
    conflicts = 0
    while not is_past(deadline):
        conditions = as_read(row.item)
        parts = [f"attribute_exists({ADDRESS})"]
        parts += [
            f"attribute_not_exists(#{name})" if value is None else f"#{name} = :{name}" for name, value in conditions
        ]
        request: dict[str, Any] = {
            "TableName": table.name,
            "Key": to_dynamodb({ADDRESS: address}),
            "ConditionExpression": " AND ".join(parts),
        }
        # DynamoDB refuses an empty map of either.
        if names := {f"#{name}": name for name, _ in conditions}:
            request["ExpressionAttributeNames"] = names
        if values := {f":{name}": to_attribute(value) for name, value in conditions if value is not None}:
            request["ExpressionAttributeValues"] = values
        try:
            table.client.delete_item(**request)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) != CONDITION_FAILED:
                return Outcome(address, conflicts=conflicts, error=code_of(error))
        else:
            return Outcome(address, written=True, conflicts=conflicts)
        conflicts += 1
        pause(conflicts)
        before, row = row, _row(table, address, deadline)
        if not row.item or _took_the_place(row.item, before.item):
            # Where the answer to a deletion was lost, botocore asks again and finds nothing, or something new.
            return Outcome(address, written=not row.error, conflicts=conflicts, error=row.error)
    return Outcome(address, conflicts=conflicts, error=OUT_OF_TIME)


def _row(table: Table, address: str, deadline: float) -> Row:
    """Read a row without ``Table.rows``, which would wait for a thread like the one that asks."""
    found, error = table.fetch([address], deadline, consistent=True)
    return Row.of(from_dynamodb(found[address])) if address in found else Row(error=error)


def _took_the_place(item: Item, before: Item) -> bool:
    """Return whether an item was made after another one of its address was deleted: its version began again."""
    version, version_before = item.get(VERSION), before.get(VERSION)
    return type(version) is int and type(version_before) is int and version <= version_before
