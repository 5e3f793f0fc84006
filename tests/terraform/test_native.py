"""What Terraform itself says of the configuration: its format, its validity, and the modules' own tests."""

import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import paths
from tools import terraform_reference

from .conftest import Tree

pytestmark = pytest.mark.xdist_group("terraform")

FEEDBACK = """
module "feedback" {
  source = "terraform/modules/feedback"
}
"""
EVENTS = """
module "changes" {
  source   = "terraform/modules/changes"
  feedback = module.feedback
}
"""

TESTED = sorted(
    {str(path.parent.parent.relative_to(paths.TERRAFORM)) for path in paths.TERRAFORM.rglob("*.tftest.hcl")}
)


def readme_blocks() -> Iterator[tuple[str, str]]:
    """Yield each HCL block that calls a module or uses one, of each README.md and of docs, with a name for it."""
    documents = [*sorted((paths.ROOT / "docs").glob("*.md")), *sorted(paths.TERRAFORM.rglob("README.md"))]
    for document in [paths.ROOT / "README.md", *documents]:
        # Those of a list are indented.
        blocks = re.findall(r"^ *```hcl\n(.*?)^ *```", document.read_text(), re.MULTILINE | re.DOTALL)
        for number, block in enumerate(map(textwrap.dedent, blocks), 1):
            if re.search(r"^module |\bmodule\.", block, re.MULTILINE):
                document_name = "_".join(document.relative_to(paths.ROOT).with_suffix("").parts)
                yield f"{document_name}_{number}", block


def completed(block: str) -> str:
    """Let an example call the modules of this copy of the tree, and those of which it only takes the outputs."""
    if re.search(r"\bmodule\.changes\b", block) and 'module "changes"' not in block:
        block += EVENTS
    if re.search(r"\bmodule\.feedback\b", block) and 'module "feedback"' not in block:
        block += FEEDBACK
    return re.sub(r'^( *source *= *").*?modules/(\w+)[^"]*"', r'\1../terraform/modules/\2"', block, flags=re.MULTILINE)


def test_is_formatted(tree: Tree) -> None:
    assert tree.run("fmt", "-check", "-recursive", folder=tree.root) == ""


def test_root_examples_and_readme_blocks_are_valid(tree: Tree) -> None:
    folders = {"root": Path("terraform")}
    for example in sorted((paths.TERRAFORM / "examples").iterdir()):
        folder = Path("terraform/examples") / example.name
        if "import {" in (example / "main.tf").read_text():  # only allowed in a root
            assert "Success! The configuration is valid" in tree.run(
                "validate", "-no-color", folder=tree.folder / folder
            )
        else:
            folders[f"example_{example.name}"] = folder
    for name, block in readme_blocks():
        folders[name] = Path(name)
        folder = tree.folder / name
        folder.mkdir()
        (folder / "main.tf").write_text(completed(block))
    assert {"README_1", "docs_deploy_1", "terraform_modules_feedback_README_1"} <= folders.keys()
    assert {f"docs_events_{number}" for number in range(1, 6)} <= folders.keys()

    # One configuration that calls them all, since each start of Terraform and its provider takes seconds.
    caller = tree.folder / "caller"
    caller.mkdir()
    calls = [f'module "{name}" {{\n  source = "../{folder}"\n}}\n' for name, folder in folders.items()]
    (caller / "main.tf").write_text("\n".join(calls))
    assert "Success! The configuration is valid" in tree.run("validate", "-no-color", folder=caller)


@pytest.mark.parametrize(("module", "needed"), [("topic", "aws_sns_topic_policy.this"), ("feedback", "module.topic")])
def test_a_topics_arn_is_known_once_ses_may_publish(module: str, needed: str) -> None:
    outputs = terraform_reference.blocks(paths.TERRAFORM / "modules" / module, "output")
    arns = {
        name: body.get("depends_on", [])
        for name, body in outputs
        if body["value"] in ("${aws_sns_topic.this.arn}", "${local.topic_arn}")
    }
    assert "topic_arn" in arns
    assert [name for name, waits_for in arns.items() if f"${{{needed}}}" not in waits_for] == []


MOCKED = """
mock_provider "aws" {
  source = "./mocks"
}

mock_provider "aws" {
  alias  = "us"
  source = "./mocks"
}

run "plan" {
  command = plan

  assert {
    condition     = alltrue([for name, topic in module.topic_us : topic.name == "${name}-feedback"])
    error_message = "The ARNs that the queues accept are not those of the topics."
  }
}
"""


def test_several_topics_and_stacks_can_be_planned(tree: Tree) -> None:
    (block,) = [each for name, each in readme_blocks() if "modules_topic" in name and "for_each" in each]
    assert ":${each.key}-feedback" in block
    folder = tree.folder / "several"
    shutil.copytree(tree.root / "tests" / "mocks", folder / "mocks")
    (folder / "main.tf").write_text(completed(block))
    (folder / "main.tftest.hcl").write_text(MOCKED)
    assert "Success! 1 passed, 0 failed." in tree.run("test", "-no-color", folder=folder)


@pytest.mark.parametrize("folder", TESTED)
def test_terraforms_own_tests_pass(tree: Tree, folder: str) -> None:
    output = tree.run("test", "-no-color", folder=tree.root / folder)
    assert re.search(r"^Success! [1-9]\d* passed, 0 failed\.$", output, re.MULTILINE), output
