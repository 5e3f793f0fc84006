"""The page of `mailing report` in a real Chromium: what it looks like, who can use it, and that it asks for nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from healthy_mailing.evidence import MarkKind
from healthy_mailing_cli.figures import page as report
from healthy_mailing_cli.figures.weeks import WEEKS, Week
from support import browser, figures
from support.figures import mark

pytestmark = pytest.mark.xdist_group("browser")  # one browser for all

THEMES = ("light", "dark")
EVIL = '"><script>document.title = "evil"</script>'


ROWS = (
    (f"a@{EVIL}", [mark(MarkKind.UNDETERMINED, 0.1)]),
    *((f"{n}@{'long-name-of-a-company-' * 2}{n % 9}.example", [mark(MarkKind.DELIVERY, 1)]) for n in range(900)),
    *((f"{n}@soft.example", [mark(MarkKind.SOFT_BOUNCE, ago) for ago in range(1, 7)]) for n in range(9)),
)
"""What the picture in docs/ lacks: long names, addresses to be reviewed, and one that tries to be more than text."""


def weeks() -> list[Week]:
    """Return weeks of which one has no deliveries, and one so many bounces that its bar is cut."""
    first, _, _, *others = figures.past()
    unknown = figures.week(6, delivered=0, hard=3, complaints=1)
    return [first, unknown, figures.week(5, delivered=5_000, hard=2_000, complaints=2), *others]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report.html(figures.made_up(*ROWS), weeks(), table=f"mailing{EVIL}", region="eu-west-1"))
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser; without one there is nothing to see."""
    program = browser.find()
    if program is None:
        pytest.skip("there is no Chromium: install one, such as Debian's package chromium")
    with browser.running(program) as running:
        yield running


@pytest.fixture(params=THEMES)
def page(chromium: Browser, written: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, opened in either theme; whatever the browser complains about or asks for fails the test."""
    told: list[str] = []

    def note(what: ConsoleMessage | Request | Exception) -> None:
        told.append(getattr(what, "url", "") or getattr(what, "text", "") or str(what))

    opened = chromium.new_page(color_scheme=request.param, viewport={"width": 1100, "height": 800})
    opened.on("console", note)
    opened.on("pageerror", note)
    opened.on("request", note)
    opened.goto(written.as_uri())
    yield opened
    opened.close()
    assert told == [written.as_uri()]


def test_it_shows_all_parts(page: Page) -> None:
    assert page.title() == f"Mailing health: mailing{EVIL}, 2026-03-31 15:00:00 UTC"
    assert page.locator("h2").all_inner_texts() == [
        "▲ Hard bounces jump",
        "Against SES's lines",
        "Week by week",
        "Addresses",
        "Day by day",
        "By recipient domain",
        "Why addresses are blocked",
        "Newest changes",
        "What this page can't know",
    ]
    assert page.locator(".headline").inner_text().startswith("▲ Action needed: perhaps an outage at gmx.example; ")
    # A bar a week in two charts, a bar a day in each of the others.
    bars = [chart.locator(".column").count() for chart in page.locator(".chart").all()]
    assert bars == [WEEKS, WEEKS, 30, 30, 30, 30]
    assert "mailing clear-bounces --domain gmx.example" in page.locator("pre").first.inner_text()
    assert page.locator("script").count() == 0


def test_it_is_painted_in_both_themes(page: Page) -> None:
    colors = page.evaluate(
        """() => ['body', '.chart.hard .column', 'h1']
            .map(each => getComputedStyle(document.querySelector(each)))
            .map(style => [style.backgroundColor, style.fill, style.color])"""
    )
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    (background, *_), (_, bar, _), (*_, text) = colors
    assert (background == "rgb(16, 21, 27)") is is_dark
    assert bar == ("rgb(255, 138, 128)" if is_dark else "rgb(179, 38, 30)")
    assert text != background
    assert len(page.screenshot(full_page=True)) > 50_000  # an empty page has a tenth


def test_it_breaks_no_rule_of_accessibility(page: Page) -> None:
    """By axe-core: contrast, names, headings, landmarks, tables, what a keyboard reaches."""
    open_details(page)
    if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"):  # and once where tables have no heads
        page.set_viewport_size({"width": 360, "height": 800})
    found = Axe().run(page)
    assert [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]] == []


def open_details(page: Page) -> None:
    for summary in page.locator("summary").all():
        summary.click()


def test_a_keyboard_reaches_the_numbers_behind_the_charts(page: Page) -> None:
    of_weeks, of_days = (page.get_by_role("region", name=f"Numbers of each {span}") for span in ("week", "day"))
    assert not of_days.is_visible()
    for name in ("The numbers of the weeks", "The numbers of the days"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == name
        page.keyboard.press("Enter")
    assert of_weeks.locator("tbody tr").count() == WEEKS
    assert of_days.locator("tbody tr").count() == 30
    assert of_days.is_visible()


def test_a_screen_reader_hears_what_a_chart_shows(page: Page) -> None:
    assert page.get_by_role("img", name="Hard bounces a day").count() == 1
    assert page.get_by_role("img").count() == 6


def test_nothing_is_cut_at_any_width(page: Page) -> None:
    """Nothing sticks out of the window or of its box, and no column is so narrow that it breaks words."""
    open_details(page)
    for width, is_table in ((320, False), (360, False), (768, False), (900, True), (1280, True)):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT) == []
        texts = page.evaluate(
            "[...document.querySelectorAll('tbody th:not(.day), td.words')].map(each => each.clientWidth)"
        )
        assert min(texts) >= 130
        # Where a table has no head, each number says what it is.
        head = page.locator("thead").first.bounding_box()
        assert head is not None
        told = page.evaluate("getComputedStyle(document.querySelector('td[data-head]'), '::before').content")
        assert (head["width"] > 1) is (told == "none") is is_table


CUT = """() => [...document.querySelectorAll('body *')]
    .filter(each => !each.closest('svg') && !each.closest('thead') || each.tagName === 'text')
    .filter(each => {
        const box = each.getBoundingClientRect()
        const around = each.closest('section, header, footer')?.getBoundingClientRect()
        const isOut = around && box.width && (box.right > around.right + 1 || box.left < around.left - 1)
        return isOut || each.tagName !== 'text' && each.clientWidth && each.scrollWidth > each.clientWidth + 1
    })
    .map(each => `${each.tagName} ${each.className} ${each.textContent.trim().slice(0, 60)}`)"""
"""Returns each element that is wider than its box, or that sticks out of its section."""


def test_it_prints_in_dark_ink_on_a_few_sheets(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    sheets = page.pdf(format="A4").count(b"/Type /Page\n")
    assert 1 <= sheets <= 6


def test_an_empty_table_has_a_page_too(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    text = report.html(figures.figures(), "CloudWatch has no counts.", table="mailing", region="eu-west-1")
    path.write_text(text)
    opened = chromium.new_page()
    opened.goto(path.as_uri())
    text = opened.inner_text("main")
    opened.close()
    assert "The table is empty." in text
    assert "All addresses may be mailed." in text
    assert "Unknown" in text
    assert "Not known. CloudWatch has no counts." in text


def test_it_is_small_and_names_no_other_place(written: Path) -> None:
    text = written.read_text()
    assert len(text) < 200_000
    assert "//" not in text.replace(EVIL, "")
    assert "<script" not in text
