"""The whole table, or the index, read in parts at once, in such a way that the reading can be taken up again."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import JSONParser, ResponseParserFactory

from healthy_mailing.evidence import Evidence, Record, Rules, State
from healthy_mailing.item import (
    ADDRESS,
    EVIDENCE,
    SUPPRESSED,
    UPDATED_AT,
    Item,
    RecordError,
    evidence_in,
    from_dynamodb,
    is_answer,
    to_dynamodb,
    to_item,
    unreadable,
)
from healthy_mailing.table import INDEX, Table, code_of
from healthy_mailing_cli.shell import waiting
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.waiting import is_lost, is_worth_another_try

Positions = dict[str, Any]
"""By part, DynamoDB's key to go on behind; None for one that has not begun. Parts that are done are left out."""

_QUICK: Mapping[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 5,
    "retries": {"mode": "standard", "total_max_attempts": 3},
}
"""What botocore does with a request, so that it fails within seconds where there is no way to DynamoDB."""


class _PlainParser(JSONParser):
    """Leaves items as DynamoDB sends them, since all that is used of them is the same in JSON.

    botocore looks up a shape for every value in them: a page of 1 MB takes it 65 ms, and this one 7, beside 30 for all
    else that an export does. Should a later botocore parse in another way, this is not called.
    """

    def _handle_map(self, shape: Any, value: Any) -> Any:  # noqa: ANN401  (DynamoDB's JSON)
        return value if shape.name == "AttributeMap" else super()._handle_map(shape, value)  # type: ignore[misc]  # it has no types


class _Parsers(ResponseParserFactory):
    def create_parser(self, protocol_name: str) -> Any:  # noqa: ANN401  (botocore's)
        return _PlainParser() if protocol_name == "json" else super().create_parser(protocol_name)


NO_INDEX = "ValidationException"
"""The error of a query of an index that does not exist."""

SEGMENTS = 4
"""In how many parts the whole table is read at once; each holds a page of up to 1 MB."""

_TABLE = "table"


def known(item: Item) -> tuple[Item, Evidence | None]:
    """Return an item that says a state and a reason, and its evidence.

    Where the original article's function wrote it, they follow from its evidence. Where another program did, the
    evidence is None, and the item says that someone should look.
    """
    try:
        evidence = evidence_in(item)
    except RecordError:
        return unreadable(item[ADDRESS]), None
    said = EVIDENCE in item and is_answer(item)
    return (item if said else to_item(item[ADDRESS], Record.of(evidence, Rules()))), evidence


def everything(table: Table) -> Iterator[list[Item]]:
    """Yield all items, a page of up to 1 MB at a time, in no order. Errors as in ``Scan.pages``.

    An item that is written meanwhile is as it was before or after. One that is made meanwhile may be left out.
    """
    return (items for items, _ in Scan(table.client, table.name, set(State)).pages())


def blocked(table: Table, *, since: str = "") -> Iterator[list[Item]]:
    """Yield the items whose state is not ``enable``, a page at a time; with ``since``, those changed then or later.

    They come from the index, oldest change first, so that one that changes meanwhile comes once more and none is left
    out. A table without the index is read whole, and ``since`` leaves nothing out. Errors as in ``Scan.pages``.
    """
    for items, _ in Scan(table.client, table.name, {State.DISABLE, State.REVIEW}, since=since).pages():
        yield [item for item in items if item.get(SUPPRESSED)]


class Scan:
    """Reads items in some states, from the index where that has all of them."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401  (that of a fake too)
        table: str,
        states: set[State],
        segments: int = SEGMENTS,
        *,
        since: str = "",
        place: Callable[[], str] = str,
    ) -> None:
        """Read nothing yet.

        Args:
            client: A client of DynamoDB.
            table: The table's name.
            states: Which items to read; pages of the table may hold others too.
            segments: In how many parts to read the table at once. The index is read in one for each state.
            since: From the index, only what changed then or later.
            place: Returns what tells the table from all others, if the reading may be taken up again.
        """
        self._client = client
        self._table = table
        self._states = sorted(states)
        self._segments = segments
        self._since = since
        self._place = place
        self._say = waiting.once()
        self._has_answered = False
        self._is_over = Event()

    @classmethod
    def over(cls, connection: Connection, states: set[State], segments: int) -> "Scan":
        """Return what reads the table of a connection, faster than by ``Table.client``, and may be taken up again."""
        config = Config(max_pool_connections=max(10, segments), **_QUICK)
        session = connection.core_session()
        session.register_component("response_parser_factory", _Parsers())
        client = session.create_client("dynamodb", endpoint_url=connection.endpoint_url, config=config)
        return cls(client, connection.table, states, segments, place=connection.place)

    @property
    def of(self) -> dict[str, Any]:
        """What a reading must be of to be taken up again."""
        return {"table": self._place(), "states": self._states, "segments": self._segments}

    def pages(self, positions: Positions | None = None) -> Iterator[tuple[list[Item], Positions]]:
        """Yield items, a page of up to 1 MB at a time, and where to go on behind it.

        Without a way to DynamoDB it ends at once. A way that ends later is waited for, for minutes, as is a table that
        is throttled.

        Raises:
            botocore.exceptions.ClientError: DynamoDB refused.
            botocore.exceptions.BotoCoreError: It can't be reached.
        """
        self._is_over.clear()
        if positions is None:
            positions = self._beginning()
        parts = dict(positions)
        with ThreadPoolExecutor(len(parts) or 1) as threads:
            asked: dict[Future[Mapping[str, Any]], str] = {
                threads.submit(self._page, part, key): part for part, key in parts.items()
            }
            try:
                while asked:
                    with waiting.heard(self._say):
                        done = wait(asked, return_when=FIRST_COMPLETED).done
                    for future in done:
                        part = asked.pop(future)
                        answer = future.result()
                        if "LastEvaluatedKey" in answer:
                            parts[part] = answer["LastEvaluatedKey"]
                            asked[threads.submit(self._page, part, parts[part])] = part
                        else:
                            del parts[part]
                        yield [from_dynamodb(each) for each in answer["Items"]], dict(parts)
            finally:
                self._is_over.set()
                threads.shutdown(wait=False, cancel_futures=True)

    def _beginning(self) -> Positions:
        if State.ENABLE in self._states or not self._has_index():
            return {f"{_TABLE} {segment}": None for segment in range(self._segments)}
        return dict.fromkeys(map(str, self._states))

    def _has_index(self) -> bool:
        try:
            with waiting.heard(self._say):
                self._patiently(self._client.query, Limit=1, **self._query(self._states[0]))
        except ClientError as error:
            if code_of(error) == NO_INDEX:
                return False
            raise
        return True

    def _page(self, part: str, key: Any) -> Mapping[str, Any]:  # noqa: ANN401  (DynamoDB's JSON)
        begin = {"ExclusiveStartKey": key} if key else {}
        if not part.startswith(_TABLE):
            return self._patiently(self._client.query, **self._query(part), **begin)
        segment = {"Segment": int(part.split()[1]), "TotalSegments": self._segments}
        return self._patiently(self._client.scan, TableName=self._table, **segment, **begin)

    def _patiently(self, call: Callable[..., Mapping[str, Any]], **request: Any) -> Mapping[str, Any]:  # noqa: ANN401  (DynamoDB's JSON)
        """Make a request, again and again while DynamoDB is busy or, once it has answered, out of reach."""
        for attempt in itertools.count(1):
            try:
                answer = call(**request)
            except (ClientError, BotoCoreError) as error:
                code = code_of(error)
                is_final = not is_worth_another_try(code) or (is_lost(code) and not self._has_answered)
                if is_final or attempt == waiting.TRIES or self._is_over.is_set():
                    raise
                waiting.again(self._say, code)
                waiting.rest_before(attempt, self._is_over.is_set)
            else:
                self._has_answered = True
                return answer
        raise AssertionError("it counts without an end")

    def _query(self, state: str) -> dict[str, Any]:
        since = self._since
        # Oldest change first: what changes meanwhile comes again, and nothing is left out.
        return {
            "TableName": self._table,
            "IndexName": INDEX,
            "KeyConditionExpression": f"{SUPPRESSED} = :state" + (f" AND {UPDATED_AT} >= :since" if since else ""),
            "ExpressionAttributeValues": to_dynamodb({":state": state} | ({":since": since} if since else {})),
        }
