"""What the index must cost: a number that follows from the rules, to hold the measured one against.

The index lists the addresses that must not be mailed, by when they last changed. So an address that enters or leaves
the list costs one write of its entry. One that is on the list and changes costs two, as the time is part of the key.
Source: Amazon DynamoDB Developer Guide, "Using Global Secondary Indexes", "Write costs".

The marks of a message, what is kept of them, the state and the item are those of the oracles of the tests, which are
independent of the code that is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench import capacity
from faults import oracle as items
from healthy_mailing.evidence import Mark, Rules
from healthy_mailing.item import to_dynamodb
from unit import oracle

_RULES = Rules()
_WRITTEN = {"version": 1, "updatedAt": "2026-01-31T12:00:00.000Z"}  # as large as any of the bench's


@dataclass(frozen=True)
class Cost:
    """What messages do to the list.

    Attributes:
        moves: How many times an address enters or leaves it.
        changes: How many times an entry changes.
        units: What all that costs in write units: one for a move, two for a change, of each KB of an entry.
    """

    moves: int
    changes: int
    units: int


def cost(messages: Sequence[str], batch: int) -> Cost:
    """Return what messages must cost that arrive in batches of a size."""
    held: dict[str, list[Mark]] = {}
    moves = changes = units = 0
    for start in range(0, len(messages), batch):
        arrived: dict[str, list[Mark]] = {}
        for message in messages[start : start + batch]:
            for address, mark in items.marks_of(message):
                arrived.setdefault(address, []).append(mark)
        for address, marks in arrived.items():
            before = held.get(address, [])
            after = oracle.kept(before + marks)
            if oracle.changes_no_answer(before, after):
                continue  # nothing is written
            held[address] = after
            was, now = _entry_units(address, before), _entry_units(address, after)
            units += was + now
            moves += (was > 0) != (now > 0)
            changes += was > 0 and now > 0
    return Cost(moves, changes, units)


def _entry_units(address: str, marks: list[Mark]) -> int:
    """Return the write units of an address's entry; 0 if it is not on the list."""
    if not marks or oracle.verdict(marks, _RULES).state == "enable":
        return 0
    entry = items.item(address, marks, _RULES) | _WRITTEN
    return capacity.write_units(None, to_dynamodb(entry))
