"""What every command has in common: its help, its options, and how its errors read."""

import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)
from typer.testing import CliRunner

from harness import paths
from healthy_mailing.row import UNREADABLE
from healthy_mailing.settings import SettingsError
from healthy_mailing.table import OUT_OF_TIME, TableError
from healthy_mailing_cli import __main__
from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.errors import sentence
from healthy_mailing_cli.shell.output import CommandError
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


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_examples_that_it_takes(command: str) -> None:
    text = printed(command, "--help", width=200)
    group: Any = typer.main.get_command(app)
    shown = re.findall(r"^ (mailing .+?) *$", text.partition("Examples:")[2], re.MULTILINE)
    assert shown == [each for each in __main__.EXAMPLES if each.split()[1] == command] != []
    for example in shown:
        _, name, *arguments = shlex.split(example)
        assert name == command
        group.commands[name].make_context(name, arguments)


def test_help_is_a_word_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def shown(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["mailing", *words])
        with pytest.raises(SystemExit, match=r"^0$"):
            __main__.run()
        return capsys.readouterr().out

    assert shown("help", "check") == shown("check", "--help")
    assert shown("help") == shown("--help")


def test_names_come_from_the_environment_too_and_options_win() -> None:
    seen: list[tuple[str, str | None, str | None]] = []

    @options.connected
    def command(connection: Connection, name: options.Name = None) -> None:
        seen.append((connection.table, connection.region, name))

    own = typer.Typer()
    own.command()(command)
    environment = {"MAILING_TABLE": "crm", "MAILING_NAME": "shop", "AWS_REGION": "eu-west-1"}
    for arguments in ([], ["--table", "t", "--name", "n", "--region", "r"]):
        assert CliRunner().invoke(own, arguments, env=environment).exit_code == 0
    assert seen == [("crm", "eu-west-1", "shop"), ("t", "r", "n")]
    text = printed("doctor", "--help", width=200)
    assert [name for name in environment if name not in text] == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TableError("ResourceNotFoundException"), "There is no table maling in eu-west-1: name it with --table"),
        (
            ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Scan"),
            "There is no table maling in eu-west-1: name it with --table",
        ),
        (
            ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "m"}}, "GetFunction"),
            "GetFunction: m",
        ),
        (TableError("AccessDenied"), "These credentials may not"),
    ],
    ids=str,
)
def test_a_table_that_is_not_there_is_named(error: Exception, says: str) -> None:
    @options.connected
    def command(connection: Connection) -> None:
        del connection
        raise error

    with pytest.raises((CommandError, ClientError, TableError)) as raised:
        command(table="maling", region="eu-west-1", endpoint_url=None, profile=None)
    assert says in sentence(raised.value)


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
        (TableError("AccessDenied"), "docs/operate.md"),
        (TableError("ProvisionedThroughputExceeded"), "later"),
        (TableError(UNREADABLE), "look at it"),
        (TableError("ValidationException"), "DynamoDB refused: ValidationException"),
        (client_error("AccessDenied"), "may not call GetQueueUrl"),
        (client_error("AccessDeniedException"), "may not call GetQueueUrl"),
        (client_error("ExpiredTokenException"), "aws sso login"),
        (client_error("ExpiredToken"), "aws sso login"),
        (client_error("InvalidClientTokenId"), "--profile"),
        (client_error("SignatureDoesNotMatch"), "--profile"),
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


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "address", "1 address"), (0, "address", "0 addresses"), (2_000, "row", "2,000 rows"), (1, "row", "1 row")],
)
def test_one_is_told_in_the_singular(number: int, noun: str, said: str) -> None:
    assert output.counted(number, noun) == said


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


def test_steps_that_belong_together_are_finished_after_ctrl_c() -> None:
    done: list[int] = []

    def steps(presses: int) -> None:
        with output.finishing():
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)
            done.append(presses)

    steps(0)
    for presses in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            steps(presses)
    assert done == [0, 1], "a second Ctrl-C does not wait"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_question_without_a_terminal_is_an_error_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins with a capital, and can't steer the terminal."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(CommandError, match=r"^Take it off SES's own list\\x1b\?.*--yes"):
        options.confirm("take it off SES's own list\x1b?", yes=False)
    options.confirm("Disable 20 addresses?", yes=True)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["disable"], {"state": "disable"}),
        (["enable"], {"state": "enable"}),
        (["erase"], {}),
        (["erase", "--forget"], {}),
    ],
    ids=" ".join,
)
def test_a_dry_run_prints_json_where_that_is_wanted(command: list[str], told: dict[str, str]) -> None:
    shown = printed(*command, "Jane@example.com", "joe@example.com", "--dry-run", "--json")
    addresses = ("jane@example.com", "joe@example.com")
    assert [json.loads(line) for line in shown.splitlines()] == [{"address": each, **told} for each in addresses]
    assert printed(*command, "Jane@example.com", "--dry-run").startswith("Without --dry-run: ")


@pytest.mark.parametrize("url", ["127.0.0.1:4566", "http://", "nonsense"])
def test_an_endpoint_that_is_no_url_is_refused(url: str) -> None:
    result = CliRunner().invoke(app, ["check", "a@example.com", "--endpoint-url", url], env={"TERM": "dumb"})
    assert (result.exit_code, f"{url} is not a URL" in result.output) == (2, True)


def samples_to(where: int, unbuffered: str) -> tuple[int, str]:
    """Let the samples be listed to somewhere, and return the exit code and the error."""
    environment = {**os.environ, "PYTHONPATH": "scripts:function", "PYTHONUNBUFFERED": unbuffered}
    arguments = [*PROGRAM, "publish", "--list"]
    done = subprocess.run(
        arguments, env=environment, cwd=paths.ROOT, stdout=where, stderr=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", ["1", ""])
def test_a_reader_that_has_gone_ends_a_command_as_it_ends_cat(unbuffered: str) -> None:
    """Neither yes nor no: what was to be said has not been said whole. `set -o pipefail` scripts know that code."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert samples_to(writing, unbuffered) == (141, "")
    finally:
        os.close(writing)


@pytest.mark.parametrize("unbuffered", ["1", ""])
def test_a_disk_that_is_full_is_told_in_a_line(unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:  # Linux's file that takes nothing
        error = "error: The output: No space left on device\n"
        assert samples_to(full.fileno(), unbuffered) == (2, error)


def test_a_file_is_replaced_once_it_is_whole_and_a_link_to_it_stays(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    with output.replacing(link) as writing:
        writing.write("new")
        writing.flush()
        assert file.read_text() == "old"
    assert (file.read_text(), link.is_symlink()) == ("new", True)
    assert sorted(tmp_path.iterdir()) == [file, link]


def test_a_link_that_someone_put_there_is_not_followed(tmp_path: Path) -> None:
    """Neither at a name that the program would write to meanwhile, nor at one that the user did not choose."""
    file, mine = tmp_path / "file", tmp_path / "mine"
    mine.write_text("mine")
    (tmp_path / "file.part").symlink_to(mine)
    file.symlink_to(mine)
    with output.replacing(file, ours=True) as writing:
        writing.write("new")
        (part,) = tmp_path.glob("file.*.part")
        assert part.stat().st_mode & 0o777 == 0o600
    assert (file.read_text(), file.is_symlink(), mine.read_text()) == ("new", False, "mine")


def test_two_that_write_a_file_at_once_each_write_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with output.replacing(file) as first, output.replacing(file) as second:
        first.write("first")
        second.write("second")
    assert file.read_text() == "first"  # which came to an end last
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_permissions_that_a_person_expects(tmp_path: Path, umask: int, mode: int) -> None:
    """As if the shell had written it: a new one by the umask, one that is there as it was."""
    new, old = tmp_path / "new", tmp_path / "old"
    old.touch()
    old.chmod(0o640)
    before = os.umask(umask)
    try:
        for file in (new, old):
            with output.replacing(file) as writing:
                writing.write("x")
    finally:
        assert os.umask(before) == umask
    assert [file.stat().st_mode & 0o777 for file in (new, old)] == [mode, 0o640]


def test_what_is_no_regular_file_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ours = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with output.replacing(pipe) as writing:
        writing.write("new")
    assert os.read(ours, 10) == b"new"
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), ReadTimeoutError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x")], ids=str
)
def test_what_ends_meanwhile_is_not_taken_for_a_file_that_cannot_be_written(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)), output.replacing(tmp_path / "file"):
        raise error
    assert list(tmp_path.iterdir()) == []
