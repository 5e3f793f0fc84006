"""`mailing report` where it can't do what it is asked, and the charts that it draws."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import paths
from healthy_mailing.evidence import Mark, MarkKind, Record, Rules, evidence_of
from healthy_mailing.item import to_item
from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.commands.stats import percent, remedy
from healthy_mailing_cli.figures import charts, page
from healthy_mailing_cli.figures.statistics import Figures, Jump, Tally
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.table.scan import known

TODAY = date(2026, 3, 31)
OUTAGE = 24
"""How many addresses bounce on the day of an outage."""


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


def drawn(numbers: list[int]) -> str:
    """Return the chart of days."""
    return charts.days([(f"2026-01-{day + 1:02}", number) for day, number in enumerate(numbers)])


def heights(numbers: list[int]) -> list[float]:
    """Return the heights of a chart's bars."""
    return heights_in(drawn(numbers))


def heights_in(svg: str) -> list[float]:
    bars = re.findall(r'<path[^>]*d="M[\d.]+,[\d.]+h[\d.]+v([\d.]+)h[^>]*fill="#a00001"', svg)
    return [float(height) for height in bars]


def test_bars_are_as_high_as_their_numbers() -> None:
    assert heights([0, 10, 5, 20]) == [0, pytest.approx(60), pytest.approx(30), pytest.approx(120)]


def test_a_time_without_events_is_drawn_too() -> None:
    assert heights([0, 0, 0]) == [0, 0, 0]


def texts(svg: str) -> list[str]:
    """Return what a chart says: ticks and labels, without the days."""
    return [text for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if not text.endswith(" Jan")]


@pytest.mark.parametrize("highest", [0, 1, 2, 3, 4, 5, 7, 9, 11, 26, 99, 100, 101, 999, 12_345])
def test_the_scale_of_counts_has_whole_numbers(highest: int) -> None:
    top, step = charts.whole([highest])
    assert (top % step, top >= highest, step >= 1) == (0, True, True)
    assert 1 <= top // step <= 4


def test_an_axis_has_all_of_its_ticks_and_no_half() -> None:
    assert texts(drawn([1]))[:-1] == ["0", "1"]
    assert texts(drawn([3]))[:-1] == ["0", "1", "2", "3"]
    assert texts(drawn([2_500]))[:-1] == ["0", "1k", "2k", "3k"]


def test_the_highest_bar_has_its_number() -> None:
    assert texts(drawn([3, 17, 4])).count("17") == 1


def test_a_peak_does_not_flatten_the_other_bars() -> None:
    usual, peak = [4, 6, 8, 10, 7, 5, 9, 6, 8], 1_150
    *others, cut = heights([*usual, peak])
    top = max(others)
    assert others == [pytest.approx(top * number / 10) for number in usual]
    assert top >= 120 / 2.5
    assert cut == pytest.approx(120)
    svg = drawn([*usual, peak])
    assert "1,150" in texts(svg)
    assert "#a00004" in svg  # the gap
    assert "#a00004" not in drawn([*usual, 20])


def test_a_peak_alone_is_drawn_whole() -> None:
    assert heights([0, 0, 150, 0])[2] > 60


def test_weeks_stand_beside_the_lines_of_ses() -> None:
    shares: list[tuple[str, float | None, str, bool]] = [
        ("2026-01-01", 0.025, "2.50", True),
        ("2026-01-08", None, "", False),
        ("2026-01-15", 0.05, "5.00", False),
        ("2026-01-22", 0.7, "70.00", False),
    ]
    svg = charts.weeks(shares, [(0.05, "5 %"), (0.10, "10 %")])
    low, none, line, cut = heights_in(svg)
    assert [none, line, cut] == pytest.approx([0, 2 * low, 120])
    assert line == pytest.approx(120 * 0.05 / 0.12)
    assert {"5 %", "10 %", "2.50", "5.00", "70.00"} <= {*texts(svg)}
    assert svg.count("#a00004") == 1
    assert svg.count('opacity="0.4"') == 1


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


@pytest.mark.parametrize(
    ("count", "of", "decimals", "text"),
    [
        (0, 10, 2, "0.00 %"),
        (1, 1, 2, "100.00 %"),
        (29, 100, 2, "29.00 %"),
        (4_999_999, 100_000_000, 2, "4.99 %"),
        (5, 100, 2, "5.00 %"),
        (99_999, 100_000_000, 3, "0.099 %"),
        (1, 1_000_000, 3, "under 0.001 %"),
    ],
)
def test_rates_have_the_same_decimals_and_do_not_reach_a_line_by_rounding(
    count: int, of: int, decimals: int, text: str
) -> None:
    assert page.share(count, of, decimals) == text


def figures(bounced: int = 0, complained: int = 0, delivered: int = 0, outages: Sequence[str] = ()) -> Figures:
    tally = Tally(f"{TODAY}T15:00:00.000Z")
    for domain in outages:
        add(tally, OUTAGE, domain, MarkKind.HARD_BOUNCE)
    add(tally, bounced, "a.example", MarkKind.HARD_BOUNCE)
    add(tally, complained, "b.example", MarkKind.COMPLAINT)
    add(tally, delivered, "c.example", MarkKind.DELIVERY)
    return tally.figures()


def add(tally: Tally, count: int, domain: str, kind: MarkKind) -> None:
    """Add addresses with a mark each; not all on a day, since that is a jump, but at the domain of an outage."""
    for number in range(count):
        day = TODAY - timedelta(days=2 if count == OUTAGE else number % 29)
        mark = Mark(kind=kind, at=f"{day}T12:00:00.000Z", feedback_id="f", message_id="m", sender="", detail=())
        item = to_item(f"{number}@{domain}", Record.of(evidence_of([mark]), Rules()))
        tally.add(*known({**item, "updatedAt": f"{day}T12:00:00.000Z"}))


@pytest.mark.parametrize(
    ("given", "style", "says"),
    [
        ({"delivered": 2000}, "good", "All is well: bounces fine (0.00 %); complaints fine (0.000 %)."),
        (
            {"delivered": 20},
            "good",
            "All is well: bounces fine (0.00 %); complaints fine (0.000 %), but so few addresses say little.",
        ),
        (
            {"bounced": 50, "delivered": 1950},
            "warn",
            "Keep an eye on it: bounces raised (2.50 %); complaints fine (0.000 %).",
        ),
        (
            {"complained": 3, "delivered": 1997},
            "bad",
            "bounces fine (0.00 %); complaints over SES's review line (0.150 %).",
        ),
        (
            {"bounced": 200, "delivered": 1800},
            "bad",
            "bounces over SES's pause line (10.00 %); complaints fine (0.000 %).",
        ),
        (
            {"outages": ["gmail.com"], "delivered": 1476},
            "bad",
            "perhaps an outage at gmail.com; bounces fine (1.60 %); complaints fine (0.000 %).",
        ),
        (
            {"outages": ["gmail.com", "gmx.example"], "delivered": 2952},
            "bad",
            "perhaps an outage at gmail.com and 1 other domain; bounces fine (1.60 %); complaints fine (0.000 %).",
        ),
        ({"bounced": 3}, "soft", "Nothing to act on: no rates, since no deliveries are reported."),
        ({}, "soft", "Nothing to act on: no rates, since no deliveries are reported."),
    ],
    ids=str,
)
def test_the_first_sentence_says_whether_to_act(given: dict[str, Any], style: str, says: str) -> None:
    assert page.headline(figures(**given)) == (style, f"Action needed: {says}" if style == "bad" else says)


def test_the_suggested_command_is_one_for_a_shell_and_clears_ses_s_list_too() -> None:
    jump = Jump("x;id.example", "2026-03-29", 60, 0, "2026-03-29T10:00:00.000Z", "2026-03-29T10:59:00.000Z")
    parts = shlex.split(remedy(jump, "mailing"))
    assert parts[parts.index("--domain") + 1] == "x;id.example"
    assert {"--ses", "--dry-run"} <= {*parts}
    assert "--table" not in parts
    assert shlex.split(remedy(jump, "our table"))[-2:] == ["--table", "our table"]
