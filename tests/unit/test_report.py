"""What the page of `mailing report` says and draws, without a browser."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.figures import charts, page
from healthy_mailing_cli.figures.census import Day
from healthy_mailing_cli.figures.jumps import Jump
from healthy_mailing_cli.figures.newest import NewlyBlocked
from healthy_mailing_cli.figures.rates import BOUNCES, COMPLAINTS, Window
from healthy_mailing_cli.shell.numbers import percent
from healthy_mailing_cli.shell.output import CommandError
from support.figures import figures

EMPTY = figures()


def test_where_it_can_t_write_it_reads_no_table(tmp_path: Path) -> None:
    # There is no way to AWS in this environment, which would be the error otherwise.
    error = CliRunner().invoke(app, ["report", "--html", str(tmp_path / "no" / "report.html")]).exception
    assert isinstance(error, CommandError)
    assert "can't be written" in str(error)


def of_days(*counts: int) -> charts.Chart:
    return charts.of_days({f"2026-01-{day:02}": count for day, count in enumerate(counts, 1)})


def drawn(*counts: int) -> tuple[list[float], int]:
    """Return the heights of the bars that the page draws for hard bounces of some days, and the number of gaps."""
    trend = [Day(day=f"2026-01-{day:02}", hard=count) for day, count in enumerate(counts, 1)]
    text = page.html(replace(EMPTY, trend=trend), "No weeks.", table="mailing", region="eu-west-1")
    (svg,) = re.findall(r'<svg class="chart hard".*?</svg>', text, re.DOTALL)
    return [float(each) for each in re.findall(r'class="column".*? height="([\d.]+)"', svg)], svg.count('class="gap"')


def test_bars_are_as_high_as_their_numbers() -> None:
    assert drawn(0, 10, 5, 20) == ([0, 60, 30, 120], 0)
    assert drawn(0, 0, 0) == ([0, 0, 0], 0)


def test_a_peak_does_not_flatten_the_other_bars() -> None:
    usual = [4, 6, 8, 10, 7, 5, 9, 6, 8]
    (*others, cut), gaps = drawn(*usual, 1_150)
    assert others == [pytest.approx(max(others) * number / 10, abs=0.01) for number in usual]
    assert (max(others) >= 120 / 2.5, cut, gaps) == (True, 120, 1)
    assert [bar.label for bar in of_days(*usual, 1_150).bars if bar.label] == ["1,150"]
    assert drawn(*usual, 20)[1] == 0
    # A peak alone is drawn whole.
    assert drawn(0, 0, 150, 0)[0][2] > 60


@pytest.mark.parametrize("highest", [0, 1, 2, 3, 4, 5, 7, 9, 11, 26, 99, 100, 101, 999, 12_345])
def test_the_scale_of_counts_has_whole_numbers(highest: int) -> None:
    top, step = charts.whole([highest])
    assert (top % step, top >= highest, step >= 1) == (0, True, True)
    assert 1 <= top // step <= 4


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (1, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (1_300, ["0", "500", "1k", "1.5k"]),
        (2_500, ["0", "1k", "2k", "3k"]),
        (3 * 10**6, ["0", "1M", "2M", "3M"]),
    ],
)
def test_an_axis_has_all_of_its_ticks_and_no_half(highest: int, ticks: list[str]) -> None:
    assert [text for _, text in of_days(highest).lines] == ticks


def test_the_highest_bar_has_its_number_and_every_few_days_their_names() -> None:
    assert [bar.label for bar in of_days(3, 17, 4).bars] == ["", "17", ""]
    assert [bar.label for bar in of_days(0, 0).bars] == ["", ""]
    names = [bar.name for bar in of_days(*range(30)).bars]
    assert [name for name in names if name] == ["6 Jan", "12 Jan", "18 Jan", "24 Jan", "30 Jan"]
    assert names[-1] == "30 Jan"


def test_weeks_stand_beside_the_lines_of_ses() -> None:
    counts = {"2026-01-01": (25, 975), "2026-01-08": (3, 0), "2026-01-15": (5, 95), "2026-01-22": (700, 300)}
    rates = {
        day: BOUNCES.rate(hard, Window(reached=hard + delivered, delivered=delivered))
        for day, (hard, delivered) in counts.items()
    }
    chart = charts.of_weeks(rates, BOUNCES)
    assert [bar.value for bar in chart.bars] == [0.025, 0, 0.05, 0.7]
    assert [bar.label for bar in chart.bars] == ["2.50", "", "5.00", "70.00"]
    assert [bar.is_pale for bar in chart.bars] == [False, True, True, False]
    assert chart.lines == [(0.05, "5%"), (0.1, "10%")]
    assert chart.bars[-1].value > chart.top > 0.1


@pytest.mark.parametrize(
    ("count", "of", "decimals", "text"),
    [
        (0, 10, 2, "0.00%"),
        (1, 1, 2, "100.00%"),
        (29, 100, 2, "29.00%"),
        (4_999_999, 100_000_000, 2, "4.99%"),
        (5, 100, 2, "5.00%"),
        (99_999, 100_000_000, 3, "0.099%"),
        (1, 1_000_000, 3, "under 0.001%"),
    ],
)
def test_rates_have_the_same_decimals_and_do_not_reach_a_line_by_rounding(
    count: int, of: int, decimals: int, text: str
) -> None:
    assert percent(count, of, decimals) == text


@pytest.mark.parametrize(
    ("since", "at", "of_domain", "count", "when", "who"),
    [
        ("", "", 1, 1, "unknown", "j***@a.example"),
        ("T10:00:00.1", "T10:00:00.9", 3, 3, "2026-03-29 10:00:00 UTC", "3 addresses at a.example"),
        ("T10:00:00.1", "T10:59:00.9", 2, 3, "2026-03-29 10:00 to 10:59 UTC", "3 addresses, 2 of them at a.example"),
        ("T10:00:00.1", "T10:59:00.9", 1, 3, "2026-03-29 10:00 to 10:59 UTC", "3 addresses"),
    ],
)
def test_the_page_says_who_was_blocked_when(
    since: str, at: str, of_domain: int, count: int, when: str, who: str
) -> None:
    since, at = (f"2026-03-29{time}Z" if time else "" for time in (since, at))
    who_all = (count, "a.example", of_domain, "j***@a.example")
    change = NewlyBlocked(at, since, *who_all, "disable", "disable", "bounce:Permanent/NoEmail")
    text = page.html(replace(EMPTY, changes=[change]), "No weeks.", table="mailing", region="eu-west-1")
    cells = re.findall("<td[^>]*>(.*?)</td>", text.partition('id="changes"')[2])
    assert (f'<th scope="row">{when}</th>' in text, cells[:2]) == (True, [who, "Hard bounce, no such address"])


JUMP = Jump("gmail.com", "2026-03-29", 60, 0, "2026-03-29T10:00:00.000Z", "2026-03-29T10:59:00.000Z")


@pytest.mark.parametrize(
    ("counts", "outages", "style", "says"),
    [
        ((0, 0, 2000), [], "good", "All is well: bounces fine (0.00%); complaints fine (0.000%)."),
        ((0, 0, 20), [], "good", "complaints fine (0.000%), but so few addresses say little."),
        ((50, 0, 1950), [], "warn", "Keep an eye on it: bounces raised (2.50%); complaints fine (0.000%)."),
        ((0, 3, 1997), [], "bad", "bounces fine (0.00%); complaints over SES's review line (0.150%)."),
        ((200, 0, 1800), [], "bad", "Action needed: bounces over SES's pause line (10.00%); complaints fine (0.000%)."),
        ((24, 0, 1476), ["a.example"], "bad", "Action needed: perhaps an outage at a.example; bounces fine (1.60%); "),
        (
            (0, 0, 9),
            ["a.example"] * 2 + ["b"],
            "bad",
            "perhaps an outage at a.example and 1 other domain; bounces fine",
        ),
        ((3, 0, 0), [], "soft", "Nothing to act on: no rates, since no deliveries are reported."),
    ],
)
def test_the_first_sentence_says_whether_to_act(
    counts: tuple[int, int, int], outages: list[str], style: str, says: str
) -> None:
    bounced, complained, delivered = counts
    window = Window(reached=sum(counts), delivered=delivered)
    found = replace(
        EMPTY,
        bounces=BOUNCES.rate(bounced, window),
        complaints=COMPLAINTS.rate(complained, window),
        jumps=[replace(JUMP, domain=domain) for domain in outages],
    )
    how, sentence = page.headline(found)
    assert (how, says in sentence) == (style, True), sentence


def test_the_suggested_command_is_one_for_a_shell_and_clears_ses_s_list_too() -> None:
    parts = shlex.split(replace(JUMP, domain="x;id.example").remedy("mailing"))
    assert parts[parts.index("--domain") + 1] == "x;id.example"
    assert {"--ses", "--dry-run"} <= {*parts}
    assert "--table" not in parts
    assert shlex.split(JUMP.remedy("our table"))[-2:] == ["--table", "our table"]
