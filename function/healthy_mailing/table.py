"""The DynamoDB table: reads items, merges evidence into them, writes those that changed, and lists those blocked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.calls import Calls, chunks, is_past, pause
from healthy_mailing.evidence import Evidence, Purpose, Record, Rules, State, merge
from healthy_mailing.item import (
    ADDRESS,
    EVIDENCE,
    REASON,
    SHOWN,
    STATE,
    SUPPRESSED,
    TRANSACTIONAL,
    UPDATED_AT,
    Item,
    from_dynamodb,
    is_answer,
    state_of,
    to_attribute,
    to_dynamodb,
    to_item,
    unreadable,
)
from healthy_mailing.row import UNREADABLE, Edit, Outcome, Row, Spellings, Write, joined, keys_of, planned
from healthy_mailing.timestamp import from_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from botocore.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECTIONS = 16
"""How many requests are under way at once; the client's connection pool must be as large."""

KEYS_PER_READ = 100
"""Most keys that one BatchGetItem takes (Amazon DynamoDB API Reference, BatchGetItem)."""

STATEMENTS_PER_WRITE = 25
"""Most statements that one BatchExecuteStatement takes (Amazon DynamoDB API Reference, BatchExecuteStatement)."""

INDEX = f"{SUPPRESSED}-{UPDATED_AT}"
"""The index of all addresses whose state is not ``enable``, by state and by when they last changed."""

OUT_OF_TIME = "OutOfTime"
"""The error of what the deadline left undone."""

# Codes of single statements (Amazon DynamoDB API Reference, BatchStatementError): another writer came first,
_CONFLICTS = frozenset({"ConditionalCheckFailed", "DuplicateItem"})

RETRYABLE = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)
"""Codes of single statements that are worth another try. botocore only repeats whole requests."""

TRIES = 10
"""How often a statement is tried, about a second in all; the queue delivers again what is refused for longer."""

_ANSWER = (ADDRESS, STATE, TRANSACTIONAL, REASON)
_WHOLE: Mapping[str, Any] = {}
_ANSWER_ALONE = {
    "ProjectionExpression": ",".join(f"#{name}" for name in _ANSWER),
    "ExpressionAttributeNames": {f"#{name}": name for name in _ANSWER},
}

_NONE: Spellings = {}


class TableError(Exception):
    """DynamoDB did not answer; the message is the name of its error, never its text, which may repeat an address."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the addresses in the index, newest change first.

    Attributes:
        items: Their items, of which only the attributes ``item.SHOWN``.
        last: The last address read and when it last changed, to go on from there; None at the end.
    """

    items: tuple[Item, ...]
    last: tuple[str, str] | None


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

    Its ``client``, ``name`` and ``calls`` are there for other work on the table.

    Each method has a deadline (``time.monotonic()`` seconds). After it, nothing new starts and nothing is waited for.
    """

    def __init__(
        self, client: DynamoDBClient, name: str, rules: Rules, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Use a table through a client with at least ``CONNECTIONS`` connections; ``now`` dates changes."""
        self.client = client
        self.name = name
        self.rules = rules
        self._now = now
        self.calls = Calls(CONNECTIONS)

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
        outcomes, writes = planned(rows, edits, self.rules, exact=exact)
        settled, late = self.calls.make(
            lambda chunk: self._settle(chunk, edits, spellings, deadline, exact=exact),
            chunks(writes, STATEMENTS_PER_WRITE),
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
            items, error = self.fetch(keys, deadline, consistent=consistent, part=_ANSWER_ALONE)
            return {key: from_dynamodb(item, _ANSWER) for key, item in items.items()}, error

        fetched, late = self.calls.make(fetch, chunks(keys_of(list(wanted), spellings), KEYS_PER_READ), deadline)
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

    def blocked(
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
            "TableName": self.name,
            "IndexName": INDEX,
            "KeyConditionExpression": f"{SUPPRESSED} = :state" + (f" AND {UPDATED_AT} >= :since" if since else ""),
            "ExpressionAttributeValues": to_dynamodb({":state": state} | ({":since": since} if since else {})),
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after:
            address, updated_at = after
            query["ExclusiveStartKey"] = to_dynamodb({ADDRESS: address, SUPPRESSED: state, UPDATED_AT: updated_at})
        try:
            answered, late = self.calls.make(lambda asked: self.client.query(**asked), [query], deadline)
        except (ClientError, BotoCoreError) as error:
            raise TableError(code_of(error)) from None
        if late:
            raise TableError(OUT_OF_TIME)
        ((_, answer),) = answered
        last = from_dynamodb(answer.get("LastEvaluatedKey", {}))
        return Page(
            tuple(_shown(from_dynamodb(each, SHOWN)) for each in answer["Items"]),
            (last[ADDRESS], last[UPDATED_AT]) if last else None,
        )

    def _read_all(
        self, addresses: Sequence[str], deadline: float, spellings: Spellings, *, consistent: bool
    ) -> dict[str, Row]:
        """Return the row of each of any number of addresses, with what rows in other spellings add to it."""
        rows = self.rows(keys_of(addresses, spellings), deadline, consistent=consistent)
        return joined(addresses, rows, spellings) if spellings else rows

    def rows(self, keys: Sequence[str], deadline: float, *, consistent: bool) -> dict[str, Row]:
        """Return the row of each of any number of keys."""
        read, late = self.calls.make(
            lambda chunk: self._read(chunk, deadline, consistent=consistent), chunks(keys, KEYS_PER_READ), deadline
        )
        rows = {key: Row(error=OUT_OF_TIME) for chunk in late for key in chunk}
        for _, found in read:
            rows |= found
        return rows

    def _read(self, keys: Sequence[str], deadline: float, *, consistent: bool) -> dict[str, Row]:
        """Return the row of each of up to ``KEYS_PER_READ`` keys."""
        found, error = self.fetch(keys, deadline, consistent=consistent)
        rows = {key: Row.of(from_dynamodb(each)) for key, each in found.items()}
        missing = Row(error=error)
        return {key: rows.get(key, missing) for key in keys}

    def fetch(
        self, keys: Sequence[str], deadline: float, *, consistent: bool, part: Mapping[str, Any] = _WHOLE
    ) -> tuple[dict[str, Mapping[str, Any]], str]:
        """Return the items of up to ``KEYS_PER_READ`` keys in DynamoDB's JSON, and why others are not known, if so.

        ``part`` says which attributes are wanted, in the words of BatchGetItem.
        """
        found: dict[str, Mapping[str, Any]] = {}
        asked = [{ADDRESS: to_attribute(key)} for key in keys]
        wanted: Mapping[str, Any] = {self.name: {"Keys": asked, "ConsistentRead": consistent, **part}}
        attempt = 0
        while wanted:
            if is_past(deadline):
                return found, OUT_OF_TIME
            try:
                answer = self.client.batch_get_item(RequestItems=wanted)
            except (ClientError, BotoCoreError) as error:
                return {}, code_of(error)
            for each in answer["Responses"].get(self.name, []):
                found[each[ADDRESS]["S"]] = each
            wanted = answer.get("UnprocessedKeys", {})
            if wanted:
                attempt += 1
                pause(attempt)
        return found, ""

    def _known(self, address: str, row: Row) -> Item | None:
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

    def _settle(
        self,
        writes: Sequence[Write],
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
                code = code_of(error)
                return outcomes + [each.outcome(conflicts[each.address], code) for each in writes]
            again = []
            for write, code in zip(writes, codes, strict=True):
                address = write.address
                conflicts[address] += code in _CONFLICTS
                refusals[address] += code in RETRYABLE
                if code in _CONFLICTS or (code in RETRYABLE and refusals[address] < TRIES):
                    again.append(address)
                else:
                    outcomes.append(write.outcome(conflicts[address], code))
            if not again:
                break
            attempt += 1
            pause(attempt)
            rows: dict[str, Row] = {}
            for keys in chunks(keys_of(again, spellings), KEYS_PER_READ):
                rows |= self._read(keys, deadline, consistent=True)
            unwritten, writes = planned(joined(again, rows, spellings), edits, self.rules, conflicts, exact=exact)
            outcomes += unwritten
        return outcomes

    def _execute(self, writes: Sequence[Write], deadline: float) -> list[str]:
        """Return the code of the error, empty if there is none, of each of up to ``STATEMENTS_PER_WRITE`` writes."""
        if is_past(deadline):
            return [OUT_OF_TIME] * len(writes)
        # A seventh of the CPU time of as many UpdateItem, for the same write units (docs/benchmarks.md).
        now = from_datetime(self._now())
        answer = self.client.batch_execute_statement(Statements=[each.statement(self.name, now) for each in writes])
        return [each["Error"]["Code"] if "Error" in each else "" for each in answer["Responses"]]


_ORDER = (State.ENABLE, State.REVIEW, State.DISABLE)


def _strictness(item: Item) -> tuple[int, ...]:
    """Return how strict an item is, first for bulk mail; it says its states."""
    return tuple(_ORDER.index(state_of(item, purpose) or State.REVIEW) for purpose in Purpose)


def _shown(item: Item) -> Item:
    """Return an item of a list. Another program may have written what the index needs, and no more."""
    if is_answer(item):
        return item
    return {**{name: value for name, value in item.items() if type(value) is str}, **unreadable(item[ADDRESS])}


def code_of(error: ClientError | BotoCoreError) -> str:
    """Return the name of an error, never its text: that may repeat keys, which are addresses."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
