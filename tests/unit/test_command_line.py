"""What every command has in common: its help, its options, and how its errors read."""

import fcntl
import os
import re
import signal
import subprocess
import termios

import pytest
import typer
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError
from typer.testing import CliRunner

from harness import paths
from healthy_mailing.settings import SettingsError
from healthy_mailing.table import OUT_OF_TIME, TableError
from healthy_mailing_cli import output
from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.errors import sentence
from healthy_mailing_cli.output import CommandError
from support.command_line import PROGRAM
from support.eventually import eventually

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # it is a group


def printed(*arguments: str, width: int = 80) -> str:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": str(width), "TERM": "dumb"})
    assert result.exit_code == 0, result.output
    return result.output


def test_help_fits_a_screen_and_is_grouped() -> None:
    text = printed("--help")
    assert len(text.splitlines()) <= 50
    assert max(map(len, text.splitlines())) <= 80
    groups = re.findall(r"─ (\w+) ─", text)
    assert [each for each in groups if each != "Options"] == [
        group for group in ("Look", "Decide", "Lists", "Run") if group in groups
    ]
    assert "Commands" not in groups


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_the_way_to_the_table_and_prints_json(command: str) -> None:
    text = printed(command, "--help")
    assert max(map(len, text.splitlines())) <= 80
    for option in ("--table", "--region", "--endpoint-url", "--profile", "--json"):
        assert option in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_in_one_line_what_it_is_for(command: str) -> None:
    """So that the list of commands stays short."""
    (line,) = [each for each in printed("--help").splitlines() if re.search(rf"│ {command} ", each)]
    assert line.rstrip(" │").endswith(".")


def client_error(code: str, message: str = "m") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetQueueUrl")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (NoCredentialsError(), "--profile"),
        (NoRegionError(), "--region"),
        (EndpointConnectionError(endpoint_url="http://x"), "--endpoint-url"),
        (TableError("ResourceNotFoundException"), "--table"),
        (TableError("AccessDeniedException"), "docs/operate.md"),
        (TableError("NoCredentialsError"), "--profile"),
        (TableError(OUT_OF_TIME), "again"),
        (TableError("ValidationException"), "DynamoDB refused: ValidationException"),
        (client_error("AccessDenied"), "may not call GetQueueUrl"),
        (client_error("AccessDeniedException"), "may not call GetQueueUrl"),
        (client_error("ExpiredTokenException"), "aws sso login"),
        (client_error("ResourceNotFoundException", "No such thing."), "GetQueueUrl: No such thing. Check the names"),
        (client_error("Odd", "what"), "GetQueueUrl: Odd: what"),
        (SettingsError("LOG_LEVEL is wrong"), "LOG_LEVEL"),
        (CommandError("say so"), "say so"),
    ],
    ids=str,
)
def test_an_error_names_the_remedy(error: Exception, remedy: str) -> None:
    assert remedy in sentence(error)
    assert "\n" not in sentence(error)


def test_what_others_wrote_cannot_steer_the_terminal() -> None:
    assert output.printable("550 \x1b[2Juser\r\nünknown\udcff") == "550 \\x1b[2Juser\\r\\nünknown\\udcff"


def test_ctrl_c_ends_with_a_line_that_says_how_to_go_on() -> None:
    environment = {**os.environ, "PYTHONPATH": "scripts:function", "AWS_REGION": "eu-west-1"}
    with subprocess.Popen(
        [*PROGRAM, "check", "-"],
        env=environment,
        cwd=paths.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write("jane@example.com\n")
        process.stdin.flush()
        eventually(lambda: _is_waiting_for_input(process), expected=True)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "Interrupted." in err
    assert "Traceback" not in err


def _is_waiting_for_input(process: "subprocess.Popen[str]") -> bool:
    """Return whether a process has read all that was written to it."""
    assert process.stdin is not None
    waiting = fcntl.ioctl(process.stdin.fileno(), termios.FIONREAD, b"\0" * 4)
    return waiting == bytes(4)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("mailing expl", ["explain"]),
        ("mailing check --tr", ["--transactional"]),
        ("mailing list --state re", ["review"]),
    ],
)
def test_the_shell_completes_commands_options_and_values(words: str, completed: list[str]) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": "scripts:function",
        "_MAILING_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    done = subprocess.run(PROGRAM, env=environment, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == completed


def test_a_question_without_a_terminal_is_an_error_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(CommandError, match="--yes"):
        output.confirm("Disable 20 addresses?", yes=False)
    output.confirm("Disable 20 addresses?", yes=True)
