"""SES's import jobs: many addresses put on the account's suppression list, or taken off it, at a time.

SES reads the addresses from an object in S3, as ``ses.amazonaws.com``, which the bucket's policy must let it (Amazon
SES Developer Guide, "Adding email addresses in bulk to your account-level suppression list"; Amazon SES API v2
Reference, CreateImportJob). An object is also the record of its job: it stays until what the job did is noted, with the
job's id beside it, so that another run can go on with it, on another machine too.
"""

import json
import urllib.request
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.ses.suppression_list import SesReason, SuppressionList
from healthy_mailing_cli.shell import output, s3
from healthy_mailing_cli.shell.connection import Connection, answered_at
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.s3 import Location

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PutObjectOutputTypeDef

AT_ONCE = 20  # how many jobs of an account SES takes at a time

_FOLDER = "sync-ses"
_SHOWN, _SHOWN_BYTES = 5, 2_000
_SECONDS = 30
_UNDER_WAY = frozenset({"CREATED", "PROCESSING"})
_POLICY = "docs/operate.md says what import jobs need"


class Action(StrEnum):
    """What a job does; SES's own words."""

    PUT = "PUT"
    DELETE = "DELETE"


_WORDS = {Action.PUT: "puts on the list", Action.DELETE: "takes off the list"}

MOST: Mapping[Action, int] = {Action.PUT: 100_000, Action.DELETE: 10_000}  # how many addresses an object may hold


@dataclass(frozen=True, slots=True)
class Batch:
    """The addresses of a job."""

    action: Action  # what is to be done with them
    # By address, as SES's list spells it, for which reason to put it there; of a removal, why it is there.
    reasons: Mapping[str, SesReason]

    def to_bytes(self) -> bytes:
        """Return the object: JSON, since in CSV it would not be clear how an address with a comma or a quote is read.

        A removal has no reason there, as SES documents it.
        """
        lines = (
            {"emailAddress": address, **({"reason": str(reason)} if self.action is Action.PUT else {})}
            for address, reason in self.reasons.items()
        )
        return "".join(f"{json.dumps(each)}\n" for each in lines).encode()


@dataclass(frozen=True, slots=True)
class Job:
    """A job, and the object that it reads."""

    id: str  # SES's name of it; empty if an interruption left open whether there is one
    name: str  # of the object, in the folder of the jobs
    batch: Batch  # what it is to do. Of one that was taken up, a removal's reasons are not known, and stand for nothing
    since: str  # when the object was written, by S3's clock, to the second (see ``timestamp``)


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a job."""

    job: Job
    processed: int  # how many addresses SES looked at
    failed: int  # how many of them it did not take
    error: str  # why, in a sentence; empty if it took all
    until: str = ""  # when it ended, by SES's clock (see ``timestamp``); empty if SES does not say


class ImportJobs:
    """Jobs whose objects are in a place in S3. Errors of AWS are raised as botocore raises them."""

    def __init__(self, suppressed: SuppressionList, connection: Connection, place: Location) -> None:
        """Ask nothing yet."""
        self._suppressed = suppressed
        self._s3 = connection.client("s3")
        account, region = connection.caller().split(":")[4], self._s3.meta.region_name
        # Another account's or region's jobs are on another list.
        self._folder = place / _FOLDER / account / region / connection.table

    def carry_out(self, batches: Iterator[Batch]) -> Iterator[Ended]:
        """Make a job of each batch, as many at a time as SES takes, and yield each when it has ended.

        A batch is asked for when its job can begin. ``forget`` a job once what it did is noted.

        Raises:
            CommandError: SES takes no job.
        """
        running: deque[Job] = deque()
        try:
            while True:
                while len(running) < AT_ONCE and (batch := next(batches, None)):
                    job = self._begin(batch, running)
                    count = output.counted(len(batch.reasons), "address")
                    output.note(f"SES's import job {job.id} {_WORDS[batch.action]} {count}.")
                if not running:
                    return
                ended = self._ended(running[0])
                if ended is None:
                    running.rotate(-1)
                    continue
                yield ended
                running.popleft()
        finally:
            for job in running:
                output.note(
                    f"SES's import job {job.id} goes on. Its addresses stay in {self._folder / job.name} until the "
                    "next run with --bucket, which notes what became of them."
                )

    def interrupted(self) -> list[Ended]:
        """Wait for the jobs of earlier runs of which it is not noted what they did, and return what became of them.

        Of one without an id, nothing is known.
        """
        names = s3.level(self._s3, self._folder).names
        found = []
        for name in sorted(names):
            for action in (each for each in Action if name.endswith(_suffix(each))):
                job_id = self._read(f"{name}{_ID}").decode() if f"{name}{_ID}" in names else ""
                found.append(self._taken_up(name, action, job_id))
        return [self._waited_for(job) for job in found]

    def forget(self, job: Job) -> None:
        """Remove a job's object from S3."""
        for name in (f"{job.name}{_ID}", job.name):  # in this order, since an id alone would never go
            self._s3.delete_object(Bucket=self._folder.bucket, Key=self._folder.key(name))

    def _waited_for(self, job: Job) -> Ended:
        ended = None if job.id else Ended(job, 0, 0, "")
        while ended is None:
            ended = self._ended(job)  # the client keeps SES's pace
        return ended

    def _begin(self, batch: Batch, running: deque[Job]) -> Job:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}{_suffix(batch.action)}"
        with output.finishing():
            written = answered_at(self._write(name, batch.to_bytes()))
            try:
                job_id = self._suppressed.begin_job(batch.action.value, str(self._folder / name))
            except ValueError as error:
                self._s3.delete_object(Bucket=self._folder.bucket, Key=self._folder.key(name))
                raise CommandError(f"SES takes no import job: {error}. {_POLICY}") from None
            self._write(f"{name}{_ID}", job_id.encode())
            running.append(Job(job_id, name, batch, from_datetime(written)))  # or an interruption would not name it
        return running[-1]

    def _taken_up(self, name: str, action: Action, job_id: str) -> Job:
        answer = self._s3.get_object(Bucket=self._folder.bucket, Key=self._folder.key(name))
        records = map(json.loads, answer["Body"].iter_lines())
        reasons = {each["emailAddress"]: SesReason(each.get("reason", SesReason.BOUNCE)) for each in records}
        return Job(job_id, name, Batch(action, reasons), from_datetime(answer["LastModified"]))

    def _ended(self, job: Job) -> Ended | None:
        answer = self._suppressed.job(job.id)
        if answer is None:  # SES may forget old jobs
            return Ended(job, 0, len(job.batch.reasons), f"SES does not know its import job {job.id}")
        status = answer["JobStatus"]
        if status in _UNDER_WAY:
            return None
        failed, processed = answer.get("FailedRecordsCount", 0), answer.get("ProcessedRecordsCount", 0)
        failure = answer.get("FailureInfo", {})
        error = ""
        if status != "COMPLETED" or failed:
            failed = failed or len(job.batch.reasons) - processed
            said = failure.get("ErrorMessage") or ("some addresses failed" if processed else f"it is {status}")
            error = f"SES's import job {job.id}: {said.rstrip('.')}"
            output.note(f"{error}. {failed:,} of {len(job.batch.reasons):,} addresses failed. {_POLICY}.")
            _show(failure.get("FailedRecordsS3Url"))
        until = from_datetime(answer["CompletedTimestamp"]) if "CompletedTimestamp" in answer else ""
        return Ended(job, processed, failed, error, until)

    def _write(self, name: str, body: bytes) -> "PutObjectOutputTypeDef":
        return self._s3.put_object(Bucket=self._folder.bucket, Key=self._folder.key(name), Body=body)

    def _read(self, name: str) -> bytes:
        answer = self._s3.get_object(Bucket=self._folder.bucket, Key=self._folder.key(name))
        return answer["Body"].read()


_ID = ".job"  # what the name of the object with a job's id ends with, behind the name of the job's own


def _suffix(action: Action) -> str:
    return f".{action}.json"


def _show(url: str | None) -> None:
    """Show the first of the records that failed; SES does not document how they look."""
    if not url or not url.startswith(("https://", "http://")):
        return
    with suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310  (checked)
        text = answer.read(_SHOWN_BYTES).decode(errors="replace")
        for line in text.splitlines()[:_SHOWN]:
            output.note(f"failed: {line}")
