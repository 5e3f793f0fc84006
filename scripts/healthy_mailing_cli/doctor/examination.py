"""What the checks of ``mailing doctor`` are given, what they leave to those after them, and what they find."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from healthy_mailing_cli.shell.stack import Place, Stack

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

NEEDED = ("Bounce", "Complaint")
"""What SES must report; without it, addresses stay enabled that must not be mailed."""

WANTED = (*NEEDED, "Delivery")
"""What it should report; without deliveries, an address that bounced stays disabled."""

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError"})
# SES takes one call a second for most of what is asked here.
_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        level: How bad it is.
        text: What is so, in a sentence.
        remedy: What to do; empty where all is well.
        commands: What to type for that, if it is that simple.
        check: What was looked at, such as ``topic policy``.
    """

    level: Level
    text: str
    remedy: str = ""
    commands: Sequence[str] = ()
    check: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether nobody can say that this part works; a warning leaves it working."""
        return self.level in {Level.PROBLEM, Level.UNKNOWN}

    def as_json(self) -> Mapping[str, Any]:
        """Return it as an object of JSON."""
        return asdict(self)


Findings = Iterator[Finding]


def ok(text: str) -> Finding:
    """Return that all is well."""
    return Finding(Level.OK, text)


def warning(text: str, remedy: str, *commands: str) -> Finding:
    """Return what works, and could be better, or may be meant so."""
    return Finding(Level.WARNING, text, remedy, commands)


def problem(text: str, remedy: str, *commands: str) -> Finding:
    """Return what does not work."""
    return Finding(Level.PROBLEM, text, remedy, commands)


def unknown(text: str, remedy: str, *commands: str) -> Finding:
    """Return what can't be seen."""
    return Finding(Level.UNKNOWN, text, remedy, commands)


@dataclass
class Examination:
    """A stack, its clients, and what the checks so far have learnt for those that follow.

    Attributes:
        identities: The identities that must report here; none: all are looked at, and one may report elsewhere.
        sent: How many mails SES sent in the last 24 hours; None if that is not known.
        sets: By configuration set that has an event destination here, what of ``WANTED`` it reports.
        found: ARNs of the identities that were looked at.
        sources: ARNs of the identities and configuration sets that report here.
        topic: The topic's attributes; None if there is no topic, or they can't be read.
        to_queue: Whether the topic goes to the queue.
        to_function: Whether the topic goes to the function.
        queue: The queue's attributes; None if there is no queue, or they can't be read.
        window: For how many seconds Lambda collects messages of the queue before it calls the function.
        function: The function's configuration; None if there is no function, or it can't be read.
    """

    place: Place
    stack: Stack
    identities: Sequence[str]
    now: datetime
    sesv2: Any  # its types are not installed, nor those of CloudWatch
    cloudwatch: Any
    ses: "SESClient"
    sns: "SNSClient"
    sqs: "SQSClient"
    lambda_: "LambdaClient"
    dynamodb: "DynamoDBClient"
    iam: "IAMClient"
    sent: float | None = None
    sets: dict[str, frozenset[str]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    topic: Mapping[str, str] | None = None
    to_queue: bool = False
    to_function: bool = False
    queue: Mapping[str, str] | None = None
    window: int = 0
    function: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls,
        session: "boto3.Session",
        endpoint_url: str | None,
        place: Place,
        stack: Stack,
        identities: Sequence[str],
        *,
        now: datetime,
    ) -> "Examination":
        """Return one that has just begun."""

        def client(service: str) -> Any:  # noqa: ANN401  (each service has a client of its own)
            return session.client(service, endpoint_url=endpoint_url, config=_PATIENT)  # type: ignore[call-overload]  # a name each

        names = ("sesv2", "cloudwatch", "ses", "sns", "sqs", "dynamodb", "iam")
        clients = {name: client(name) for name in names}
        return cls(place, stack, identities, now, lambda_=client("lambda"), **clients)

    def refused(self, error: ClientError) -> Finding:
        """Return what an error of AWS leaves unknown, and which permission is missing, if one is."""
        clients = (self.sesv2, self.ses, self.sns, self.sqs, self.lambda_, self.dynamodb, self.cloudwatch, self.iam)
        models = [each.meta.service_model for each in clients]
        model = next(each for each in models if error.operation_name in each.operation_names)
        prefix = "cloudwatch" if model.service_name == "cloudwatch" else model.signing_name
        action, code = f"{prefix}:{error.operation_name}", error.response["Error"]["Code"]
        if code in _DENIED:
            return unknown(f"You may not call {action}.", f"Use credentials that allow {action}.")
        message = error.response["Error"].get("Message", "")
        return unknown(f"{action} fails: {code}: {message}", "Run it again; AWS may be throttling.")


Look = Callable[[Examination], Findings]
"""A check. An error of AWS ends it, and is a finding of its own."""
