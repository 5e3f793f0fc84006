"""`mailing report` where it can't do what it is asked, and the charts that it draws."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import paths
from healthy_mailing_cli import charts
from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.output import CommandError
from healthy_mailing_cli.stats import percent


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    code = "import sys; sys.modules['altair'] = None; from healthy_mailing_cli.__main__ import run; run()"
    environment = {"PATH": os.defpath, "PYTHONPATH": f"{paths.ROOT / 'scripts'}:{paths.ROOT / 'function'}"}
    ran = subprocess.run(
        [sys.executable, "-c", code, "report", "--html", str(page)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: This needs altair")
    assert "pipx install '.[report]'" in ran.stderr
    assert not page.exists()


def test_where_it_can_t_write_it_reads_no_table(tmp_path: Path) -> None:
    # There is no way to AWS in this environment, which would be the error otherwise.
    error = CliRunner().invoke(app, ["report", "--html", str(tmp_path / "no" / "report.html")]).exception
    assert isinstance(error, CommandError)
    assert "can't be written" in str(error)


def heights(numbers: list[int]) -> list[float]:
    """Return the heights of a chart's bars."""
    svg = charts.days([(f"2026-01-{day + 1:02}", number) for day, number in enumerate(numbers)])
    bars = re.findall(r'<path[^>]*d="M[\d.]+,[\d.]+h[\d.]+v([\d.]+)h[^>]*fill="#a00001"', svg)
    return [float(height) for height in bars]


def test_bars_are_as_high_as_their_numbers() -> None:
    assert heights([0, 10, 5, 20]) == [0, pytest.approx(60), pytest.approx(30), pytest.approx(120)]


def test_a_time_without_events_is_drawn_too() -> None:
    assert heights([0, 0, 0]) == [0, 0, 0]


def test_a_chart_is_the_same_each_time() -> None:
    assert charts.days([("2026-01-01", 3)]) == charts.days([("2026-01-01", 3)])


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (0.000_001, "under 0.001 %"),
        (0.000_123_4, "0.0123 %"),
        (0.001, "0.1 %"),
        (0.023_46, "2.35 %"),
        (0.5, "50 %"),
        (1, "100 %"),
    ],
)
def test_a_share_has_the_digits_that_tell(share: float, text: str) -> None:
    assert percent(share) == text
