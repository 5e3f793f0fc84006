from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from harness.emulator import Emulator
from support.eventually import SECONDS
from support.stream import changes_in, create_streamed
from support.table import create_table

WRITERS = 8
WRITES = 25


def test_a_conditional_write_is_atomic(localstack: Emulator) -> None:
    """Writers that count with an optimistic lock lose no count."""
    client = localstack.client("dynamodb")
    create_table(client, "counter")
    # A large item takes moto long enough for another thread to come between.
    ballast: dict[str, Any] = {"M": {f"key{n}": {"L": [{"S": "value"}] * 20} for n in range(40)}}
    client.put_item(TableName="counter", Item={"UserId": {"S": "one"}, "count": {"N": "0"}, "ballast": ballast})

    def count() -> int:
        answer = client.get_item(TableName="counter", Key={"UserId": {"S": "one"}}, ConsistentRead=True)
        return int(answer["Item"]["count"]["N"])

    met = Barrier(WRITERS)

    def add_one(_: object) -> int:
        seen = count()
        met.wait(SECONDS)  # all have seen the same, and write at once
        try:
            client.put_item(
                TableName="counter",
                Item={"UserId": {"S": "one"}, "count": {"N": str(seen + 1)}, "ballast": ballast},
                ConditionExpression="#count = :seen",
                ExpressionAttributeNames={"#count": "count"},
                ExpressionAttributeValues={":seen": {"N": str(seen)}},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return 0
        return 1

    with ThreadPoolExecutor(WRITERS) as pool:
        written = [sum(pool.map(add_one, range(WRITERS))) for _ in range(WRITES)]

    assert written == [1] * WRITES
    assert count() == WRITES


def test_a_batch_of_statements_writes_what_fits_and_says_what_does_not(localstack: Emulator) -> None:
    client = localstack.client("dynamodb")
    create_table(client, "records")
    client.put_item(TableName="records", Item={"UserId": {"S": "held"}, "version": {"N": "7"}, "gone": {"S": "x"}})
    insert = """INSERT INTO "records" VALUE {'UserId': ?, 'version': ?}"""
    update = 'UPDATE "records" SET "version"=? REMOVE "gone" WHERE "UserId"=? AND "version"=?'

    answer = client.batch_execute_statement(
        Statements=[
            {"Statement": insert, "Parameters": [{"S": "new"}, {"N": "1"}]},
            {"Statement": insert, "Parameters": [{"S": "held"}, {"N": "1"}]},
            {"Statement": update, "Parameters": [{"N": "4"}, {"S": "held"}, {"N": "3"}]},
            {"Statement": update, "Parameters": [{"N": "8"}, {"S": "held"}, {"N": "7"}]},
            {"Statement": update, "Parameters": [{"N": "2"}, {"S": "absent"}, {"N": "1"}]},
        ]
    )

    codes = [response.get("Error", {}).get("Code") for response in answer["Responses"]]
    assert codes == [None, "DuplicateItem", "ConditionalCheckFailed", None, "ConditionalCheckFailed"]
    items = sorted(client.scan(TableName="records")["Items"], key=lambda item: item["UserId"]["S"])
    assert items == [
        {"UserId": {"S": "held"}, "version": {"N": "8"}},
        {"UserId": {"S": "new"}, "version": {"N": "1"}},
    ]


def test_a_stream_has_the_images_that_there_are_and_no_others(localstack: Emulator) -> None:
    client = localstack.client("dynamodb")
    stream = create_streamed(client, "streamed")
    first, second = ({"UserId": {"S": "a"}, "n": {"S": number}} for number in "12")
    client.put_item(TableName="streamed", Item=first)
    client.put_item(TableName="streamed", Item=second)
    client.delete_item(TableName="streamed", Key={"UserId": {"S": "a"}})

    assert changes_in(localstack.client("dynamodbstreams"), stream) == [
        ("INSERT", None, first),
        ("MODIFY", first, second),
        ("REMOVE", second, None),
    ]
