"""The list of mutants that behave like the original names lines that are there; ``make mutants`` checks the rest."""

import pytest

from .run import Change, equivalents, path_of


@pytest.mark.parametrize("change", equivalents(), ids=lambda change: f"{change.file}: {change.becomes}")
def test_a_listed_change_is_one_of_a_line_of_its_file(change: Change) -> None:
    source = " ".join(path_of(change.file).read_text().split())
    assert source.count(" ".join(change.line.split())) >= change.occurrence
    assert change.becomes != change.line


def test_every_listed_change_has_a_reason() -> None:
    assert [change for change, reason in equivalents().items() if not reason.endswith(".")] == []
