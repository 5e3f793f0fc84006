"""Two gaps of ministack 1.5.33's Lambda: processes that outlive a change, and two actions with the names of others."""

from typing import Any

from ministack.core import iam_actions, lambda_runtime
from ministack.services import lambda_svc

_READS = {"concurrency": "GetFunctionConcurrency", "event-invoke-config": "GetFunctionEventInvokeConfig"}


def fill() -> None:
    """Fill both."""
    _end_outdated_processes()
    _name_actions()


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
