"""Two gaps of ministack 1.5.33's IAM: a role's path and its permissions boundary, as policies see them."""

from typing import Any

from ministack.core import iam_actions
from ministack.services import iam

Parameters = dict[str, Any]


def fill() -> None:
    """Name roles by their ARN with the path, and set the condition key ``iam:PermissionsBoundary``.

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


def _parameter(parameters: Parameters, name: str) -> str:
    return str(iam_actions._query_param(parameters, name) or "")
