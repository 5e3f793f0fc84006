"""LocalStack's executor of Lambda functions, by local processes."""

import time
from threading import Lock

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from harness.emulators.localstack_plugins.runtime_api import Invocation
from harness.emulators.localstack_plugins.worker import Worker


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    """Chosen by ``LAMBDA_RUNTIME_EXECUTOR=process``."""

    name = "process"

    def load(self) -> type[RuntimeExecutor]:
        """Return the executor."""
        return _ProcessExecutor


class _ProcessExecutor(RuntimeExecutor):
    """One execution environment, which LocalStack gives one invocation at a time.

    Its worker starts with the first invocation, and again with the next one after it ended.
    """

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002  (LocalStack's name)
        super().__init__(id, function_version)
        self._environment: dict[str, str] = {}
        self._worker: Worker | None = None
        self._stopped = False
        self._invoking = Lock()

    def start(self, env_vars: dict[str, str]) -> None:
        """Take the environment variables. The import waits for an invocation, whose log then tells if it fails."""
        self._environment = {name: str(value) for name, value in env_vars.items()}
        self._environment["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{self.function_version.config.runtime}"

    def stop(self) -> None:
        """End the worker; an invocation under way comes to an error."""
        self._stopped = True
        if worker := self._worker:
            worker.kill()
        with self._invoking:
            self._close_worker()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        invocation = Invocation(
            request_id=payload["invoke-id"],
            function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
            payload=payload["payload"].encode(),
            timeout=self.function_version.config.timeout,
        )
        with self._invoking:
            worker = self._worker = self._worker or self._new_worker()
            if self._stopped:  # meanwhile
                worker.kill()
            started = time.monotonic()
            outcome = worker.invoke(invocation)
            log = worker.log(invocation, outcome, self.function_version.id.qualifier, time.monotonic() - started)
            if worker.ended:
                self._close_worker()
        return InvocationResult(invocation.request_id, outcome.payload, is_error=outcome.is_error, logs=log)

    def get_logs(self) -> str:
        return ""  # every invocation has returned its own log

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        # Nobody calls it: it is for the init program in LocalStack's containers.
        return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        configuration = function_version.config
        if not configuration.code or not configuration.runtime.startswith("python") or configuration.layers:
            # LocalStack shows it as StateReason.
            raise ValueError("Only a zip with a Python runtime and without layers runs as a local process.")
        configuration.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Leave the unpacked zip: other versions may share it, and LocalStack deletes it with the function."""

    def _new_worker(self) -> Worker:
        configuration = self.function_version.config
        return Worker(
            configuration.handler,
            configuration.code.get_unzipped_code_location(),
            self._environment,
            memory=configuration.memory_size,
            start_timeout=config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT,
        )

    def _close_worker(self) -> None:
        if self._worker:
            self._worker.close()
            self._worker = None
