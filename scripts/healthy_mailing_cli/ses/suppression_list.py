"""SES's own suppression list of the account, which SES enforces whatever the table says.

It keeps the spelling in which an address was added, and is asked and changed by exactly that; only sending ignores case
(Amazon SES API v2 Reference). SES allows about one request a second, and botocore's adaptive mode keeps to what it
allows. The list has no paginator in botocore.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.address import AddressError, canonical
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection, answered_at, listed
from healthy_mailing_cli.shell.errors import sentence
from healthy_mailing_cli.shell.explanation import argument

if TYPE_CHECKING:
    from mypy_boto3_sesv2.type_defs import (
        SuppressedDestinationSummaryTypeDef,
        SuppressedDestinationTypeDef,
    )

_SECOND = timedelta(seconds=1)


class SesReason(StrEnum):
    """Why an address is on the list; SES knows no others (Amazon SES API v2 Reference, SuppressedDestination)."""

    BOUNCE = "BOUNCE"
    COMPLAINT = "COMPLAINT"


@dataclass(frozen=True, slots=True)
class Entry:
    """An address on the list."""

    spelling: str  # the address as the list spells it
    at: str  # when it was put there, or last changed (see ``timestamp``)
    reason: SesReason  # why it is there
    # The mail for which SES put it there; empty where a program did, and where SES was not asked: only ``look_up``
    # tells it.
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the list says of a few addresses."""

    entries: tuple[Entry, ...] = ()  # those that are on it
    problem: str = ""  # why it can't be told of all, in a sentence without its end; empty if it can

    def as_json(self) -> dict[str, object]:
        """Return what JSON has of it."""
        return {"sesReasons": [each.reason for each in self.entries]} if self.entries else {}

    def notes(self) -> Iterator[str]:
        """Yield what a person should know."""
        for entry in self.entries:
            yield (
                f"SES's own suppression list has {entry.spelling}, for a {entry.reason.lower()}: SES sends nothing to "
                f"it. {_WAYS_OFF[entry.reason].format(argument(entry.spelling))}"
            )
        if self.problem:
            yield f"Whether SES's own suppression list has it can't be told. {self.problem}."


_WAYS_OFF = {
    SesReason.BOUNCE: "`mailing clear-bounces --ses {}` takes it off.",
    SesReason.COMPLAINT: "`aws sesv2 delete-suppressed-destination --email-address {}` takes it off.",
}


class Pace:
    """A token bucket of one token that gets one a second: for calls that SES allows once a second."""

    def __init__(self) -> None:
        """Let the first request pass at once."""
        self._next = time.monotonic()

    def __call__(self, **_: object) -> None:
        """Wait for the token and take it; for botocore, which passes what it is about to send."""
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 1


class SuppressionList:
    """The list. Errors of AWS are raised as botocore raises them."""

    def __init__(self, connection: Connection, pace: Pace | None = None, config: Config | None = None) -> None:
        """Ask nothing yet. ``pace`` is for long work: each request waits for it, those sent again too."""
        patient = Config(retries={"mode": "adaptive", "max_attempts": 20})
        self._client = connection.client("sesv2", config=config or patient)
        if pace is not None:
            self._client.meta.events.register("before-send.sesv2", pace)

    def enforced(self) -> frozenset[SesReason]:
        """Return the reasons for which SES uses the list in this account. Needs ``ses:GetAccount``."""
        attributes = self._client.get_account().get("SuppressionAttributes", {})
        return frozenset(map(SesReason, attributes.get("SuppressedReasons", [])))

    def now(self) -> str:
        """Return SES's time, to the beginning of its second (see ``timestamp``). Needs ``ses:GetAccount``."""
        return from_datetime(answered_at(self._client.get_account()))

    def entries(self) -> Iterator[Entry]:
        """Yield all entries. Needs ``ses:ListSuppressedDestinations``."""
        return self._listed({})

    def bounced_between(self, start: str, end: str) -> Iterator[Entry]:
        """Yield the entries for a bounce that SES made between two times, both included.

        Needs ``ses:ListSuppressedDestinations``.
        """
        # Whether SES includes the ends, it does not say.
        asked = {
            "Reasons": ["BOUNCE"],
            "StartDate": datetime.fromisoformat(start) - _SECOND,
            "EndDate": datetime.fromisoformat(end) + _SECOND,
        }
        return (entry for entry in self._listed(asked) if start <= entry.at <= end)

    def since(self, start: str) -> Iterator[Entry]:
        """Yield the entries that were made or changed at a time or later. Needs ``ses:ListSuppressedDestinations``."""
        asked = {"StartDate": datetime.fromisoformat(start) - _SECOND}
        return (entry for entry in self._listed(asked) if entry.at >= start)

    def look_up(self, spelling: str) -> Entry | None:
        """Return the entry of a spelling, None if there is none. Needs ``ses:GetSuppressedDestination``."""
        try:
            return _entry(self._client.get_suppressed_destination(EmailAddress=spelling)["SuppressedDestination"])
        except self._client.exceptions.NotFoundException:
            return None

    def find(self, spellings: Iterable[str]) -> Iterator[Entry]:
        """Yield those of some spellings that are on the list. Needs ``ses:GetSuppressedDestination``."""
        for spelling in dict.fromkeys(spellings):
            entry = self.look_up(spelling)
            if entry is not None:
                yield entry

    def put(self, spelling: str, reason: SesReason) -> str:
        """Put an address on the list, and return when that was done, as ``remove`` does.

        Needs ``ses:PutSuppressedDestination``.

        Raises:
            ValueError: SES takes the spelling for no address; the message is SES's.
        """
        try:
            answer = self._client.put_suppressed_destination(EmailAddress=spelling, Reason=reason.value)
        except self._client.exceptions.BadRequestException as error:
            raise ValueError(error.response["Error"].get("Message") or "SES refuses the address") from None
        return _end_of_second(answer)

    def remove(self, spelling: str) -> str:
        """Take an address off, if it is there, and return when that was done.

        Needs ``ses:DeleteSuppressedDestination``. The time is SES's, to the end of its second, since this machine's may
        be wrong.
        """
        try:
            return _end_of_second(self._client.delete_suppressed_destination(EmailAddress=spelling))
        except self._client.exceptions.NotFoundException as error:
            return _end_of_second(error.response)

    def begin_job(self, action: Literal["PUT", "DELETE"], url: str) -> str:
        """Let SES put on the list, or take off it, what an object in S3 lists, and return the id of the import job.

        Needs ``ses:CreateImportJob``.

        Raises:
            ValueError: SES takes no such job; the message is SES's.
        """
        client = self._client
        try:
            answer = client.create_import_job(
                ImportDestination={"SuppressionListDestination": {"SuppressionListImportAction": action}},
                ImportDataSource={"S3Url": url, "DataFormat": "JSON"},
            )
        except (client.exceptions.BadRequestException, client.exceptions.LimitExceededException) as error:
            raise ValueError(error.response["Error"].get("Message", "").rstrip(".") or "it says no more") from None
        return answer["JobId"]

    def job(self, job_id: str) -> Mapping[str, Any] | None:
        """Return what SES says of an import job, None if it knows none. Needs ``ses:GetImportJob``."""
        try:
            answer: Mapping[str, Any] = self._client.get_import_job(JobId=job_id)
        except self._client.exceptions.NotFoundException:
            return None
        return answer

    def _listed(self, selection: Mapping[str, Any]) -> Iterator[Entry]:
        return map(
            _entry, listed(self._client.list_suppressed_destinations, "SuppressedDestinationSummaries", **selection)
        )


def by_address(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return entries by canonical address. What is not an address can't be in the table, and is left out."""
    found: dict[str, list[Entry]] = {}
    with output.progress("SES's list") as counter:
        for entry in entries:
            counter.add()
            with suppress(AddressError):
                found.setdefault(canonical(entry.spelling), []).append(entry)
    return found


class Asking:
    """Asks the list for a few spellings, if the credentials allow it. Needs ``ses:GetSuppressedDestination``.

    What once can't be told is not asked again.
    """

    def __init__(self, connection: Connection) -> None:
        """Ask nothing yet."""
        # There may be a way to DynamoDB alone.
        config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})
        self._list = SuppressionList(connection, config=config)
        self._problem = ""

    def __call__(self, spellings: Iterable[str]) -> Told:
        """Return what the list has of these spellings of one address."""
        found: list[Entry] = []
        if not self._problem:
            try:
                found.extend(self._list.find(spellings))
            except (ClientError, BotoCoreError) as error:
                self._problem = sentence(error)
        return Told(tuple(found), self._problem)


def _entry(found: "SuppressedDestinationTypeDef | SuppressedDestinationSummaryTypeDef") -> Entry:
    details: Any = found  # of which a summary has no attributes
    message_id = details.get("Attributes", {}).get("MessageId", "")
    return Entry(found["EmailAddress"], from_datetime(found["LastUpdateTime"]), SesReason(found["Reason"]), message_id)


def _end_of_second(answer: Mapping[str, Any]) -> str:
    return from_datetime(answered_at(answer).replace(microsecond=999_000))
