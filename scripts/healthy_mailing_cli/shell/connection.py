"""Where a command finds the table, and whose credentials it uses."""

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config

from healthy_mailing.evidence import Rules
from healthy_mailing.settings import Settings
from healthy_mailing.table import Table, connect
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.output import CommandError

DEFAULT_TABLE = "mailing"  # the table of a command without ``--table``

WINDOW = 1_000  # how many addresses a command reads or changes in one step

SECONDS = 60.0  # how long one step of a command may take, of a few thousand addresses at most

_TIMEOUTS = Config(connect_timeout=5, read_timeout=15)
"""In seconds, for each of five tries: what can't be reached is an error within a minute or so, not within five."""

_T = TypeVar("_T")


def _typed_as(_function: _T) -> "Callable[[Callable[[Connection], Any]], functools.cached_property[_T]]":
    """Give a property the type of a function, such as one that has an overload for each of AWS's services."""
    return functools.cached_property


@dataclass(frozen=True)
class Connection:
    """The table's name, and the way to AWS; ``is_named`` is whether someone named the table."""

    table: str
    region: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None
    is_named: bool = True

    @functools.cached_property
    def session(self) -> boto3.Session:
        """The session, with the credentials and the region of the options or the environment."""
        core = botocore.session.Session()
        core.set_default_client_config(_TIMEOUTS)
        return boto3.Session(botocore_session=core, profile_name=self.profile, region_name=self.region)

    @_typed_as(boto3.client)
    def client(self) -> Any:  # noqa: ANN401  (the type is above)
        """What makes a client of a service, as boto3 does."""
        return functools.partial(self.session.client, endpoint_url=self.endpoint_url)

    def caller(self) -> str:
        """Return the ARN of who calls, which nobody needs a permission for."""
        return str(self.client("sts").get_caller_identity()["Arn"])

    def place(self) -> str:
        """Return the account, the region, the endpoint and the name by which the table differs from all others."""
        client = self.client("dynamodb")
        account = self.caller().split(":")[4]
        return f"{self.table} of {account} in {client.meta.region_name} at {client.meta.endpoint_url}"

    def core_session(self) -> botocore.session.Session:
        """Return a session of botocore, without boto3 on top."""
        session = botocore.session.Session(profile=self.profile)
        session.set_config_variable("region", self.region)
        return session

    def open(self, rules: Rules | None = None) -> Table:
        """Return the table; writing to it needs the stack's rules."""
        return Table(connect(self.core_session(), self.endpoint_url), self.table, rules or Rules())

    def settings_of(self, function: str, remedy: str = "check the names and --region") -> Mapping[str, str]:
        """Return the environment variables of a function.

        Needs ``lambda:GetFunctionConfiguration``.

        Raises:
            CommandError: There is no such function, which ``remedy`` is about, or you may not decrypt its settings.
            botocore.exceptions.ClientError: You may not read it.
        """
        client = self.client("lambda")
        try:
            configuration = client.get_function_configuration(FunctionName=function)
        except client.exceptions.ResourceNotFoundException:
            raise CommandError(f"There is no function {function} in {client.meta.region_name}: {remedy}") from None
        environment = configuration.get("Environment", {})
        if "Error" in environment:  # the variables are left out then, and the default rules may be others
            raise CommandError(f"The settings of {function} can't be read without kms:Decrypt on the function's key")
        variables: Mapping[str, str] = environment.get("Variables", {})
        return variables

    def rules(self, function: str | None) -> Rules:
        """Return the rules that the stack's function applies, read from its settings.

        Needs ``lambda:GetFunctionConfiguration``.

        Raises:
            CommandError: There is no such function, it writes to another table and not both were named, or you may not
                decrypt its settings.
            botocore.exceptions.ClientError: You may not read it.
            SettingsError: The function is another one.
        """
        name = function or f"{self.table}-feedback"
        variables = self.settings_of(name, "the state follows its rules, so name it with --function")
        if "TABLE_NAME" not in variables:  # another program's, which has no rules
            raise CommandError(f"The function {name} writes to no table: name that of {self.table} with --function")
        settings = Settings.from_environment(variables)
        if settings.table_name != self.table:
            mismatch = f"The function {name} writes to the table {settings.table_name}, not to {self.table}"
            if function is None or not self.is_named:
                raise CommandError(f"{mismatch}: name both, with --table and --function")
            output.note(f"{mismatch}; its rules apply all the same.")  # as for a copy of the table
        return settings.rules


def step_deadline() -> float:
    """Return the deadline of a step that begins now."""
    return time.monotonic() + SECONDS


def listed(list_page: Callable[..., Mapping[str, Any]], key: str, **selection: object) -> Iterator[Any]:
    """Yield everything in one of SES's lists, 1,000 at a time; botocore has no paginators for them."""
    answer = list_page(PageSize=1_000, **selection)
    yield from answer.get(key, [])
    while token := answer.get("NextToken"):
        answer = list_page(PageSize=1_000, NextToken=token, **selection)
        yield from answer.get(key, [])


def answered_at(answer: Mapping[str, Any]) -> datetime:
    """Return the time of an answer by AWS's clock, to the second, since this machine's may be wrong."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)
