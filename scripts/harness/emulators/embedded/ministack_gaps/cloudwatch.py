"""Gaps of ministack 1.5.33's CloudWatch."""

import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import cloudwatch

from harness.emulators.embedded.ministack_gaps.handlers import OK, Response

_NOT_IN_ALARM = frozenset({"Action", "Version", "Tags"})


def fill() -> None:
    """Fill them."""
    _describe_alarms_as_put()
    # ministack has other dashboards in each region. "All dashboards in your account are global, not region-specific"
    # (Amazon CloudWatch API Reference, PutDashboard).
    cloudwatch._dashboards = AccountScopedDict()


def _describe_alarms_as_put() -> None:
    """Let DescribeAlarms return alarms as they were put; ministack leaves out half of their fields in XML.

    In the query protocol, a request names a field by its path in the answer, such as ``Dimensions.member.1.Name``.
    """
    put, describe = cloudwatch._put_metric_alarm, cloudwatch._describe_alarms
    fields = AccountRegionScopedDict()

    def put_metric_alarm(params: dict[str, list[str]], *rest: object) -> Response:
        answer: Response = put(params, *rest)
        if answer[0] == OK and "AlarmName" in params:
            given = {path: values[0] for path, values in params.items() if values}
            fields[given["AlarmName"]] = _tree(
                {path: value for path, value in given.items() if path.partition(".")[0] not in _NOT_IN_ALARM}
            )
        return answer

    def describe_alarms(params: dict[str, list[str]], *rest: object) -> Response:
        status, headers, body = describe(params, *rest)
        members = ""
        for name in re.findall("<AlarmName>([^<]*)</AlarmName>", body.decode()):
            if name in fields:
                alarm = cloudwatch._alarms[name]
                state = {key: str(alarm[key]) for key in ("AlarmArn", "StateValue", "StateReason")}
                members += f"<member>{_xml({**fields[name], **state})}</member>"
        found = f"<MetricAlarms>{members}</MetricAlarms>".encode()
        return status, headers, re.sub(rb"<MetricAlarms>.*</MetricAlarms>", lambda _: found, body, flags=re.DOTALL)

    cloudwatch._put_metric_alarm = put_metric_alarm
    cloudwatch._describe_alarms = describe_alarms


def _tree(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return fields by dotted path as nested objects."""
    tree: dict[str, Any] = {}
    for path, value in fields.items():
        *parents, name = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return tree


def _xml(node: str | Mapping[str, Any]) -> str:
    if isinstance(node, str):
        return escape(node)
    if "member" in node:
        ordered = sorted(node["member"].items(), key=lambda each: int(each[0]))
        return "".join(f"<member>{_xml(value)}</member>" for _, value in ordered)
    return "".join(f"<{name}>{_xml(value)}</{name}>" for name, value in node.items())
