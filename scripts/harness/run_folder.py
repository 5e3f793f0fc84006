"""A folder for each run: ``build/runs/<id>``.

The processes of a run end with it. Its containers do not: the next run removes what a killed run left.
"""

import fcntl
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from harness import locks, paths
from harness.emulators import localstack_docker
from harness.errors import HarnessError

_LOCK = "lock"


@contextmanager
def kept_on_failure(purpose: str) -> Iterator[Path]:
    """Give a new folder for the length of a ``with`` block.

    If the block fails after an emulator logged there, the folder is named and stays until the next run.
    """
    sweep()
    with ExitStack() as lock:
        with _alone():
            folder = paths.RUNS / f"{purpose}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
            lock.enter_context(locks.alone(folder / _LOCK))
        try:
            yield folder
        except BaseException as error:
            # Not if it was interrupted or has not begun: nobody will look.
            if isinstance(error, Exception) and (folder / "emulator.log").exists():
                print(f"Logs of the failed run: {folder}", flush=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)
            raise
    shutil.rmtree(folder, ignore_errors=True)


def sweep() -> list[HarnessError]:
    """Remove the folders and containers of runs that are over.

    Returns why something could not be removed; it is tried again the next time.
    """
    left: list[HarnessError] = []
    with _alone():
        for folder in _folders():
            if _is_alive(folder):
                continue
            try:
                # A run of tests has a record in each of several folders.
                for record in folder.rglob(localstack_docker.RECORD):
                    localstack_docker.remove(record.parent)
            except HarnessError as error:
                left.append(error)
            else:
                shutil.rmtree(folder, ignore_errors=True)
    return left


def alive() -> list[Path]:
    """Return the folders of runs that are under way."""
    with _alone():
        return [folder for folder in _folders() if _is_alive(folder)]


def _folders() -> list[Path]:
    return [lock.parent for lock in paths.RUNS.glob(f"*/{_LOCK}")]


def _is_alive(folder: Path) -> bool:
    """Return whether its run still holds its lock, which it loses however it ends."""
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:  # it ended just now
        return False
    return False


def _alone() -> AbstractContextManager[None]:
    """Keep others from making and removing folders: a new one is nobody's until it is locked."""
    return locks.alone(paths.RUNS.with_suffix(".lock"))
