"""A gap of ministack 1.5.33's Lambda."""

from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc


def fill() -> None:
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
