"""The Python contenders as Lambda handlers: this project's own, what a user would write, and the floor."""

import importlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

Json = Mapping[str, Any]
Handler = Callable[[Json, object], object]
TABLE = "mailing"
_STATES = {"Bounce": "disable", "Complaint": "disable", "Delivery": "enable"}
PROJECTION = {
    "ProjectionExpression": "#UserId,#state,#transactional,#reason",
    "ExpressionAttributeNames": {f"#{name}": name for name in ("UserId", "state", "transactional", "reason")},
}
"""What an answer of ``POST /check`` needs of an item."""


def project() -> Handler:
    """Return the packaged zip's function for feedback."""
    return _whole(importlib.import_module("feedback").handler)


def changes() -> Handler:
    """Return the packaged zip's function for changes."""
    return _whole(importlib.import_module("changes").handler)


def _whole(handler: Callable[[Json, object], Json]) -> Handler:
    def checked(event: Json, context: object) -> None:
        if handler(event, context)["batchItemFailures"]:
            raise RuntimeError("the stand-in refused a write")

    return checked


def post_check() -> Handler:
    """Return the packaged zip's lookup function, which must know all that it is asked about."""
    lookup = importlib.import_module("lookup").handler

    def handler(event: Json, context: object) -> None:
        assert lookup(event, context)["body"].count('"known": true') == len(_asked(event))

    return handler


def obvious() -> Handler:
    """Loop over the records, one ``update_item`` a recipient, by boto3's resource, as its tutorials do."""
    import boto3  # noqa: PLC0415  (each contender pays for what it imports)

    table = boto3.resource("dynamodb").Table(TABLE)

    def handler(event: Json, _context: object) -> None:
        for record in event["Records"]:
            message = json.loads(record["body"])
            for address in _recipients(message):
                table.update_item(
                    Key={"UserId": address},
                    UpdateExpression="SET #type = :type, #from = :from, #at = :at, #state = :state",
                    ExpressionAttributeNames={
                        "#type": "notificationType",
                        "#from": "from",
                        "#at": "timestamp",
                        "#state": "state",
                    },
                    ExpressionAttributeValues={
                        ":type": message["notificationType"],
                        ":from": message["mail"]["source"],
                        ":at": message["mail"]["timestamp"],
                        ":state": _STATES[message["notificationType"]],
                    },
                )

    return handler


def floor() -> Handler:
    """Look at each batch's items and put those that are to change, 25 in a request, whoever else writes them."""
    import boto3  # noqa: PLC0415  (as above)

    client = boto3.client("dynamodb")

    def handler(event: Json, _context: object) -> None:
        wanted = {
            address: item(address, message)
            for message in (json.loads(record["body"]) for record in event["Records"])
            for address in _recipients(message)
        }
        held = {each["UserId"]["S"]: each for each in _get(client, wanted)}
        changed = [each for address, each in wanted.items() if not _says_the_same(held.get(address), each)]
        for chunk in _chunks(changed, 25):
            client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": each}} for each in chunk]})

    return handler


def whole_items() -> Handler:
    """Get the items that ``POST /check`` is asked about, 100 in a request, and make nothing of them."""
    return _reading({})


def projected() -> Handler:
    """Get of these items what the answer needs."""
    return _reading(PROJECTION)


def _reading(projection: Json) -> Handler:
    import boto3  # noqa: PLC0415  (as above)

    client = boto3.client("dynamodb")

    def handler(event: Json, _context: object) -> None:
        assert len(_get(client, _asked(event), **projection)) == len(_asked(event))

    return handler


def put_events() -> Handler:
    """Compare the one state of each record of a stream, and put an event, ten in a request, where it differs."""
    import boto3  # noqa: PLC0415  (as above)

    client = boto3.client("events")

    def handler(event: Json, _context: object) -> None:
        entries = []
        for each in event["Records"]:
            old, new = each["dynamodb"]["OldImage"], each["dynamodb"]["NewImage"]
            if old["state"] == new["state"]:
                continue
            detail = {
                "address": new["UserId"]["S"],
                "before": old["state"]["S"],
                "after": new["state"]["S"],
                "reason": new["reason"]["S"],
                "changedAt": new["updatedAt"]["S"],
            }
            entries.append(
                {
                    "Source": "healthy-mailing",
                    "DetailType": "Address State Changed",
                    "Resources": [os.environ["TABLE_ARN"]],
                    "Detail": json.dumps(detail),
                    "EventBusName": os.environ["EVENT_BUS"],
                }
            )
        for chunk in _chunks(entries, 10):
            assert not client.put_events(Entries=chunk)["FailedEntryCount"]

    return handler


def item(address: str, message: Json) -> dict[str, dict[str, str]]:
    """Return the item that a message makes of an address, whatever was known of it, in DynamoDB's JSON."""
    return {
        "UserId": {"S": address},
        "notificationType": {"S": message["notificationType"]},
        "from": {"S": message["mail"]["source"]},
        "timestamp": {"S": message["mail"]["timestamp"]},
        "state": {"S": _STATES[message["notificationType"]]},
    }


def last(messages: Sequence[str]) -> dict[str, dict[str, dict[str, str]]]:
    """Return the items that remain if each message overwrites the one before: the article's rule."""
    return {
        address: item(address, message) for message in map(json.loads, messages) for address in _recipients(message)
    }


def _says_the_same(held: Json | None, wanted: Json) -> bool:
    """Return whether an item holds a state already, of the same day."""
    return (
        held is not None
        and held["state"] == wanted["state"]
        and held["timestamp"]["S"][:10] == wanted["timestamp"]["S"][:10]
    )


def _recipients(message: Json) -> list[str]:
    match message["notificationType"]:
        case "Bounce":
            return [each["emailAddress"] for each in message["bounce"]["bouncedRecipients"]]
        case "Complaint":
            return [each["emailAddress"] for each in message["complaint"]["complainedRecipients"]]
        case _:
            return list(message["delivery"]["recipients"])


def _asked(event: Json) -> list[str]:
    return list(json.loads(event["body"])["addresses"])


def _get(client: Any, addresses: Iterable[str], **projection: Any) -> list[Json]:
    found: list[Json] = []
    for chunk in _chunks(addresses, 100):
        keys = [{"UserId": {"S": address}} for address in chunk]
        found += client.batch_get_item(RequestItems={TABLE: {"Keys": keys, **projection}})["Responses"][TABLE]
    return found


def _chunks(all_of_them: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(all_of_them)
    while chunk := list(islice(rest, size)):
        yield chunk
