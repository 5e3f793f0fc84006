"""The reference tables in the README.md files are those of the configuration."""

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
OUTPUTS = """
output "arn" {
  description = "Where it is."
  value       = "x"
}
"""
MAIN = """
terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

resource "aws_sqs_queue" "this" {}

resource "aws_sns_topic" "this" {}

resource "aws_sqs_queue" "dead_letter" {}

module "other" {
  source = "../other"
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
| `limits.last` | `bool` | `null` | After objects. |

## Outputs

| name | description |
| --- | --- |
| `arn` | Where it is. |

## Resources

| type | names |
| --- | --- |
| `aws_sns_topic` | `this` |
| `aws_sqs_queue` | `dead_letter`, `this` |

## Modules

| name | source |
| --- | --- |
| `other` | [`../other`](../other) |

## Requirements

| name | version |
| --- | --- |
| Terraform | `>= 1.7` |
| `hashicorp/aws` | `>= 5.80` |"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module in a configuration of its own, whose README.md has no tables yet."""
    folder = tmp_path / "terraform" / "modules" / "some"
    folder.mkdir(parents=True)
    (folder / "variables.tf").write_text(VARIABLES)
    (folder / "outputs.tf").write_text(OUTPUTS)
    (folder / "main.tf").write_text(MAIN)
    (folder / "README.md").write_text(f"# Some\n\n{terraform_reference.START}\n{terraform_reference.END}\n\nMore.\n")
    return folder


def test_tables(module: Path) -> None:
    assert terraform_reference.reference(module) == EXPECTED


def test_any_has_the_attributes_of_the_modules_that_it_is_passed_on_to(module: Path) -> None:
    caller = module.parent / "caller"
    caller.mkdir()
    (caller / "variables.tf").write_text(
        """
variable "numbers" {
  description = "Passed on whole."
  type        = any
  default     = {}
}

variable "some" {
  description = "Passed on in parts."
  type        = any
  default     = null
}
"""
    )
    with pytest.raises(ValueError, match=r"no module that is called with numbers declares its type"):
        terraform_reference.reference(caller)
    (caller / "main.tf").write_text(
        """
module "first" {
  source = "../some"
  limits = var.numbers
}

module "second" {
  source = "../some"
  name   = lookup(var.some, "called", null)
  limits = lookup(var.some, "limits", null)
}
"""
    )
    tables = EXPECTED.partition("| `limits` |")[2].partition("\n")[2].partition("\n\n")[0]
    assert (
        "| `numbers` | object | `{}` | Passed on whole. |\n"
        + tables.replace("`limits", "`numbers")
        + "\n| `some` | object | `null` | Passed on in parts. |"
        + '\n| `some.called` | `string` | required | A "name", or a\\|b. |'
        + "\n| `some.limits` | object | `null` | First line, second line. |\n"
        + tables.replace("`limits", "`some.limits")
    ) in terraform_reference.reference(caller)


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (" # After objects.", "", "limits.last"),
        ("# What each has.", "#", "limits.none[*].a"),
        ("# Of all.", "", "limits.ratio"),
        ("# An object.", "", "limits.more"),
        ("# How many days, a|b.\n", "\n    more_days = number\n", "limits.days, limits.more_days"),
    ],
)
def test_attributes_without_a_comment_are_refused(module: Path, before: str, after: str, names: str) -> None:
    assert before in VARIABLES
    (module / "variables.tf").write_text(VARIABLES.replace(before, after, 1))
    with pytest.raises(ValueError, match=rf"add a comment at the end of the line of {re.escape(names)}$"):
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

    (module / "outputs.tf").write_text(OUTPUTS.replace("arn", "url"))
    assert run("--check") == (1, stale)
    readme.write_text("# Some\n")
    status, said = run()
    assert status == 1
    assert "README.md lacks a marker" in said
