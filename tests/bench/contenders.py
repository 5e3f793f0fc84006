"""The Python contenders as Lambda handlers: what a user would write, and the floor that nobody gets below.

This project's own handler is not here: it is the packaged zip's ``feedback.handler``.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

TABLE = "mailing"

Json = Mapping[str, Any]
_STATES = {"Bounce": "disable", "Complaint": "disable", "Delivery": "enable"}


def obvious() -> Any:
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


def floor() -> Any:
    """Look at each batch's items and put those that are to change, 25 in a request, whoever else writes them."""
    import boto3  # noqa: PLC0415  (as above)

    client = boto3.client("dynamodb")

    def handler(event: Json, _context: object) -> None:
        wanted = _items(event)
        held: dict[str, Json] = {}
        for chunk in _chunks(wanted, 100):
            keys = [{"UserId": {"S": address}} for address in chunk]
            answer = client.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
            held.update((item["UserId"]["S"], item) for item in answer["Responses"][TABLE])
        changed = {address: item for address, item in wanted.items() if not _says_the_same(held.get(address), item)}
        _put(client, changed)

    return handler


def blind_floor() -> Any:
    """Put what each batch says last of each address, 25 in a request, without a look at what the table holds."""
    import boto3  # noqa: PLC0415  (as above)

    client = boto3.client("dynamodb")

    def handler(event: Json, _context: object) -> None:
        _put(client, _items(event))

    return handler


def _put(client: Any, items: Json) -> None:
    for chunk in _chunks(items, 25):
        client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": items[each]}} for each in chunk]})


def no_operation() -> Any:
    """Do nothing."""
    return lambda _event, _context: None


def _items(event: Json) -> dict[str, Any]:
    """Return the item that the last message about each address makes of it."""
    items = {}
    for record in event["Records"]:
        message = json.loads(record["body"])
        for address in _recipients(message):
            items[address] = {
                "UserId": {"S": address},
                "notificationType": {"S": message["notificationType"]},
                "from": {"S": message["mail"]["source"]},
                "timestamp": {"S": message["mail"]["timestamp"]},
                "state": {"S": _STATES[message["notificationType"]]},
            }
    return items


def _says_the_same(held: Json | None, item: Json) -> bool:
    """Return whether an item holds a state already, of the same day."""
    return (
        held is not None
        and held["state"] == item["state"]
        and held["timestamp"]["S"][:10] == item["timestamp"]["S"][:10]
    )


def _recipients(message: Json) -> list[str]:
    match message["notificationType"]:
        case "Bounce":
            return [each["emailAddress"] for each in message["bounce"]["bouncedRecipients"]]
        case "Complaint":
            return [each["emailAddress"] for each in message["complaint"]["complainedRecipients"]]
        case _:
            addresses: list[str] = message["delivery"]["recipients"]
            return addresses


def _chunks(addresses: Mapping[str, object], size: int) -> Iterator[list[str]]:
    rest = iter(addresses)
    while chunk := list(islice(rest, size)):
        yield chunk
