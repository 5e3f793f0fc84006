"""The short list of words that make documents hard to read."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness import paths
from tools import prose


def found(text: str, kind: str = ".md") -> list[tuple[int, str]]:
    return [(line, problem.partition(":")[0].strip("`")) for line, problem in prose.problems(text, kind)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is no full history.", "is no"),
        ("These are\nno mistakes.", "are no"),
        ("It starts anew.", "anew"),
        ("Whoever reads it.", "Whoever"),
        ("It was refused to the last.", "to the last"),
        ("Changes, be it a bounce.", "be it a"),
        ("It must be a text.", "a text"),
        ("A list of texts", "texts"),
        ("Mend the cause.", "Mend"),
        ("It stays for\never.", "for ever"),
        ("You utilize it.", "utilize"),
    ],
)
@pytest.mark.parametrize("kind", [".md", ".tf", ".yaml"])
def test_hard_words_are_found_across_lines(text: str, words: str, kind: str) -> None:
    assert found(text, kind) == [(1, words)]


@pytest.mark.parametrize(
    "text",
    [
        "There is no queue.",
        "There\nis no queue.",
        "It is no longer there, is no more than a line, and nobody is no one.",
        "The answer is no.",
        "A text file and a text editor.",
        "context, amend, recommended, mendacious, forever",
        "from the first to the last line",
        "`is no` and ``a text`` are code",
        "```\nis no\n```",
        "  ```sh\n  is no\n  ```",
    ],
)
def test_others_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_the_line_is_that_of_the_words_even_after_code() -> None:
    assert found("# Title\n\n```\nanew\nanew\n```\n\nIt starts anew.\n") == [(8, "anew")]


def test_comments_of_a_source_are_read_as_one_text() -> None:
    assert found("# What is\n# no item\n", ".tf") == [(1, "is no")]


def test_of_python_only_strings_are_read() -> None:
    source = 'texts = 1  # anew\n"""Text that is\nno good."""\nsay(f"{texts} begin anew", texts)\n'
    assert found(source, ".py") == [(2, "is no"), (4, "anew")]


def test_a_long_cell_is_found_unless_the_table_is_generated() -> None:
    row = f"| short | {'x' * (prose.LONGEST_CELL + 1)} |"
    assert [line for line, _ in found(f"| a | b |\n|---|---|\n{row}\n")] == [3]
    assert found(row.replace("xx", "x", 1)) == []
    generated = f"<!-- written by a script -->\n\n{row}\n\n<!-- end of what a script writes -->\n"
    assert found(generated) == []
    assert [line for line, _ in found(f"{generated}{row}\n")] == [6]


def test_what_users_read_is_read_and_tests_are_not() -> None:
    read = {str(path.relative_to(paths.ROOT)) for path in prose.read_by_users()} | prose.NOT_YET
    assert {"README.md", "terraform/variables.tf", "terraform/modules/lookup/openapi.yaml"} <= read
    assert {"scripts/healthy_mailing_cli/commands/check.py", "docs/operate.md"} <= read
    assert [name for name in read if "/tests/" in name] == []


def test_what_waits_to_be_rewritten_exists() -> None:
    assert [name for name in prose.NOT_YET if not (paths.ROOT / name).is_file()] == []


def test_a_file_can_be_checked_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    command = [sys.executable, str(paths.ROOT / "scripts" / "tools" / "prose.py"), str(path)]
    path.write_text("It starts anew.\n")
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, f"{path}:1: `anew`: say `again`\n")
    path.write_text("It starts again.\n")
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
