"""A gap of ministack 1.5.33's EventBridge, or rather of its IAM."""

import json
from typing import Any

from ministack.core import iam_actions

_OF_BUS = frozenset({"CreateEventBus", "DeleteEventBus", "DescribeEventBus", "UpdateEventBus"})
_OF_TAGS = frozenset({"ListTagsForResource", "TagResource", "UntagResource"})


def fill() -> None:
    """Name what is done to a bus by the bus; ministack takes its name for a rule's, and does not see what is tagged.

    As in the Service Authorization Reference, "Actions, resources, and condition keys for Amazon EventBridge".
    """
    original = iam_actions.extract_resource_arn

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
        action = headers.get("x-amz-target", "").rpartition(".")[2] if service == "events" else ""
        if action in _OF_BUS:
            return f"arn:aws:events:{region}:{account_id}:event-bus/{json.loads(body)['Name'].rpartition('/')[2]}"
        if action in _OF_TAGS:
            return str(json.loads(body)["ResourceARN"])
        found: str = original(service, method, path, headers, body, parameters, region, account_id)
        return found

    iam_actions.extract_resource_arn = extract_resource_arn
