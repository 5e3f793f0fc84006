"""Emulators get the table that Terraform plans."""

from collections.abc import Mapping
from typing import Any

import pytest

from support.table import SCHEMA

from .conftest import VARIANTS
from .test_access import resources

pytestmark = pytest.mark.xdist_group("terraform-policies")


def schema(planned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of CreateTable that a planned ``aws_dynamodb_table`` amounts to."""
    return {
        "KeySchema": keys(planned),
        "AttributeDefinitions": [
            {"AttributeName": each["name"], "AttributeType": each["type"]}
            for each in sorted(planned["attribute"], key=lambda each: str(each["name"]))
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": each["name"],
                "KeySchema": keys(each),
                "Projection": {"ProjectionType": each["projection_type"]},
            }
            for each in planned["global_secondary_index"]
        ],
        "BillingMode": planned["billing_mode"],
    }


def keys(planned: Mapping[str, Any]) -> list[dict[str, str]]:
    named = (("HASH", planned["hash_key"]), ("RANGE", planned["range_key"]))
    return [{"AttributeName": name, "KeyType": kind} for kind, name in named if name]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_table_of_the_tests_is_the_modules(plan: Mapping[str, Any], variant: str) -> None:
    address = f"module.{variant}.module.feedback.aws_dynamodb_table.this[0]"
    (planned,) = [
        each["values"] for each in resources(plan["planned_values"]["root_module"]) if each["address"] == address
    ]
    assert schema(planned) == SCHEMA
