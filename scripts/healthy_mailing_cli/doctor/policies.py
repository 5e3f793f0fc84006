"""What a resource's policy lets an AWS service do: enough of IAM's language for the policies of topics and queues.

IAM User Guide, "IAM JSON policy elements reference" and "Policy evaluation logic". What else a policy may say is
not guessed at: the answer is None then.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

# For ARNs, IAM takes "equals" for "like".
_LIKE = frozenset({"StringLike", "ArnEquals", "ArnLike"})
_EQUAL = frozenset({"StringEquals"})
_EQUAL_IN_ANY_CASE = frozenset({"StringEqualsIgnoreCase", "Bool"})


def lets(policy: str | None, service: str, action: str, resource: str, context: Mapping[str, str]) -> bool | None:
    """Return whether a policy lets a service do something; None if it holds what is not understood here.

    Args:
        policy: The policy, JSON; None or empty where there is none.
        service: The service's principal, such as ``sns.amazonaws.com``.
        action: Such as ``sqs:SendMessage``.
        resource: ARN of the resource that the policy belongs to.
        context: What is known of the request, by condition key in lower case, such as ``aws:sourcearn``.
    """
    document = json.loads(policy) if policy else {}
    applies: dict[str, set[bool | None]] = {"Allow": set(), "Deny": set()}
    for statement in _listed(document.get("Statement", [])):
        applies[statement["Effect"]].add(_applies(statement, service, action, resource, context))
    if True in applies["Deny"] or not applies["Allow"] & {True, None}:
        return False
    return True if True in applies["Allow"] and None not in applies["Deny"] else None


def _applies(
    statement: Mapping[str, Any], service: str, action: str, resource: str, context: Mapping[str, str]
) -> bool | None:
    if statement.keys() & {"NotPrincipal", "NotAction", "NotResource"}:
        return None
    principal = statement.get("Principal", {})
    named = [principal] if isinstance(principal, str) else [*_listed(principal.get("Service", []))]
    everyone = principal == "*" or "*" in _listed({} if isinstance(principal, str) else principal.get("AWS", []))
    if not everyone and service not in named:
        return False
    if not any(_is_like(each.lower(), action.lower()) for each in _listed(statement.get("Action", []))):
        return False
    # SQS and SNS take a policy without the element for one of the resource itself.
    if not any(_is_like(each, resource) for each in _listed(statement.get("Resource", "*"))):
        return False
    held = {
        _holds(operator, key, [str(each) for each in _listed(values)], context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    }
    return False if False in held else None if None in held else True


def _holds(operator: str, key: str, values: Iterable[str], context: Mapping[str, str]) -> bool | None:
    kind = operator.removesuffix("IfExists")
    value = context.get(key.lower())
    if value is None:
        return None
    if kind in _LIKE:
        return any(_is_like(each, value) for each in values)
    if kind in _EQUAL:
        return value in values
    if kind in _EQUAL_IN_ANY_CASE:
        return value.lower() in {each.lower() for each in values}
    return None


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  (JSON)
    return value if isinstance(value, list) else [value]


def _is_like(pattern: str, value: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None
