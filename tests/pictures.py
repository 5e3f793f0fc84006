"""Draws the picture in docs/ of what people see: the page of ``mailing report``, of a table that is made up.

python -m pictures
"""

import io
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from harness import paths
from harness.commands.demo import run
from healthy_mailing_cli.figures import page
from support import browser, figures

# Rich's own format, which loads a font from the network, without the font.
_TERMINAL = re.sub(r"@font-face \{\{.+?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code", "ui-monospace, Menlo, Consolas"
)

_COLUMNS = 112


def main() -> int:
    """Write the pictures."""
    program = browser.find()
    if program is None:
        sys.stderr.write("error: there is no Chromium: install one, such as Debian's package chromium\n")
        return 1
    (paths.ROOT / "docs" / "demo.svg").write_text(demo(), encoding="utf-8")
    with TemporaryDirectory() as folder, browser.running(program) as running:
        path = Path(folder) / "report.html"
        path.write_text(
            page.html(figures.made_up(), figures.past(), table="mailing", region="eu-west-1"), encoding="utf-8"
        )
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


if __name__ == "__main__":
    sys.exit(main())
