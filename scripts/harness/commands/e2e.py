"""``make e2e``: the end-to-end tests, on LocalStack unless ``EMULATOR`` chooses otherwise."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from harness import emulator, paths

_TESTS = paths.ROOT / "tests"
# The tests of how this project runs LocalStack, which need one.
_ALSO = {"localstack-docker": ["localstack_docker"], "localstack-process": ["localstack_plugins"]}


def run(console: Console, arguments: Sequence[str]) -> NoReturn:
    """Say which emulator it is and why, fetch what that needs, and become pytest.

    Raises:
        HarnessError: there is no such emulator here, or it can't be fetched.
    """
    choice = emulator.choose(os.environ.get("EMULATOR") or "localstack")
    console.print(f"End-to-end tests. Emulator: {choice}.", highlight=False, soft_wrap=True)
    emulator.prepare(choice)
    sys.stdout.flush()
    folders = [str(_TESTS / name) for name in ("e2e", *_ALSO.get(choice.name, []))]
    # Every worker process of pytest takes the choice that was made here.
    environment = {**os.environ, "EMULATOR": choice.name}
    pytest = Path(sys.executable).with_name("pytest")
    os.execve(pytest, [pytest.name, *arguments, *folders], environment)
