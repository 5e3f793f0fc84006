"""Erases personal details of addresses, and keeps them from being mailed again."""

from collections.abc import Sequence
from dataclasses import replace

from healthy_mailing.evidence import erased
from healthy_mailing.row import Outcome, Spellings
from healthy_mailing.table import Table
from healthy_mailing_cli.table.moving import move

_NONE: Spellings = {}


def erase(table: Table, addresses: Sequence[str], deadline: float, *, spellings: Spellings = _NONE) -> list[Outcome]:
    """Erase personal details from the evidence about canonical addresses, except what the state needs.

    It erases diagnostic texts, SES's ids, senders, notes and names. It keeps the address, its states and its reason, so
    that it is not mailed again (``evidence.erased``). Repeated feedback does not bring details back. Neither does a
    program that merges at the same time, because of the condition on the version, as in ``remove_override``. Attributes
    of other programs stay. A row in another spelling is merged into the canonical one and deleted. Errors as in
    ``Table.add``.
    """
    done = table.edit(dict.fromkeys(addresses, erased), deadline, spellings=spellings, consistent=True, exact=True)
    moved = {outcome.address: outcome for outcome in move(table, _of(spellings, addresses), deadline)}
    return [_with_error_of(outcome, moved.get(outcome.address)) for outcome in done]


def _of(spellings: Spellings, addresses: Sequence[str]) -> Spellings:
    return {address: spellings[address] for address in addresses if address in spellings}


def _with_error_of(outcome: Outcome, other: Outcome | None) -> Outcome:
    return replace(outcome, error=outcome.error or other.error) if other else outcome
