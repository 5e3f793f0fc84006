"""A gap of ministack 1.5.33's CloudWatch Logs."""

import json

from ministack.services import cloudwatch_logs

from harness.emulators.embedded.ministack_gaps.handlers import OK, Original, Request, Response, answer_before


def fill() -> None:
    """Answer AssociateKmsKey and DisassociateKmsKey, with which Terraform changes a log group's key.

    Shapes as in the Amazon CloudWatch Logs API Reference, 2014-03-28.
    """
    answer_before(cloudwatch_logs, _answer)


async def _answer(request: Request, original: Original) -> Response:
    action = request.headers.get("x-amz-target", "").rpartition(".")[2]
    if action not in {"AssociateKmsKey", "DisassociateKmsKey"}:
        return await original()
    parameters = json.loads(request.body)
    group = cloudwatch_logs._log_groups.get(parameters.get("logGroupName"))
    if group is None:
        return await original()
    group["kmsKeyId"] = parameters.get("kmsKeyId")
    return OK, {"Content-Type": "application/x-amz-json-1.1"}, b"{}"
