"""Module feedback as another team uses it: sourced from git into an empty folder, with nothing to build."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness import paths, terraform
from harness.emulator import Emulator
from harness.stack import Stack
from harness.terraform import TerraformError
from support.deployed import Deployed
from support.events import complained

GIT = shutil.which("git") or "git"
TAG = "v1.0.0"
CONFIGURATION = """
module "feedback" {{
  source = "{source}"

  name     = "{name}"
  delivery = "direct"
  table    = {{ deletion_protection = false }}
  {package}
}}

output "feedback" {{
  value = module.feedback
}}
"""


@dataclass(frozen=True)
class Team:
    """Who calls the module, in as many folders as it has runners."""

    emulator: Emulator
    source: str
    name: str

    def runner(self, folder: Path) -> Stack:
        """Give a folder that holds the configuration and what ``terraform init`` fetches."""
        folder.mkdir(parents=True)
        stack = Stack(self.emulator, self.name, folder, terraform.find(), {})
        self.write(stack)
        stack.terraform.init(folder=folder, environment=self.emulator.environment())
        return stack

    def write(self, stack: Stack, package: str = "") -> None:
        """Write the configuration into a runner's folder."""
        configuration = CONFIGURATION.format(source=self.source, name=self.name, package=package)
        (stack.folder / "main.tf").write_text(configuration)


@pytest.fixture(scope="module")
def team(embedded: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """A team that sources the tree's modules, as git takes them, from a repository."""
    repository = tmp_path_factory.mktemp("repositories") / "healthy-mailing.git"
    shutil.copytree(paths.TERRAFORM, repository / "terraform", ignore=shutil.ignore_patterns(".terraform"))
    for name in (".gitattributes", ".gitignore"):
        shutil.copy(paths.ROOT / name, repository)
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    author = ("-c", "user.name=Author", "-c", "user.email=author@example.com")
    for command in (("init",), ("add", "."), (*author, "commit", "--message=Release"), ("tag", TAG)):
        subprocess.run([GIT, *command], cwd=repository, env=environment, check=True, capture_output=True)
    source = f"git::file://{repository}//terraform/modules/feedback?ref={TAG}"
    return Team(embedded, source, f"from-git-{secrets.token_hex(3)}")


@pytest.fixture(scope="module")
def deployed(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """What one runner planned and another one applied, elsewhere and after a checkout of its own."""
    planner = team.runner(tmp_path_factory.mktemp("planner") / "work")
    planner.run("plan", "-no-color", "-out=saved.plan")
    applier = team.runner(tmp_path_factory.mktemp("applier") / "builds" / "42" / "work")
    shutil.copy(planner.folder / "saved.plan", applier.folder)
    shutil.rmtree(planner.folder)
    applier.run("apply", "-no-color", "saved.plan")
    yield Deployed(replace(applier, outputs=applier.reread().outputs["feedback"]))
    # Without the zip, which may be gone by then.
    team.write(applier, 'package = { path = "gone.zip" }')
    applier.destroy()
    assert applier.leftovers() == []


def test_feedback_comes_through(deployed: Deployed) -> None:
    complained(deployed, "from-git")


def test_another_runner_has_nothing_to_change(team: Team, deployed: Deployed, tmp_path: Path) -> None:
    other = team.runner(tmp_path / "other")
    shutil.copy(deployed.stack.folder / "terraform.tfstate", other.folder)
    assert other.drift() == []


def test_only_what_uploads_the_zip_needs_it(team: Team, deployed: Deployed) -> None:
    stack = deployed.stack
    team.write(stack, 'package = { path = "gone.zip" }')
    try:
        assert "Success!" in stack.run("validate", "-no-color")
        assert "Plan: 0 to add, 0 to change" in stack.run("plan", "-destroy", "-no-color")
        with pytest.raises(TerraformError, match=r"No zip exists at gone\.zip\. Build it"):
            stack.run("plan", "-no-color")
    finally:
        team.write(stack)
