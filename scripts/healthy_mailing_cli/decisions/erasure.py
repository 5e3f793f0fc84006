"""Erases what identifies people, or forgets them, and names what is left of them."""

from collections.abc import Iterator, Sequence

from healthy_mailing.item import ADDRESS, Item, RecordError, evidence_in
from healthy_mailing.table import Table
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.ses.suppression_list import Asking, Told
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import WINDOW, step_deadline
from healthy_mailing_cli.shell.explanation import argument
from healthy_mailing_cli.shell.outcomes import Outcomes
from healthy_mailing_cli.table import deleting, erasing, lookups
from healthy_mailing_cli.table.erasing import erased


def erase(table: Table, given: addresses.Read, ask: Asking, outcomes: Outcomes, *, forget: bool) -> bool:
    """Erase what identifies people, or with ``forget`` all that is known of them.

    Returns:
        Whether none of them is on SES's own list, as far as it was asked: it is asked about a few.
    """
    act = deleting.delete if forget else erasing.erase
    none_listed = are_few = len(given.addresses) <= output.FEW
    with output.progress("Erase") as counter:
        counter.expect(len(given.addresses))
        for window in output.windows(given.addresses, WINDOW):
            done = act(table, window, step_deadline(), spellings=given.spellings)
            beside = lookups.rows_beside(table, window, step_deadline(), spellings=given.spellings)
            for outcome in done:
                address = outcome.address
                left = [item[ADDRESS] for item in beside.get(address, ()) if forget or _has_details(item)]
                told = Told()
                if are_few and not outcome.error:
                    told = ask([address, *given.spellings.get(address, ())])
                    none_listed = none_listed and not told.entries
                if outcome.error:
                    result = "failed"
                elif left:
                    result = "left"
                else:
                    result = ("forgotten" if forget else "erased") if outcome.written else "nothing"
                fields = ({"left": left} if left else {}) | told.as_json()
                notes = _notes(left, told, forget=forget)
                outcomes.add(address, result, error=outcome.error, fields=fields, notes=notes)
            counter.add(len(window))
    return none_listed


def _has_details(item: Item) -> bool:
    """Return whether there is anything to erase in an item; one that is not a record may hold anything."""
    try:
        evidence = evidence_in(item)
    except RecordError:
        return True
    return erased(evidence) != evidence


def _notes(left: Sequence[str], told: Told, *, forget: bool) -> Iterator[str]:
    """Yield which rows are left that lookups of an address read too, and what SES's own list has of it."""
    for key in left:
        command = f"mailing erase{' --forget' if forget else ''} {argument(key)}"
        yield (
            f"{key} is left. Some programs take one for the other, so lookups read both rows. If both are one "
            f"person's, `{command}`."
        )
    yield from told.notes()
