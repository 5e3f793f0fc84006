"""The DynamoDB table: reads items, merges evidence into them, writes those that changed, deletes, lists, reads all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, TypeVar, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.calls import Calls, is_past, pause, rest
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
    beside_evidence,
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

REPLICATION = 2.0
"""After how many seconds an eventually consistent read sees a write. It is usually less than one (Amazon DynamoDB
Developer Guide, "Read consistency")."""

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
_WHOLE: Mapping[str, Any] = {}
_ANSWER_ALONE = {
    "ProjectionExpression": ",".join(f"#{name}" for name in _ANSWER),
    "ExpressionAttributeNames": {f"#{name}": name for name in _ANSWER},
}

Edit = Callable[[Evidence], Evidence]
"""What is to become of the evidence held; called again where another writer came first."""

Spellings = Mapping[str, Collection[str]]
"""By canonical address, the other spellings under which a row of it may be. See ``address.spellings``."""

_NONE: Spellings = {}

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
        moved: How many rows in another spelling were merged into its row (``Table.move``).
        held: The evidence that was known before.
        item: The item that the table holds now: the one written, or the one found; empty with an ``error``.
    """

    address: str
    written: bool = False
    change: Change | None = None
    conflicts: int = 0
    error: str = ""
    moved: int = 0
    held: Evidence = field(default_factory=dict, compare=False, repr=False)
    item: Item = field(default_factory=dict, compare=False, repr=False)


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
    """What the table holds under an address, or why that is not known (``error``).

    ``known`` is the evidence in the row and in those of the address's other spellings. ``is_odd``: one of these is not
    a record.
    """

    item: Item = field(default_factory=dict)  # empty: there is none
    evidence: Evidence = field(default_factory=dict)
    version: int | None = None
    error: str = ""
    known: Evidence = field(default_factory=dict)
    is_odd: bool = False


@dataclass(frozen=True, slots=True)
class _Write:
    """What a row is to be replaced by."""

    address: str
    row: _Row
    record: Record
    item: Item

    @classmethod
    def of(cls, address: str, row: _Row, evidence: Evidence, rules: Rules) -> _Write:
        record = Record.of(evidence, rules)
        return cls(address, row, record, to_item(address, record))


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
            # Each saves a tenth of a request's CPU time (docs/benchmarks.md). Requests need no validation: they are
            # built here. Without a name of our own, botocore composes one for each request.
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

    def add(self, evidence: Mapping[str, Evidence], deadline: float, *, spellings: Spellings = _NONE) -> list[Outcome]:
        """Merge evidence, by canonical address, into the table and return what became of each address.

        Errors of AWS are in the outcomes, not raised. An address whose outcome has one may have been written all the
        same; trying again does no harm.
        """
        # Eventually consistent reads will do: a write checks the version.
        edits = {address: partial(merge, each) for address, each in evidence.items()}
        return self.edit(edits, deadline, spellings=spellings)

    def edit(
        self,
        edits: Mapping[str, Edit],
        deadline: float,
        *,
        spellings: Spellings = _NONE,
        consistent: bool = False,
        exact: bool = False,
    ) -> list[Outcome]:
        """Edit evidence, by canonical address, and return what became of each address; errors as in ``add``.

        What rows in other ``spellings`` hold is merged into the evidence first. Those rows stay as they are.

        ``exact`` also writes where nothing but what follows from the evidence differs, as after a change of the rules,
        and every difference of a delivery.
        """
        rows = self._read_all(list(edits), deadline, spellings, consistent=consistent)
        outcomes, writes = self._plan(rows, edits, Counter(), exact=exact)
        settled, late = self._calls.make(
            lambda chunk: self._settle(chunk, edits, spellings, deadline, exact=exact),
            _chunks(writes, STATEMENTS_PER_WRITE),
            deadline,
        )
        for _, each in settled:
            outcomes += each
        return outcomes + [Outcome(write.address, error=OUT_OF_TIME) for chunk in late for write in chunk]

    def read(
        self, addresses: Iterable[str], deadline: float, *, spellings: Spellings = _NONE, consistent: bool
    ) -> dict[str, Item | None]:
        """Return the item of each canonical address, None where nothing is known of it.

        Where there are rows in other ``spellings`` too, it is the item that merging them would make, or the one there
        is if that is stricter. An item that is not a record is returned as ``item.unreadable``. ``consistent`` reads
        see every earlier write, and cost twice as much.

        Raises:
            TableError: DynamoDB refused, or the deadline passed.
        """
        rows = self._read_all(list(dict.fromkeys(addresses)), deadline, spellings, consistent=consistent)
        return {address: self._known(address, row) for address, row in rows.items()}

    def answers(
        self, addresses: Iterable[str], deadline: float, *, spellings: Spellings = _NONE, consistent: bool
    ) -> dict[str, Item | None]:
        """Return the states and the reason of each canonical address, in less time than ``read``, and as it does.

        An address is read whole if its item does not say them, or if there is a row in another spelling.
        """
        wanted = dict.fromkeys(addresses)

        # Converted there, while others wait for their answers.
        def fetch(keys: Sequence[str]) -> tuple[dict[str, Item], str]:
            items, error = self._fetch(keys, deadline, consistent=consistent, part=_ANSWER_ALONE)
            return {key: from_dynamodb(item, _ANSWER) for key, item in items.items()}, error

        fetched, late = self._calls.make(fetch, _chunks(_keys(list(wanted), spellings), KEYS_PER_READ), deadline)
        error = OUT_OF_TIME if late else next((error for _, (_, error) in fetched if error), "")
        if error:
            raise TableError(error)
        found: dict[str, Item] = {}
        for _, (items, _) in fetched:
            found |= items
        unsaid = [address for address in wanted if address in found and not is_answer(found[address])]
        unsaid += [each for each in spellings.keys() & wanted.keys() if any(key in found for key in spellings[each])]
        whole = self.read(unsaid, deadline, spellings=spellings, consistent=consistent) if unsaid else {}
        return {address: found.get(address) for address in wanted} | whole

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
        write = _Write.of(item[ADDRESS], row, row.evidence, self.rules)
        return Outcome(item[ADDRESS], written=True, change=self._change(write))

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

    def delete(self, addresses: Iterable[str], deadline: float, *, spellings: Spellings = _NONE) -> list[Outcome]:
        """Delete the items of canonical addresses, in any of ``spellings``, whatever they hold; errors as in ``add``.

        ``written`` says whether there was one. Evidence that is merged at the same time is either deleted too, or
        creates a new item without anything from this one: a writer that read this one fails on its condition.
        """
        wanted = list(dict.fromkeys(addresses))
        rows = self._read_keys(_keys(wanted, spellings), deadline, consistent=True)
        held = [(key, row) for key, row in rows.items() if row.item]
        deleted, late = self._calls.make(lambda each: self._delete(*each, deadline), held, deadline)
        of_key = {
            **{key: Outcome(key, error=row.error) for key, row in rows.items() if not row.item},
            **{outcome.address: outcome for _, outcome in deleted},
            **{key: Outcome(key, error=OUT_OF_TIME) for key, _ in late},
        }
        return [
            _together(address, [of_key[key] for key in (address, *spellings.get(address, ()))]) for address in wanted
        ]

    def move(
        self, spellings: Spellings, deadline: float, *, keep: bool = False, dry_run: bool = False
    ) -> list[Outcome]:
        """Merge rows in other ``spellings`` into the rows of their canonical addresses, then delete them.

        Errors as in ``add``. At any moment, one of the two rows has the evidence, even to eventually consistent reads.
        So an interruption does no harm: move it again. A row that changes between the merge and its deletion is not
        deleted, but merged again. Attributes of other programs move along, unless the canonical row has one of that
        name. ``keep`` leaves the rows there. ``dry_run`` changes nothing: outcomes say what would happen if the rows of
        the canonical addresses were up to date with the rules.

        A row that is not a record stays, and is an error of its address.
        """
        outcomes: dict[str, Outcome] = {}
        left, attempt = {address: list(each) for address, each in spellings.items()}, 0
        while left:
            moved, left = self._move(left, deadline, keep=keep, dry_run=dry_run)
            for each in moved:
                before = [outcomes[each.address]] if each.address in outcomes else []
                outcomes[each.address] = _together(each.address, [*before, each])
            if left:
                attempt += 1
                pause(attempt)
        return list(outcomes.values())

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

    def _move(
        self, spellings: Mapping[str, Sequence[str]], deadline: float, *, keep: bool, dry_run: bool
    ) -> tuple[list[Outcome], dict[str, list[str]]]:
        """Try once to ``move`` rows. Return the outcomes, and the rows that changed meanwhile, to move them again."""
        keys = [key for each in spellings.values() for key in each]
        found: dict[str, Mapping[str, Any]] = {}
        errors: dict[str, str] = dict.fromkeys(keys, OUT_OF_TIME)  # of those that no call answers in time
        fetched, _ = self._calls.make(
            lambda chunk: self._fetch(chunk, deadline, consistent=True), _chunks(keys, KEYS_PER_READ), deadline
        )
        for chunk, (items, error) in fetched:
            found |= items
            errors |= dict.fromkeys(chunk, error)
        rows = {key: _row(from_dynamodb(each)) for key, each in found.items()}
        errors |= {key: row.error for key, row in rows.items()}
        evidence: dict[str, Evidence] = {}
        for address, each in spellings.items():
            for key in each:
                if not errors[key] and key in rows:
                    evidence[address] = merge(evidence.get(address, {}), rows[key].evidence)
        edits = {address: partial(merge, each) for address, each in evidence.items()}
        merged = self._foreseen(edits, deadline) if dry_run else self.edit(edits, deadline, consistent=True, exact=True)
        of_address = {outcome.address: outcome for outcome in merged}
        movable = [
            (key, address)
            for address in evidence
            for key in spellings[address]
            if key in rows
            and not errors[key]
            and not of_address[address].error
            # What other programs keep of someone of whom nothing is known has no row to go to.
            and (of_address[address].item or not beside_evidence(found[key]))
        ]
        if movable and not keep and not dry_run:
            # Else a reader could find neither: the deletion on one replica, and on another not yet the merge.
            rest(REPLICATION)
            removed, late = self._calls.make(
                lambda each: self._remove(found[each[0]], each[1], deadline), movable, deadline
            )
            errors |= {key: code for (key, _), code in removed} | {key: OUT_OF_TIME for key, _ in late}
        outcomes = [
            _together(
                address,
                [
                    of_address.get(address, Outcome(address)),
                    *(Outcome(address, error=errors[key]) for key in each if errors[key] != _CONDITION_FAILED),
                    Outcome(address, moved=sum(not errors[key] for key, of in movable if of == address)),
                ],
            )
            for address, each in spellings.items()
        ]
        again = {
            address: [key for key in each if errors[key] == _CONDITION_FAILED] for address, each in spellings.items()
        }
        return outcomes, {address: each for address, each in again.items() if each}

    def _foreseen(self, edits: Mapping[str, Edit], deadline: float) -> list[Outcome]:
        """Return what ``edit(exact=True)`` would make of rows that were up to date with the rules."""
        rows = self._read_all(list(edits), deadline, _NONE, consistent=True)
        for address, row in rows.items():
            if row.item and not row.error:
                rows[address] = replace(row, item=to_item(address, Record.of(row.evidence, self.rules)))
        outcomes, writes = self._plan(rows, edits, Counter(), exact=True)
        return outcomes + [
            Outcome(each.address, written=True, change=self._change(each), held=each.row.known, item=each.item)
            for each in writes
        ]

    def _remove(self, found: Mapping[str, Any], address: str, deadline: float) -> str:
        """Delete a row of another spelling if it is still as it was found, and return the code of the error, if any.

        Before that, an address's row gets those of its attributes that it lacks and that do not follow from evidence.
        """
        others = beside_evidence(found)
        held = {name: value for name, value in found.items() if name != ADDRESS}
        try:
            if others and not is_past(deadline):
                self._client.update_item(
                    TableName=self._name,
                    Key=to_dynamodb({ADDRESS: address}),
                    ConditionExpression=f"attribute_exists({ADDRESS})",
                    UpdateExpression="SET "
                    + ", ".join(f"#{number} = if_not_exists(#{number}, :{number})" for number in range(len(others))),
                    **_placeholders(others),
                )
            if is_past(deadline):
                return OUT_OF_TIME
            # All attributes: the original article's function writes no version.
            self._client.delete_item(
                TableName=self._name,
                Key={ADDRESS: found[ADDRESS]},
                ConditionExpression=" AND ".join(f"#{number} = :{number}" for number in range(len(held))),
                **_placeholders(held),
            )
        except (ClientError, BotoCoreError) as error:
            return _name_of(error)
        return ""

    def _read_all(
        self, addresses: Sequence[str], deadline: float, spellings: Spellings, *, consistent: bool
    ) -> dict[str, _Row]:
        """Return the row of each of any number of addresses, with what rows in other spellings add to it."""
        rows = self._read_keys(_keys(addresses, spellings), deadline, consistent=consistent)
        return _joined(addresses, rows, spellings) if spellings else rows

    def _read_keys(self, keys: Sequence[str], deadline: float, *, consistent: bool) -> dict[str, _Row]:
        """Return the row of each of any number of keys."""
        read, late = self._calls.make(
            lambda chunk: self._read(chunk, deadline, consistent=consistent), _chunks(keys, KEYS_PER_READ), deadline
        )
        rows = {key: _Row(error=OUT_OF_TIME) for chunk in late for key in chunk}
        for _, found in read:
            rows |= found
        return rows

    def _read(self, keys: Sequence[str], deadline: float, *, consistent: bool) -> dict[str, _Row]:
        """Return the row of each of up to ``KEYS_PER_READ`` keys."""
        found, error = self._fetch(keys, deadline, consistent=consistent)
        rows = {key: _row(from_dynamodb(each)) for key, each in found.items()}
        missing = _Row(error=error)
        return {key: rows.get(key, missing) for key in keys}

    def _fetch(
        self, keys: Sequence[str], deadline: float, *, consistent: bool, part: Mapping[str, Any] = _WHOLE
    ) -> tuple[dict[str, Mapping[str, Any]], str]:
        """Return the items of up to ``KEYS_PER_READ`` keys in DynamoDB's JSON, and why others are not known, if so.

        ``part`` says which attributes are wanted, in the words of BatchGetItem.
        """
        found: dict[str, Mapping[str, Any]] = {}
        asked = [{ADDRESS: to_attribute(key)} for key in keys]
        wanted: Mapping[str, Any] = {self._name: {"Keys": asked, "ConsistentRead": consistent, **part}}
        attempt = 0
        while wanted:
            if is_past(deadline):
                return found, OUT_OF_TIME
            try:
                answer = self._client.batch_get_item(RequestItems=wanted)
            except (ClientError, BotoCoreError) as error:
                return {}, _name_of(error)
            for each in answer["Responses"].get(self._name, []):
                found[each[ADDRESS]["S"]] = each
            wanted = answer.get("UnprocessedKeys", {})
            if wanted:
                attempt += 1
                pause(attempt)
        return found, ""

    def _known(self, address: str, row: _Row) -> Item | None:
        """Return what is known of an address, as ``read`` does."""
        if row.error == UNREADABLE or (row.is_odd and not row.error):
            return unreadable(address)
        if row.error:
            raise TableError(row.error)
        if not row.known:
            return None
        is_whole = EVIDENCE in row.item and is_answer(row.item)
        if is_whole and row.known == row.evidence:
            return row.item
        item = to_item(address, Record.of(row.known, self.rules))
        # These may not be the rules that the item was written by: then the stricter answer counts until it is.
        return row.item if is_whole and _strictness(row.item) > _strictness(item) else item

    def _plan(
        self, rows: Mapping[str, _Row], edits: Mapping[str, Edit], conflicts: Mapping[str, int], *, exact: bool
    ) -> tuple[list[Outcome], list[_Write]]:
        """Return the outcomes of rows that could not be read or do not change, and what is to be written."""
        outcomes: list[Outcome] = []
        writes: list[_Write] = []
        for address, row in rows.items():
            evidence = edits[address](row.known)
            wanted = self._says_otherwise(row, evidence) if exact else worth_writing(row.evidence, evidence, self.rules)
            if wanted and not row.error:
                writes.append(_Write.of(address, row, evidence, self.rules))
            else:
                found = {} if row.error else row.item
                outcomes.append(
                    Outcome(address, conflicts=conflicts[address], error=row.error, held=row.known, item=found)
                )
        return outcomes, writes

    def _says_otherwise(self, row: _Row, evidence: Evidence) -> bool:
        """Return whether an item is to say anything else than it does; one that is not there is to say nothing."""
        return not says(row.item, Record.of(evidence, self.rules)) if row.item else bool(evidence)

    def _settle(
        self,
        writes: Sequence[_Write],
        edits: Mapping[str, Edit],
        spellings: Spellings,
        deadline: float,
        *,
        exact: bool,
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
                    outcomes.append(
                        Outcome(
                            address,
                            not code,
                            None if code else self._change(write),
                            conflicts[address],
                            code,
                            held=write.row.known,
                            item={} if code else write.item,
                        )
                    )
            if not again:
                break
            attempt += 1
            pause(attempt)
            rows: dict[str, _Row] = {}
            for keys in _chunks(_keys(again, spellings), KEYS_PER_READ):
                rows |= self._read(keys, deadline, consistent=True)
            unwritten, writes = self._plan(_joined(again, rows, spellings), edits, conflicts, exact=exact)
            outcomes += unwritten
        return outcomes

    def _execute(self, writes: Sequence[_Write], deadline: float) -> list[str]:
        """Return the code of the error, empty if there is none, of each of up to ``STATEMENTS_PER_WRITE`` writes."""
        if is_past(deadline):
            return [OUT_OF_TIME] * len(writes)
        # A seventh of the CPU time of as many UpdateItem, for the same write units (docs/benchmarks.md).
        now = from_datetime(self._now())
        answer = self._client.batch_execute_statement(Statements=[self._statement(each, now) for each in writes])
        return [each["Error"]["Code"] if "Error" in each else "" for each in answer["Responses"]]

    def _statement(self, write: _Write, now: str) -> BatchStatementRequestTypeDef:
        """Return the statement that writes an item on condition that its row is still as it was read.

        INSERT fails on an item that exists, UPDATE on one that does not or is not as WHERE says (Amazon DynamoDB
        Developer Guide, "PartiQL for DynamoDB"). An update, not a put: attributes that applications keep beside ours
        stay.

        See ``_as_read`` for the condition.
        """
        row = write.row
        item = {**write.item, VERSION: (row.version or 0) + 1, UPDATED_AT: now}
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

    def _change(self, write: _Write) -> Change | None:
        """Return how the states change. Removing all evidence of an address that may be mailed changes nothing."""
        row = write.row
        item = row.item if row.known == row.evidence else to_item(write.address, Record.of(row.known, self.rules))
        before, transactional_before = (state_of(item, each) if row.known else None for each in Purpose)
        assessment, transactional = write.record.assessment, write.record.transactional
        after, reason = (assessment.state, assessment.reason) if assessment else (State.ENABLE, "unknown")
        if (before, transactional_before) == (after, transactional):
            return None
        return Change(write.address, before, after, transactional, reason)

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
        evidence = evidence_in(item)
        return _Row(item, evidence, version_of(item), known=evidence)
    except RecordError:
        return _Row(item, error=UNREADABLE)


def _keys(addresses: Sequence[str], spellings: Spellings) -> Sequence[str]:
    """Return the keys of the rows of addresses, those in other spellings too."""
    if not spellings:
        return addresses
    # A spelling may be another form of the address too.
    return list(dict.fromkeys([*addresses, *(key for address in addresses for key in spellings.get(address, ()))]))


def _joined(addresses: Iterable[str], rows: Mapping[str, _Row], spellings: Spellings) -> dict[str, _Row]:
    """Return the row of each address, with what rows in other spellings add to what is known."""
    return {
        address: reduce(_joined_with, (rows[key] for key in spellings.get(address, ())), rows[address])
        for address in addresses
    }


def _joined_with(row: _Row, other: _Row) -> _Row:
    if other.error == UNREADABLE:
        return replace(row, is_odd=True)
    if other.error:
        return replace(row, error=other.error)
    return replace(row, known=merge(row.known, other.evidence))


def _placeholders(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands for names and values in an expression: ``#0`` and ``:0`` for the first, and so on."""
    return {
        "ExpressionAttributeNames": {f"#{number}": name for number, name in enumerate(attributes)},
        "ExpressionAttributeValues": {f":{number}": value for number, value in enumerate(attributes.values())},
    }


def _together(address: str, outcomes: Sequence[Outcome]) -> Outcome:
    """Return one outcome for several that an address had, one after the other."""
    return Outcome(
        address,
        any(each.written for each in outcomes),
        next((each.change for each in outcomes if each.change), None),
        sum(each.conflicts for each in outcomes),
        next((each.error for each in outcomes if each.error), ""),
        sum(each.moved for each in outcomes),
        outcomes[0].held,
        next((each.item for each in reversed(outcomes) if each.item), {}),
    )


_ORDER = (State.ENABLE, State.REVIEW, State.DISABLE)


def _strictness(item: Item) -> tuple[int, ...]:
    """Return how strict an item is, first for bulk mail; it says its states."""
    return tuple(_ORDER.index(state_of(item, purpose) or State.REVIEW) for purpose in Purpose)


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


def _chunks(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _name_of(error: ClientError | BotoCoreError) -> str:
    # Never the text: it may repeat keys, which are addresses.
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
