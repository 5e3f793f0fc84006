"""Calls of AWS: so many at once, none waited for beyond the deadline, and pauses that grow up to a bound."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from itertools import pairwise
from typing import Any

import pytest

from healthy_mailing.calls import Calls, is_past, pause
from support.clock import Clock
from support.eventually import SECONDS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("healthy_mailing.calls.time", clock)
    return clock


def soon() -> float:
    """Return a deadline that no machine is too slow for."""
    return time.monotonic() + SECONDS


def test_every_argument_comes_back_with_its_result_in_order() -> None:
    assert Calls(4).make(str, range(10), soon()) == ([(number, str(number)) for number in range(10)], [])
    assert Calls(4).make(str, [], soon()) == ([], [])


def test_what_a_call_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Calls(4).make(int, ["1", "one"], soon())


def test_so_many_calls_are_under_way_at_once_and_no_more() -> None:
    """Each waits until as many as may be are under way; one more would be seen."""
    limit, under_way, most = 3, 0, 0
    lock, full = threading.Lock(), threading.Barrier(limit)

    def call(_: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        full.wait(SECONDS)
        with lock:
            under_way -= 1

    ended, late = Calls(limit).make(call, range(4 * limit), soon())

    assert (len(ended), late, most) == (4 * limit, [], limit)


def test_what_is_late_is_named_and_holds_up_no_later_call() -> None:
    calls, released = Calls(2), threading.Event()
    begun: dict[int, threading.Thread] = {}

    def hang(number: int) -> None:
        begun[number] = threading.current_thread()
        released.wait(SECONDS)

    try:
        assert calls.make(hang, range(4), time.monotonic() + 0.2) == ([], [0, 1, 2, 3])
        # There are as many threads again.
        together = threading.Barrier(2)
        ended, late = calls.make(lambda _: together.wait(SECONDS), range(2), soon())
        assert (len(ended), late) == (2, [])
    finally:
        released.set()
    for thread in begun.copy().values():
        thread.join(SECONDS)
    assert begun.keys() <= {0, 1}  # what had not begun by then never does


def test_it_is_waited_until_the_deadline_and_not_at_all_after_it(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[float] = []

    def note(futures: Sequence[Future[object]], timeout: float) -> Any:
        seconds.append(timeout)
        return wait(futures, SECONDS)

    monkeypatch.setattr("healthy_mailing.calls.wait", note)
    for deadline in (clock.monotonic() + 3, clock.monotonic(), clock.monotonic() - 5):
        Calls(1).make(str, ["a"], deadline)
    assert seconds == [3, 0, 0]


def test_the_deadline_itself_is_past(clock: Clock) -> None:
    now = clock.monotonic()
    assert [is_past(now - 0.001), is_past(now), is_past(now + 0.001)] == [True, True, False]


def longest_pauses(clock: Clock, monkeypatch: pytest.MonkeyPatch, attempts: range) -> list[float]:
    """Return how long each attempt waits at most."""
    monkeypatch.setattr("healthy_mailing.calls.random.uniform", lambda _, longest: longest)
    times = [clock.monotonic()]
    for attempt in attempts:
        pause(attempt)
        times.append(clock.monotonic())
    return [after - before for before, after in pairwise(times)]


def test_pauses_double_from_a_hundredth_to_half_a_second(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]
    assert longest_pauses(clock, monkeypatch, range(1, 9)) == pytest.approx(expected)


def test_no_number_of_attempts_is_too_large(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert longest_pauses(clock, monkeypatch, range(100_000, 100_001)) == pytest.approx([0.5])


def test_a_pause_is_a_random_part_of_the_longest(clock: Clock) -> None:
    """So that writers who collided once do not again: some are short, some long, none longer than may be."""
    began = clock.monotonic()
    pauses = []
    for _ in range(500):
        pause(1)
        pauses.append(clock.monotonic() - began)
        began = clock.monotonic()
    assert 0 <= min(pauses) < 0.001
    assert 0.009 < max(pauses) <= 0.01 + 1e-9
