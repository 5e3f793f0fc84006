"""The reference tables in the README.md files are those of the configuration.

`make check` holds the project's own to that: with outputs, resources and modules, and with variables of type ``any``.
"""

import re
from pathlib import Path

import pytest

from tools import terraform_reference

VARIABLES = r"""
variable "name" {
  description = "A \"name\", or a|b."
  type        = string
}

variable "limits" {
  description = <<-EOT
    First line,
    second line.
  EOT
  type = object({
    days  = number                                 # How many days, a|b.
    ratio = optional(number, 0.5)                  # Of all.
    names = optional(list(string), ["a, b", "#)"]) # Some # names.
    more = optional(object({                       # An object.
      key  = string                                # Its key.
      deep = optional(bool, true)                  # How deep.
    }), { key = "k" })
    none = optional(map(object({ # Objects by name.
      a = string                 # What each has.
    })))
    last = optional(bool) # After objects.
  })
  default  = null
  nullable = true
}
"""
EXPECTED = r"""## Variables

| name | type | default | description |
| --- | --- | --- | --- |
| `name` | `string` | required | A "name", or a\|b. |
| `limits` | object | `null` | First line, second line. |
| `limits.days` | `number` | required | How many days, a\|b. |
| `limits.ratio` | `number` | `0.5` | Of all. |
| `limits.names` | `list(string)` | `["a, b", "#)"]` | Some # names. |
| `limits.more` | object | `{ key = "k" }` | An object. |
| `limits.more.key` | `string` | required | Its key. |
| `limits.more.deep` | `bool` | `true` | How deep. |
| `limits.none` | `map(object)` | `null` | Objects by name. |
| `limits.none[*].a` | `string` | required | What each has. |
| `limits.last` | `bool` | `null` | After objects. |"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module in a configuration of its own, whose README.md has no tables yet."""
    folder = tmp_path / "terraform" / "modules" / "some"
    folder.mkdir(parents=True)
    (folder / "variables.tf").write_text(VARIABLES)
    (folder / "README.md").write_text(f"# Some\n\n{terraform_reference.START}\n{terraform_reference.END}\n\nMore.\n")
    return folder


NO_COMMENT = "add a comment at the end of the line of"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (" # After objects.", "", f"{NO_COMMENT} limits.last"),
        ("# What each has.", "#", f"{NO_COMMENT} limits.none[*].a"),
        ("# Of all.", "", f"{NO_COMMENT} limits.ratio"),
        ("# An object.", "", f"{NO_COMMENT} limits.more"),
        ("# How many days, a|b.\n", "\n    more_days = number\n", f"{NO_COMMENT} limits.days, limits.more_days"),
        ("= string\n", "= any\n", "no module that is called with name declares its type"),
    ],
)
def test_what_the_tables_would_lack_is_refused(module: Path, before: str, after: str, problem: str) -> None:
    assert before in VARIABLES
    (module / "variables.tf").write_text(VARIABLES.replace(before, after, 1))
    with pytest.raises(ValueError, match=rf"{re.escape(problem)}$"):
        terraform_reference.stale_files(module.parent.parent)


def test_check_names_what_is_stale_and_without_it_the_tables_go_between_the_markers(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = module / "README.md"
    before = readme.read_text()
    monkeypatch.setattr(terraform_reference, "ROOT", tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["terraform_reference.py", *arguments])
        status, said = terraform_reference.main(), capsys.readouterr()
        return status, said.out + said.err

    stale = "terraform/modules/some/README.md is stale. Run scripts/tools/terraform_reference.py.\n"
    assert run("--check") == (1, stale)
    assert readme.read_text() == before
    assert run() == (0, "terraform/modules/some/README.md is written.\n")
    written = f"{terraform_reference.START}\n\n{EXPECTED}\n\n{terraform_reference.END}"
    assert readme.read_text() == f"# Some\n\n{written}\n\nMore.\n"
    assert run("--check") == run() == (0, "")

    (module / "variables.tf").write_text(VARIABLES.replace("ratio", "rate "))
    assert run("--check") == (1, stale)
    readme.write_text("# Some\n")
    status, said = run()
    assert status == 1
    assert "README.md lacks a marker" in said
