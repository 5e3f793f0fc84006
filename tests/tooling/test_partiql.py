"""The statements in terms of other operations, for what stands in for DynamoDB; the rules are AWS's, see the module.

The tests of the table's writes run on it, on moto.
"""

from typing import Any

import pytest

from harness.emulators.partiql import execute, translate

INSERT = """INSERT INTO "mailing" VALUE {'UserId': ?, 'state': ?}"""
UPDATE = 'UPDATE "mailing" SET "from"=? SET "version"=? REMOVE "gone" WHERE "UserId"=? AND "version"=?'
A, B, ONE, TWO = {"S": "a"}, {"S": "b"}, {"N": "1"}, {"N": "2"}


def test_an_update_has_each_condition_and_never_makes_an_item() -> None:
    _, request = translate(f'{UPDATE} AND "expiresAt"=? AND "state" IS MISSING', [B, TWO, A, ONE, TWO])
    assert request["ConditionExpression"] == (
        "attribute_exists(UserId) AND #version = :held_version AND #expiresAt = :held_expiresAt"
        " AND attribute_not_exists(#state)"
    )
    values = request["ExpressionAttributeValues"]
    assert values == {":from": B, ":version": TWO, ":held_version": ONE, ":held_expiresAt": TWO}
    assert (request["Key"], request["UpdateExpression"]) == (
        {"UserId": A},
        "SET #from = :from, #version = :version REMOVE #gone",
    )
    _, request = translate('UPDATE "mailing" REMOVE "gone" WHERE "UserId"=?', [A])
    assert "ExpressionAttributeValues" not in request, "DynamoDB refuses an empty map"


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ('DELETE FROM "mailing" WHERE "UserId"=?', [A]),
        ('UPDATE "mailing" SET "a"=? WHERE "state"=?', [A, B]),
        ('UPDATE "mailing" SET "a"=? WHERE "UserId"=?', [A, B, B]),
        ('UPDATE "mailing" SET "a"=? SET "b"=list_append("b", ?) WHERE "UserId"=? AND "version"=?', [A, B, A, ONE]),
        (UPDATE, [B, TWO, A]),
        (UPDATE, [B, TWO, A, ONE, ONE]),
        (INSERT, [A]),
        (INSERT, [A, B, B]),
    ],
)
def test_what_it_does_not_know_it_refuses(statement: str, parameters: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"statement|zip"):
        translate(statement, parameters)


@pytest.mark.parametrize(
    ("statement", "error", "code"),
    [
        (INSERT, "", None),
        (INSERT, "ConditionalCheckFailedException", "DuplicateItem"),
        (UPDATE, "ConditionalCheckFailedException", "ConditionalCheckFailed"),
        (UPDATE, "ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded"),
        (UPDATE, "ThrottlingException", "ThrottlingError"),
        (UPDATE, "ValidationException", "ValidationError"),
        (UPDATE, "InternalServerError", "InternalServerError"),
    ],
)
def test_an_error_is_that_of_its_statement(statement: str, error: str, code: str | None) -> None:
    parameters = {INSERT: [A, B], UPDATE: [B, TWO, A, ONE]}
    refused = {"Statement": statement, "Parameters": parameters[statement]}
    fine = {"Statement": INSERT, "Parameters": [B, B]}

    answer = execute([refused, fine], lambda _, request: error if request.get("Item", {}).get("UserId") != B else "")

    assert [each.get("Error", {}).get("Code") for each in answer["Responses"]] == [code, None]
