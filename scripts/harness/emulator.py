"""The AWS emulators behind one interface: embedded (ministack), LocalStack, or one that runs already (README.md)."""

import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from harness.emulators import embedded, launched, localstack_docker, localstack_process
from harness.emulators.launched import Launched
from harness.emulators.localstack_docker import Engine, LocalStack, NoEngineError
from harness.errors import HarnessError

_T = TypeVar("_T")

Name = Literal["embedded", "localstack", "url"]

REGION = "us-east-1"

_LOCAL_PYTHON = "Lambda's own runtime (the zip runs in this machine's Python)"
_NO_IAM = "IAM (no permission is enforced)"
_PROCESS = "LocalStack as a local process, with moto for DynamoDB"
_ANSWER_SECONDS = 5


def _typed_as(_function: _T) -> "Callable[[Callable[[Emulator], Any]], functools.cached_property[_T]]":
    """Give a property the type of a function, such as one that has an overload for each of AWS's services."""
    return functools.cached_property


@dataclass(frozen=True)
class Emulator:
    """An emulator that answers, and what it can do."""

    name: Name
    endpoint_url: str
    enforces_iam: bool
    simulates_ses: bool
    """Whether mail to the SES mailbox simulator produces notifications."""
    limits: tuple[str, ...]
    """What a run on it does not prove."""
    functions_reach_loopback: bool
    """Whether functions run on this machine, so that they reach servers on its loopback addresses."""
    large_batches: bool
    """Whether a function gets more than 10 messages of a queue at once."""
    disposable: bool
    """Whether it goes away with the run, and all that is in it."""
    region: str = REGION

    @property
    def takes_any_keys(self) -> bool:
        """Whether it answers callers of whom it knows nothing, such as localstack-client with its own keys."""
        return not self.enforces_iam

    def environment(self) -> dict[str, str]:
        """Return the environment that points Terraform, boto3 and the AWS CLI at it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    @_typed_as(boto3.client)
    def client(self) -> Any:  # noqa: ANN401  (the type is above)
        """What makes a client of a service of the emulator, as boto3 does, whatever AWS configuration the user has."""
        return functools.partial(_client, self.endpoint_url, region_name=self.region)


_EMBEDDED = Emulator(
    "embedded",
    "",
    enforces_iam=True,
    simulates_ses=True,
    limits=(
        "a subscription's dead-letter queue where SNS cannot reach a queue",
        "how long Lambda waits before it calls again, and that a throttled asynchronous call uses up no try",
        "SQS batches of more than 10 messages",
        "how often a stream's batch is tried, where it is taken up again, and that it is split (bisected)",
        "the role's permissions on queues and logs",
        _LOCAL_PYTHON,
        "TLS",
    ),
    functions_reach_loopback=True,
    large_batches=False,
    disposable=True,
)
_LOCALSTACK_DOCKER = Emulator(
    "localstack",
    "",
    enforces_iam=False,
    simulates_ses=False,
    limits=(
        _NO_IAM,
        "SES (feedback is published to the topic directly)",
        "a stream's maximum record age and bisected batches",
        "TLS",
    ),
    functions_reach_loopback=False,
    large_batches=True,
    disposable=True,
)
_LOCALSTACK_PROCESS = replace(
    _LOCALSTACK_DOCKER,
    limits=(*_LOCALSTACK_DOCKER.limits, "DynamoDB and its streams (moto serves them)", _LOCAL_PYTHON),
    functions_reach_loopback=True,
)


class _Session(botocore.session.Session):
    """A session that knows no profiles and settings of the user's; explicit arguments say everything.

    botocore would fail on a profile that does not exist even where nothing of it is needed.
    """

    full_config: ClassVar[dict[str, Any]] = {"profiles": {}}

    def get_scoped_config(self) -> dict[str, Any]:
        """Return the settings of no profile."""
        return {}


@functools.cache
def _client(endpoint_url: str, service: str, *, region_name: str, retries: int = 3) -> Any:  # noqa: ANN401  (a client's type depends on the service)
    session = _Session()
    for name, value in {"use_fips_endpoint": False, "use_dualstack_endpoint": False, "defaults_mode": "legacy"}.items():
        session.set_config_variable(name, value)
    config = Config(
        proxies={},  # never through the user's proxy
        connect_timeout=_ANSWER_SECONDS,
        retries={"total_max_attempts": retries, "mode": "standard"},
    )
    return boto3.Session(botocore_session=session).client(
        service,  # type: ignore[call-overload]  # one of the literals above
        endpoint_url=endpoint_url,
        region_name=region_name,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  (an emulator takes any)
        config=config,
    )


@dataclass(frozen=True)
class Running:
    """An emulator and how to end it."""

    emulator: Emulator
    stop: Callable[[], None]
    detach: Callable[[], None]
    """Make it outlive this process."""
    state: Mapping[str, str] = field(default_factory=dict)
    """What :func:`stop_detached` needs to end it from another process."""


@dataclass(frozen=True)
class Choice:
    """What :func:`choose` decided."""

    name: str
    """``embedded``, ``localstack-docker``, ``localstack-process`` or a URL."""
    title: str
    why: str = ""
    """Why that one, where ``EMULATOR`` left it open."""
    engine: Engine | None = None  # of localstack-docker

    def __str__(self) -> str:
        """Return what it is and why, for people."""
        return f"{self.title} ({self.why})" if self.why else self.title


def choose(choice: str | None = None) -> Choice:
    """Return what ``choice``, else ``EMULATOR``, else ``embedded`` means on this machine.

    Raises:
        HarnessError: it is none of the choices, or needs a Docker engine and there is none that can be used.
    """
    asked = choice or os.environ.get("EMULATOR") or "embedded"
    if asked == "embedded":
        return Choice(asked, "embedded (ministack, IAM enforced)")
    if asked == "localstack-process":
        return Choice(asked, _PROCESS)
    if asked in {"localstack", "localstack-docker"}:
        return _localstack_choice(asked)
    if asked.startswith(("http://", "https://")):
        return Choice(asked.rstrip("/"), "the one that is running there")
    raise HarnessError(
        f"EMULATOR is {asked!r}. Choose embedded, localstack (in Docker or else as a process), localstack-docker, "
        "localstack-process, or the URL of a running emulator."
    )


def _localstack_choice(asked: str) -> Choice:
    try:
        engine = localstack_docker.find_engine()
    except NoEngineError as error:
        if asked == "localstack-docker":
            raise HarnessError(
                f"EMULATOR is localstack-docker, but {error}. Fix that, or choose localstack-process or embedded."
            ) from error
        return Choice("localstack-process", _PROCESS, f"because {error}")
    return Choice("localstack-docker", "LocalStack in Docker", f"the engine at {engine.endpoint} answers", engine)


def kind(choice: Choice) -> Emulator:
    """Return what the chosen emulator can do, as an emulator without an endpoint, or the one that is running already.

    Raises:
        HarnessError: nothing answers at the URL that was chosen.
    """
    kinds = {
        "embedded": _EMBEDDED,
        "localstack-docker": _LOCALSTACK_DOCKER,
        "localstack-process": _LOCALSTACK_PROCESS,
    }
    return kinds.get(choice.name) or running_at(choice.name)


def prepare(choice: Choice) -> None:
    """Fetch what :func:`start` would fetch first, so that a later start is quick and silent.

    Raises:
        HarnessError: it can't be fetched.
    """
    if choice.engine:
        localstack_docker.provide_image(choice.engine)
    elif choice.name == "localstack-process":
        localstack_process.install()


def start(choice: str | None, folder: Path) -> Running:
    """Start the emulator that :func:`choose` names, or find the running one, and say which in one line.

    ``folder`` takes its log and its temporary files, and names it.

    Raises:
        HarnessError: it does not start or does not answer; one sentence says why.
    """
    chosen = choose(choice)
    folder.mkdir(parents=True, exist_ok=True)
    if chosen.engine:
        server = _running(kind(chosen), LocalStack.start(chosen.engine, folder))
    elif chosen.name == "embedded":
        server = _running(kind(chosen), embedded.start(folder))
    elif chosen.name == "localstack-process":
        server = _running(kind(chosen), localstack_process.start(folder))
    else:
        server = Running(running_at(chosen.name), lambda: None, lambda: None)
    print(f"Emulator: {chosen}, at {server.emulator.endpoint_url}", flush=True)
    return server


def _running(what: Emulator, server: Launched | LocalStack) -> Running:
    return Running(replace(what, endpoint_url=server.endpoint_url), server.stop, server.detach, server.state)


@contextmanager
def running(choice: str | None, folder: Path) -> Iterator[Emulator]:
    """Give the chosen emulator for the length of a ``with`` block. Arguments and errors as :func:`start`."""
    server = start(choice, folder)
    try:
        yield server.emulator
    finally:
        server.stop()


def stop_detached(state: Mapping[str, str]) -> None:
    """End an emulator that another process detached, by its :attr:`Running.state`; nothing if it is gone already.

    Raises:
        HarnessError: it does not stop, or its Docker engine does not answer.
    """
    if "endpoint_url" in state:
        launched.stop(state["endpoint_url"], Path(state["folder"]))
    elif "folder" in state:
        localstack_docker.remove(Path(state["folder"]))


def answers(endpoint_url: str) -> bool:
    """Return whether something that speaks AWS's protocol answers at this URL."""
    try:
        _client(endpoint_url, "sts", region_name=REGION, retries=1).get_caller_identity()
    except (BotoCoreError, ClientError, ResponseParserError):
        return False
    return True


def running_at(url: str) -> Emulator:
    """Return the emulator that runs already at a URL.

    Raises:
        HarnessError: nothing answers there.
    """
    if not answers(url):
        raise HarnessError(f"No AWS emulator answers at EMULATOR={url}. Start it, or choose EMULATOR=embedded.")
    health = _health(url)
    # ministack says whether it enforces IAM; of the others none does without being paid for it.
    alike = _EMBEDDED if "auth" in health else _LOCALSTACK_DOCKER
    enforces_iam = health.get("auth") == "enabled"
    limits = alike.limits if enforces_iam == alike.enforces_iam else (_NO_IAM, *alike.limits)
    return replace(alike, name="url", endpoint_url=url, enforces_iam=enforces_iam, limits=limits, disposable=False)


def _health(url: str) -> dict[str, Any]:
    try:
        answer = json.loads(launched.fetch(f"{url}/_localstack/health"))
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}
