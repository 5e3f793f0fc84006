"""What the checks of ``mailing doctor`` are given, what they leave to those after them, and what they find."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import ClientError

from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import camel
from healthy_mailing_cli.shell.stack import Parts, Place

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

NEEDED = ("Bounce", "Complaint")  # what SES must report; without it, addresses stay enabled that must not be mailed

WANTED = (*NEEDED, "Delivery")  # what it should report; without deliveries, an address that bounced stays disabled

APPLY = "Run `terraform apply` to restore it."
SIMULATE = ("See whether a mail's feedback comes:", "mailing simulate --from ADDRESS")
"""Remedies that several checks name."""

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError"})
# SES takes one call a second for most of what is asked here.
_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    level: Level  # how bad it is
    text: str  # what is so, in a sentence
    remedy: str = ""  # what to do; empty where all is well
    commands: Sequence[str] = ()  # what to type for that, if it is that simple
    check: str = ""  # what was looked at, such as ``topic policy``

    @property
    def is_wrong(self) -> bool:
        """Whether nobody can say that this part works; a warning leaves it working."""
        return self.level in {Level.PROBLEM, Level.UNKNOWN}

    def as_json(self) -> Mapping[str, object]:
        """Return it as an object of JSON."""
        return {
            "check": camel(self.check),
            "level": self.level,
            "message": self.text,
            "remedy": self.remedy,
            "commands": self.commands,
        }


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
    """A stack, its clients, and what the checks so far have learnt for those that follow."""

    place: Place
    stack: Parts
    # The identities that must report here; none: all are looked at, and one may report elsewhere.
    identities: Sequence[str]
    now: datetime
    sesv2: "SESV2Client"
    cloudwatch: "CloudWatchClient"
    ses: "SESClient"
    sns: "SNSClient"
    sqs: "SQSClient"
    lambda_: "LambdaClient"
    dynamodb: "DynamoDBClient"
    iam: "IAMClient"
    sent: float | None = None  # how many mails SES sent in the last 24 hours; None if that is not known
    # By configuration set that has an event destination here, what of ``WANTED`` it reports.
    sets: dict[str, frozenset[str]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)  # ARNs of the identities that were looked at
    sources: list[str] = field(default_factory=list)  # ARNs of the identities and configuration sets that report here
    topic: Mapping[str, str] | None = None  # the topic's attributes; None if there is no topic, or they can't be read
    to_queue: bool = False  # whether the topic goes to the queue
    to_function: bool = False  # whether the topic goes to the function
    queue: Mapping[str, str] | None = None  # the queue's attributes; None if there is no queue, or they can't be read
    window: int = 0  # for how many seconds Lambda collects messages of the queue before it calls the function
    # The function's configuration; None if there is no function, or it can't be read.
    function: "FunctionConfigurationResponseTypeDef | None" = None
    # What DynamoDB says of the table; None if there is no table, or it can't be read.
    table: "TableDescriptionTypeDef | None" = None

    @classmethod
    def of(
        cls, connection: Connection, place: Place, stack: Parts, identities: Sequence[str], *, now: datetime
    ) -> "Examination":
        """Return one that has just begun."""
        return cls(
            place,
            stack,
            identities,
            now,
            sesv2=connection.client("sesv2", config=_PATIENT),
            cloudwatch=connection.client("cloudwatch", config=_PATIENT),
            ses=connection.client("ses", config=_PATIENT),
            sns=connection.client("sns", config=_PATIENT),
            sqs=connection.client("sqs", config=_PATIENT),
            lambda_=connection.client("lambda", config=_PATIENT),
            dynamodb=connection.client("dynamodb", config=_PATIENT),
            iam=connection.client("iam", config=_PATIENT),
        )

    def attributes_of(self, queue: str) -> Mapping[str, str] | None:
        """Return a queue's attributes, None if there is no such queue."""
        try:
            url = self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        except self.sqs.exceptions.QueueDoesNotExist:
            return None
        return {str(name): value for name, value in attributes.items()}

    def configuration_of(self, function: str) -> "FunctionConfigurationResponseTypeDef | None":
        """Return a function's configuration, None if there is no such function."""
        try:
            return self.lambda_.get_function_configuration(FunctionName=function)
        except self.lambda_.exceptions.ResourceNotFoundException:
            return None

    def missing(self, what: str, name: str, options: str) -> Finding:
        """Return that a part is not there; the options say where else it may be."""
        return problem(
            f"There is no {what} {name} in {self.place.region}.",
            f"{APPLY} If it is called otherwise, or is elsewhere: {options}.",
        )

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
