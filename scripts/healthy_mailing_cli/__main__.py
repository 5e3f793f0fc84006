"""The program ``mailing``: its commands, and how their errors read. In a clone, ``scripts/mailing`` runs it."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError

import healthy_mailing
from healthy_mailing.settings import SettingsError
from healthy_mailing.table import TableError
from healthy_mailing_cli.commands.check import check
from healthy_mailing_cli.commands.clear_bounces import clear_bounces
from healthy_mailing_cli.commands.disable import disable
from healthy_mailing_cli.commands.doctor import doctor
from healthy_mailing_cli.commands.enable import enable
from healthy_mailing_cli.commands.erase import erase
from healthy_mailing_cli.commands.explain import explain
from healthy_mailing_cli.commands.export import export
from healthy_mailing_cli.commands.import_list import import_list
from healthy_mailing_cli.commands.list import list_command
from healthy_mailing_cli.commands.publish import publish
from healthy_mailing_cli.commands.reassess import reassess
from healthy_mailing_cli.commands.redrive import redrive_command
from healthy_mailing_cli.commands.remove_override import remove_override
from healthy_mailing_cli.commands.report import report
from healthy_mailing_cli.commands.simulate import simulate
from healthy_mailing_cli.commands.stats import stats
from healthy_mailing_cli.commands.sync_ses import sync_ses
from healthy_mailing_cli.shell import errors, output
from healthy_mailing_cli.shell.output import CommandError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # which joins the lines of a paragraph
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Work with the table that says who may be mailed, and with the stack around it.",
    epilog="`mailing help COMMAND` shows examples. Exit codes: 0 yes, or all done; 1 no, or some failed; 2 misuse, or "
    "an error.",
)

_INTERRUPTED = 130  # how Typer ends after Ctrl-C

LOOK, DECIDE, LISTS, RUN = "Look", "Decide", "Lists", "Run"

COMMANDS: tuple[tuple[str, str, Callable[..., None]], ...] = (
    (LOOK, "check", check),
    (LOOK, "explain", explain),
    (LOOK, "list", list_command),
    (LOOK, "stats", stats),
    (LOOK, "report", report),
    (LOOK, "doctor", doctor),
    (DECIDE, "enable", enable),
    (DECIDE, "disable", disable),
    (DECIDE, "remove-override", remove_override),
    (LISTS, "import", import_list),
    (LISTS, "export", export),
    (LISTS, "sync-ses", sync_ses),
    (RUN, "publish", publish),
    (RUN, "simulate", simulate),
    (DECIDE, "clear-bounces", clear_bounces),
    (DECIDE, "erase", erase),
    (DECIDE, "reassess", reassess),
    (RUN, "redrive", redrive_command),
)
"""Each command's group, name and function."""

EXAMPLES = """
mailing check jane@example.com joe@example.com
mailing check list.csv --column email --keep good.csv
mailing check --transactional jane@example.com --json
mailing explain jane@example.com
mailing list --since 2026-03-01
mailing list --state review
mailing list --reason complaint --sender news@example.com --json
mailing stats
mailing stats --days 7 --sender shop.example.com
mailing report --html report.html
mailing doctor
mailing doctor --identity example.com --json
mailing enable jane@example.com --note "called us, mailbox works again"
mailing disable jane@example.com
mailing disable list.csv --dry-run
mailing remove-override jane@example.com
mailing import sendgrid-bounces.csv --dry-run
mailing import unsubscribed.txt --as opt-outs --at 2026-01-31T12:00:00Z
mailing export --output everything.csv
mailing export --state disable --format ndjson
mailing sync-ses both --dry-run
mailing sync-ses push
mailing publish --list
mailing publish complaint-abuse --dry-run
mailing simulate bounce --from news@example.com
mailing clear-bounces jane@example.com --ses
mailing clear-bounces --from 2020-12-14 --to 2020-12-15 --domain gmail.com --dry-run
mailing erase jane@example.com
mailing erase jane@example.com --forget
mailing reassess --dry-run
mailing reassess
mailing redrive --dry-run
mailing redrive
mailing redrive --save letters.ndjson --drop
mailing redrive --changes
""".strip().splitlines()

for _panel, _name, _command in COMMANDS:
    # A backslash at its end keeps a line of Markdown apart from the next.
    _epilog = "\\\n".join(["Examples:", *(f"`{each}`" for each in EXAMPLES if each.split()[1] == _name)])
    app.command(_name, rich_help_panel=_panel, epilog=_epilog)(_command)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if wanted:
        sys.stdout.write(f"mailing {healthy_mailing.__version__}\n")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take what stands before the command."""


def run() -> None:
    """Run a command; an error is one line, and an interruption says how to go on."""
    output.use_any_bytes()
    try:
        try:
            app(_as_help(sys.argv[1:]), prog_name="mailing")
        finally:
            sys.stdout.flush()  # here, where its failure is an error like any other
    except (BotoCoreError, ClientError, TableError, SettingsError, CommandError) as error:
        output.error(errors.sentence(error))
        sys.exit(output.ERROR)
    except BrokenPipeError:
        _end_as_cat_does()
    except OSError as error:  # of what is printed, where a full disk takes no more
        output.error(f"{error.filename or 'The output'}: {error.strerror}")
        _print_no_more()
        sys.exit(output.ERROR)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            output.note("Interrupted. What is done stays done; run the command again to go on.")
        if isinstance(end.__context__, BrokenPipeError):  # Typer has made an exit code 1 of it, which means "no"
            _end_as_cat_does()
        raise


def _as_help(arguments: list[str]) -> list[str]:
    """Return what ``mailing help COMMAND`` stands for, other arguments as they are."""
    return [*arguments[1:], "--help"] if arguments[:1] == ["help"] else arguments


def _end_as_cat_does() -> NoReturn:
    """End as programs do whose reader has gone, such as ``| head``: without a word, with 128 and SIGPIPE's number."""
    _print_no_more()
    sys.exit(128 + signal.SIGPIPE)


def _print_no_more() -> None:
    """Let Python drop what it has still to print, which would fail once more at the very end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
