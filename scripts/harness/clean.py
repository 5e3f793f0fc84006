"""``make clean``: nothing that this checkout started is left running."""

from rich.console import Console

from harness import paths, run_folder, up
from harness.localstack_docker import EngineGoneError


def run(console: Console) -> None:
    """End what ``make up`` started, remove what killed runs left, and name what can't be removed.

    Raises:
        HarnessError: the stack of ``make up`` could not be destroyed in an emulator that others use.
    """
    left = run_folder.sweep()
    if paths.UP.exists():
        try:
            up.down(console)
        except EngineGoneError as error:
            left.append(str(error))
    for each in left:
        console.print(f"Left behind: {each}", highlight=False, soft_wrap=True)
