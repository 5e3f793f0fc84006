"""What a command does while DynamoDB does not answer: it says what it waits for, and tries again if that may help."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

from healthy_mailing.calls import pause
from healthy_mailing.table import OUT_OF_TIME, TableError
from healthy_mailing_cli.shell import errors, output

SILENT = 5.0  # seconds without an answer of DynamoDB, after which a person hears what the command waits for

TRIES = 20
"""How often what DynamoDB throttles, or what does not reach it, is tried in a row without any success: for minutes."""

_SLOWLY = 10  # as if it were the tenth attempt: a pause of up to half a second

_BUSY = ("Throttl", "ThroughputExceeded", "LimitExceeded", "InternalServer", "Unavailable")
_LOST = frozenset({OUT_OF_TIME, "EndpointConnectionError", "ConnectionClosedError"})
"""Errors of the way to DynamoDB, beside those with ``Timeout`` in their name."""


def is_lost(code: str) -> bool:
    """Return whether an error says that DynamoDB can't be reached, and not that it refuses."""
    return code in _LOST or "Timeout" in code


def is_worth_another_try(code: str) -> bool:
    """Return whether what failed with an error may be done later."""
    return is_lost(code) or any(each in code for each in _BUSY)


def once(say: Callable[[str], None] = output.note) -> Callable[[str], None]:
    """Return what says each thing only once, however many threads have it to say."""
    said: set[str] = set()

    def say_once(text: str) -> None:
        if text not in said:
            said.add(text)
            say(text)

    return say_once


@contextmanager
def heard(say: Callable[[str], None], hint: str = "") -> Iterator[None]:
    """Let a person hear what a ``with`` block waits for, if it takes long; ``hint`` is a sentence behind that."""
    timer = Timer(SILENT, say, [f"Waiting for DynamoDB. {hint}".rstrip()])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def again(say: Callable[[str], None], code: str, hint: str = "") -> None:
    """Say that what failed with an error is tried again."""
    what = errors.sentence(TableError(code)).partition(". ")[0]
    say(f"{what}. Trying again for some minutes. {hint}".rstrip())


def rest_before(attempt: int, is_over: Callable[[], bool] = lambda: False) -> None:
    """Wait before another attempt, longer each time, up to five seconds on average; not if it is over meanwhile."""
    for _ in range(attempt):
        if is_over():
            return
        pause(_SLOWLY)
