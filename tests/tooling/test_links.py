"""Links in the documents: each kind is found, and one that leads nowhere is told."""

from pathlib import Path

import pytest

from tools import links


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other.md").write_text("# Other\n\n## How it's done\n\n## How it's done\n")
    (tmp_path / "docs" / "a picture.png").write_text("")
    (tmp_path / "untracked.md").write_text("")
    return tmp_path


def found(folder: Path, document: str) -> list[str]:
    path = folder / "README.md"
    path.write_text(document)
    tracked = {path, folder, *(folder / "docs").iterdir(), folder / "docs"}
    return [each.removeprefix(f"{path}:") for each in links.broken(path, tracked)]


@pytest.mark.parametrize(
    "document",
    [
        "[other](docs/other.md)",
        "[folder](docs)",
        "[folder](docs/)",
        "[there and back](docs/../docs/other.md)",
        "[heading](docs/other.md#how-its-done)",
        "[second of its name](docs/other.md#how-its-done-1)",
        "# Here\n\n[own heading](#here)",
        '<a id="mark"></a>\n\n[own mark](#mark)',
        "![picture](<docs/a picture.png>)",
        "![picture](docs/a%20picture.png)",
        "[by reference][other]\n\n[other]: docs/other.md",
        "[elsewhere](https://example.com/missing.md) <https://example.com> [mail](mailto:a@example.com)",
        "`[code](missing.md)`",
        "```\n[code](missing.md)\n```",
        "    [code](missing.md)",
    ],
)
def test_a_good_link_is_no_problem(folder: Path, document: str) -> None:
    assert found(folder, document) == []


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("[a](missing.md)", "1: there is no missing.md in the repository"),
        ("# T\n\nText\n[a](missing.md)", "3: there is no missing.md in the repository"),
        ("[a](untracked.md)", "1: there is no untracked.md in the repository"),
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
def test_a_broken_link_is_told_with_its_line(folder: Path, document: str, problem: str) -> None:
    assert found(folder, document) == [problem]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("# Deploy it to AWS", "deploy-it-to-aws"),
        ("## What's new?", "whats-new"),
        ("## `make release`", "make-release"),
        ("## A & B", "a--b"),
        ("## *Very* [linked](a.md)", "very-linked"),
        ("## snake_case and 1.0", "snake_case-and-10"),
        ("## Übung", "übung"),
        ("Underlined\n----------", "underlined"),
    ],
)
def test_anchors_are_those_that_github_gives(heading: str, anchor: str) -> None:
    assert links.anchors(heading) == {anchor}
