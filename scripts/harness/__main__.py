"""The harness's commands; the Makefile has a target for each.

python -m harness demo | up | down | terraform [-C FOLDER] ARGUMENT…
"""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from harness import paths, terraform
from harness.errors import HarnessError

_FILE_WIDTH = 160  # in a file or a pipe nothing needs to be folded
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Run a command; exit with 1 and one line on an error, with 128 + N on signal N after cleaning up."""
    arguments = _parser().parse_args()
    for number in _SIGNALS:
        signal.signal(number, _interrupted)
    try:
        if arguments.command == "terraform":
            terraform.find().replace_this_process(arguments.arguments, arguments.folder)
        else:
            _run(arguments.command)
    except HarnessError as error:
        sys.exit(f"error: {error}")


def _run(command: str) -> None:
    from rich.console import Console

    from harness import demo, up

    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    {"demo": demo.run, "up": up.up, "down": up.down}[command](console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harness", description="The local harness: the real Terraform on an emulator."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="run the whole pipeline once and print the table that results")
    commands.add_parser("up", help="leave an emulator with the applied stack running")
    commands.add_parser("down", help="end what `up` started")
    passed_on = commands.add_parser("terraform", help="run Terraform, found as for local runs, with your environment")
    passed_on.add_argument("-C", dest="folder", type=Path, default=paths.TERRAFORM, help="the folder to run it in")
    passed_on.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def _interrupted(number: int, _frame: FrameType | None) -> NoReturn:
    # A second one would interrupt the cleaning up.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    print("\nInterrupted: cleaning up.", file=sys.stderr, flush=True)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
