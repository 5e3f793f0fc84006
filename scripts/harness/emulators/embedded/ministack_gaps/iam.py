"""Gaps of ministack 1.5.33's IAM, as policies see requests.

A role's path and its permissions boundary; a bus of EventBridge and a table's stream as resources; the action of a
batch of SQS. As in the Service Authorization Reference, "Actions, resources, and condition keys" for each service.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb_streams, iam

_OF_BUS = frozenset({"CreateEventBus", "DeleteEventBus", "DescribeEventBus", "UpdateEventBus"})
_OF_TAGS = frozenset({"ListTagsForResource", "TagResource", "UntagResource"})
_BATCH = "sqs:ChangeMessageVisibilityBatch"


def fill() -> None:
    """Fill them."""
    _name_resources()
    _tell_boundary()
    _name_batches()


def _name_resources() -> None:
    """Name the resource of a request where ministack names another or none."""
    original: Callable[..., str] = iam_actions.extract_resource_arn

    def extract_resource_arn(  # noqa: PLR0913, PLR0917  (ministack calls it so)
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        parameters: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        found = original(service, method, path, headers, body, parameters, region, account_id)
        if service == "iam":
            return _role(parameters, found)
        if service == "events":
            action = headers.get("x-amz-target", "").rpartition(".")[2]
            return _bus(action, f"arn:aws:events:{region}:{account_id}:event-bus", body) or found
        if service.startswith("dynamodb") and found == "*":
            return _stream(json.loads(body or b"{}")) or found
        return found

    iam_actions.extract_resource_arn = extract_resource_arn


def _role(parameters: dict[str, Any], found: str) -> str:
    """Return a role's ARN with the path, the one to simulate too; ministack builds it from the role's name alone."""
    if source := _parameter(parameters, "PolicySourceArn"):
        return source  # of SimulatePrincipalPolicy
    if _parameter(parameters, "Action") == "CreateRole":
        return found.replace(":role/", f":role{_parameter(parameters, 'Path') or '/'}")
    role = iam._roles.get(_parameter(parameters, "RoleName"))
    return str(role["Arn"]) if role else found


def _bus(action: str, buses: str, body: bytes) -> str:
    """Return what is done to a bus; ministack takes its name for a rule's, and does not see what is tagged."""
    if action in _OF_BUS:
        return f"{buses}/{json.loads(body)['Name'].rpartition('/')[2]}"
    return str(json.loads(body)["ResourceARN"]) if action in _OF_TAGS else ""


def _stream(request: Mapping[str, Any]) -> str:
    """Return the stream that is read; ministack authorizes that on any resource."""
    iterator = dynamodb_streams._decode_iterator(request.get("ShardIterator", "")) or {}
    return str(request.get("StreamArn") or iterator.get("arn") or "")


def _tell_boundary() -> None:
    """Set the key ``iam:PermissionsBoundary``, which ministack does not know."""
    original: Callable[..., dict[str, Any]] = iam_actions.request_tag_context

    def request_tag_context(service: str, action: str, body: bytes, parameters: dict[str, Any]) -> dict[str, Any]:
        found = original(service, action, body, parameters)
        if service == "iam":
            # Of a role that exists, its own, unless the request sets another.
            role = iam._roles.get(_parameter(parameters, "RoleName")) or {}
            boundary = _parameter(parameters, "PermissionsBoundary") or role.get("PermissionsBoundary")
            found |= {"iam:PermissionsBoundary": boundary} if boundary else {}
        return found

    iam_actions.request_tag_context = request_tag_context


def _name_batches() -> None:
    """Authorize a batch as what it does to each message."""
    original: Callable[..., str | None] = iam_actions.extract_iam_action

    def extract_iam_action(*request: Any) -> str | None:  # noqa: ANN401  (passed on)
        found = original(*request)
        return found.removesuffix("Batch") if found == _BATCH else found

    iam_actions.extract_iam_action = extract_iam_action


def _parameter(parameters: dict[str, Any], name: str) -> str:
    return str(iam_actions._query_param(parameters, name) or "")
