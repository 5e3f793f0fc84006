"""What `mailing clear-bounces` does with addresses on SES's own list, and where that is interrupted."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from healthy_mailing.evidence import MarkKind, Rules, evidence_of
from healthy_mailing.table import Table
from healthy_mailing_cli.decisions.clearing import Clear
from healthy_mailing_cli.decisions.selection import Selected
from support.marks import mark
from support.table import TABLE

from .conftest import items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from healthy_mailing_cli.ses.suppression_list import SuppressionList

UNTIL, BOUNCED, REMOVED = "2020-12-15T01:38:00.000Z", "2020-12-14T23:00:00.000Z", "2020-12-20T10:00:00.999Z"


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


@pytest.fixture
def table(client: "DynamoDBClient") -> Table:
    """A table in which three addresses have bounced."""
    bounce = mark(MarkKind.HARD_BOUNCE, BOUNCED)
    table = Table(client, TABLE, Rules(), now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    table.add({f"{name}@example.com": evidence_of([bounce]) for name in "abc"}, time.monotonic() + 600)
    return table


def cleared_until(client: "DynamoDBClient") -> dict[str, str | None]:
    found = {}
    for address, item in items(client).items():
        mark = item["evidence"]["M"].get("bouncesCleared")
        found[address[0]] = mark and mark["M"]["at"]["S"]
    return found


ROWS = [
    Selected("a@example.com", UNTIL, "A@example.com"),
    Selected("b@example.com", UNTIL),
    Selected("c@example.com", UNTIL, "c@example.com"),
    Selected("c@example.com", UNTIL, "C@example.com"),
]


def test_who_is_taken_off_the_list_is_cleared_until_then(client: "DynamoDBClient", table: Table) -> None:
    fake = Fake()
    clear = Clear(table, cast("SuppressionList", fake), "dana", "")
    assert [(outcome.address[0], outcome.error) for outcome, _ in clear(ROWS)] == [("b", ""), ("a", ""), ("c", "")]
    assert fake.removed == ["A@example.com", "c@example.com", "C@example.com"]
    assert cleared_until(client) == {"a": REMOVED, "b": UNTIL, "c": REMOVED}


def test_without_the_list_all_are_cleared_until_the_end_of_the_outage(client: "DynamoDBClient", table: Table) -> None:
    assert len(list(Clear(table, None, "dana", "")(ROWS))) == 3
    assert cleared_until(client) == {"a": UNTIL, "b": UNTIL, "c": UNTIL}


def test_who_is_taken_off_the_list_is_cleared_before_the_bounce_is_reported(
    client: "DynamoDBClient", table: Table
) -> None:
    clear = Clear(table, cast("SuppressionList", Fake()), "dana", "")
    ((outcome, _),) = clear([Selected("d@example.com", UNTIL, "d@example.com")])
    assert outcome.written
    assert cleared_until(client)["d"] == REMOVED


def test_an_interruption_leaves_nobody_off_the_list_and_blocked(client: "DynamoDBClient", table: Table) -> None:
    """Whether the list was changed is not known then, and the next run would not find the address by it."""
    clear = Clear(table, cast("SuppressionList", Fake("A@example.com")), "dana", "")
    with pytest.raises(KeyboardInterrupt):
        list(clear(ROWS))
    assert cleared_until(client) == {"a": UNTIL, "b": UNTIL, "c": None}
