"""What several steps made of one address."""

from collections.abc import Sequence

from healthy_mailing.row import Outcome

CONDITION_FAILED = "ConditionalCheckFailedException"
"""The error of a request whose condition another writer came before."""


def together(address: str, outcomes: Sequence[Outcome]) -> Outcome:
    """Return one outcome for several that an address had, one after the other."""
    return Outcome(
        address,
        any(each.written for each in outcomes),
        next((each.change for each in outcomes if each.change), None),
        sum(each.conflicts for each in outcomes),
        next((each.error for each in outcomes if each.error), ""),
        sum(each.moved for each in outcomes),
        outcomes[0].held,
        next((each.item for each in reversed(outcomes) if each.item), {}),
    )
