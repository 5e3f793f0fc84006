"""What `mailing import` and `mailing export` do when something gets in between: other writers, refusals, an end."""

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from healthy_mailing.evidence import Evidence, Mark, MarkKind, Rules, State, evidence_of
from healthy_mailing.table import Table, TableError
from healthy_mailing_cli.lists import exporting, importing
from healthy_mailing_cli.lists.exporting import Form
from healthy_mailing_cli.lists.files import Part, parts
from healthy_mailing_cli.lists.formats.known import FORMATS
from healthy_mailing_cli.lists.importing import Tally, Writer, merged
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.table.scan import Scan
from support.table import TABLE

from .conftest import Answer, items, meet_after_reading, refusal, refusal_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def mark(kind: MarkKind, day: int) -> Mark:
    detail = (("bounceType", "Permanent"), ("subType", "General")) if kind is MarkKind.HARD_BOUNCE else ()
    return Mark(
        kind=kind, at=f"2026-01-{day:02}T12:00:00.000Z", feedback_id="f", message_id="m", sender="s", detail=detail
    )


@pytest.fixture
def table(client: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr("healthy_mailing.calls.time.sleep", lambda _: None)
    return Table(client, TABLE, Rules(), now=lambda: NOW)


@pytest.fixture
def part(tmp_path: Path) -> Part:
    """A list of nine bounces, one of them refused."""
    path = tmp_path / "list.csv"
    rows = [f"5.1.1,x,{number}@example.com,1417885600" for number in range(9)]
    rows[4] = "5.1.1,x,nobody,1417885600"
    path.write_text("\n".join(["status,reason,email,created", *rows]))
    (found,) = parts(path)
    return found


def take(table: Table, part: Part) -> Tally:
    """Import a list and return what became of it."""
    tally = Tally()
    kind = FORMATS["sendgrid-bounces"]
    importing.take(part, kind, "", tally, Writer(table, "here", part, kind, ""))
    return tally


def test_an_interrupted_import_goes_on_where_it_was(
    client: "DynamoDBClient",
    table: Table,
    part: Part,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(importing, "WINDOW", 3)
    add, begun = table.add, []

    def interrupted(evidence: dict[str, Evidence], deadline: float) -> Any:
        begun.append(set(evidence))
        if len(begun) == 2:
            raise KeyboardInterrupt
        return add(evidence, deadline)

    monkeypatch.setattr(table, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        take(table, part)
    assert len(items(client)) == 3
    assert [path.name for path in sorted(part.path.parent.iterdir())] == ["list.csv", "list.csv.progress"]

    tally = take(table, part)
    assert len(items(client)) == 8
    assert begun[2:] == [begun[1], {"7@example.com", "8@example.com"}]
    assert tally.results == {"imported before": 3, "now disable": 5}
    assert (tally.rows, tally.refused) == (9, 1)
    assert "behind the first 3 rows" in capsys.readouterr().err
    # Nothing is left but what was refused, also before the interruption.
    assert [path.name for path in sorted(part.path.parent.iterdir())] == ["list.csv", "list.csv.refused.csv"]


@pytest.mark.parametrize(
    "noted", ["", "[]", "{}", '{"rows": 3}', '{"list": "another", "rows": 3}', '{"list": "LIST", "rows": "x"}']
)
def test_a_note_of_another_import_is_none(client: "DynamoDBClient", table: Table, part: Part, noted: str) -> None:
    others = {"as": "sendgrid-bounces", "at": "", "encoding": "", "table": "here"}
    text = noted.replace("LIST", f"{part} {part.size}").removesuffix("}") + f", {json.dumps(others)[1:]}"
    part.beside(".progress").write_text(text if "LIST" in noted else noted)
    assert take(table, part).results == {"now disable": 8}
    assert len(items(client)) == 8


def test_what_dynamodb_throttles_is_imported_all_the_same(
    client: "DynamoDBClient", table: Table, part: Part, faults: dict[str, Answer]
) -> None:
    faults["BatchExecuteStatement"] = refusal_of("3@example.com", "ProvisionedThroughputExceeded", times=25)
    assert take(table, part).results == {"now disable": 8}
    assert len(items(client)) == 8


def test_an_address_that_dynamodb_refuses_is_named_and_comes_again(  # noqa: PLR0913, PLR0917  (fixtures)
    client: "DynamoDBClient",
    table: Table,
    part: Part,
    faults: dict[str, Answer],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(importing, "WINDOW", 3)
    faults["BatchExecuteStatement"] = refusal_of("5@example.com", "ValidationError")
    assert take(table, part).results == {"now disable": 7, "failed": 1}
    assert "5@example.com: not imported. DynamoDB refused: ValidationError." in capsys.readouterr().err
    assert part.beside(".progress").exists()
    faults.clear()
    # From the first window on that was not whole.
    assert take(table, part).results == {"imported before": 3, "now disable": 1, "known before": 4}
    assert len(items(client)) == 8
    assert not part.beside(".progress").exists()


def test_an_import_that_dynamodb_does_not_let_write_ends_at_once(
    table: Table, part: Part, faults: dict[str, Answer]
) -> None:
    faults["BatchExecuteStatement"] = refusal("AccessDeniedException")
    with pytest.raises(TableError, match="AccessDeniedException"):
        take(table, part)


def test_two_imports_and_the_function_at_once_come_to_the_same(client: "DynamoDBClient") -> None:
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


class Here:
    """Where the table is, as a connection has it."""

    table = TABLE
    endpoint_url = None

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client

    def core_session(self) -> "Here":
        return self

    def register_component(self, *_: object) -> None:
        """Take no parser: the client is there already."""

    def create_client(self, *_: object, **__: object) -> "DynamoDBClient":
        return self._client

    def place(self) -> str:
        return "here"


PAGE = 4


class Paged:
    """A client that gives few items a page, of the part of the table that is asked for, and notes what it was asked."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client
        self.meta = client.meta
        self.asked: list[str] = []
        self.left = 1_000_000

    def scan(self, **request: Any) -> Any:
        """Return a page of the items whose addresses are of the segment."""
        segment, segments = request.pop("Segment"), request.pop("TotalSegments")
        begin = request.get("ExclusiveStartKey", {"UserId": {"S": ""}})["UserId"]["S"]
        mine = [each for each in self._items if sum(each["UserId"]["S"].encode()) % segments == segment]
        return self._page("scan", [each for each in mine if each["UserId"]["S"] > begin])

    @cached_property
    def _items(self) -> list[Any]:
        """All items, in order. moto takes long to give them, and nothing changes them."""
        items: list[Any] = self._client.scan(TableName=TABLE)["Items"]
        return sorted(items, key=lambda item: str(item["UserId"]["S"]))

    def query(self, **request: Any) -> Any:
        self.asked.append("query")
        self._one_less()
        return self._client.query(**{"Limit": PAGE, **request})

    def _page(self, what: str, rest: list[Any]) -> Any:
        self.asked.append(what)
        self._one_less()
        page = rest[:PAGE]
        more = {"LastEvaluatedKey": {"UserId": page[-1]["UserId"]}} if len(rest) > PAGE else {}
        return {"Items": page, **more}

    def _one_less(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.fixture
def paged(client: "DynamoDBClient", table: Table) -> Paged:
    """A table of 40 addresses, of which 10 are disabled and 10 to be reviewed."""
    kinds = (MarkKind.DELIVERY, MarkKind.HARD_BOUNCE, MarkKind.UNDETERMINED, MarkKind.DELIVERY)
    table.add(
        {f"{number}@example.com": evidence_of([mark(kinds[number % 4], 1)]) for number in range(40)},
        time.monotonic() + 600,
    )
    return Paged(client)


def exported(paged: Paged, path: Path, *states: State, resume: bool = False) -> list[str]:
    """Export to a file and return the addresses in it, in order."""
    connection = cast("Connection", Here(cast("DynamoDBClient", paged)))
    lines = exporting.Lines(Form.NDJSON, set(states or State))
    exporting.to_file(path, Scan.over(connection, set(states or State), 3), lines, lambda _: None, resume=resume)
    found = [json.loads(line)["address"] for line in path.read_text().splitlines()]
    assert lines.count == len(found)
    return sorted(found)


ALL = sorted(f"{number}@example.com" for number in range(40))
BLOCKED = sorted(f"{number}@example.com" for number in range(40) if number % 4 in {1, 2})


@pytest.mark.parametrize("states", [(), (State.DISABLE, State.REVIEW)])
@pytest.mark.parametrize("requests", range(1, 9))
def test_an_interrupted_export_goes_on_where_it_was(
    paged: Paged, tmp_path: Path, requests: int, states: tuple[State, ...]
) -> None:
    path, wanted = tmp_path / "all.ndjson", BLOCKED if states else ALL
    paged.left = requests
    try:
        assert exported(paged, path, *states) == wanted
    except KeyboardInterrupt:
        assert not path.exists()
        before, paged.left = len(paged.asked), 1_000_000
        if (tmp_path / "all.ndjson.progress").exists():
            assert exported(paged, path, *states, resume=True) == wanted
            # Of what had been read no more than a page of each part is read again.
            whole = len(paged.asked)
            assert exported(paged, tmp_path / "again", *states) == wanted
            assert whole - before < len(paged.asked) - whole + 1
    assert {each.suffix for each in tmp_path.iterdir()} <= {".ndjson", "", ".part"}


def test_an_export_of_who_may_not_be_mailed_reads_the_index_alone(paged: Paged, tmp_path: Path) -> None:
    assert exported(paged, tmp_path / "out", State.DISABLE) == [
        each for each in BLOCKED if int(each.split("@")[0]) % 4 == 1
    ]
    assert set(paged.asked) == {"query"}
    assert exported(paged, tmp_path / "out", State.DISABLE, State.ENABLE) == [
        each for each in ALL if int(each.split("@")[0]) % 4 != 2
    ]
    assert paged.asked[-1] == "scan"


def test_a_table_without_the_index_is_read_whole(paged: Paged, faults: dict[str, Answer], tmp_path: Path) -> None:
    faults["Query"] = refusal("ValidationException")
    assert exported(paged, tmp_path / "out", State.DISABLE, State.REVIEW) == BLOCKED
    assert set(paged.asked) == {"query", "scan"}


def test_only_the_same_export_goes_on(paged: Paged, tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(CommandError, match="no interrupted export"):
        exported(paged, path, resume=True)
    paged.left = 5
    with pytest.raises(KeyboardInterrupt):
        exported(paged, path)
    paged.left = 1_000_000
    with pytest.raises(CommandError, match="another states"):
        exported(paged, path, State.DISABLE, resume=True)
    (tmp_path / "out.part").write_text("")
    with pytest.raises(CommandError, match="no interrupted export"):
        exported(paged, path, resume=True)
    assert exported(paged, path) == ALL


def rows_of(client: "DynamoDBClient", form: Form) -> str:
    lines = exporting.Lines(form, set(State))
    text = io.StringIO(lines.header)
    text.seek(0, io.SEEK_END)
    connection = cast("Connection", Here(client))
    for found, _ in Scan.over(connection, set(State), 1).pages():
        text.write(lines.of(found))
    return text.getvalue()


def test_what_others_wrote_is_exported_as_what_it_stands_for(client: "DynamoDBClient") -> None:
    original = {"UserId": "old@example.com", "notificationType": "Bounce", "from": "s", "state": "disable"}
    original["timestamp"] = "2016-01-27T14:59:38.237Z"
    client.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in original.items()})
    odd = {"UserId": {"S": "odd@example.com"}, "state": {"S": "disable"}, "reason": {"S": "theirs"}}
    client.put_item(TableName=TABLE, Item=odd | {"transactional": {"N": "5"}, "evidence": {"M": {"other": {"S": "x"}}}})
    found = {each["address"]: each for each in map(json.loads, rows_of(client, Form.NDJSON).splitlines())}
    assert found["old@example.com"]["evidence"]["hardBounce"]["at"] == original["timestamp"]
    assert (found["odd@example.com"]["state"], found["odd@example.com"]["reason"]) == ("review", "unreadable")
    assert set(rows_of(client, Form.CSV).splitlines()) == {
        "address,state,transactional,reason,type,sender,time",
        "old@example.com,disable,disable,bounce:Permanent/Undetermined,Bounce,s,2016-01-27T14:59:38.237Z",
        "odd@example.com,review,review,unreadable,,,",
    }


def test_no_two_tables_are_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an import that one account's table interrupted would go on in another's, without its beginning."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    places = set()
    for account in ("111111111111", "222222222222"):
        monkeypatch.setattr(Connection, "caller", lambda _, account=account: f"arn:aws:sts::{account}:assumed-role/a/b")
        for endpoint in (None, "http://127.0.0.1:4566"):
            for region in ("eu-west-1", "us-east-1"):
                places |= {Connection(table, region, endpoint).place() for table in ("mailing", "other")}
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4567")
        places.add(Connection("mailing", "eu-west-1").place())
        monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert len(places) == 2 * (2 * 2 * 2 + 1)
