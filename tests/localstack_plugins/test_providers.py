from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness.launched import Launched

from .conftest import dynamodb_client

WRITERS = 8
WRITES = 25


def test_a_conditional_write_is_atomic(localstack: Launched) -> None:
    """Writers that count with an optimistic lock lose no count."""
    client = dynamodb_client(localstack.endpoint_url)
    client.create_table(
        TableName="counter",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    # A large item takes moto long enough for another thread to come between.
    ballast: dict[str, Any] = {"M": {f"key{n}": {"L": [{"S": "value"}] * 20} for n in range(40)}}
    client.put_item(TableName="counter", Item={"id": {"S": "one"}, "count": {"N": "0"}, "ballast": ballast})

    def count() -> int:
        answer = client.get_item(TableName="counter", Key={"id": {"S": "one"}}, ConsistentRead=True)
        return int(answer["Item"]["count"]["N"])

    def add_one(_: object) -> int:
        seen = count()
        try:
            client.put_item(
                TableName="counter",
                Item={"id": {"S": "one"}, "count": {"N": str(seen + 1)}, "ballast": ballast},
                ConditionExpression="#count = :seen",
                ExpressionAttributeNames={"#count": "count"},
                ExpressionAttributeValues={":seen": {"N": str(seen)}},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return 0
        return 1

    with ThreadPoolExecutor(WRITERS) as pool:
        written = sum(pool.map(add_one, range(WRITERS * WRITES)))

    assert count() == written
