"""The DynamoDB table: reads items, merges evidence into them, writes those that changed, deletes, lists, reads all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.calls import Calls, is_past, pause
from healthy_mailing.evidence import Evidence, Purpose, Record, Rules, State, merge, worth_writing
from healthy_mailing.item import (
    ADDRESS,
    EVIDENCE,
    LISTED,
    NOT_ALWAYS_THERE,
    REASON,
    STATE,
    SUPPRESSED,
    TRANSACTIONAL,
    UPDATED_AT,
    VERSION,
    Item,
    RecordError,
    evidence_in,
    from_dynamodb,
    is_answer,
    says,
    state_of,
    to_attribute,
    to_dynamodb,
    to_item,
    unreadable,
    version_of,
)
from healthy_mailing.timestamp import from_datetime

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import BatchStatementRequestTypeDef

CONNECTIONS = 16
"""How many requests are under way at once; the client's connection pool must be as large."""

KEYS_PER_READ = 100
"""Most keys that one BatchGetItem takes (Amazon DynamoDB API Reference, BatchGetItem)."""

STATEMENTS_PER_WRITE = 25
"""Most statements that one BatchExecuteStatement takes (Amazon DynamoDB API Reference, BatchExecuteStatement)."""

INDEX = f"{SUPPRESSED}-{UPDATED_AT}"
"""The index of all addresses whose state is not ``enable``, by state and by when they last changed."""

SEGMENTS = 4
"""In how many parts the whole table is read at once; each holds a page of up to 1 MB."""

OUT_OF_TIME = "OutOfTime"
"""The error of what the deadline left undone."""

UNREADABLE = RecordError.__name__
"""The error of an address whose item is not a record."""

# Codes of single statements (Amazon DynamoDB API Reference, BatchStatementError): another writer came first,
_CONFLICTS = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
# and what is worth another try. botocore tries again where DynamoDB refuses a request, but not for a statement in it.
_RETRYABLE = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)

# Codes of whole requests that long work waits out for longer than botocore does (Amazon DynamoDB Developer Guide,
# "Error handling with DynamoDB").
_BUSY = frozenset(
    {"InternalServerError", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
)

_NO_INDEX = "ValidationException"  # of a query whose index does not exist
_CONDITION_FAILED = "ConditionalCheckFailedException"

# How often a statement is tried, about a second in all; the queue delivers again what is refused for longer.
_TRIES = 10

_ANSWER = (ADDRESS, STATE, TRANSACTIONAL, REASON)
_ANSWER_ALONE = {
    "ProjectionExpression": ",".join(f"#{name}" for name in _ANSWER),
    "ExpressionAttributeNames": {f"#{name}": name for name in _ANSWER},
}

Edit = Callable[[Evidence], Evidence]
"""What is to become of the evidence held; called again where another writer came first."""

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an address's state, for bulk mail or transactional mail.

    Attributes:
        address: The canonical address.
        before: Its state for bulk mail as it was; None for a new record.
        after: Its state for bulk mail as it is.
        transactional: Its state for transactional mail as it is.
        reason: Why ``after`` is what it is.
    """

    address: str
    before: State | None
    after: State
    transactional: State
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one address of a batch.

    Attributes:
        address: The canonical address.
        written: Whether its item was written; if not, it held the evidence already, or ``error`` says more.
        change: Set if its state changed, for either kind of mail.
        conflicts: How many times another writer came first.
        error: Why its evidence is not in the table; empty if it is.
    """

    address: str
    written: bool = False
    change: Change | None = None
    conflicts: int = 0
    error: str = ""


class TableError(Exception):
    """DynamoDB did not answer; the message is the name of its error, never its text, which may repeat an address."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the addresses in the index, newest change first.

    Attributes:
        items: Their items, of which only the attributes ``item.LISTED``.
        last: The last address read and when it last changed, to go on from there; None at the end.
    """

    items: tuple[Item, ...]
    last: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class _Row:
    """What the table holds under an address, or why that is not known (``error``)."""

    item: Item = field(default_factory=dict)  # empty: there is none
    evidence: Evidence = field(default_factory=dict)
    version: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Write:
    """What a row is to be replaced by."""

    address: str
    row: _Row
    record: Record


def connect(session: Session | None = None, endpoint_url: str | None = None) -> DynamoDBClient:
    """Return a client with the connections that a table needs, by default as the environment says."""
    # botocore without boto3 on top: the same client, and an eighth less cold start (make bench).
    client = (session or botocore.session.get_session()).create_client(
        "dynamodb",
        endpoint_url=endpoint_url,
        config=Config(
            max_pool_connections=CONNECTIONS,
            # A lost answer is noticed, and asked for again, well within the function's timeout.
            connect_timeout=1,
            read_timeout=3,
            retries={"mode": "standard", "total_max_attempts": 4},
            # Each saves a tenth of a request's CPU time (BENCHMARKS.md). Requests need no validation: they are built
            # here. Without a name of our own, botocore composes one for each request.
            parameter_validation=False,
            user_agent="healthy-mailing",
        ),
    )
    return cast("DynamoDBClient", client)


class Table:
    """The table ``mailing``, or whatever its name.

    Each method has a deadline (``time.monotonic()`` seconds). After it, nothing new starts and nothing is waited for.
    """

    def __init__(
        self, client: DynamoDBClient, name: str, rules: Rules, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Use a table through a client with at least ``CONNECTIONS`` connections; ``now`` dates changes."""
        self.rules = rules
        self._client = client
        self._name = name
        self._now = now
        self._calls = Calls(CONNECTIONS)

    def add(self, evidence: Mapping[str, Evidence], deadline: float) -> list[Outcome]:
        """Merge evidence, by canonical address, into the table and return what became of each address.

        Errors of AWS are in the outcomes, not raised. An address whose outcome has one may have been written all the
        same; trying again does no harm.
        """
        # Eventually consistent reads will do: a write checks the version.
        return self.edit({address: partial(merge, each) for address, each in evidence.items()}, deadline)

    def edit(
        self, edits: Mapping[str, Edit], deadline: float, *, consistent: bool = False, exact: bool = False
    ) -> list[Outcome]:
        """Edit evidence, by canonical address, and return what became of each address; errors as in ``add``.

        ``exact`` also writes where nothing but what follows from the evidence differs, as after a change of the rules,
        and every difference of a delivery.
        """
        rows = self._read_all(list(edits), deadline, consistent=consistent)
        outcomes, writes = self._plan(rows, edits, Counter(), exact=exact)
        settled, late = self._calls.make(
            lambda chunk: self._settle(chunk, edits, deadline, exact=exact),
            _chunks(writes, STATEMENTS_PER_WRITE),
            deadline,
        )
        for _, each in settled:
            outcomes += each
        return outcomes + [Outcome(write.address, error=OUT_OF_TIME) for chunk in late for write in chunk]

    def read(self, addresses: Sequence[str], deadline: float, *, consistent: bool) -> dict[str, Item | None]:
        """Return the item of each canonical address, None where nothing is known of it.

        An item that is not a record is returned as ``item.unreadable``. ``consistent`` reads see every earlier write,
        and cost twice as much.

        Raises:
            TableError: DynamoDB refused, or the deadline passed.
        """
        rows = self._read_all(list(dict.fromkeys(addresses)), deadline, consistent=consistent)
        return {address: self._known(address, row) for address, row in rows.items()}

    def answers(self, addresses: Sequence[str], deadline: float, *, consistent: bool) -> dict[str, Item | None]:
        """Return the states and the reason of each canonical address, in less time than ``read``, and as it does.

        An item that does not say them is read whole.
        """
        rows = self._read_all(list(dict.fromkeys(addresses)), deadline, consistent=consistent, whole=False)
        error = next((row.error for row in rows.values() if row.error), "")
        if error:
            raise TableError(error)
        unsaid = [address for address, row in rows.items() if row.item and not is_answer(row.item)]
        whole = self.read(unsaid, deadline, consistent=consistent) if unsaid else {}
        return {address: row.item or None for address, row in rows.items()} | whole

    def suppressed(
        self, state: State, limit: int, deadline: float, *, since: str = "", after: tuple[str, str] | None = None
    ) -> Page:
        """Return up to ``limit`` addresses in a state other than ``enable``, newest change first.

        Args:
            state: ``disable`` or ``review``.
            limit: Most addresses to return; a page may hold fewer, the last one none.
            deadline: See the class.
            since: Only what changed at that time (see ``timestamp``) or later.
            after: Go on behind this address and time, the ``last`` of another page of the same state and ``since``.

        Raises:
            TableError: DynamoDB refused, or the deadline passed.
        """
        query: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": INDEX,
            "KeyConditionExpression": f"{SUPPRESSED} = :state" + (f" AND {UPDATED_AT} >= :since" if since else ""),
            "ExpressionAttributeValues": to_dynamodb({":state": state} | ({":since": since} if since else {})),
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after:
            address, updated_at = after
            query["ExclusiveStartKey"] = to_dynamodb({ADDRESS: address, SUPPRESSED: state, UPDATED_AT: updated_at})
        (answer,) = self._answers(lambda asked: self._client.query(**asked), [query], deadline)
        last = from_dynamodb(answer.get("LastEvaluatedKey", {}))
        return Page(
            tuple(_listed(from_dynamodb(each, LISTED)) for each in answer["Items"]),
            (last[ADDRESS], last[UPDATED_AT]) if last else None,
        )

    def scan(self, deadline: float) -> Iterator[list[Item]]:
        """Yield all items, a page of up to 1 MB at a time, in no order.

        An item that is written meanwhile is as it was before or after. One that is made meanwhile may be left out.

        Raises:
            TableError: DynamoDB refused, or the deadline passed.
        """
        requests = [
            {"TableName": self._name, "Segment": segment, "TotalSegments": SEGMENTS} for segment in range(SEGMENTS)
        ]
        return self._pages(self._client.scan, requests, deadline)

    def blocked(self, deadline: float, *, since: str = "") -> Iterator[list[Item]]:
        """Yield the items whose state is not ``enable``, a page at a time; with ``since``, those changed then or later.

        They come from the index, oldest change first, so that one that changes meanwhile comes once more and none is
        left out. A table without the index is read whole.

        Raises:
            TableError: DynamoDB refused, or the deadline passed.
        """
        queries = [
            {
                "TableName": self._name,
                "IndexName": INDEX,
                "KeyConditionExpression": f"{SUPPRESSED} = :state AND {UPDATED_AT} >= :since",
                # DynamoDB takes no empty string as a key. All times are after "0".
                "ExpressionAttributeValues": to_dynamodb({":state": state, ":since": since or "0"}),
            }
            for state in (State.DISABLE, State.REVIEW)
        ]
        try:
            yield from self._pages(self._client.query, queries, deadline)
        except TableError as error:
            if str(error) != _NO_INDEX:
                raise
            for page in self.scan(deadline):
                yield [item for item in page if item.get(SUPPRESSED) and _changed_since(item, since)]

    def outdated(self, item: Item) -> Outcome | None:
        """Return what ``edit(exact=True)`` would make of an item whose evidence stays the same; None for nothing."""
        row = _row(item)
        if row.error:
            return Outcome(item[ADDRESS], error=row.error)
        if not self._says_otherwise(row, row.evidence):
            return None
        write = _Write(item[ADDRESS], row, Record.of(row.evidence, self.rules))
        return Outcome(item[ADDRESS], written=True, change=_change(write))

    def annotate(self, address: str, name: str, value: Mapping[str, str] | None, deadline: float) -> Outcome:
        """Set an attribute that does not depend on evidence, such as ``item.PUSHED``; None removes it.

        The version stays: writers of evidence do not touch the attribute, so they need not read the item again. Errors
        as in ``add``; ``ConditionalCheckFailed`` if the item does not exist.
        """
        clause, values = (f'REMOVE "{name}"', []) if value is None else (f'SET "{name}"=?', [to_attribute(value)])
        statement: BatchStatementRequestTypeDef = {
            "Statement": f'UPDATE "{self._name}" {clause} WHERE "{ADDRESS}"=?',
            "Parameters": [*values, to_attribute(address)],
        }
        attempt = 0
        while not is_past(deadline):
            try:
                (answer,) = self._client.batch_execute_statement(Statements=[statement])["Responses"]
            except (ClientError, BotoCoreError) as error:
                return Outcome(address, error=_name_of(error))
            code = answer["Error"]["Code"] if "Error" in answer else ""
            attempt += 1
            if code not in _RETRYABLE or attempt == _TRIES:
                return Outcome(address, written=not code, error=code)
            pause(attempt)
        return Outcome(address, error=OUT_OF_TIME)

    def delete(self, addresses: Sequence[str], deadline: float) -> list[Outcome]:
        """Delete the items of canonical addresses, whatever they hold; errors as in ``add``.

        ``written`` says whether there was one. Evidence that is merged at the same time is either deleted too, or
        creates a new item without anything from this one: a writer that read this one fails on its condition.
        """
        rows = self._read_all(list(dict.fromkeys(addresses)), deadline, consistent=True)
        held = [(address, row) for address, row in rows.items() if row.item]
        deleted, late = self._calls.make(lambda each: self._delete(*each, deadline), held, deadline)
        return [
            *(Outcome(address, error=row.error) for address, row in rows.items() if not row.item),
            *(outcome for _, outcome in deleted),
            *(Outcome(address, error=OUT_OF_TIME) for address, _ in late),
        ]

    def _pages(
        self, call: Callable[..., Any], requests: Sequence[Mapping[str, Any]], deadline: float
    ) -> Iterator[list[Item]]:
        """Yield the pages of requests under way at once, each of a part of the table."""
        while requests:
            answers = self._answers(partial(_patiently, call, deadline), requests, deadline)
            for answer in answers:
                yield [from_dynamodb(each) for each in answer["Items"]]
            requests = [
                {**request, "ExclusiveStartKey": answer["LastEvaluatedKey"]}
                for request, answer in zip(requests, answers, strict=True)
                if "LastEvaluatedKey" in answer
            ]

    def _answers(
        self, call: Callable[[Mapping[str, Any]], _R], requests: Sequence[Mapping[str, Any]], deadline: float
    ) -> list[_R]:
        """Return the answers to requests under way at once, in their order.

        Raises:
            TableError: DynamoDB refused one, or the deadline passed.
        """
        try:
            answered, late = self._calls.make(call, requests, deadline)
        except (ClientError, BotoCoreError) as error:
            raise TableError(_name_of(error)) from None
        if late:
            raise TableError(OUT_OF_TIME)
        return [answer for _, answer in answered]

    def _read_all(
        self, addresses: Sequence[str], deadline: float, *, consistent: bool, whole: bool = True
    ) -> dict[str, _Row]:
        """Return the row of each of any number of addresses; ``whole``: as in ``_read``."""
        read, late = self._calls.make(
            lambda chunk: self._read(chunk, deadline, consistent=consistent, whole=whole),
            _chunks(addresses, KEYS_PER_READ),
            deadline,
        )
        rows = {address: _Row(error=OUT_OF_TIME) for chunk in late for address in chunk}
        for _, found in read:
            rows |= found
        return rows

    def _read(
        self, addresses: Sequence[str], deadline: float, *, consistent: bool, whole: bool = True
    ) -> dict[str, _Row]:
        """Return the row of each of up to ``KEYS_PER_READ`` addresses: the whole item, or ``_ANSWER`` of it alone."""
        found: dict[str, _Row] = {}
        keys = [{ADDRESS: to_attribute(address)} for address in addresses]
        part = {} if whole else _ANSWER_ALONE
        wanted: Mapping[str, Any] = {self._name: {"Keys": keys, "ConsistentRead": consistent, **part}}
        attempt = 0
        while wanted:
            if is_past(deadline):
                return {address: found.get(address, _Row(error=OUT_OF_TIME)) for address in addresses}
            try:
                answer = self._client.batch_get_item(RequestItems=wanted)
            except (ClientError, BotoCoreError) as error:
                return {address: _Row(error=_name_of(error)) for address in addresses}
            for each in answer["Responses"].get(self._name, []):
                item = from_dynamodb(each) if whole else from_dynamodb(each, _ANSWER)
                found[item[ADDRESS]] = _row(item) if whole else _Row(item)
            wanted = answer.get("UnprocessedKeys", {})
            if wanted:
                attempt += 1
                pause(attempt)
        return {address: found.get(address) or _Row() for address in addresses}

    def _known(self, address: str, row: _Row) -> Item | None:
        """Return what is known of an address, as ``read`` does."""
        if row.error == UNREADABLE:
            return unreadable(address)
        if row.error:
            raise TableError(row.error)
        if not row.evidence:
            return None
        if EVIDENCE in row.item and is_answer(row.item):
            return row.item
        return to_item(address, Record.of(row.evidence, self.rules))

    def _plan(
        self, rows: Mapping[str, _Row], edits: Mapping[str, Edit], conflicts: Mapping[str, int], *, exact: bool
    ) -> tuple[list[Outcome], list[_Write]]:
        """Return the outcomes of rows that could not be read or do not change, and what is to be written."""
        outcomes: list[Outcome] = []
        writes: list[_Write] = []
        for address, row in rows.items():
            evidence = edits[address](row.evidence)
            wanted = self._says_otherwise(row, evidence) if exact else worth_writing(row.evidence, evidence, self.rules)
            if wanted and not row.error:
                writes.append(_Write(address, row, Record.of(evidence, self.rules)))
            else:
                outcomes.append(Outcome(address, conflicts=conflicts[address], error=row.error))
        return outcomes, writes

    def _says_otherwise(self, row: _Row, evidence: Evidence) -> bool:
        """Return whether an item is to say anything else than it does; one that is not there is to say nothing."""
        return not says(row.item, Record.of(evidence, self.rules)) if row.item else bool(evidence)

    def _settle(
        self, writes: Sequence[_Write], edits: Mapping[str, Edit], deadline: float, *, exact: bool
    ) -> list[Outcome]:
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
                refusals[address] += code in _RETRYABLE
                if code in _CONFLICTS or (code in _RETRYABLE and refusals[address] < _TRIES):
                    again.append(address)
                else:
                    change = None if code else _change(write)
                    outcomes.append(Outcome(address, not code, change, conflicts[address], code))
            if not again:
                break
            attempt += 1
            pause(attempt)
            unwritten, writes = self._plan(self._read(again, deadline, consistent=True), edits, conflicts, exact=exact)
            outcomes += unwritten
        return outcomes

    def _execute(self, writes: Sequence[_Write], deadline: float) -> list[str]:
        """Return the code of the error, empty if there is none, of each of up to ``STATEMENTS_PER_WRITE`` writes."""
        if is_past(deadline):
            return [OUT_OF_TIME] * len(writes)
        # A seventh of the CPU time of as many UpdateItem, for the same write units (BENCHMARKS.md).
        answer = self._client.batch_execute_statement(Statements=[self._statement(each) for each in writes])
        return [each["Error"]["Code"] if "Error" in each else "" for each in answer["Responses"]]

    def _statement(self, write: _Write) -> BatchStatementRequestTypeDef:
        """Return the statement that writes an item on condition that its row is still as it was read.

        INSERT fails on an item that exists, UPDATE on one that does not or is not as WHERE says (Amazon DynamoDB
        Developer Guide, "PartiQL for DynamoDB"). An update, not a put: attributes that applications keep beside ours
        stay.

        See ``_as_read`` for the condition.
        """
        row = write.row
        item = to_item(write.address, write.record)
        item |= {VERSION: (row.version or 0) + 1, UPDATED_AT: from_datetime(self._now())}
        if not row.item:
            names = ", ".join(f"'{name}': ?" for name in item)
            return {
                "Statement": f'INSERT INTO "{self._name}" VALUE {{{names}}}',
                "Parameters": list(to_dynamodb(item).values()),
            }
        address = to_attribute(item.pop(ADDRESS))
        clauses = [f'SET "{name}"=?' for name in item]
        clauses += [f'REMOVE "{name}"' for name in NOT_ALWAYS_THERE if name in row.item and name not in item]
        where, held = "", []
        for name, value in _as_read(row.item):
            if value is None:
                where += f' AND "{name}" IS MISSING'
            else:
                where += f' AND "{name}"=?'
                held.append(to_attribute(value))
        return {
            "Statement": f'UPDATE "{self._name}" {" ".join(clauses)} WHERE "{ADDRESS}"=?{where}',
            "Parameters": [*to_dynamodb(item).values(), address, *held],
        }

    def _delete(self, address: str, row: _Row, deadline: float) -> Outcome:
        """Delete the item that was read, and later versions of it, but no other that took its place."""
        conflicts = 0
        while not is_past(deadline):
            conditions = _as_read(row.item)
            parts = [f"attribute_exists({ADDRESS})"]
            parts += [
                f"attribute_not_exists(#{name})" if value is None else f"#{name} = :{name}"
                for name, value in conditions
            ]
            request: dict[str, Any] = {
                "TableName": self._name,
                "Key": to_dynamodb({ADDRESS: address}),
                "ConditionExpression": " AND ".join(parts),
            }
            # DynamoDB refuses an empty map of either.
            if names := {f"#{name}": name for name, _ in conditions}:
                request["ExpressionAttributeNames"] = names
            if values := {f":{name}": to_attribute(value) for name, value in conditions if value is not None}:
                request["ExpressionAttributeValues"] = values
            try:
                self._client.delete_item(**request)
            except (ClientError, BotoCoreError) as error:
                if _name_of(error) != _CONDITION_FAILED:
                    return Outcome(address, conflicts=conflicts, error=_name_of(error))
            else:
                return Outcome(address, written=True, conflicts=conflicts)
            conflicts += 1
            pause(conflicts)
            before, row = row, self._read([address], deadline, consistent=True)[address]
            if not row.item or _took_the_place(row.item, before.item):
                # Where the answer to a deletion was lost, botocore asks again and finds nothing, or something new.
                return Outcome(address, written=not row.error, conflicts=conflicts, error=row.error)
        return Outcome(address, conflicts=conflicts, error=OUT_OF_TIME)


def _row(item: Item) -> _Row:
    """Return the row of an item that exists."""
    try:
        return _Row(item, evidence_in(item), version_of(item))
    except RecordError:
        return _Row(item, error=UNREADABLE)


def _listed(item: Item) -> Item:
    """Return an item of a list. Another program may have written what the index needs, and no more."""
    if is_answer(item):
        return item
    return {**{name: value for name, value in item.items() if type(value) is str}, **unreadable(item[ADDRESS])}


def _changed_since(item: Item, since: str) -> bool:
    """Return whether an item changed at a time or later; True if another program put something else there."""
    updated_at = item.get(UPDATED_AT, "")
    return type(updated_at) is not str or updated_at >= since


def _as_read(item: Item) -> list[tuple[str, str | int | None]]:
    """Return the attributes, None for a missing one, by which a condition tells that an item is still as it was read.

    Versions tell the states of one item apart. But an item may expire or be deleted, and the next writer makes another,
    whose version begins at 1 again; hence the time too. Both could be equal only if two items of one address were made
    in the same millisecond, with a read and a deletion in between.

    What another program wrote in place of either is not named, since ``item.from_dynamodb`` does not tell all types.
    """
    version, updated_at = item.get(VERSION), item.get(UPDATED_AT)
    conditions: list[tuple[str, str | int | None]] = []
    if version is None or type(version) is int:
        conditions.append((VERSION, version))
    if type(updated_at) is str and updated_at[-1:] == "Z":  # else no time of ours, perhaps a number
        conditions.append((UPDATED_AT, updated_at))
    return conditions


def _took_the_place(item: Item, before: Item) -> bool:
    """Return whether an item was made after another one of its address was deleted: its version began again."""
    version, version_before = item.get(VERSION), before.get(VERSION)
    return type(version) is int and type(version_before) is int and version <= version_before


def _patiently(call: Callable[..., _R], deadline: float, request: Mapping[str, Any]) -> _R:
    """Make a call of long work, and wait while DynamoDB is busy."""
    attempt = 0
    while True:
        try:
            return call(**request)
        except ClientError as error:
            attempt += 1
            if _name_of(error) not in _BUSY or attempt == _TRIES or is_past(deadline):
                raise
            pause(attempt)


def _change(write: _Write) -> Change | None:
    """Return how the states change. Removing all evidence of an address that may be mailed changes nothing."""
    before, transactional_before = (
        state_of(write.row.item, each) if write.row.evidence else None for each in (Purpose.BULK, Purpose.TRANSACTIONAL)
    )
    assessment, transactional = write.record.assessment, write.record.transactional
    after, reason = (assessment.state, assessment.reason) if assessment else (State.ENABLE, "unknown")
    if (before, transactional_before) == (after, transactional):
        return None
    return Change(write.address, before, after, transactional, reason)


def _chunks(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _name_of(error: ClientError | BotoCoreError) -> str:
    # Never the text: it may repeat keys, which are addresses.
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
