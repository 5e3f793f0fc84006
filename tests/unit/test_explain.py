"""What `mailing explain` says where it can't ask everything."""

import pytest
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner

from healthy_mailing.evidence import Mark, MarkKind, Record, Rules, evidence_of
from healthy_mailing.item import to_item
from healthy_mailing.settings import SettingsError
from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.shell.connection import Connection

COMPLAINT = Mark(
    kind=MarkKind.COMPLAINT,
    at="2026-03-01T12:00:00.000Z",
    feedback_id="f",
    message_id="m",
    sender="news@example.org",
    detail=(),
)


def test_the_table_is_explained_where_nothing_else_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreached(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://email.example")

    def newer(*_: object) -> None:
        raise SettingsError("SOFT_BOUNCE_LIMIT is '17'")

    item = to_item("a@example.com", Record.of(evidence_of([COMPLAINT]), Rules()))
    monkeypatch.setattr("healthy_mailing.operations.find", lambda *_, **__: item)
    monkeypatch.setattr(Connection, "client", unreached)
    monkeypatch.setattr(Connection, "rules", newer)
    result = CliRunner().invoke(app, ["explain", "a@example.com", "--region", "eu-west-1"], env={"COLUMNS": "200"})
    assert result.exit_code == 1, result.output
    assert "Rule 2: the recipient complained" in result.output
    assert "Weighed by the default rules." in result.output
    assert "can't be told: AWS can't be reached." in result.output
