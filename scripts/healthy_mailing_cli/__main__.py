"""The program ``mailing``: its commands, and how their errors read. In a clone, ``scripts/mailing`` runs it."""

import sys
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

import healthy_mailing
from healthy_mailing_cli import redrive

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Work with the table of who may be mailed, and the queues around it.",
)

Table = Annotated[str, typer.Option(help="The table; queues and function are named after it.")]
Region = Annotated[str | None, typer.Option(help="AWS region; default: that of the environment or the profile.")]
Endpoint = Annotated[str | None, typer.Option(help="Where AWS is, if not at AWS: an emulator's URL.")]
Profile = Annotated[str | None, typer.Option(help="Profile of the AWS configuration to take credentials from.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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


@app.command("redrive")
def redrive_command(  # noqa: PLR0913, PLR0917  (each is an option of its own)
    table: Table = "mailing",
    name: Annotated[str | None, typer.Option(help="The Terraform variable `name`, if the table has another.")] = None,
    dead_letter_queue: Annotated[
        str | None, typer.Option(help="Name of the dead-letter queue; default: NAME-feedback-dead-letter.")
    ] = None,
    queue: Annotated[str | None, typer.Option(help="Name of the queue; default: NAME-feedback.")] = None,
    function: Annotated[
        str | None, typer.Option(help="Name of the function, for a stack without queue; default: NAME-feedback.")
    ] = None,
    region: Region = None,
    endpoint_url: Endpoint = None,
    profile: Profile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is there; leave all where it is.")] = False,  # noqa: FBT002  (a switch)
    as_json: AsJson = False,  # noqa: FBT002  (a switch)
) -> None:
    """Bring dead letters back: from the dead-letter queue to the queue or, where there is none, to the function.

    Safe to interrupt and to run again: a dead letter is deleted after it was handed over, and feedback that comes
    twice counts once. What fails again comes back, and is left for the next run.
    """
    console = Console(stderr=True)
    session = boto3.Session(profile_name=profile, region_name=region)
    names = redrive.Names.of(name or table, dead_letter_queue=dead_letter_queue, queue=queue, function=function)
    report = redrive.redrive(session, names, endpoint_url, dry_run=dry_run, console=console)
    sys.stdout.write(report.as_json() if as_json else report.as_text(dry_run=dry_run))
    if report.failed:
        raise typer.Exit(1)


def run() -> None:
    """Run a command; an error of AWS is one line."""
    try:
        app(prog_name="mailing")
    except (BotoCoreError, ClientError, redrive.RedriveError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. What was not handed over is still in the dead-letter queue: run it again.\n")
        sys.exit(130)


if __name__ == "__main__":
    run()
