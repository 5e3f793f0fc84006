"""Gaps of ministack 1.5.33's IAM, as policies see requests.

A role's path and its permissions boundary; a table's stream as a resource; the action of a batch of SQS.
"""

import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb_streams, iam

Parameters = dict[str, Any]


_BATCH = "sqs:ChangeMessageVisibilityBatch"


def fill() -> None:
    """Fill them."""
    _name_roles()
    _name_streams()
    _name_batches()


def _name_roles() -> None:
    """Name roles by their ARN with the path, the one to simulate too, and set the key ``iam:PermissionsBoundary``.

    ministack builds the ARN from the role's name alone, and knows no such key. Both as in the Service Authorization
    Reference, "Actions, resources, and condition keys for AWS Identity and Access Management (IAM)".
    """
    original_arn, original_context = iam_actions.extract_resource_arn, iam_actions.request_tag_context

    def extract_resource_arn(  # noqa: PLR0913, PLR0917  (ministack calls it so)
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        parameters: Parameters,
        region: str,
        account_id: str,
    ) -> str:
        found: str = original_arn(service, method, path, headers, body, parameters, region, account_id)
        if service == "iam" and (source := _parameter(parameters, "PolicySourceArn")):
            return source  # of SimulatePrincipalPolicy
        if service != "iam" or not _parameter(parameters, "RoleName"):
            return found
        if _parameter(parameters, "Action") == "CreateRole":
            return found.replace(":role/", f":role{_parameter(parameters, 'Path') or '/'}")
        role = iam._roles.get(_parameter(parameters, "RoleName"))
        return str(role["Arn"]) if role else found

    def request_tag_context(service: str, iam_action: str, body: bytes, parameters: Parameters) -> dict[str, Any]:
        found: dict[str, Any] = original_context(service, iam_action, body, parameters)
        if service == "iam":
            # Of a role that exists, its own, unless the request sets another.
            role = iam._roles.get(_parameter(parameters, "RoleName")) or {}
            boundary = _parameter(parameters, "PermissionsBoundary") or role.get("PermissionsBoundary")
            found |= {"iam:PermissionsBoundary": boundary} if boundary else {}
        return found

    iam_actions.extract_resource_arn = extract_resource_arn
    iam_actions.request_tag_context = request_tag_context


def _name_streams() -> None:
    """Authorize the reading of a stream on its ARN; ministack does so on any resource.

    Service Authorization Reference, "Actions, resources, and condition keys for Amazon DynamoDB".
    """
    original = iam_actions.extract_resource_arn

    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:  # noqa: ANN401  (passed on)
        found: str = original(service, method, path, headers, body, *rest)
        if found == "*" and service.startswith("dynamodb"):
            asked = json.loads(body or b"{}")
            iterator = dynamodb_streams._decode_iterator(asked.get("ShardIterator", "")) or {}
            return str(asked.get("StreamArn") or iterator.get("arn") or found)
        return found

    iam_actions.extract_resource_arn = extract_resource_arn


def _name_batches() -> None:
    """Authorize a batch as what it does to each message, as the same reference has it for Amazon SQS."""
    original = iam_actions.extract_iam_action

    def extract_iam_action(*request: Any) -> str | None:  # noqa: ANN401  (passed on)
        found: str | None = original(*request)
        return found.removesuffix("Batch") if found == _BATCH else found

    iam_actions.extract_iam_action = extract_iam_action


def _parameter(parameters: Parameters, name: str) -> str:
    return str(iam_actions._query_param(parameters, name) or "")
