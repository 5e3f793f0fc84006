"""The DynamoDB table: reads the records of a batch, merges evidence into them, writes those that changed."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from mailing.record import Evidence, RecordError, Rules, assess, from_item, merge, to_item, worth_writing
from mailing.timestamp import from_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from mailing.record import State

CONNECTIONS = 16
"""How many requests are under way at once; the client's connection pool must be as large."""

KEYS_PER_READ = 100
"""Most keys that one BatchGetItem takes (Amazon DynamoDB API Reference, BatchGetItem)."""

_LONGEST_PAUSE = 0.5  # seconds

# Bounds a quarrel over one address; each round, one of those who quarrel succeeds.
_MOST_CONFLICTS = 100


@dataclass(frozen=True, slots=True)
class Change:
    """An address whose state is now another; ``before`` is None for a new record."""

    address: str
    before: State | None
    after: State
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one address of a batch.

    Attributes:
        address: The canonical address.
        written: Whether its item was written; if not, it held the evidence already, or ``error`` says more.
        change: Set if its state changed.
        conflicts: How many times another writer came first.
        error: Why its evidence is not in the table; empty if it is.
    """

    address: str
    written: bool = False
    change: Change | None = None
    conflicts: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """What the table holds under an address."""

    evidence: Evidence
    exists: bool
    version: int | None  # None: no item, or one that the original article's function wrote


_NO_ROW = _Row({}, exists=False, version=None)


class Table:
    """The table ``mailing``, or whatever its name."""

    def __init__(
        self, client: DynamoDBClient, name: str, rules: Rules, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Use a table through a client with at least ``CONNECTIONS`` connections; ``now`` dates changes."""
        self._client = client
        self._name = name
        self._rules = rules
        self._now = now
        self._threads = ThreadPoolExecutor(CONNECTIONS)

    def add(self, evidence: Mapping[str, Evidence], deadline: float) -> list[Outcome]:
        """Merge evidence, by canonical address, into the table and return what became of each address.

        Nothing new is begun after ``deadline`` (``time.monotonic()`` seconds). Errors of AWS are in the outcomes, not
        raised; an address whose outcome has one may be tried again, or may have been written all the same.
        """
        addresses = list(evidence)
        chunks = [addresses[start : start + KEYS_PER_READ] for start in range(0, len(addresses), KEYS_PER_READ)]
        rows: dict[str, _Row | str] = {}
        for found in self._threads.map(lambda chunk: self._read(chunk, deadline), chunks):
            rows.update(found)
        return list(self._threads.map(lambda each: self._write(each, rows[each], evidence[each], deadline), addresses))

    def _read(self, addresses: Sequence[str], deadline: float) -> dict[str, _Row | str]:
        """Return the row, or the error, of each address; eventually consistent, since a write checks the version."""
        found: dict[str, _Row | str] = {}
        wanted: Mapping[str, Any] = {self._name: {"Keys": [{"UserId": {"S": address}} for address in addresses]}}
        attempt = 0
        while wanted:
            if time.monotonic() >= deadline:
                return {address: found.get(address, _OUT_OF_TIME) for address in addresses}
            try:
                answer = self._client.batch_get_item(RequestItems=wanted)
            except (ClientError, BotoCoreError) as error:
                return {address: _name_of(error) for address in addresses}
            for item in answer["Responses"].get(self._name, []):
                found[item["UserId"]["S"]] = _row(item)
            wanted = answer.get("UnprocessedKeys", {})
            if wanted:
                attempt += 1
                _pause(attempt)
        return {address: found.get(address, _NO_ROW) for address in addresses}

    def _write(self, address: str, row: _Row | str, added: Evidence, deadline: float) -> Outcome:
        for conflicts in range(_MOST_CONFLICTS):
            if isinstance(row, str):
                return Outcome(address, conflicts=conflicts, error=row)
            merged = merge(row.evidence, added)
            if not worth_writing(row.evidence, merged, self._rules):
                return Outcome(address, conflicts=conflicts)
            if time.monotonic() >= deadline:
                return Outcome(address, conflicts=conflicts, error=_OUT_OF_TIME)
            try:
                self._client.update_item(**self._update(address, row, merged))
            except self._client.exceptions.ConditionalCheckFailedException as error:
                # The item that came first is in the answer: as good as a consistent read, and free.
                row = _row(cast("Mapping[str, Any] | None", error.response.get("Item")))
                _pause(conflicts + 1)
            except (ClientError, BotoCoreError) as error:
                return Outcome(address, conflicts=conflicts, error=_name_of(error))
            else:
                return Outcome(address, written=True, conflicts=conflicts, change=self._change(address, row, merged))
        return Outcome(address, conflicts=_MOST_CONFLICTS, error="TooManyConflicts")

    def _update(self, address: str, row: _Row, merged: Evidence) -> dict[str, Any]:
        # An update, not a put: attributes that applications keep beside ours stay.
        item = to_item(address, merged, self._rules)
        key = {"UserId": _to_attribute(item.pop("UserId"))}
        item["updatedAt"] = from_datetime(self._now())
        item["version"] = (row.version or 0) + 1
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in item)
        names = {f"#{name}": name for name in item}
        values = {f":{name}": _to_attribute(value) for name, value in item.items()}
        if "suppressed" not in item:
            update += " REMOVE #suppressed"
            names["#suppressed"] = "suppressed"
        if row.version is not None:
            condition = "#version = :held"
            values[":held"] = _to_attribute(row.version)
        elif row.exists:
            condition = "attribute_not_exists(#version)"
        else:
            condition = "attribute_not_exists(UserId)"
        return {
            "TableName": self._name,
            "Key": key,
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _change(self, address: str, row: _Row, merged: Evidence) -> Change | None:
        before = assess(row.evidence, self._rules).state if row.exists else None
        after = assess(merged, self._rules)
        return None if before is after.state else Change(address, before, after.state, after.reason)


_OUT_OF_TIME = "OutOfTime"


def _row(item: Mapping[str, Any] | None) -> _Row | str:
    """Return the row that an item in DynamoDB's JSON stands for, or the error."""
    if not item:
        return _NO_ROW
    known = ("evidence", "version", "state", "notificationType", "from", "timestamp")
    try:
        plain = {name: _from_attribute(item[name]) for name in known if name in item}
        version = plain.get("version")
        return _Row(from_item(plain), exists=True, version=None if version is None else int(version))
    except (RecordError, TypeError, ValueError) as error:
        return type(error).__name__


def _to_attribute(value: str | int | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"M": {name: _to_attribute(each) for name, each in value.items()}}


def _from_attribute(attribute: Mapping[str, Any]) -> Any:  # noqa: ANN401  (as nested as DynamoDB's own JSON)
    ((kind, value),) = attribute.items()
    if kind == "M":
        return {name: _from_attribute(each) for name, each in value.items()}
    return value


def _name_of(error: ClientError | BotoCoreError) -> str:
    # Never the text: it may repeat keys, which are addresses.
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__


def _pause(attempt: int) -> None:
    """Wait for a random part of a time that doubles with each attempt ("full jitter", AWS Builders' Library)."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.005 * 2**attempt)))  # noqa: S311  (not for secrets)
