"""Gaps of ministack 1.5.33's Lambda.

Processes that outlive a change, actions with others' names, calls not counted, batches of a stream that fail in part,
log groups that nobody created.
"""

import time
from typing import Any

from ministack.core import iam_actions, lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

_READS = {"concurrency": "GetFunctionConcurrency", "event-invoke-config": "GetFunctionEventInvokeConfig"}


def fill() -> None:
    """Fill them."""
    _end_outdated_processes()
    _name_actions()
    _count_calls()
    _retry_partial_failures()
    _create_no_log_groups()


def _name_actions() -> None:
    """Authorize what reads a function's settings by its own action.

    ministack asks for ``PutFunctionConcurrency`` and ``GetFunction``. Actions as in the Service Authorization
    Reference, "Actions, resources, and condition keys for AWS Lambda".
    """
    original = iam_actions._lambda_action

    def action(method: str, path: str) -> str | None:
        read = _READS.get(path.rstrip("/").rpartition("/")[2]) if method == "GET" and "/functions/" in path else None
        found: str | None = read or original(method, path)
        return found

    iam_actions._lambda_action = action


def _count_calls() -> None:
    """Count each call of a function in CloudWatch's ``AWS/Lambda``; ministack counts those of Invoke alone.

    Those of a queue and of SNS count too, and each attempt of an asynchronous call (AWS Lambda Developer Guide, "Types
    of metrics for Lambda functions").
    """
    emit, dispatch = lambda_svc._emit_lambda_metrics, lambda_svc._execute_function_dispatch

    def emit_throttles(name: str, duration_ms: float, error: bool, throttle: bool) -> None:  # noqa: FBT001  (ministack calls it so)
        if throttle:
            emit(name, duration_ms, error, throttle)

    def execute(func: Any, config: dict[str, Any], *rest: Any) -> dict[str, Any]:  # noqa: ANN401  (ministack's own)
        begun = time.monotonic()
        result: dict[str, Any] = dispatch(func, config, *rest)
        duration = (time.monotonic() - begun) * 1000
        emit(config.get("FunctionName", "unknown"), duration, error=bool(result.get("error")), throttle=False)
        return result

    lambda_svc._emit_lambda_metrics = emit_throttles
    lambda_svc._execute_function_dispatch = execute


def _retry_partial_failures() -> None:
    """Try a batch of a table's stream again if the function says that a part of it failed.

    ministack goes on behind such a batch, so its changes would be lost. This tries all of it again, as after an
    exception, where AWS begins at the first change that failed (AWS Lambda Developer Guide, "Configuring partial batch
    response with DynamoDB and Lambda").
    """
    original = lambda_svc._execute_function

    def execute(func: dict[str, Any], event: Any) -> dict[str, Any]:  # noqa: ANN401  (any JSON)
        result: dict[str, Any] = original(func, event)
        match event, result.get("body"):
            case {"Records": [{"eventSource": "aws:dynamodb"}, *_]}, {"batchItemFailures": [_, *_]}:
                return {**result, "error": True}
        return result

    lambda_svc._execute_function = execute


def _create_no_log_groups() -> None:
    """Write a call's log only to a log group that exists.

    ministack creates one, also for a call that ends after its function and group were deleted, which then stand in the
    way of those that Terraform creates. On AWS that takes ``logs:CreateLogGroup``, which no function here may use.
    """
    original = lambda_svc._emit_lambda_logs

    def emit(func: dict[str, Any], *rest: Any, **named: Any) -> None:  # noqa: ANN401  (ministack's own)
        config = func.get("config") or func
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}"
        if group in cloudwatch_logs._log_groups:
            original(func, *rest, **named)

    lambda_svc._emit_lambda_logs = emit


def _end_outdated_processes() -> None:
    """Let no call be served by a process that was started for an earlier configuration of its function.

    When a function's configuration changes, ministack ends its processes. But a call that read the old one before that,
    such as a retry of an asynchronous call, starts a process with it afterwards, which later calls get.
    """
    original = lambda_runtime.acquire_worker

    def acquire_worker(name: str, config: dict[str, Any], code: bytes, qualifier: str = "$LATEST") -> tuple[Any, str]:
        key = lambda_runtime._worker_key(name, config, qualifier)
        with lambda_runtime._lock:
            workers = lambda_runtime._workers.get(key, [])
            wanted = config.get("Environment")
            outdated = [each for each in workers if not each.in_use and each.config.get("Environment") != wanted]
            for each in outdated:
                workers.remove(each)
        lambda_runtime.kill_workers(outdated)
        leased: tuple[Any, str] = original(name, config, code, qualifier)
        return leased

    # The second is the name by which ministack's Lambda calls it.
    lambda_runtime.acquire_worker = lambda_svc.acquire_worker = acquire_worker
