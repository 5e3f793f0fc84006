"""Draws the picture in docs/ of what people see: the page of ``mailing report``, of a table that is made up.

python -m pictures
"""

import io
import random
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from harness import paths
from harness.commands.demo import run
from healthy_mailing.evidence import Mark, MarkKind, Record, Rules, evidence_of
from healthy_mailing.item import to_item
from healthy_mailing_cli.figures import page
from healthy_mailing_cli.figures.statistics import BOUNCE_LINES, COMPLAINT_LINES, Figures, Rate, Tally, Window
from healthy_mailing_cli.figures.weeks import WEEKS, Week
from healthy_mailing_cli.table.scan import known
from support import browser

# Rich's own format, which loads a font from the network, without the font.
_TERMINAL = re.sub(r"@font-face \{\{.+?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code", "ui-monospace, Menlo, Consolas"
)

NOW = datetime(2026, 3, 31, 15, tzinfo=UTC)
ADDRESSES = 20_000
_COLUMNS = 112
_DOMAINS = (
    ["gmail.com"] * 9 + ["outlook.com"] * 4 + ["yahoo.com"] * 3 + [f"company{each}.example" for each in range(30)]
)
_OUTAGE, _BOUNCED = "gmx.example", 140
_CHANCES = (  # how many of a thousand addresses have such a mark
    (MarkKind.HARD_BOUNCE, 24, (("bounceType", "Permanent"), ("subType", "NoEmail"))),
    (MarkKind.SOFT_BOUNCE, 40, (("bounceType", "Transient"), ("subType", "MailboxFull"))),
    (MarkKind.COMPLAINT, 0.7, (("feedbackType", "abuse"),)),
    (MarkKind.OPT_OUT, 9, ()),
)


def main() -> int:
    """Write the pictures."""
    program = browser.find()
    if program is None:
        sys.stderr.write("error: there is no Chromium: install one, such as Debian's package chromium\n")
        return 1
    (paths.ROOT / "docs" / "demo.svg").write_text(demo(), encoding="utf-8")
    with TemporaryDirectory() as folder, browser.running(program) as running:
        path = Path(folder) / "report.html"
        path.write_text(page.html(made_up(), past(), table="mailing", region="eu-west-1"), encoding="utf-8")
        opened = running.new_page(viewport={"width": 1060, "height": 1330}, color_scheme="light")
        opened.goto(path.as_uri())
        opened.screenshot(path=paths.ROOT / "docs" / "report.png")
    return 0


def demo() -> str:
    """Run the demo and return the table that it prints as SVG. How long its steps take is the machine's."""
    console = Console(record=True, width=_COLUMNS, force_terminal=True, file=io.StringIO())
    run(console, "embedded")
    lines = Text.from_ansi(console.export_text(styles=True)).split()
    first = next(number for number, line in enumerate(lines) if line.plain.strip() == "mailing")
    last = max(number for number, line in enumerate(lines) if "@" in line.plain)
    picture = Console(record=True, width=_COLUMNS, force_terminal=True, file=io.StringIO())
    for line in lines[first : last + 1]:
        picture.print(line)
    return picture.export_svg(title="make demo", code_format=_TERMINAL, unique_id="demo")


def made_up() -> Figures:
    """Return the figures of a table in which one provider has an outage."""
    chance = random.Random(1)  # noqa: S311  (the same picture each time)
    tally = Tally(NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    for number in range(ADDRESSES):
        marks = [_mark(MarkKind.DELIVERY, chance.uniform(0, 45))]
        for kind, of_thousand, detail in _CHANCES:
            if chance.uniform(0, 1000) < of_thousand:
                marks.append(_mark(kind, chance.uniform(0, 60), detail))
        _add(tally, f"{number}@{chance.choice(_DOMAINS)}", marks)
    for number in range(_BOUNCED):
        bounce = _mark(MarkKind.HARD_BOUNCE, chance.uniform(1.2, 1.4), _CHANCES[0][2])
        _add(tally, f"{number}@{_OUTAGE}", [_mark(MarkKind.DELIVERY, chance.uniform(3, 20)), bounce])
    for number in range(_BOUNCED * 4):
        _add(tally, f"fine{number}@{_OUTAGE}", [_mark(MarkKind.DELIVERY, chance.uniform(0, 20))])
    return tally.figures()


def past() -> list[Week]:
    """Return the weeks before, which were as good as this one but for the outage."""
    chance = random.Random(2)  # noqa: S311  (the same picture each time)
    found = []
    for ago in reversed(range(WEEKS)):
        hard = round(chance.uniform(60, 110)) + (_BOUNCED if ago == 0 else 0)
        complaints, delivered = round(chance.uniform(1, 7)), round(chance.uniform(6_500, 8_000))
        week = Window(reached=delivered + hard, delivered=delivered, hard=hard, complaints=complaints)
        begin = (NOW - timedelta(days=7 * ago + 6)).date().isoformat()
        found.append(Week(begin, Rate.known(hard, week, BOUNCE_LINES), Rate.known(complaints, week, COMPLAINT_LINES)))
    return found


def _add(tally: Tally, address: str, marks: list[Mark]) -> None:
    newest = max(mark.at for mark in marks)
    tally.add(*known({**to_item(address, Record.of(evidence_of(marks), Rules())), "updatedAt": newest}))


def _mark(kind: MarkKind, days_ago: float, detail: tuple[tuple[str, str], ...] = ()) -> Mark:
    at = (NOW - timedelta(days=days_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Mark(kind=kind, at=at, feedback_id="f", message_id="m", sender="news@example.org", detail=detail)


if __name__ == "__main__":
    sys.exit(main())
