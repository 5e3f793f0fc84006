"""By which items lookups answer about addresses that a command changes."""

from collections.abc import Iterable

from healthy_mailing.address import forms
from healthy_mailing.evidence import Purpose, State
from healthy_mailing.item import Item, state_of
from healthy_mailing.operations import decisive
from healthy_mailing.row import Outcome, Spellings
from healthy_mailing.table import Table


def weighed(
    table: Table, outcomes: Iterable[Outcome], deadline: float, *, spellings: Spellings
) -> list[tuple[Outcome, Item]]:
    """Return what became of some addresses, each with the item by which lookups now answer; empty if nothing is known.

    Where ``spellings`` says how an address was given, that is what ``check`` goes by: it may be the item of another of
    its keys (``address.forms``). Of several that block, one that blocks transactional mail counts.

    Raises:
        TableError: DynamoDB refused, or the deadline passed.
    """
    done = list(outcomes)
    keys = {
        outcome.address: _all_keys(outcome.address, spellings)
        for outcome in done
        if outcome.address in spellings and not outcome.error
    }
    read = (key for each in keys.values() for key in each)
    items = table.read(read, deadline, spellings=spellings, consistent=True) if keys else {}
    found: dict[str, Item] = {}
    for address, each in keys.items():
        strictest = items[decisive(each, items, Purpose.TRANSACTIONAL, spellings)]
        if strictest is None or state_of(strictest, Purpose.TRANSACTIONAL) is State.ENABLE:
            strictest = items[decisive(each, items, Purpose.BULK, spellings)]
        found[address] = strictest or {}
    return [(outcome, found.get(outcome.address, outcome.item)) for outcome in done]


def rows_beside(
    table: Table, addresses: Iterable[str], deadline: float, *, spellings: Spellings
) -> dict[str, list[Item]]:
    """Return, by canonical address, the items of other addresses that lookups of it read too, without those with none.

    ``spellings`` says how the addresses were given. Errors as in ``weighed``.
    """
    others = {
        address: [key for key in _all_keys(address, spellings)[1:] if key not in spellings[address]]
        for address in addresses
        if address in spellings
    }
    wanted = [key for each in others.values() for key in each]
    items = table.read(wanted, deadline, consistent=True) if wanted else {}
    found = {address: [item for key in each if (item := items[key])] for address, each in others.items()}
    return {address: each for address, each in found.items() if each}


def _all_keys(address: str, spellings: Spellings) -> list[str]:
    """Return the keys of an address that was given in some spellings, the canonical one first."""
    return list(dict.fromkeys([address, *(key for text in sorted(spellings[address]) for key in forms(text))]))
