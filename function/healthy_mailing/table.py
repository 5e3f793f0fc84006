"""The DynamoDB table: reads records and lists them, merges evidence into them, writes those that changed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.record import (
    Evidence,
    MarkKind,
    RecordError,
    Rules,
    State,
    assess,
    from_item,
    merge,
    to_item,
    worth_writing,
)
from healthy_mailing.timestamp import from_datetime

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import BatchStatementRequestTypeDef

CONNECTIONS = 16
"""How many requests are under way at once; the client's connection pool must be as large."""

KEYS_PER_READ = 100
"""Most keys that one BatchGetItem takes (Amazon DynamoDB API Reference, BatchGetItem)."""

STATEMENTS_PER_WRITE = 25
"""Most statements that one BatchExecuteStatement takes (Amazon DynamoDB API Reference, BatchExecuteStatement)."""

INDEX = "suppressed-updatedAt"
"""The index of all addresses whose state is not ``enable``, by state and by when they last changed."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5  # seconds

# Codes of single statements (Amazon DynamoDB API Reference, BatchStatementError): another writer came first,
_CONFLICTS = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
# and what passes with time: botocore tries again when DynamoDB refuses a request, but not for a statement in it.
_PASSING = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)


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


Record = Mapping[str, Any]
"""One address's item as plain texts and maps of texts, ``UserId`` and the attributes that ``record.to_item`` makes."""


class TableError(Exception):
    """DynamoDB did not answer; the message is the name of its error, never its text, which may repeat an address."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the addresses in the index, newest change first.

    Attributes:
        records: Their records, without ``evidence``.
        last: The last address read and when it last changed, to go on from there; None at the end.
    """

    records: tuple[Record, ...]
    last: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class _Row:
    """What the table holds under an address."""

    evidence: Evidence
    exists: bool
    version: int | None  # None: no item, or one that the original article's function wrote
    item: Record


_NO_ROW = _Row({}, exists=False, version=None, item={})

_Edit = Callable[[Evidence], Evidence]


@dataclass(frozen=True, slots=True)
class _Write:
    """What is to become of a row."""

    address: str
    row: _Row
    evidence: Evidence


# They take about a second. What lasts longer is for the queue, which delivers again minutes later.
_MOST_REFUSALS = 10

_T = TypeVar("_T")
_R = TypeVar("_R")


def connect() -> DynamoDBClient:
    """Return a client with the connections that a table needs, in the region and with the role of the environment."""
    # botocore without boto3 on top: the same client, and an eighth less cold start (make bench).
    client = botocore.session.get_session().create_client(
        "dynamodb",
        config=Config(
            max_pool_connections=CONNECTIONS,
            # A lost answer is noticed, and asked for again, well within the function's timeout.
            connect_timeout=1,
            read_timeout=3,
            retries={"mode": "standard", "total_max_attempts": 4},
            # Each takes a tenth off a request's CPU time (BENCHMARKS.md): requests are built here, so right, and
            # botocore puts its own name for itself together anew for each of them.
            parameter_validation=False,
            user_agent="healthy-mailing",
        ),
    )
    return cast("DynamoDBClient", client)


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

        Nothing new is begun after ``deadline`` (``time.monotonic()`` seconds), nor waited for. Errors of AWS are in the
        outcomes, not raised; an address whose outcome has one may be tried again, or may have been written all the
        same.
        """
        edits = {address: partial(merge, each) for address, each in evidence.items()}
        # Eventually consistent, since a write checks the version.
        rows = self._rows(list(edits), deadline, consistent=False)
        return self._edit(rows, edits, deadline)

    def read(self, addresses: Sequence[str], deadline: float, *, consistent: bool) -> dict[str, Record | None]:
        """Return the record of each canonical address, None where nothing is known of it.

        An item that is no record is given as one to ``review``, for the reason ``unreadable``. ``consistent`` reads see
        every write that came before, and cost twice as much.

        Raises:
            TableError: DynamoDB refused, or ``deadline`` (``time.monotonic()`` seconds) passed.
        """
        rows = self._rows(list(dict.fromkeys(addresses)), deadline, consistent=consistent)
        return {address: self._record(address, row) for address, row in rows.items()}

    def suppressed(self, state: State, limit: int, since: str = "", after: tuple[str, str] | None = None) -> Page:
        """Return up to ``limit`` addresses in a state other than ``enable``, newest change first.

        Args:
            state: ``disable`` or ``review``.
            limit: Most addresses to return; a page may hold fewer, the last one none.
            since: Only what changed at that time (see ``timestamp``) or later.
            after: Go on behind this address and time, the ``last`` of another page of the same state and ``since``.

        Raises:
            TableError: DynamoDB refused.
        """
        values = {":state": {"S": state}} | ({":since": {"S": since}} if since else {})
        query: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": INDEX,
            "KeyConditionExpression": "suppressed = :state" + (" AND updatedAt >= :since" if since else ""),
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after:
            address, updated_at = after
            query["ExclusiveStartKey"] = {
                "UserId": {"S": address},
                "suppressed": {"S": state},
                "updatedAt": {"S": updated_at},
            }
        try:
            answer = self._client.query(**query)
        except (ClientError, BotoCoreError) as error:
            raise TableError(_name_of(error)) from None
        last = answer.get("LastEvaluatedKey")
        return Page(
            tuple(_plain(item, _LISTED) for item in answer["Items"]),
            (last["UserId"]["S"], last["updatedAt"]["S"]) if last else None,
        )

    def remove_override(self, address: str, deadline: float) -> Outcome | None:
        """Take the override out of an address's evidence; None if there is none.

        The one change that is no merge. Merging only adds: evidence without the override, merged with a copy that still
        has it, has it again. So this is a write on condition of the version, as all are: whoever merges feedback at the
        same time either comes first, and is merged into what is read again here, or fails on the version, reads again,
        and finds no override to merge with. Nothing is lost, and nothing comes back.

        For the same reason the item stays when nothing but the override was known of the address: its version goes on
        counting. A new item would begin at 1 again, and a writer that had read another version 1 would overwrite it.

        Errors and ``deadline`` are as in ``add``.
        """
        rows = self._rows([address], deadline, consistent=True)
        row = rows[address]
        if isinstance(row, _Row) and MarkKind.OVERRIDE not in row.evidence:
            return None
        (outcome,) = self._edit(rows, {address: _without_override}, deadline)
        return outcome

    def _edit(self, rows: Mapping[str, _Row | str], edits: Mapping[str, _Edit], deadline: float) -> list[Outcome]:
        """Edit the record of each row and write those that changed."""
        outcomes, writes = self._plan(rows, edits, Counter())
        for chunk, settled in self._by(
            deadline, lambda chunk: self._settle(chunk, edits, deadline), _chunks(writes, STATEMENTS_PER_WRITE)
        ):
            outcomes += settled or [Outcome(write.address, error=_OUT_OF_TIME) for write in chunk]
        return outcomes

    def _plan(
        self, rows: Mapping[str, _Row | str], edits: Mapping[str, _Edit], conflicts: Mapping[str, int]
    ) -> tuple[list[Outcome], list[_Write]]:
        """Return what is to be written, and the outcomes of rows that could not be read or do not change."""
        outcomes: list[Outcome] = []
        writes: list[_Write] = []
        for address, row in rows.items():
            if isinstance(row, str):
                outcomes.append(Outcome(address, conflicts=conflicts[address], error=row))
                continue
            evidence = edits[address](row.evidence)
            if worth_writing(row.evidence, evidence, self._rules):
                writes.append(_Write(address, row, evidence))
            else:
                outcomes.append(Outcome(address, conflicts=conflicts[address]))
        return outcomes, writes

    def _settle(self, writes: Sequence[_Write], edits: Mapping[str, _Edit], deadline: float) -> list[Outcome]:
        """Write up to ``STATEMENTS_PER_WRITE`` items; read, edit and write again those that were refused."""
        outcomes: list[Outcome] = []
        conflicts: Counter[str] = Counter()
        refusals: Counter[str] = Counter()
        attempt = 0
        while writes:
            try:
                codes = self._execute(writes, deadline)
            except (ClientError, BotoCoreError) as error:
                name = _name_of(error)
                return outcomes + [
                    Outcome(each.address, conflicts=conflicts[each.address], error=name) for each in writes
                ]
            again = []
            for write, code in zip(writes, codes, strict=True):
                address = write.address
                conflicts[address] += code in _CONFLICTS
                refusals[address] += code in _PASSING
                if code in _CONFLICTS or (code in _PASSING and refusals[address] < _MOST_REFUSALS):
                    again.append(address)
                else:
                    change = None if code else self._change(write)
                    outcomes.append(Outcome(address, not code, change, conflicts[address], code))
            if not again:
                break
            attempt += 1
            _pause(attempt)
            unwritten, writes = self._plan(self._read(again, deadline, consistent=True), edits, conflicts)
            outcomes += unwritten
        return outcomes

    def _rows(self, addresses: Sequence[str], deadline: float, *, consistent: bool) -> dict[str, _Row | str]:
        """Return the row, or the error, of each of any number of addresses."""
        rows: dict[str, _Row | str] = {}
        for chunk, found in self._by(
            deadline,
            lambda chunk: self._read(chunk, deadline, consistent=consistent),
            _chunks(addresses, KEYS_PER_READ),
        ):
            rows.update(found or dict.fromkeys(chunk, _OUT_OF_TIME))
        return rows

    def _by(self, deadline: float, work: Callable[[_T], _R], inputs: Iterable[_T]) -> list[tuple[_T, _R | None]]:
        """Work on all inputs in parallel and return each with its result, None where there is none by ``deadline``.

        botocore asks again and again for an answer that does not come, for longer than the function may have. Such a
        request is left to itself: a write that takes effect after all does no harm, since merging it again changes
        nothing. Nor does it hold up the next call, which gets threads of its own.
        """
        under_way = [(each, self._threads.submit(work, each)) for each in inputs]
        finished, late = wait([future for _, future in under_way], max(0, deadline - time.monotonic()))
        if late:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = ThreadPoolExecutor(CONNECTIONS)
        return [(each, future.result() if future in finished else None) for each, future in under_way]

    def _read(self, addresses: Sequence[str], deadline: float, *, consistent: bool) -> dict[str, _Row | str]:
        """Return the row, or the error, of each of up to ``KEYS_PER_READ`` addresses."""
        found: dict[str, _Row | str] = {}
        keys = [{"UserId": {"S": address}} for address in addresses]
        wanted: Mapping[str, Any] = {self._name: {"Keys": keys, "ConsistentRead": consistent}}
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

    def _record(self, address: str, row: _Row | str) -> Record | None:
        if row == _UNREADABLE:
            return {"UserId": address, "state": State.REVIEW, "reason": "unreadable"}
        if isinstance(row, str):
            raise TableError(row)
        if not row.evidence:
            return None
        return row.item if "evidence" in row.item else to_item(address, row.evidence, self._rules)

    def _execute(self, writes: Sequence[_Write], deadline: float) -> list[str]:
        """Return the code of the error, empty if there is none, of each of up to ``STATEMENTS_PER_WRITE`` writes."""
        if time.monotonic() >= deadline:
            return [_OUT_OF_TIME] * len(writes)
        # A seventh of the CPU time of as many UpdateItem, for the same write units (BENCHMARKS.md).
        answer = self._client.batch_execute_statement(Statements=[self._statement(each) for each in writes])
        return [each["Error"]["Code"] if "Error" in each else "" for each in answer["Responses"]]

    def _statement(self, write: _Write) -> BatchStatementRequestTypeDef:
        """Return the statement that writes an item on condition that its row is still as it was read.

        INSERT fails on an item that exists, UPDATE on one that does not or is not as WHERE says (Amazon DynamoDB
        Developer Guide, "PartiQL for DynamoDB"). An update, not a put: attributes that applications keep beside ours
        stay.
        """
        row = write.row
        known = to_item(write.address, write.evidence, self._rules) if write.evidence else dict(_NOTHING_KNOWN)
        known.pop("UserId", None)
        known |= {"version": (row.version or 0) + 1, "updatedAt": from_datetime(self._now())}
        address, values = {"S": write.address}, [_to_attribute(value) for value in known.values()]
        if not row.exists:
            names = ", ".join(f"'{name}': ?" for name in ("UserId", *known))
            return {"Statement": f'INSERT INTO "{self._name}" VALUE {{{names}}}', "Parameters": [address, *values]}
        clauses = [f'SET "{name}"=?' for name in known]
        clauses += [f'REMOVE "{name}"' for name in _NOT_ALWAYS_THERE if name in row.item and name not in known]
        condition, held = '"version" IS MISSING', []
        if row.version is not None:
            condition, held = '"version"=?', [_to_attribute(row.version)]
        return {
            "Statement": f'UPDATE "{self._name}" {" ".join(clauses)} WHERE "UserId"=? AND {condition}',
            "Parameters": [*values, address, *held],
        }

    def _change(self, write: _Write) -> Change | None:
        before = assess(write.row.evidence, self._rules).state if write.row.evidence else None
        if not write.evidence:
            return None if before is State.ENABLE else Change(write.address, before, State.ENABLE, "unknown")
        after = assess(write.evidence, self._rules)
        return None if before is after.state else Change(write.address, before, after.state, after.reason)


_OUT_OF_TIME = "OutOfTime"
_UNREADABLE = RecordError.__name__

# What an item says from which the last evidence was removed; without any evidence no mark decides.
_NOTHING_KNOWN: Mapping[str, Any] = {"state": "enable", "evidence": {}}
_NOT_ALWAYS_THERE = ("suppressed", "reason", "notificationType", "from", "timestamp")

_LISTED = ("UserId", "state", "reason", "notificationType", "from", "timestamp", "updatedAt")
_KNOWN = (*_LISTED, "evidence", "version", "suppressed")


def _without_override(evidence: Evidence) -> Evidence:
    return {slot: mark for slot, mark in evidence.items() if mark.kind is not MarkKind.OVERRIDE}


def _chunks(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _plain(item: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return some attributes of an item in DynamoDB's JSON as plain texts and maps."""
    return {name: _from_attribute(item[name]) for name in names if name in item}


def _row(item: Mapping[str, Any] | None) -> _Row | str:
    """Return the row that an item in DynamoDB's JSON stands for, or the error."""
    if not item:
        return _NO_ROW
    try:
        plain = _plain(item, _KNOWN)
        # A version that is no number would never be as a write's condition says.
        version = int(item["version"]["N"]) if "version" in item else None
        # Empty once the only evidence, an override, was removed; a record has some.
        evidence = from_item(plain) if plain.get("evidence") != {} else {}
        return _Row(evidence, exists=True, version=version, item=plain)
    except (RecordError, KeyError, TypeError, ValueError):
        return _UNREADABLE


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
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(attempt - 1, 10))))  # noqa: S311  (not for secrets)
