"""The statements in terms of other operations, for what stands in for DynamoDB; the rules are AWS's, see the module."""

from typing import Any

import pytest

from harness.emulators.partiql import execute, translate

INSERT = """INSERT INTO "mailing" VALUE {'UserId': ?, 'state': ?}"""
UPDATE = 'UPDATE "mailing" SET "from"=? SET "version"=? REMOVE "gone" WHERE "UserId"=? AND "version"=?'
A, B, ONE, TWO = {"S": "a"}, {"S": "b"}, {"N": "1"}, {"N": "2"}


def test_an_insert_puts_a_whole_item_where_there_is_none() -> None:
    assert translate(INSERT, [A, B]) == (
        "PutItem",
        {
            "TableName": "mailing",
            "Item": {"UserId": A, "state": B},
            "ConditionExpression": "attribute_not_exists(UserId)",
        },
    )


def test_an_update_changes_an_item_that_is_as_it_says() -> None:
    assert translate(UPDATE, [B, TWO, A, ONE]) == (
        "UpdateItem",
        {
            "TableName": "mailing",
            "Key": {"UserId": A},
            "UpdateExpression": "SET #from = :from, #version = :version REMOVE #gone",
            "ConditionExpression": "attribute_exists(UserId) AND #version = :held_version",
            "ExpressionAttributeNames": {"#from": "from", "#version": "version", "#gone": "gone"},
            "ExpressionAttributeValues": {":from": B, ":version": TWO, ":held_version": ONE},
        },
    )


def test_an_update_may_have_two_conditions() -> None:
    _, request = translate(f'{UPDATE} AND "expiresAt"=?', [B, TWO, A, ONE, TWO])
    assert request["ConditionExpression"] == (
        "attribute_exists(UserId) AND #version = :held_version AND #expiresAt = :held_expiresAt"
    )
    values = request["ExpressionAttributeValues"]
    assert (values[":held_version"], values[":held_expiresAt"]) == (ONE, TWO)


def test_an_update_may_have_no_condition_and_only_remove() -> None:
    assert translate('UPDATE "mailing" REMOVE "gone" WHERE "UserId"=?', [A]) == (
        "UpdateItem",
        {
            "TableName": "mailing",
            "Key": {"UserId": A},
            "UpdateExpression": "REMOVE #gone",
            "ConditionExpression": "attribute_exists(UserId)",
            "ExpressionAttributeNames": {"#gone": "gone"},
        },
    )


def test_an_update_never_makes_an_item() -> None:
    _, request = translate('UPDATE "mailing" SET "a"=? WHERE "UserId"=? AND "version" IS MISSING', [B, A])
    assert request["ConditionExpression"] == "attribute_exists(UserId) AND attribute_not_exists(#version)"


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
