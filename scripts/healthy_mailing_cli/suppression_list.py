"""SES's own suppression list of the account, which SES enforces whatever the table says.

It keeps the spelling in which an address was added, and is asked and changed by exactly that; only sending ignores case
(Amazon SES API v2 Reference). SES allows about one request a second, and botocore's adaptive mode keeps to what it
allows. The list has no paginator in botocore.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.config import Config

from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.connection import Connection

_PAGE = 1_000  # entries, as many as SES gives at once
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """An address that SES put on the list for a bounce, as it spells it, and when (see ``timestamp``)."""

    spelling: str
    at: str


class SuppressionList:
    """The list. Errors of AWS are raised as botocore raises them."""

    def __init__(self, connection: Connection) -> None:
        """Ask nothing yet."""
        patient = Config(retries={"mode": "adaptive", "max_attempts": 20})
        self._client = connection.client("sesv2", patient)

    def bounced_between(self, start: str, end: str) -> Iterator[Entry]:
        """Yield the entries for a bounce that SES made between two times, both included.

        Needs ``ses:ListSuppressedDestinations``.
        """
        # Whether SES includes the ends, it does not say.
        asked: dict[str, Any] = {
            "Reasons": ["BOUNCE"],
            "StartDate": datetime.fromisoformat(start) - _SECOND,
            "EndDate": datetime.fromisoformat(end) + _SECOND,
            "PageSize": _PAGE,
        }
        while True:
            answer = self._client.list_suppressed_destinations(**asked)
            for summary in answer.get("SuppressedDestinationSummaries", []):
                entry = _entry(summary)
                if start <= entry.at <= end:
                    yield entry
            if not answer.get("NextToken"):
                return
            asked["NextToken"] = answer["NextToken"]

    def find(self, spellings: Sequence[str]) -> Iterator[Entry]:
        """Yield those of some spellings that are on the list for a bounce. Needs ``ses:GetSuppressedDestination``."""
        for spelling in dict.fromkeys(spellings):
            try:
                found = self._client.get_suppressed_destination(EmailAddress=spelling)["SuppressedDestination"]
            except self._client.exceptions.NotFoundException:
                continue
            if found["Reason"] == "BOUNCE":
                yield _entry(found)

    def remove(self, spelling: str) -> str:
        """Take an address off, if it is there, and return when that was done.

        Needs ``ses:DeleteSuppressedDestination``. The time is SES's, to the end of its second, since this machine's may
        be wrong.
        """
        try:
            answer = self._client.delete_suppressed_destination(EmailAddress=spelling)
        except self._client.exceptions.NotFoundException as error:
            answer = error.response
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        time = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return from_datetime(time.replace(microsecond=999_000))


def _entry(found: Any) -> Entry:  # noqa: ANN401  (the development environment has no types of this service)
    return Entry(found["EmailAddress"], from_datetime(found["LastUpdateTime"]))
