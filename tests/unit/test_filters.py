"""What commands are about: times, senders."""

import pytest
from typer.testing import CliRunner

from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.commands.options import sender
from healthy_mailing_cli.shell.filters import sent_by, time_of
from healthy_mailing_cli.shell.output import CommandError


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000Z", "2026-01-31T23:59:59.999Z"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000Z", "2026-01-31T10:00:00.000Z"),
    ],
)
def test_a_date_alone_is_a_day(text: str, begin: str, end: str) -> None:
    assert (time_of("--since", text), time_of("--to", text, end=True)) == (begin, end)


@pytest.mark.parametrize("text", ["2026-02-30", "yesterday", "20260131", "2026-1-31", "\u0662\u0660\u0662\u0666-01-31"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(CommandError, match=r"^--since .+ is not a time such as 2026-01-31T12:00:00Z or 2026-01-31$"):
        time_of("--since", text)


@pytest.mark.parametrize(
    ("wanted", "is_meant"),
    [
        ("news@shop.example", True),
        ("News@Shop.Example", True),
        ("shop.example", True),
        ("@shop.example", True),
        ("The Shop <news@shop.example>", True),
        ("other@shop.example", False),
        ("op.example", False),
        ("example", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("sender", ["news@shop.example", "NEWS@shop.example", "The News <news@shop.example>"])
def test_a_sender_is_an_address_or_a_whole_domain(sender: str, wanted: str, is_meant: bool) -> None:
    assert sent_by(sender, wanted) is is_meant


@pytest.mark.parametrize("command", ["list", "stats", "report --html x"])
@pytest.mark.parametrize("wanted", ["nonsense@", "@", "", "a b", "<news@shop.example", "news@shop..example"])
def test_what_is_no_sender_is_named_before_anything_is_read(command: str, wanted: str) -> None:
    ran = CliRunner().invoke(app, [*command.split(), "--sender", wanted], env={"COLUMNS": "200", "TERM": "dumb"})
    assert (ran.exit_code, f"{wanted} is neither an address nor a domain" in ran.output) == (2, True)
    assert sender("shop.example") == "shop.example"
    assert sender(None) is None
