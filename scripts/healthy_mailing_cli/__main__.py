"""The program ``mailing``: its commands, and how their errors read. In a clone, ``scripts/mailing`` runs it."""

import sys
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

import healthy_mailing
from healthy_mailing.settings import SettingsError
from healthy_mailing.table import TableError
from healthy_mailing_cli import errors, output
from healthy_mailing_cli.check import check
from healthy_mailing_cli.clear_bounces import clear_bounces
from healthy_mailing_cli.decide import disable, enable, remove_override
from healthy_mailing_cli.doctor import doctor
from healthy_mailing_cli.erase import erase
from healthy_mailing_cli.explain import explain
from healthy_mailing_cli.export import export
from healthy_mailing_cli.import_list import import_list
from healthy_mailing_cli.list import list_command
from healthy_mailing_cli.output import CommandError
from healthy_mailing_cli.publish import publish
from healthy_mailing_cli.reassess import reassess
from healthy_mailing_cli.redrive import redrive_command
from healthy_mailing_cli.report import report
from healthy_mailing_cli.simulate import simulate
from healthy_mailing_cli.stats import stats
from healthy_mailing_cli.sync_ses import sync_ses

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # which joins the lines of a paragraph
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Work with the table that says who may be mailed, and with the stack around it.",
    epilog="Exit codes: 0 yes, or all done; 1 no, or some failed; 2 misuse, or an error.",
)

_INTERRUPTED = 130
"""How Typer ends after Ctrl-C."""

LOOK, DECIDE, LISTS, RUN = "Look", "Decide", "Lists", "Run"

app.command(rich_help_panel=LOOK)(check)
app.command(rich_help_panel=LOOK)(explain)
app.command("list", rich_help_panel=LOOK)(list_command)
app.command(rich_help_panel=LOOK)(stats)
app.command(rich_help_panel=LOOK)(report)
app.command(rich_help_panel=LOOK)(doctor)
app.command(rich_help_panel=DECIDE)(enable)
app.command(rich_help_panel=DECIDE)(disable)
app.command(rich_help_panel=DECIDE)(remove_override)
app.command("import", rich_help_panel=LISTS)(import_list)
app.command(rich_help_panel=LISTS)(export)
app.command("sync-ses", rich_help_panel=LISTS)(sync_ses)
app.command(rich_help_panel=RUN)(publish)
app.command(rich_help_panel=RUN)(simulate)
app.command(rich_help_panel=DECIDE)(clear_bounces)
app.command(rich_help_panel=DECIDE)(erase)
app.command(rich_help_panel=DECIDE)(reassess)
app.command("redrive", rich_help_panel=RUN)(redrive_command)


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
        app(prog_name="mailing")
    except (BotoCoreError, ClientError, TableError, SettingsError, CommandError) as error:
        output.note(f"error: {errors.sentence(error)}")
        sys.exit(output.ERROR)
    except OSError as error:  # of what is printed, where a full disk takes no more
        output.note(f"error: {error.filename or 'The output'}: {error.strerror}")
        sys.exit(output.ERROR)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            output.note("Interrupted. What is done stays done; run the command again to go on.")
        raise


if __name__ == "__main__":
    run()
