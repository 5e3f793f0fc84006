"""A folder for each run: ``build/runs/<id>``.

A process of the run ends with it; a container does not, so what a killed run left is removed by the next.
"""

import fcntl
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import localstack_docker, paths
from harness.localstack_docker import EngineGoneError

_LOCK = "lock"


@contextmanager
def kept_on_failure(purpose: str) -> Iterator[Path]:
    """Give a new folder for the length of a ``with`` block.

    If the block fails after an emulator logged there, the folder is named and stays until the next run, which also
    removes what a killed one left.
    """
    sweep()
    folder = paths.RUNS / f"{purpose}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True)
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        except BaseException as error:
            # Interrupted, or not begun: nobody will look.
            if isinstance(error, Exception) and (folder / "emulator.log").exists():
                print(f"What the run left to look at: {folder}", flush=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)
            raise
    shutil.rmtree(folder, ignore_errors=True)


def sweep() -> list[str]:
    """Remove the folders and containers of runs that are over: nobody holds their lock.

    Returns what could not be removed, a sentence each; it is tried again the next time.
    """
    left = []
    for lock_file in paths.RUNS.glob(f"*/{_LOCK}"):
        with lock_file.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            try:
                localstack_docker.remove(lock_file.parent)
            except EngineGoneError as error:
                left.append(str(error))
                continue
            shutil.rmtree(lock_file.parent, ignore_errors=True)
    return left
