"""Attributes beside the evidence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.calls import is_past, pause
from healthy_mailing.item import ADDRESS, to_attribute
from healthy_mailing.row import Outcome
from healthy_mailing.table import OUT_OF_TIME, RETRYABLE, TRIES, Table, code_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import BatchStatementRequestTypeDef


def annotate(table: Table, address: str, name: str, value: Mapping[str, str] | None, deadline: float) -> Outcome:
    """Set an attribute that does not depend on evidence, such as ``item.PUSHED``; None removes it.

    The version stays: writers of evidence do not touch the attribute, so they need not read the item again. Errors
    as in ``Table.add``; ``ConditionalCheckFailed`` if the item does not exist.
    """
    clause, values = (f'REMOVE "{name}"', []) if value is None else (f'SET "{name}"=?', [to_attribute(value)])
    statement: BatchStatementRequestTypeDef = {
        "Statement": f'UPDATE "{table.name}" {clause} WHERE "{ADDRESS}"=?',
        "Parameters": [*values, to_attribute(address)],
    }
    attempt = 0
    while not is_past(deadline):
        try:
            (answer,) = table.client.batch_execute_statement(Statements=[statement])["Responses"]
        except (ClientError, BotoCoreError) as error:
            return Outcome(address, error=code_of(error))
        code = answer["Error"]["Code"] if "Error" in answer else ""
        attempt += 1
        if code not in RETRYABLE or attempt == TRIES:
            return Outcome(address, written=not code, error=code)
        pause(attempt)
    return Outcome(address, error=OUT_OF_TIME)
