"""A small soak; ``make soak`` runs the large one."""

from pathlib import Path

from . import changes
from .run import Size, soak


def test_a_small_soak_loses_nothing(tmp_path: Path) -> None:
    size = Size(messages=4000, addresses=800, workers=3, batch_size=200, fault_every=100, kill_every=1000, seed=5)

    summary = soak(size, tmp_path)

    assert summary.problems == []


def test_a_small_soak_of_changes_loses_and_invents_nothing(tmp_path: Path) -> None:
    size = changes.Size(changes=4000, addresses=500, fault_every=10, kill_every=60, seed=5)

    summary = changes.soak(size, tmp_path)

    assert summary.problems == []
