"""EventBridge: puts events, keeping the order for each address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from healthy_mailing.calls import is_past, pause
from healthy_mailing.changes import DETAIL_TYPE, SOURCE, Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

ENTRIES = 10
"""Maximum number of events in one PutEvents (Amazon EventBridge API Reference, PutEvents)."""

OUT_OF_TIME = "OutOfTime"
"""The error of an event that the deadline left undone."""

HELD_BACK = "HeldBack"
"""The error of an event that waits for an earlier one of its address."""

# Errors worth a retry, of one entry (the same reference, PutEventsResultEntry) or of a whole request (the same
# reference, "Common errors").
_RETRYABLE = frozenset(
    {
        "InternalException",
        "InternalFailure",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_SERVER_ERROR = 500  # and above: HTTP statuses of a server that failed


def client_without_retries(service: str) -> Any:  # noqa: ANN401  (the type depends on the service)
    """Return a client for one request at a time, configured by the environment.

    The client does not retry, and notices a lost answer well within the function's timeout. The caller retries while
    there is time.
    """
    return botocore.session.get_session().create_client(
        service,
        config=Config(
            connect_timeout=1,
            read_timeout=3,
            retries={"mode": "standard", "total_max_attempts": 1},
            # As in table.connect.
            parameter_validation=False,
            user_agent="healthy-mailing",
        ),
    )


@dataclass(frozen=True, slots=True)
class PutResult:
    """The outcome of putting a list of events.

    Attributes:
        errors: Why an event was not put, by its position in the list. It may have been put anyway.
        retries: How often an event was put again because EventBridge rejected it or did not answer.
    """

    errors: Mapping[int, str]
    retries: int


class Bus:
    """An event bus."""

    def __init__(self, client: EventBridgeClient, arn: str, table_arn: str) -> None:
        """Put events about a table on the bus with an ARN."""
        self._client = client
        self._arn = arn
        self._table_arn = table_arn

    def put(self, events: Sequence[Event], deadline: float) -> PutResult:
        """Put events, and return the outcome.

        An event is put only after all earlier ones of its address. So one request never contains two events of one
        address, because EventBridge may accept one entry and reject another. If EventBridge rejects an event for good,
        later events of that address wait. Events of other addresses are not affected.

        If an answer is lost, an event may be put twice.

        Args:
            events: The events in their order.
            deadline: A time of ``time.monotonic()`` after which nothing new starts.
        """
        errors: dict[int, str] = {}
        entries = [self._entry(event) for event in events]
        waiting = list(range(len(events)))
        attempt = retries = 0
        while waiting:
            if is_past(deadline):
                return PutResult(errors | dict.fromkeys(waiting, OUT_OF_TIME), retries)
            chunk = list(_next(events, waiting))
            codes = self._request([entries[place] for place in chunk])
            refused = {place: code for place, code in zip(chunk, codes, strict=True) if code}
            for_good = {place: code for place, code in refused.items() if code not in _RETRYABLE}
            done = set(chunk) - refused.keys() | for_good.keys()
            errors |= for_good
            waiting = [place for place in waiting if place not in done]
            if for_good:
                stuck = {events[place].address for place in for_good}
                errors |= {place: HELD_BACK for place in waiting if events[place].address in stuck}
                waiting = [place for place in waiting if place not in errors]
            if len(refused) > len(for_good):
                retries += len(refused) - len(for_good)
                attempt += 1
                pause(attempt)
            else:
                attempt = 0
        return PutResult(errors, retries)

    def _request(self, entries: Sequence[PutEventsRequestEntryTypeDef]) -> list[str]:
        """Make one request, and return the error code of each entry, empty for none."""
        try:
            answer = self._client.put_events(Entries=entries)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR and code not in _RETRYABLE:
                code = "ServiceUnavailable"
            return [code] * len(entries)
        except BotoCoreError as error:
            # There was no connection or no answer. The next attempt may succeed.
            code = "RequestTimeout" if isinstance(error, HTTPClientError) else type(error).__name__
            return [code] * len(entries)
        if not answer["FailedEntryCount"]:
            return [""] * len(entries)
        return [each.get("ErrorCode", "") for each in answer["Entries"]]

    def _entry(self, event: Event) -> PutEventsRequestEntryTypeDef:
        return {
            "Time": datetime.fromisoformat(event.at),
            "Source": SOURCE,
            "Resources": [self._table_arn],
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(event.detail),
            "EventBusName": self._arn,
        }


def _next(events: Sequence[Event], waiting: Sequence[int]) -> Iterator[int]:
    """Yield the positions of the events for the next request: the first of each address, as many as fit."""
    addresses: set[str] = set()
    for place in waiting:
        if len(addresses) == ENTRIES:
            return
        address = events[place].address
        if address not in addresses:
            addresses.add(address)
            yield place
