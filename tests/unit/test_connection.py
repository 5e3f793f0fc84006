"""How commands find AWS and the rules of a stack."""

from typing import Any

import boto3
import pytest
import typer
from botocore.config import Config
from botocore.stub import Stubber

from healthy_mailing.evidence import Rules
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError


def rules(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, Any],
    function: str | None = None,
    *,
    is_named: bool = True,
) -> Rules:
    """Return the rules of a function whose settings Lambda gives so."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = boto3.client("lambda", region_name="eu-west-1")
    monkeypatch.setattr(Connection, "client", lambda *_: client)
    with Stubber(client) as stub:
        stub.add_response(
            "get_function_configuration",
            {"Environment": environment},
            {"FunctionName": function or "mailing-feedback"},
        )
        return Connection("mailing", is_named=is_named).rules(function)


def test_what_never_answers_is_not_waited_for_for_long() -> None:
    connection = Connection("mailing", "eu-west-1")
    own, default = connection.client, connection.session.client
    clients: list[Any] = [own("sts"), default("sesv2"), own("s3", config=Config())]
    for client in clients:
        assert client.meta.config.connect_timeout + client.meta.config.read_timeout <= 20
    patient: Any = own("lambda", config=Config(read_timeout=60))
    assert patient.meta.config.read_timeout == 60


def test_the_rules_are_those_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"Variables": {"TABLE_NAME": "mailing", "SOFT_BOUNCE_LIMIT": "3"}}
    assert rules(monkeypatch, environment) == Rules(soft_bounce_limit=3)


def test_a_function_that_names_no_table_has_no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the one that tells of changes, or another program's."""
    with pytest.raises(CommandError, match="mailing-changes writes to no table: name that of mailing with --fun"):
        rules(monkeypatch, {"Variables": {"TABLE_ARN": "x"}}, "mailing-changes")


@pytest.mark.parametrize(
    "text", ["arn:aws:lambda:eu-west-1:123456789012:function:crm-feedback", "123456789012:function:crm-feedback"]
)
def test_an_arn_is_not_a_name(text: str) -> None:
    """It may lead to another region or account."""
    assert options.bare("crm-feedback") == "crm-feedback"
    with pytest.raises(typer.BadParameter, match="is an ARN: give the name, such as crm-feedback, and the region with"):
        options.bare(text)


def test_rules_that_cannot_be_decrypted_are_not_taken_for_the_default_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda leaves the variables out then (AWS Lambda API Reference, EnvironmentResponse)."""
    with pytest.raises(CommandError, match="mailing-feedback can't be read without kms:Decrypt"):
        rules(monkeypatch, {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no"}})


OF_ANOTHER = {"Variables": {"TABLE_NAME": "crm", "SOFT_BOUNCE_LIMIT": "3"}}


@pytest.mark.parametrize(("function", "is_named"), [(None, True), (None, False), ("crm-feedback", False)])
def test_the_function_of_another_table_is_refused(
    monkeypatch: pytest.MonkeyPatch, function: str | None, is_named: bool
) -> None:
    with pytest.raises(CommandError, match="writes to the table crm, not to mailing: name both"):
        rules(monkeypatch, OF_ANOTHER, function, is_named=is_named)


def test_a_table_may_be_named_with_the_function_of_another_as_for_a_copy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rules(monkeypatch, OF_ANOTHER, "crm-feedback") == Rules(soft_bounce_limit=3)
    assert "writes to the table crm, not to mailing; its rules apply all the same." in capsys.readouterr().err


def test_no_two_tables_are_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an import that one account's table interrupted would go on in another's, without its beginning."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    places = set()
    for account in ("111111111111", "222222222222"):
        monkeypatch.setattr(Connection, "caller", lambda _, account=account: f"arn:aws:sts::{account}:assumed-role/a/b")
        for endpoint in (None, "http://127.0.0.1:4566"):
            for region in ("eu-west-1", "us-east-1"):
                places |= {Connection(table, region, endpoint).place() for table in ("mailing", "other")}
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4567")
        places.add(Connection("mailing", "eu-west-1").place())
        monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert len(places) == 2 * (2 * 2 * 2 + 1)
