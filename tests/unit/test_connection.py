"""How commands find AWS and the rules of a stack."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from healthy_mailing.evidence import Rules
from healthy_mailing_cli.connection import Connection
from healthy_mailing_cli.output import CommandError


def rules(monkeypatch: pytest.MonkeyPatch, environment: dict[str, Any]) -> Rules:
    """Return the rules of a function whose settings Lambda gives so."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = boto3.client("lambda", region_name="eu-west-1")
    monkeypatch.setattr(Connection, "client", lambda *_: client)
    with Stubber(client) as stub:
        stub.add_response(
            "get_function_configuration", {"Environment": environment}, {"FunctionName": "mailing-feedback"}
        )
        return Connection("mailing").rules(None)


def test_the_rules_are_those_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rules(monkeypatch, {"Variables": {"SOFT_BOUNCE_LIMIT": "3"}}) == Rules(soft_bounce_limit=3)


def test_rules_that_cannot_be_decrypted_are_not_taken_for_the_default_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda leaves the variables out then (AWS Lambda API Reference, EnvironmentResponse)."""
    with pytest.raises(CommandError, match="mailing-feedback can't be read without kms:Decrypt"):
        rules(monkeypatch, {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no"}})
