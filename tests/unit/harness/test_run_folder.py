"""Which folders of runs stay, and for how long."""

from pathlib import Path

import pytest

from harness import paths
from harness.run_folder import kept_on_failure


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "RUNS", tmp_path)


def test_a_run_that_succeeds_leaves_nothing(tmp_path: Path) -> None:
    with kept_on_failure("demo") as folder:
        (folder / "emulator.log").touch()
    assert list(tmp_path.iterdir()) == []


def fail_after_logging() -> None:
    with kept_on_failure("demo") as folder:
        (folder / "emulator.log").touch()
        raise ValueError(folder)


def test_a_failed_run_is_named_and_kept_until_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="demo") as raised:
        fail_after_logging()
    failed = raised.value.args[0]
    assert failed.is_dir()
    assert str(failed) in capsys.readouterr().out
    with kept_on_failure("demo"):
        assert not failed.exists()


def test_a_run_that_fails_before_its_emulator_started_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), kept_on_failure("demo"):
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), kept_on_failure("demo"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_run_under_way_is_not_disturbed_by_the_next() -> None:
    with kept_on_failure("demo") as first:
        with kept_on_failure("demo") as second:
            assert first != second
        assert first.is_dir()
