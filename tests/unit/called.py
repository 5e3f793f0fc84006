"""A command that is called without a process, for a hundredth of what that takes."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

import typer

from healthy_mailing.table import TableError
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.errors import sentence
from healthy_mailing_cli.shell.output import CommandError

_CONNECTION = {"table": "mailing", "region": None, "endpoint_url": None, "profile": None}


class Ran(NamedTuple):
    """What a command printed, and its exit code; its error is what it noted last."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> list[Any]:
        """What it printed in JSON, line by line."""
        return [json.loads(line) for line in self.out.splitlines()]


def called(command: Callable[..., None], **options: object) -> Ran:
    """Call a command with options, and with the names of its parameters for them."""
    code, out, err = output.YES, io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            command(**_CONNECTION | options)
        except typer.Exit as end:
            code = end.exit_code
        except (CommandError, TableError) as error:
            code = output.ERROR
            output.note(sentence(error))
    return Ran(code, out.getvalue(), err.getvalue())
