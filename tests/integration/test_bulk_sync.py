"""What `mailing sync-ses --bucket` does where jobs fail, where both sides change meanwhile, or if it is interrupted."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest

from healthy_mailing.evidence import MarkKind, Rules, State, override
from healthy_mailing.item import PUSHED
from healthy_mailing.table import Table
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.ses import import_jobs
from healthy_mailing_cli.ses.bulk_sync import BulkSync
from healthy_mailing_cli.ses.import_jobs import Action, ImportJobs
from healthy_mailing_cli.ses.suppression_list import Entry, SesReason, SuppressionList, by_address
from healthy_mailing_cli.ses.syncing import Done, Result
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.s3 import Location
from support.marks import mark
from support.suppression import FakeList, known
from support.table import TABLE

from .conftest import DynamoDB, Faults, items, refusal_of

if TYPE_CHECKING:
    from healthy_mailing_cli.shell.connection import Connection

BUCKET = "lists"
FAR = time.monotonic() + 6000
START = from_datetime(datetime.now(UTC) - timedelta(hours=1))
LATER = from_datetime(datetime.now(UTC) + timedelta(hours=1))
ONE, TWO, THREE, FOUR = (f"{name}@example.com" for name in ("one", "two", "three", "four"))


class Fake(FakeList):
    """SES's list, and its jobs, which read S3 as ministack's do and end when they are first asked about."""

    def __init__(self, s3: Any) -> None:
        super().__init__()
        self.s3 = s3
        self.jobs: dict[str, tuple[str, str]] = {}
        self.ended: dict[str, Mapping[str, Any]] = {}
        self.at_once: list[int] = []
        self.refuses: set[str] = set()
        self.before_job: Callable[[], object] = lambda: None
        self.on_job: Callable[[], object] = lambda: None

    def begin_job(self, action: str, url: str) -> str:
        self.before_job()
        job_id = f"job{len(self.jobs)}"
        self.jobs[job_id] = (action, url)
        self.at_once.append(len(self.jobs) - len(self.ended))
        return job_id

    def job(self, job_id: str) -> Mapping[str, Any] | None:
        self.on_job()
        if job_id not in self.jobs:
            return None
        return self.ended.get(job_id) or self.run(job_id)

    def run(self, job_id: str) -> Mapping[str, Any]:
        """Do what a job is to do, and answer that it is done."""
        action, url = self.jobs[job_id]
        key = url.removeprefix(f"s3://{BUCKET}/")
        records = [json.loads(line) for line in self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].iter_lines()]
        failed = 0
        for record in records:
            address = record["emailAddress"]
            if address in self.refuses:
                failed += 1
            elif action == Action.PUT:
                self.put(address, SesReason(record["reason"]))
            else:
                assert record == {"emailAddress": address}
                failed += self.held.pop(address, None) is None
        self.ended[job_id] = {
            "JobStatus": "COMPLETED",
            "ProcessedRecordsCount": len(records),
            "FailedRecordsCount": failed,
            "CompletedTimestamp": datetime.now(UTC),
        }
        return self.ended[job_id]


class Here:
    """Where the table and S3 are, as a connection has it."""

    table = TABLE

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def client(self, _: str) -> Any:
        return self._s3

    def caller(self) -> str:
        return "arn:aws:iam::123456789012:user/dana"


BOUNCE, COMPLAINT, ENABLED = (
    mark(MarkKind.HARD_BOUNCE, START),
    mark(MarkKind.COMPLAINT, LATER),
    override(State.ENABLE, from_datetime(datetime.now(UTC)), "dana"),
)


@pytest.fixture
def fake(client: DynamoDB) -> Fake:
    """SES, and a bucket in S3 as moto stands in for it."""
    del client  # with which moto is on
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    return Fake(s3)


@pytest.fixture
def table(client: DynamoDB) -> Table:
    return Table(client, TABLE, Rules())


@pytest.fixture
def bulk(table: Table, fake: Fake) -> BulkSync:
    suppressed = cast("SuppressionList", fake)
    jobs = ImportJobs(suppressed, cast("Connection", Here(fake.s3)), Location(BUCKET, "mailing"))
    return BulkSync(table, suppressed, jobs)


def noted(client: DynamoDB) -> dict[str, str]:
    """Return the times that items say of a push."""
    return {
        address: item[PUSHED]["M"]["at"]["S"] for address, item in items(client).items() if "M" in item.get(PUSHED, {})
    }


def objects(fake: Fake) -> list[str]:
    return [each["Key"] for each in fake.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def results(done: Iterator[Done]) -> dict[str, Result]:
    return {each.address: each.result for each in done}


# ---- Putting addresses on the list


def test_only_what_the_table_still_says_is_put_there(
    bulk: BulkSync, fake: Fake, table: Table, client: DynamoDB
) -> None:
    known(table, ONE, BOUNCE)
    known(table, TWO, BOUNCE, COMPLAINT)
    known(table, THREE, BOUNCE, ENABLED)
    spoilt = {"UserId": {"S": FOUR}, "evidence": {"S": "x"}, "state": {"S": "disable"}}
    client.put_item(TableName=TABLE, Item=spoilt)
    assert results(bulk.put([ONE, TWO, THREE, FOUR, "forgotten@example.com"])) == {
        ONE: Result.PUT,
        TWO: Result.PUT,
        THREE: Result.CHANGED,
        FOUR: Result.CHANGED,
        "forgotten@example.com": Result.CHANGED,
    }
    assert {each.spelling: each.reason for each in fake.entries()} == {ONE: SesReason.BOUNCE, TWO: SesReason.COMPLAINT}
    assert noted(client) == {each.spelling: each.at for each in fake.entries()}
    assert objects(fake) == []
    assert results(bulk.put([THREE])) == {THREE: Result.CHANGED}
    assert len(fake.jobs) == 1, "nothing to put there makes no job"


def test_an_object_holds_no_more_than_ses_takes_and_no_more_jobs_run_at_once(
    bulk: BulkSync, fake: Fake, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [f"{number}@example.com" for number in range(11)]
    monkeypatch.setattr("healthy_mailing_cli.ses.bulk_sync.MOST", {Action.PUT: 2, Action.DELETE: 1})
    monkeypatch.setattr(import_jobs, "AT_ONCE", 3)
    for address in addresses:
        known(table, address, BOUNCE)
    assert results(bulk.put(addresses)) == dict.fromkeys(addresses, Result.PUT)
    assert (len(fake.jobs), max(fake.at_once)) == (6, 3)
    for address in addresses:
        known(table, address, ENABLED)
    assert results(bulk.take_off(dict(fake.held), LATER)) == dict.fromkeys(addresses, Result.TAKEN_OFF)
    assert (len(fake.jobs), fake.entries()) == (6 + 11, [])


def test_what_ses_does_not_take_is_told_and_not_noted(
    bulk: BulkSync, fake: Fake, table: Table, client: DynamoDB, capsys: pytest.CaptureFixture[str]
) -> None:
    for address in (ONE, TWO, THREE):
        known(table, address, BOUNCE)
    fake.refuses = {TWO}
    done = {each.address: each for each in bulk.put([ONE, TWO, THREE])}
    assert {address: each.result for address, each in done.items()} == {
        ONE: Result.PUT,
        TWO: Result.FAILED,
        THREE: Result.PUT,
    }
    assert (done[TWO].error, "import job job0" in done[TWO].message) == ("ImportJobFailed", True)
    assert "1 of 3 addresses failed" in capsys.readouterr().err
    assert noted(client).keys() == {ONE, THREE}
    assert objects(fake) == []


def test_what_the_list_does_not_show_yet_is_looked_for_by_the_next_run(
    bulk: BulkSync, fake: Fake, table: Table, client: DynamoDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(table, ONE, BOUNCE)
    with monkeypatch.context() as patch:
        patch.setattr(fake, "since", lambda _: [])
        (done,) = bulk.put([ONE])
    assert (done.result, "does not show it yet" in done.message) == (Result.FAILED, True)
    assert len(objects(fake)) == 2
    next_run(bulk)
    assert noted(client) == {ONE: fake.held[ONE].at}
    assert objects(fake) == []


def test_a_job_that_ses_refuses_leaves_nothing(bulk: BulkSync, fake: Fake, table: Table) -> None:
    def refuse() -> None:
        raise ValueError("Your account is in the sandbox")

    known(table, ONE, BOUNCE)
    fake.before_job = refuse
    with pytest.raises(CommandError, match=r"Your account is in the sandbox\. docs/operate\.md"):
        list(bulk.put([ONE]))
    assert objects(fake) == []


def test_a_note_that_the_table_refuses_is_made_up_for_by_the_next_run(
    bulk: BulkSync, fake: Fake, table: Table, client: DynamoDB, faults: Faults
) -> None:
    known(table, ONE, BOUNCE)
    known(table, TWO, BOUNCE)
    faults["BatchExecuteStatement"] = refusal_of(ONE, "AccessDeniedException")
    assert results(bulk.put([ONE, TWO])) == {ONE: Result.FAILED, TWO: Result.PUT}
    assert len(objects(fake)) == 2
    del faults["BatchExecuteStatement"]
    next_run(bulk)
    assert noted(client).keys() == {ONE, TWO}
    assert objects(fake) == []


# ---- Interruptions


def next_run(bulk: BulkSync) -> None:
    """Do what a run does before it compares the table with the list."""
    ended = bulk.jobs.interrupted()
    bulk.settle(ended, by_address(bulk.suppressed.entries()))


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("moment", ["before the job", "while it runs", "while it is noted", "forgotten by SES"])
def test_an_interrupted_job_is_made_up_for_by_the_next_run(
    bulk: BulkSync, fake: Fake, table: Table, client: DynamoDB, action: Action, moment: str
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    addresses = [ONE, TWO]
    for address in addresses:
        known(table, address, BOUNCE)
    if action is Action.DELETE:
        assert results(bulk.put(addresses)) == dict.fromkeys(addresses, Result.PUT)
        for address in addresses:
            known(table, address, ENABLED)
    if moment == "before the job":
        fake.before_job = interrupt
    elif moment != "while it is noted":
        fake.on_job = interrupt
    work: Any = bulk.put(addresses) if action is Action.PUT else bulk.take_off(dict(fake.held), LATER)
    with suppress(KeyboardInterrupt):
        next(work)
        work.close()  # as an interruption of what asks for it
    fake.before_job = fake.on_job = lambda: None
    if moment == "forgotten by SES":
        for job_id in fake.jobs.keys() - fake.ended.keys():
            fake.run(job_id)
            del fake.jobs[job_id]
    assert objects(fake) != []

    next_run(bulk)
    assert objects(fake) == []
    assert noted(client) == {each.spelling: each.at for each in fake.entries()}
    if moment != "before the job":
        assert {each.spelling for each in fake.entries()} == ({*addresses} if action is Action.PUT else set())


@pytest.mark.parametrize("moment", ["before_job", "on_job"])
def test_an_interruption_names_the_jobs_that_go_on(
    bulk: BulkSync, fake: Fake, table: Table, capsys: pytest.CaptureFixture[str], moment: str
) -> None:
    """One that begins just then too."""
    known(table, ONE, BOUNCE)
    setattr(fake, moment, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        list(bulk.put([ONE]))
    told = capsys.readouterr().err
    (name,) = [key for key in objects(fake) if key.endswith(".json")]
    assert "SES's import job job0 goes on" in told
    assert f"s3://{BUCKET}/{name}" in told
    assert len(objects(fake)) == 2


def test_entries_of_others_are_not_taken_for_those_of_a_job(
    bulk: BulkSync, fake: Fake, table: Table, client: DynamoDB
) -> None:
    """A job of another run ended unseen; since then, or before, others changed the list."""
    addresses = (ONE, TWO, THREE, FOUR)
    for address in addresses:
        known(table, address, BOUNCE)
    fake.on_job = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with suppress(KeyboardInterrupt):
        list(bulk.put(addresses))
    fake.on_job = lambda: None
    fake.run("job0")
    fake.put(ONE, SesReason.COMPLAINT)
    fake.put(TWO, SesReason.BOUNCE, START)
    fake.put(THREE, SesReason.BOUNCE, LATER)
    next_run(bulk)
    assert noted(client).keys() == {FOUR}


# ---- Taking addresses off the list


def test_only_our_own_entries_of_who_is_still_enabled_are_taken_off(
    bulk: BulkSync, fake: Fake, table: Table, client: DynamoDB
) -> None:
    at = from_datetime(datetime.now(UTC) - timedelta(minutes=5))
    ours = {address: Entry(address, at, SesReason.BOUNCE) for address in (ONE, TWO, THREE, FOUR)}
    fake.held = dict(ours)
    known(table, ONE, BOUNCE, ENABLED, pushed=ours[ONE])
    known(table, TWO, BOUNCE, ENABLED, COMPLAINT, pushed=ours[TWO])
    known(table, THREE, BOUNCE, ENABLED)
    known(table, FOUR, BOUNCE, ENABLED, pushed=ours[FOUR])
    fake.put(FOUR, SesReason.COMPLAINT)  # by SES, since the list was read
    done = results(bulk.take_off(ours, at))
    assert done == {ONE: Result.TAKEN_OFF, TWO: Result.CHANGED, THREE: Result.CHANGED, FOUR: Result.CHANGED}
    assert fake.held.keys() == {TWO, THREE, FOUR}
    assert noted(client).keys() == {TWO, FOUR}
    assert objects(fake) == []


def test_what_ses_does_not_take_off_stays_noted(bulk: BulkSync, fake: Fake, table: Table, client: DynamoDB) -> None:
    at = from_datetime(datetime.now(UTC) - timedelta(minutes=5))
    ours = {address: Entry(address, at, SesReason.BOUNCE) for address in (ONE, TWO)}
    fake.held = dict(ours)
    for address, entry in ours.items():
        known(table, address, BOUNCE, ENABLED, pushed=entry)
    fake.refuses = {TWO}
    assert results(bulk.take_off(ours, LATER)) == {ONE: Result.TAKEN_OFF, TWO: Result.FAILED}
    assert fake.held.keys() == noted(client).keys() == {TWO}
    assert objects(fake) == []
