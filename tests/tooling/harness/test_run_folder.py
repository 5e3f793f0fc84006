"""Which folders of runs stay, and for how long."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from harness import paths, run_folder
from harness.commands import clean
from harness.emulators import localstack_docker
from harness.errors import HarnessError
from harness.run_folder import kept_on_failure


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    monkeypatch.setattr(paths, "UP", tmp_path / "up")


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


def test_a_run_that_fails_before_its_emulator_started_or_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), kept_on_failure("demo"):
            raise error
        assert list(tmp_path.iterdir()) == []


def test_a_run_under_way_is_not_disturbed_by_the_next() -> None:
    with kept_on_failure("demo") as first:
        with kept_on_failure("demo") as second:
            assert first != second
        assert first.is_dir()


def test_a_run_goes_on_where_something_of_another_can_not_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise HarnessError("network has active endpoints")

    monkeypatch.setattr(localstack_docker, "remove", refuse)
    killed = tmp_path / "demo-1"
    killed.mkdir()
    for name in ("lock", localstack_docker.RECORD):
        (killed / name).touch()

    with kept_on_failure("demo") as folder:
        assert folder.exists()
    assert killed.exists()


def test_clean_waits_for_a_run_under_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Its containers could not be found once build/ is gone."""
    with kept_on_failure("demo") as folder, pytest.raises(HarnessError, match=f"active in {folder}. Wait for it"):
        clean.run(Console())
    clean.run(Console())
    assert capsys.readouterr().out == ""


def test_containers_on_an_engine_that_is_gone_are_named_and_tried_again_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of tests starts several emulators, each in a folder of its own."""
    killed, endpoint = tmp_path / "tests-1", f"unix://{tmp_path}/none.sock"
    (killed / "a" / "b").mkdir(parents=True)
    (killed / "lock").touch()
    record = {"name": "healthy-mailing-1", "endpoint": endpoint}
    (killed / "a" / "b" / localstack_docker.RECORD).write_text(json.dumps(record))

    (error,) = run_folder.sweep()
    assert str(error).startswith(f"The Docker engine at {endpoint} does not answer, so the containers of compose")
    assert "healthy-mailing-1 can't be removed. Start the engine and try again" in str(error)
    assert "\n" not in str(error)
    assert killed.exists()

    # `make clean` does not try again.
    clean.run(Console())
    said = capsys.readouterr().out
    assert said.startswith(f"The Docker engine at {endpoint} does not answer.")
    assert said.endswith("docker compose -p healthy-mailing-1 down --volumes\n")
