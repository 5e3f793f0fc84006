"""Small functions made from a source text in an emulator, driven through its HTTP API as its users do."""

import io
import json
import uuid
import zipfile
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.emulator import Emulator
from support.eventually import eventually

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def zipped(source: str, name: str = "app.py") -> bytes:
    """Return a zip of one file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, source)
    return content.getvalue()


@dataclass(frozen=True)
class Answer:
    """What an invocation came to."""

    payload: Any
    error: str | None
    """None, or ``Unhandled``."""
    log: str


@dataclass(frozen=True)
class Function:
    """A function in LocalStack."""

    client: "LambdaClient"
    name: str

    def __call__(self, event: Any = None) -> Answer:
        """Invoke it."""
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event).encode(), LogType="Tail")
        log = b64decode(answer["LogResult"]).decode()
        return Answer(json.loads(answer["Payload"].read()), answer.get("FunctionError"), log)

    def update(self, source: str) -> None:
        """Give it another ``app.py``."""
        self.client.update_function_code(FunctionName=self.name, ZipFile=zipped(source))
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until the last change is made. Raise ValueError, with LocalStack's reason, if it can't be."""

        def state() -> tuple[str, str | None]:
            now = self.client.get_function_configuration(FunctionName=self.name)
            if now["State"] == "Failed":
                raise ValueError(now["StateReason"])
            return now["State"], now.get("LastUpdateStatus")  # there once it was active

        eventually(state, ("Active", "Successful"))


def create(on: Emulator, source: str, **settings: Any) -> Function:
    """Create a function whose handler is ``handler`` in this source, and wait until it is active."""
    client = on.client("lambda")
    name = f"test-{uuid.uuid4().hex[:8]}"
    settings = {"Runtime": "python3.13", "Timeout": 60, **settings}
    client.create_function(
        FunctionName=name,
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/test",
        Code={"ZipFile": zipped(source)},
        **settings,
    )
    created = Function(client, name)
    created.wait_until_ready()
    return created
