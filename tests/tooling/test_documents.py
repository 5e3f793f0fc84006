"""What `make check` says of documents: links that lead nowhere, words that make them hard to read."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness import paths
from tools import links

GOOD = """# Here

[other](docs/other.md) [folder](docs) [folder](docs/) [there and back](docs/../docs/other.md) [own heading](#here)
[heading](docs/other.md#how-its-done) [second of its name](docs/other.md#how-its-done-1) [own mark](#mark)
![picture](<docs/a picture.png>) ![picture](docs/a%20picture.png) [by reference][other] `[code](missing.md)`
[elsewhere](https://example.com/missing.md) <https://example.com> [mail](mailto:a@example.com)

<a id="mark"></a>

```
[code](missing.md)
```

    [code](missing.md)

[other]: docs/other.md
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other.md").write_text("# Other\n\n## How it's done\n\n## How it's done\n")
    (tmp_path / "docs" / "a picture.png").write_text("")
    (tmp_path / "ignored.md").write_text("[a](missing.md)")
    (tmp_path / ".gitignore").write_text("ignored.md")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)  # noqa: S607
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_good_links_are_no_problem(folder: Path) -> None:
    (folder / "README.md").write_text(GOOD)
    links.main()


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("[a](missing.md)", "1: there is no missing.md in the repository"),
        ("# T\n\nText\n[a](missing.md)", "3: there is no missing.md in the repository"),
        ("[a](ignored.md)", "1: there is no ignored.md in the repository"),
        ("[a](Docs/other.md)", "1: there is no Docs/other.md in the repository"),
        ("[a](/docs/other.md)", "1: there is no /docs/other.md in the repository"),
        ("[a](docs/other.md#missing)", "1: docs/other.md has no heading for #missing"),
        ("[a](docs/other.md#how-its-done-2)", "1: docs/other.md has no heading for #how-its-done-2"),
        ("[a](#missing)", "1: README.md has no heading for #missing"),
        ("![a](missing.png)", "1: there is no missing.png in the repository"),
        ("[a][b]\n\n[b]: missing.md", "1: there is no missing.md in the repository"),
        ("| a |\n|---|\n| [b](missing.md) |", "3: there is no missing.md in the repository"),
        ("- one\n- [b](missing.md#a)", "2: there is no missing.md in the repository"),
    ],
)
def test_a_broken_link_is_named_with_its_line(folder: Path, document: str, problem: str) -> None:
    (folder / "README.md").write_text(document)
    with pytest.raises(SystemExit, match=r"1 links lead nowhere") as error:
        links.main()
    assert str(error.value).splitlines()[0] == f"README.md:{problem}"


def test_anchors_are_those_that_github_gives() -> None:
    headings = "# `make` it, A & B?\n## *Very* [linked](a.md)\n## snake_case and 1.0\nÜbung\n-----\n"
    assert links.anchors(headings) == {"make-it-a--b", "very-linked", "snake_case-and-10", "übung"}


def test_words_and_phrases_that_are_hard_to_read_are_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    hard = "It is no history.\nWhoever starts anew.\nBe it a bounce.\nRefused to the last.\nMend a text.\nFor ever.\n"
    fine = "There is no queue, it is no longer there. It is no.\nA text file to the last line: `anew`\n```\nanew\n```\n"
    page.write_text(hard + fine)
    codespell = Path(sys.executable).with_name("codespell")
    command = [str(codespell), "--config", "scripts/tools/words.cfg", str(page)]
    ran = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    found = [line.removeprefix(f"{page}:").partition(" ==>")[0] for line in ran.stdout.splitlines()]
    assert found == [
        *("1: is no", "2: Whoever", "2: anew", "3: Be it", "4: to the last", "5: Mend", "5: a text", "6: For ever"),
    ]
