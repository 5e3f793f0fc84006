"""The harness's commands; `make help` explains them.

python -m harness demo | up | down | clean | e2e [PYTEST-ARGUMENT…]
python -m harness terraform [-C FOLDER] ARGUMENT… | install FOLDER LOCK

The last two need Python alone. ``terraform`` runs it as local runs find it, with your environment.
"""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from harness import environment, paths, terraform
from harness.errors import HarnessError

_FILE_WIDTH = 160  # in a file or a pipe nothing needs to be folded
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Run a command; exit with 1 and one line on an error, with 128 + N on signal N after cleaning up."""
    parser = _parser()
    arguments, others = parser.parse_known_args()
    if others and arguments.command != "e2e":
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    for number in _SIGNALS:
        signal.signal(number, _interrupted)
    try:
        if arguments.command == "terraform":
            terraform.find().replace_this_process(arguments.arguments, arguments.folder)
        elif arguments.command == "install":
            environment.install(arguments.folder, arguments.lock)
        else:
            _run(arguments.command, others)
    except HarnessError as error:
        sys.exit(f"error: {error}")


def _run(command: str, others: list[str]) -> None:
    from rich.console import Console

    from harness.commands import clean, demo, e2e, up

    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    if command == "e2e":
        e2e.run(console, others)
    else:
        {"demo": demo.run, "up": up.up, "down": up.down, "clean": clean.run}[command](console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harness", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("demo", "up", "down", "clean", "e2e"):
        commands.add_parser(name)
    passed_on = commands.add_parser("terraform")
    passed_on.add_argument("-C", dest="folder", type=Path, default=paths.TERRAFORM, help="the folder to run it in")
    passed_on.add_argument("arguments", nargs=argparse.REMAINDER)
    install = commands.add_parser("install")
    install.add_argument("folder", type=Path)
    install.add_argument("lock", type=Path)
    return parser


def _interrupted(number: int, _frame: FrameType | None) -> NoReturn:
    # A second one would interrupt the cleaning up.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    print("\nInterrupted: cleaning up.", file=sys.stderr, flush=True)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
