"""The whole table, or the index, read in parts at once, in such a way that the reading can be taken up again."""

from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from healthy_mailing.evidence import State
from healthy_mailing.item import SUPPRESSED, Item, from_dynamodb
from healthy_mailing.table import INDEX
from healthy_mailing_cli.connection import Connection

Positions = dict[str, Any]
"""By part, DynamoDB's key to go on behind; None for one that has not begun. Parts that are done are left out."""

_PATIENCE = 20
"""How often a request is tried while DynamoDB throttles, with pauses of up to 20 s (botocore's standard mode)."""

_NO_INDEX = "ValidationException"
_TABLE = "table"


class Scan:
    """Reads items in some states, from the index where that has all of them."""

    def __init__(self, connection: Connection, states: set[State], segments: int) -> None:
        """Read nothing yet.

        Args:
            connection: Where the table is.
            states: Which items to read; pages of the table may hold others too.
            segments: In how many parts to read the table at once. The index is read in one for each state.
        """
        config = Config(
            max_pool_connections=max(10, segments), retries={"mode": "standard", "total_max_attempts": _PATIENCE}
        )
        self._client = connection.client("dynamodb", config)
        self._table = connection.table
        self._states = sorted(states)
        self._segments = segments

    @property
    def of(self) -> dict[str, Any]:
        """What a reading must be of to be taken up again."""
        where = f"{self._table} at {self._client.meta.endpoint_url}"
        return {"table": where, "states": self._states, "segments": self._segments}

    def pages(self, positions: Positions | None = None) -> Iterator[tuple[list[Item], Positions]]:
        """Yield items, a page of up to 1 MB at a time, and where to go on behind it.

        Raises:
            botocore.exceptions.ClientError: DynamoDB refused.
            botocore.exceptions.BotoCoreError: It can't be reached.
        """
        if positions is None:
            positions = self._beginning()
        parts = dict(positions)
        with ThreadPoolExecutor(len(parts) or 1) as threads:
            asked: dict[Future[Mapping[str, Any]], str] = {
                threads.submit(self._page, part, key): part for part, key in parts.items()
            }
            try:
                while asked:
                    for future in wait(asked, return_when=FIRST_COMPLETED).done:
                        part = asked.pop(future)
                        answer = future.result()
                        if "LastEvaluatedKey" in answer:
                            parts[part] = answer["LastEvaluatedKey"]
                            asked[threads.submit(self._page, part, parts[part])] = part
                        else:
                            del parts[part]
                        yield [from_dynamodb(each) for each in answer["Items"]], dict(parts)
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _beginning(self) -> Positions:
        if State.ENABLE in self._states or not self._has_index():
            return {f"{_TABLE} {segment}": None for segment in range(self._segments)}
        return dict.fromkeys(map(str, self._states))

    def _has_index(self) -> bool:
        try:
            self._client.query(**self._query(self._states[0]), Limit=1)
        except ClientError as error:
            if error.response["Error"]["Code"] == _NO_INDEX:
                return False
            raise
        return True

    def _page(self, part: str, key: Any) -> Mapping[str, Any]:  # noqa: ANN401  (DynamoDB's JSON)
        begin = {"ExclusiveStartKey": key} if key else {}
        if not part.startswith(_TABLE):
            answer: Mapping[str, Any] = self._client.query(**self._query(part), **begin)
        else:
            segment = int(part.split()[1])
            answer = self._client.scan(TableName=self._table, Segment=segment, TotalSegments=self._segments, **begin)
        return answer

    def _query(self, state: str) -> dict[str, Any]:
        # Oldest change first: what changes meanwhile comes again, and nothing is left out.
        return {
            "TableName": self._table,
            "IndexName": INDEX,
            "KeyConditionExpression": f"{SUPPRESSED} = :state",
            "ExpressionAttributeValues": {":state": {"S": state}},
        }
