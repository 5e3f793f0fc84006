"""What `mailing import` and `mailing export` do when something gets in between: other writers, refusals, an end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from healthy_mailing.evidence import Evidence, MarkKind, Rules, evidence_of
from healthy_mailing.table import Table
from healthy_mailing_cli.lists import importing
from healthy_mailing_cli.lists.files import parts
from healthy_mailing_cli.lists.formats.known import FORMATS
from healthy_mailing_cli.lists.importing import Tally, Writer, merged
from support.marks import mark
from support.table import TABLE

from .conftest import DynamoDB, Faults, items, meet_after_reading, refusal_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def table(client: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr("healthy_mailing.calls.time.sleep", lambda _: None)
    return Table(client, TABLE, Rules(), now=lambda: NOW)


def test_what_dynamodb_throttles_is_imported_all_the_same(
    client: DynamoDB, table: Table, faults: Faults, tmp_path: Path
) -> None:
    path, kind, results = tmp_path / "list.csv", FORMATS["sendgrid-unsubscribes"], []
    faults["BatchExecuteStatement"] = refusal_of("3@example.com", "ProvisionedThroughputExceeded", times=25)
    for created in (1417885600, 1417885600, 1500000000):
        path.write_text("\n".join(["email,created", *(f"{number}@example.com,{created}" for number in range(8))]))
        (part,), tally = parts(path), Tally()
        importing.take(part, kind, "", tally, Writer(table, "here", part, kind, ""))
        results.append(tally.results)
    assert results == [{"nowDisable": 8}, {"knownBefore": 8}, {"sameState": 8}]
    assert len(items(client)) == 8


def test_two_imports_and_the_function_at_once_come_to_the_same(client: DynamoDB) -> None:
    addresses = [f"{number}@example.com" for number in range(30)]
    kinds = (MarkKind.HARD_BOUNCE, MarkKind.OPT_OUT, MarkKind.DELIVERY)
    writers: list[dict[str, Evidence]] = [
        {address: evidence_of([mark(kind, day)]) for address in addresses} for day, kind in enumerate(kinds, 1)
    ]
    others = [Table(client, TABLE, Rules(), now=lambda: NOW) for _ in writers]
    meet_after_reading(len(writers), client)
    with ThreadPoolExecutor(len(writers)) as threads:
        done = list(threads.map(lambda each: list(merged(*each)), zip(others, writers, strict=True)))
    assert {outcome.error for outcomes in done for outcome in outcomes} == {""}
    expected = {"hardBounce", "optOut", "delivery"}
    assert {frozenset(item["evidence"]["M"]) for item in items(client).values()} == {frozenset(expected)}
    assert {item["state"]["S"] for item in items(client).values()} == {"disable"}
    assert {item["transactional"]["S"] for item in items(client).values()} == {"enable"}
    assert len(items(client)) == 30
