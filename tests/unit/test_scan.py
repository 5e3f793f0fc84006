"""How answers of DynamoDB are read when the whole table is: as botocore reads them, only sooner."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser

from healthy_mailing_cli.scan import _Parsers

ITEM = {
    "UserId": {"S": "jürgen@example.com"},
    "version": {"N": "3"},
    "evidence": {"M": {"softBounces": {"M": {"2026-01-31": {"M": {"at": {"S": "2026-01-31T12:00:00.000Z"}}}}}}},
    "theirs": {"L": [{"BOOL": True}, {"NULL": True}, {"SS": ["a", "b"]}]},
}
ANSWERS: list[dict[str, Any]] = [
    {"Items": [ITEM, {}], "Count": 2, "ScannedCount": 5, "LastEvaluatedKey": {"UserId": {"S": "a@example.com"}}},
    {"Items": [], "Count": 0, "ScannedCount": 0},
    {
        "Items": [ITEM],
        "Count": 1,
        "ScannedCount": 1,
        "ConsumedCapacity": {"TableName": "mailing", "CapacityUnits": 0.5},
    },
]


@pytest.mark.parametrize("operation", ["Scan", "Query"])
@pytest.mark.parametrize("answer", ANSWERS, ids=["more", "empty", "capacity"])
def test_an_answer_is_read_as_botocore_reads_it(operation: str, answer: dict[str, Any]) -> None:
    model: Any = botocore.session.get_session().get_service_model("dynamodb").operation_model(operation)
    response = {"body": json.dumps(answer).encode(), "headers": {}, "status_code": 200}
    ours = _Parsers().create_parser("json").parse(response, model.output_shape)
    assert ours == create_parser("json").parse(response, model.output_shape)


def test_a_refusal_is_read_as_botocore_reads_it() -> None:
    model: Any = botocore.session.get_session().get_service_model("dynamodb").operation_model("Scan")
    body = {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"}
    response = {"body": json.dumps(body).encode(), "headers": {}, "status_code": 400}
    ours = _Parsers().create_parser("json").parse(response, model.output_shape)
    assert ours == create_parser("json").parse(response, model.output_shape)
    assert ours["Error"]["Code"] == "ResourceNotFoundException"
