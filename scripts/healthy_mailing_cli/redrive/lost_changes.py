"""``mailing redrive --changes``: tell again of addresses whose changes became dead letters.

A dead letter of the function ``changes`` is either a record of the table's stream that it could not read, or Lambda's
note of records that it was called with in vain: their shard and their sequence numbers (AWS Lambda Developer Guide,
"Retain discarded batch records"). The stream keeps records for 24 hours.

What is told is what the table says *now*, with the state before the first change that was lost: an old change told
after newer ones would leave its readers with a state that is no longer so. The table is read again after the event was
put. If it says another state by then, that is told too, until both agree. Whatever changes later has an event of its
own, which comes later. So the last event of an address is what the table says, whatever else happens at the same time.

The function puts the event, called with a record like the stream's (``changes.REDRIVEN``): so it needs no other
permission, and its settings alone say where events go and which are wanted.

Needs ``dynamodb:BatchGetItem`` on the table, ``dynamodb:GetShardIterator`` and ``dynamodb:GetRecords`` on its stream,
and ``lambda:GetFunctionConfiguration`` and ``lambda:InvokeFunction`` on the function; on the dead-letter queue what
``redrive`` needs.
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from healthy_mailing.calls import is_past, pause
from healthy_mailing.changes import REDRIVEN, REDRIVEN_DELIVERY, ImageError, event_of
from healthy_mailing.item import ADDRESS, EVIDENCE, SHOWN, STATE, TRANSACTIONAL, VERSION
from healthy_mailing.settings import ChangesSettings
from healthy_mailing_cli.redrive.dead_letters import Target
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.stack import name_in

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_lambda import LambdaClient

Json = Mapping[str, Any]

OF_ANOTHER_TABLE = "of another table"  # the kind of a dead letter that is not told of

_RECORDS_PER_CALL = 50
"""BatchGetItem reads 100 items; a call of a function takes 6 MB, and a record has two items of a few KB."""

_TRIES = 5  # how often the table may say something else after the event was put

_PATIENCE = 60.0  # how many seconds to ask again for items that the table did not return because it was busy

_GONE = frozenset({"ResourceNotFoundException", "TrimmedDataAccessException"})
"""Errors of a stream that has the records no longer, or is itself no longer there."""

_OURS = (*SHOWN, EVIDENCE, VERSION)


@dataclass(frozen=True)
class _Lost:
    """What was lost of one address: its records, oldest first."""

    address: str
    records: Sequence[Json]

    def record(self, image: Json | None) -> dict[str, Any] | None:
        """Return the record that tells what the table says now (``image``), None if nothing of it was news."""
        first, last = self.records[0], self.records[-1]
        before, identity = first["dynamodb"].get("OldImage"), last.get("userIdentity")
        if any(_is_news(each, new_deliveries=False) for each in self.records):
            name = REDRIVEN
        elif any(_is_news(each, new_deliveries=True) for each in self.records):
            name = REDRIVEN_DELIVERY  # only the function knows its settings
        else:
            return None
        change = {
            "ApproximateCreationDateTime": last["dynamodb"]["ApproximateCreationDateTime"],
            "Keys": {ADDRESS: {"S": self.address}},
            "SequenceNumber": last["dynamodb"]["SequenceNumber"],
        }
        change |= {key: _ours(each) for key, each in (("OldImage", before), ("NewImage", image)) if each is not None}
        # An id of its own: under that of the change lost, a reader that has seen an earlier try would ignore it.
        made = {"eventID": uuid.uuid4().hex, "eventName": name, "eventSource": "aws:dynamodb", "dynamodb": change}
        return made if identity is None else {**made, "userIdentity": identity}


def target(connection: Connection, function: str, letters: str, *, any_table: bool = False) -> Target:
    """Return what tells of changes, if function, table and dead-letter queue are of one stack.

    With ``any_table``, the table is the function's own, whichever that is.

    Raises:
        CommandError: They are not, or there is no such function: what another table says would be told as news.
        SettingsError: The function is another one.
    """
    remedy = "name the stack with --name, or the function with --function"
    settings = ChangesSettings.from_environment(connection.settings_of(function, remedy))
    table, own = name_in(settings.table_arn), settings.dead_letter_queue_url.rpartition("/")[2]
    if table != connection.table and not any_table:
        raise CommandError(
            f"{function} tells of the table {table}, not of {connection.table}: add --table {table}, or name the "
            f"stack of {connection.table} with --name"
        )
    if own != letters:
        raise CommandError(f"The dead-letter queue of {function} is {own}, not {letters}: name both of one stack")
    return Changes(
        connection.client("lambda", config=Config(read_timeout=60)),  # it is called, and waited for
        connection.client("dynamodb"),
        connection.client("dynamodbstreams"),
        name=function,
        table_arn=settings.table_arn,
    ).target()


@dataclass(frozen=True)
class Changes:
    """The function that tells of changes, and what it needs to be told."""

    function: "LambdaClient"  # calls the function
    dynamodb: "DynamoDBClient"  # reads the table
    streams: "DynamoDBStreamsClient"  # reads the table's stream
    name: str  # the function's
    table_arn: str  # the table's, of this region and account

    def target(self) -> Target:
        """Return this as what dead letters are handed over to."""
        description = f"the function {self.name}, with what the table {name_in(self.table_arn)} says"
        return Target(description, self.kinds, self.problem, self.take)

    def kinds(self, letter: str) -> list[str]:
        """Return the kind of each message: ``change``, ``unreadable image``, ``of another table`` or ``unreadable``."""
        read = _read(letter)
        if self._is_of_another(read):
            return [OF_ANOTHER_TABLE]
        match read:
            case {"DDBStreamBatchInfo": {"batchSize": int(size)}}:
                return ["change"] * size
            case {"dynamodb": {"Keys": {}}}:
                return ["unreadable image"]
            case _:
                return ["unreadable"]

    def problem(self, letter: str) -> str:
        """Return why a dead letter can't be told of; empty if it can, as far as that shows."""
        read = _read(letter)
        if not self._is_of_another(read):
            return ""
        other = _table_of(read)
        arns = other, self.table_arn  # which may differ in the region alone
        names = tuple(map(name_in, arns))
        return "it is of the table {}, not of {}".format(*(arns if names[0] == names[1] else names))

    def take(self, letter: str) -> str:
        """Tell of the addresses in a dead letter, and return why it must stay; empty if it need not."""
        if problem := self.problem(letter):  # what another table says of an address would be told as news
            return problem
        try:
            lost = self._lost(_read(letter))
        except (KeyError, TypeError, AttributeError, ValueError):
            return "it is none of the function that tells of changes"
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return (
                "the stream keeps records for 24 hours, and these are gone. Compare your copies with `mailing export`, "
                "then delete it"
            )
        try:
            return next(filter(None, map(self._tell, output.windows(lost, _RECORDS_PER_CALL))), "")
        except TimeoutError:
            return f"the table {name_in(self.table_arn)} is too busy. Try again later"

    def _is_of_another(self, letter: Any) -> bool:  # noqa: ANN401  (whatever JSON holds)
        return _table_of(letter) not in {"", self.table_arn}

    def _lost(self, letter: Json) -> list[_Lost]:
        """Return what was lost of each address in a dead letter."""
        records = list(self._batch(letter["DDBStreamBatchInfo"])) if "DDBStreamBatchInfo" in letter else [letter]
        by_address: dict[str, list[Json]] = {}
        for each in records:
            by_address.setdefault(each["dynamodb"]["Keys"][ADDRESS]["S"], []).append(each)
        return [_Lost(address, each) for address, each in by_address.items()]

    def _batch(self, batch: Json) -> Iterator[Json]:
        """Yield the records of a batch from the stream, as the function was handed them."""
        end = int(batch["endSequenceNumber"])
        iterator = self.streams.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        ).get("ShardIterator")
        while iterator:
            page = self.streams.get_records(ShardIterator=iterator)
            for each in page["Records"]:
                number = int(each["dynamodb"]["SequenceNumber"])
                if number <= end:
                    yield _as_handed_over(each)
                if number >= end:
                    return
            iterator = page.get("NextShardIterator")

    def _tell(self, lost: Sequence[_Lost]) -> str:
        """Tell what the table says of addresses, until it says nothing else; return why that is not done, if so.

        Errors as in ``_images``.
        """
        images = self._images([each.address for each in lost])
        for _ in range(_TRIES):
            records = [record for each in lost if (record := each.record(images.get(each.address)))]
            if records and not self._call(records):
                return f"the function {self.name} fails on it"
            now = self._images([each.address for each in lost])
            lost = [each for each in lost if _said(images.get(each.address)) != _said(now.get(each.address))]
            images = now
            if not lost:
                return ""
        return "the table goes on changing. Try again later"

    def _call(self, records: Sequence[Json]) -> bool:
        """Call the function with records, and return whether all went through."""
        # Of another program's attributes in place of ours, JSON may not know the type; the function refuses any.
        payload = json.dumps({"Records": records}, default=str).encode()
        answer = self.function.invoke(FunctionName=self.name, Payload=payload)
        result = json.loads(answer["Payload"].read())
        return not answer.get("FunctionError") and result == {"batchItemFailures": []}

    def _images(self, addresses: Sequence[str]) -> dict[str, Json]:
        """Return the items of some addresses as they are now, in DynamoDB's JSON.

        Raises:
            TimeoutError: The table was too busy to return all of them.
        """
        keys = [{ADDRESS: {"S": address}} for address in addresses]
        table = name_in(self.table_arn)
        wanted: Any = {table: {"Keys": keys, "ConsistentRead": True}} if keys else {}
        found: dict[str, Json] = {}
        deadline, attempt = time.monotonic() + _PATIENCE, 0
        while wanted:
            if attempt:
                if is_past(deadline):
                    raise TimeoutError
                pause(attempt)
            attempt += 1
            answer = self.dynamodb.batch_get_item(RequestItems=wanted)
            for each in answer["Responses"].get(table, []):
                found[each[ADDRESS]["S"]] = each
            wanted = answer.get("UnprocessedKeys")
        return found


def _read(letter: str) -> Any:  # noqa: ANN401  (whatever JSON holds)
    try:
        return json.loads(letter)
    except (ValueError, RecursionError):
        return None


def _table_of(letter: Any) -> str:  # noqa: ANN401  (whatever JSON holds)
    """Return the ARN of the table that a dead letter names by its stream; empty if none."""
    match letter:
        case {"DDBStreamBatchInfo": {"streamArn": str(stream)}} | {"eventSourceARN": str(stream)}:
            return stream.partition("/stream/")[0]
        case _:
            return ""


def _as_handed_over(record: Any) -> Json:  # noqa: ANN401  (the stubs' type has no room for what is changed)
    """Return a record of the stream's API as Lambda hands it over: with times as numbers, and names in lower case."""
    created = record["dynamodb"]["ApproximateCreationDateTime"]
    change = {
        **record["dynamodb"],
        "ApproximateCreationDateTime": created.timestamp() if isinstance(created, datetime) else created,
    }
    handed_over = {**record, "dynamodb": change}
    if identity := record.get("userIdentity"):
        handed_over["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    return handed_over


def _is_news(record: Json, *, new_deliveries: bool) -> bool:
    try:
        return event_of(record, new_deliveries=new_deliveries) is not None
    except ImageError:
        return True  # what it says now may be readable, and news


def _ours(image: Json) -> Json:
    return {name: image[name] for name in _OURS if name in image}


def _said(image: Json | None) -> tuple[Json | None, Json | None] | None:
    """Return what an item says, as far as another event would follow from another; None for no item."""
    return None if image is None else (image.get(STATE), image.get(TRANSACTIONAL))
