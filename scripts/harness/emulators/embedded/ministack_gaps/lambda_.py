"""Gaps of ministack 1.5.33's Lambda.

Processes and retries that outlive a change, actions with others' names, calls not counted, batches of a stream that
fail in part, limits that can't be lifted, log groups that nobody created, resource policies that no service heeds.
"""

import time
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions, lambda_runtime
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.services import cloudwatch_logs, lambda_svc

if TYPE_CHECKING:
    from collections.abc import Callable

_READS = {"concurrency": "GetFunctionConcurrency", "event-invoke-config": "GetFunctionEventInvokeConfig"}


def fill() -> None:
    """Fill them."""
    _end_outdated_processes()
    _name_actions()
    _count_calls()
    _retry_partial_failures()
    _retry_what_is_deployed()
    _create_no_log_groups()
    _lift_limits()


def lets_call(function_arn: str, service: str, source_arn: str) -> bool:
    """Return whether a function's resource policy lets a service call it for a topic or an API.

    ministack never asks it. AWS Lambda Developer Guide, "Granting Lambda function access to AWS services".
    """
    function, _, _ = lambda_svc._get_base_func_record_for_ref(function_arn)
    region, account = source_arn.split(":")[3:5]
    call = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=region,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": account},
    )
    policy = function and function["policy"]
    return bool(evaluate_resource_policy(policy, call, service=service).decision == "Allow")


def _name_actions() -> None:
    """Authorize what reads a function's settings by its own action.

    ministack asks for ``PutFunctionConcurrency`` and ``GetFunction``. Actions as in the Service Authorization
    Reference, "Actions, resources, and condition keys for AWS Lambda".
    """
    original: Callable[..., str | None] = iam_actions._lambda_action

    def action(method: str, path: str) -> str | None:
        read = _READS.get(path.rstrip("/").rpartition("/")[2]) if method == "GET" and "/functions/" in path else None
        return read or original(method, path)

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


def _retry_what_is_deployed() -> None:
    """Try an asynchronous call again with the function as it is then; ministack does with what it was at first.

    Otherwise it does as the AWS Lambda Developer Guide says in "How Lambda handles errors and retries with asynchronous
    invocation", except that a pause of a minute takes a second, and that a throttled call uses up a try.
    """
    asynchronous = ContextVar("asynchronous", default=False)
    invoke = lambda_svc.invoke_async_with_retry
    original: Callable[..., dict[str, Any]] = lambda_svc._execute_function

    def invoke_asynchronously(func: dict[str, Any], event: Any) -> None:  # noqa: ANN401  (any JSON)
        def begin() -> None:
            asynchronous.set(True)
            invoke(func, event)  # in a thread, with a copy of this context

        copy_context().run(begin)

    def execute(func: dict[str, Any], event: Any) -> dict[str, Any]:  # noqa: ANN401  (any JSON)
        if asynchronous.get():
            function, config, _ = lambda_svc._get_func_record_for_ref(func["config"]["FunctionArn"])
            if not function:
                return {"error": True, "body": {"errorMessage": "The function was deleted."}}
            func = lambda_svc._execution_record_for_config(function, config)
        return original(func, event)

    lambda_svc.invoke_async_with_retry = invoke_asynchronously
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
    original: Callable[..., tuple[Any, str]] = lambda_runtime.acquire_worker

    def acquire_worker(name: str, config: dict[str, Any], code: bytes, qualifier: str = "$LATEST") -> tuple[Any, str]:
        key = lambda_runtime._worker_key(name, config, qualifier)
        with lambda_runtime._lock:
            workers = lambda_runtime._workers.get(key, [])
            wanted = config.get("Environment")
            outdated = [each for each in workers if not each.in_use and each.config.get("Environment") != wanted]
            for each in outdated:
                workers.remove(each)
        lambda_runtime.kill_workers(outdated)
        return original(name, config, code, qualifier)

    # The second is the name by which ministack's Lambda calls it.
    lambda_runtime.acquire_worker = lambda_svc.acquire_worker = acquire_worker


def _lift_limits() -> None:
    """Let an update with an empty ``ScalingConfig`` remove a mapping's limit; ministack keeps an empty one.

    AWS Lambda Developer Guide, "Configuring scaling behavior for SQS event source mappings".
    """
    original = lambda_svc._update_esm

    def update(esm_id: str, data: dict[str, Any]) -> Any:  # noqa: ANN401  (ministack's own)
        mapping = lambda_svc._esms.get(esm_id)
        if mapping and data.get("ScalingConfig") == {}:
            mapping.pop("ScalingConfig", None)
            data = {key: value for key, value in data.items() if key != "ScalingConfig"}
        return original(esm_id, data)

    lambda_svc._update_esm = update
