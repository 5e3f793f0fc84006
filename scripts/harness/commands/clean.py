"""``make clean``: nothing that this checkout started is left running."""

from rich.console import Console

from harness import paths, run_folder
from harness.commands import up
from harness.emulators.localstack_docker import EngineGoneError
from harness.errors import HarnessError


def run(console: Console) -> None:
    """End what ``make up`` started, remove what killed runs left, and say what to do about the rest.

    Raises:
        HarnessError: a run is under way, or something could not be removed by an emulator or engine that answers.
    """
    alive = run_folder.alive()
    if alive:
        raise HarnessError(f"A run is active in {alive[0]}. Wait for it or interrupt it, then try again.")
    left = run_folder.sweep()
    if paths.UP.exists():
        try:
            up.down(console)
        except EngineGoneError as error:
            left.append(error)
    for each in left:
        if not isinstance(each, EngineGoneError):
            raise each
        # `make clean` deletes the record that names it, and the engine may never come back.
        console.print(
            f"The Docker engine at {each.endpoint} does not answer. If it has containers of compose project "
            f"{each.project}, remove them there: docker compose -p {each.project} down --volumes",
            highlight=False,
            soft_wrap=True,
        )
