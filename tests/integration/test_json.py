"""What every command prints with `--json` is what docs/reference.md says."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness import paths
from healthy_mailing.evidence import MarkKind, State, evidence_of, override
from healthy_mailing_cli.__main__ import COMMANDS
from healthy_mailing_cli.doctor.examination import Finding, Level
from healthy_mailing_cli.ses.difference import Pushed
from healthy_mailing_cli.ses.suppression_list import Entry, SesReason, SuppressionList
from healthy_mailing_cli.table.annotating import annotate
from support import ses
from support.marks import mark
from support.table import TABLE

from .conftest import DynamoDB, Faults, Run, article, refusal_of, soon, table_of, write

BEFORE, LATER = "2026-03-01T12:00:00.000Z", "2026-03-02T12:00:00.000Z"
SECTION = (paths.ROOT / "docs" / "reference.md").read_text().partition("## JSON of the command line")[2]
SECTION = SECTION.partition("\n## ")[0]


def tables() -> Iterator[list[list[str]]]:
    """Yield the tables of the section, as the cells of their rows."""
    for text in re.findall(r"(?:^\|.*\n)+", SECTION, re.MULTILINE):
        yield [line.strip("|").split("|") for line in text.splitlines()[2:]]


def quoted(cell: str) -> list[str]:
    return re.findall("`(.+?)`", cell)


LINES, KEYS, RESULTS = tables()
BLOCKED, MAILABLE, UNKNOWN, REFUSED = "jane@example.org", "joe@example.org", "new@example.org", "refused@example.org"
OTHER_ROW, CALLED = "jane@stra\u00dfe.de", "called@example.org"  # "jane@strasse.de" complained
OUTAGE = ("--from", "2026-03-01", "--to", "2026-03-01")

CASES: dict[str, list[tuple[str, ...]]] = {
    "check": [(BLOCKED, UNKNOWN, "a@b@"), ("{list}",)],
    "explain": [(BLOCKED,), (UNKNOWN,)],
    "list": [()],
    "stats": [()],
    "report": [("--html", "{page}")],
    "doctor": [()],
    "enable": [(OTHER_ROW, BLOCKED, CALLED, REFUSED, "--note", "wrote")],
    "disable": [(MAILABLE, BLOCKED, REFUSED)],
    "enable --dry-run": [(BLOCKED,)],
    "disable --dry-run": [(BLOCKED,)],
    "remove-override": [(CALLED,), (UNKNOWN,), (OTHER_ROW,)],
    "clear-bounces --dry-run": [(*OUTAGE, "--ses")],
    "clear-bounces": [(BLOCKED, MAILABLE, REFUSED), (OTHER_ROW,)],
    "erase": [(BLOCKED, UNKNOWN, REFUSED), (BLOCKED, OTHER_ROW, "--forget", "--yes")],
    "erase --dry-run": [(BLOCKED,)],
    "reassess": [("--rules", "soft_bounce_limit=1", "--yes")],
    "import": [("{list}", "{odd}", "--as", "opt-outs", "--at", BEFORE, "--yes")],
    "export": [()],
    "export --output": [("{export}",)],
    "export --start-export": [("s3://my-bucket/mailing",)],
    "sync-ses": [("both", "--yes")],
    "sync-ses --dry-run": [("both",)],
    "publish": [("complaint-abuse", "--yes"), ("{odd}", "--dry-run")],
    "publish --list": [()],
    "simulate": [("--from", "news@example.com")],
    "redrive": [("--dry-run",)],
    "redrive --save -": [()],
}
"""By command, runs that together print all its keys."""


@pytest.fixture
def mailing(run: Run, client: DynamoDB, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands, with a table and a stack in which each kind of line has its reason."""
    rows = {
        BLOCKED: [mark(MarkKind.HARD_BOUNCE, diagnosticCode="550"), mark(MarkKind.COMPLAINT)],
        MAILABLE: [mark(MarkKind.DELIVERY)],
        CALLED: [mark(MarkKind.COMPLAINT), override(State.DISABLE, BEFORE, "zoe", "called")],
        "jane@xn--strae-oqa.de": [mark(MarkKind.DELIVERY)],
        "jane@strasse.de": [mark(MarkKind.COMPLAINT), mark(MarkKind.HARD_BOUNCE, diagnosticCode="550")],
        "soft@example.org": [mark(MarkKind.SOFT_BOUNCE)],
        REFUSED: [mark(MarkKind.SOFT_BOUNCE)],
        "pushed@example.org": [mark(MarkKind.DELIVERY)],
        "put@example.org": [mark(MarkKind.HARD_BOUNCE, diagnosticCode="550")],
    }
    write(client, {address: evidence_of(marks) for address, marks in rows.items()})
    annotate(table_of(client), "pushed@example.org", "pushed", Pushed(LATER, "BOUNCE").to_map(), soon())
    article(client)
    faults["BatchExecuteStatement"] = refusal_of(REFUSED, "AccessDeniedException")
    client.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    boto3.client("s3").create_bucket(Bucket="my-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    boto3.client("sns").create_topic(Name="mailing-feedback")
    boto3.client("sesv2").create_email_identity(EmailIdentity="news@example.com")
    sqs = boto3.client("sqs")
    for name in ("mailing-feedback", "mailing-feedback-dead-letter"):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=ses.text(ses.complaint(BLOCKED)))

    entries = [Entry(BLOCKED, BEFORE, SesReason.BOUNCE), Entry(UNKNOWN, LATER, SesReason.COMPLAINT)]
    entries += [Entry("pushed@example.org", LATER, SesReason.BOUNCE), Entry(MAILABLE, BEFORE, SesReason.BOUNCE)]
    known: dict[str, Callable[..., Any]] = {
        "find": lambda _, spellings: (each for each in entries if each.spelling in spellings),
        "entries": lambda _: iter(entries),
        "bounced_between": lambda *_: iter([Entry("put@example.org", BEFORE, SesReason.BOUNCE)]),
        "look_up": lambda _, spelling: next((each for each in entries if each.spelling == spelling), None),
        "enforced": lambda _: frozenset(SesReason),
        "put": lambda *_: _refuse(),
        "remove": lambda *_: LATER,
    }
    for name, answer in known.items():
        monkeypatch.setattr(SuppressionList, name, answer)
    finding = Finding(Level.UNKNOWN, "The topic can't be seen.", "Ask for it.", ("mailing doctor",), "topic policy")
    monkeypatch.setattr("healthy_mailing_cli.commands.doctor.examine", lambda *_: iter([finding]))
    came = table_of(client).read([BLOCKED], soon(), consistent=True)[BLOCKED]
    monkeypatch.setattr("healthy_mailing_cli.commands.simulate._wait", lambda *_: came)
    return run


def _refuse() -> str:
    raise ValueError("no address")


def everything(value: Any, *, of: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each key in a value, however deep, with what it has; what the table or a list counts has other keys."""
    if isinstance(value, dict) and of not in {"reasons", "kinds", "evidence"}:
        for key, each in value.items():
            yield key, each
            yield from everything(each, of=key)
    elif isinstance(value, list):
        for each in value:
            yield from everything(each, of=of)


def test_the_page_names_every_command() -> None:
    named = [name for row in LINES for name in quoted(row[0])]
    assert {name.split()[0] for name in named} == {name for _, name, _ in COMMANDS}
    assert sorted(named) == sorted(CASES)


@pytest.mark.parametrize("row", LINES, ids=lambda row: row[0].strip())
def test_a_command_prints_what_the_page_says(mailing: Run, row: list[str], tmp_path: Path) -> None:
    files = {"list": f'email,note\n{UNKNOWN},"two\nlines"\nno address,\n', "odd": "\0", "page": "", "export": ""}
    places = {name: str(tmp_path / f"{name}.txt") for name in files}
    for name, text in files.items():
        if text:
            Path(places[name]).write_text(text)
    always, also = (set(quoted(cell)) for cell in row[2:])
    shown: set[str] = set()
    for command, arguments in ((name, each) for name in quoted(row[0]) for each in CASES[name]):
        results = {code for each in RESULTS if command.split()[0] in quoted(each[0]) for code in quoted(each[1])}
        done = mailing(*command.split(), *(each.format_map(places) for each in arguments), "--json")
        assert done.exit_code in {0, 1}, (done.output, done.exception)
        for line in map(json.loads, done.stdout.splitlines()):
            assert always <= line.keys() <= always | also, line
            shown |= line.keys()
            for key, value in everything(line):
                assert re.fullmatch("[a-z]+([A-Z][a-z]*)*", key), line
                assert key != "error" or re.fullmatch("[A-Z][A-Za-z]+", value), line
                assert key != "result" or value in results, line
                assert key != "state" or value in [*State], line
    assert shown == always | also
