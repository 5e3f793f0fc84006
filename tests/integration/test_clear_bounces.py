"""What `mailing clear-bounces` does with addresses on SES's own list, and where that is interrupted."""

from typing import Any

import pytest

from healthy_mailing.evidence import MarkKind, evidence_of
from healthy_mailing_cli.decisions.clearing import Clear
from healthy_mailing_cli.decisions.selection import Selected
from support.marks import mark

from .conftest import DynamoDB, items, table_of, write

UNTIL, REMOVED = "2026-03-02T01:38:00.000Z", "2026-03-10T10:00:00.999Z"
ROWS = [
    Selected("a@example.com", UNTIL, "A@example.com"),
    Selected("b@example.com", UNTIL),
    Selected("c@example.com", UNTIL, "c@example.com"),
    Selected("c@example.com", UNTIL, "C@example.com"),
]
"""Those that bounced."""


class Fake:
    """SES's list, which is interrupted at an address."""

    def __init__(self, interrupted: str = "") -> None:
        self.removed: list[str] = []
        self._interrupted = interrupted

    def remove(self, spelling: str) -> str:
        self.removed.append(spelling)
        if spelling == self._interrupted:
            raise KeyboardInterrupt
        return REMOVED


def cleared_until(client: DynamoDB) -> dict[str, str | None]:
    marks = {address[0]: item["evidence"]["M"].get("bouncesCleared") for address, item in items(client).items()}
    return {name: cleared and cleared["M"]["at"]["S"] for name, cleared in marks.items()}


def clearing(client: DynamoDB, suppressed: Any) -> Clear:
    write(client, {f"{name}@example.com": evidence_of([mark(MarkKind.HARD_BOUNCE)]) for name in "abc"})
    return Clear(table_of(client), suppressed, "dana", "")


def test_who_is_taken_off_the_list_is_cleared_until_then(client: DynamoDB) -> None:
    fake = Fake()
    clear = clearing(client, fake)
    assert [(outcome.address[0], outcome.error) for outcome, _ in clear(ROWS)] == [("b", ""), ("a", ""), ("c", "")]
    assert fake.removed == ["A@example.com", "c@example.com", "C@example.com"]
    assert cleared_until(client) == {"a": REMOVED, "b": UNTIL, "c": REMOVED}
    # Before its bounce is reported, too.
    ((outcome, _),) = clear([Selected("d@example.com", UNTIL, "d@example.com")])
    assert (outcome.written, cleared_until(client)["d"]) == (True, REMOVED)


def test_without_the_list_all_are_cleared_until_the_end_of_the_outage(client: DynamoDB) -> None:
    assert len(list(clearing(client, None)(ROWS))) == 3
    assert cleared_until(client) == {"a": UNTIL, "b": UNTIL, "c": UNTIL}


def test_an_interruption_leaves_nobody_off_the_list_and_blocked(client: DynamoDB) -> None:
    """Whether the list was changed is not known then, and the next run would not find the address by it."""
    with pytest.raises(KeyboardInterrupt):
        list(clearing(client, Fake("A@example.com"))(ROWS))
    assert cleared_until(client) == {"a": UNTIL, "b": UNTIL, "c": None}
