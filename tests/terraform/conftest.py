"""The tree's Terraform, copied, so that nothing of a run stays in the tree; and one provider for all runs."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import paths, terraform
from harness.terraform import Terraform

_GUARD = Path(terraform.__file__).with_name("guard.py")
_NOT_COPIED = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars", "*_override.tf")


@dataclass(frozen=True)
class Tree:
    """A folder with a copy of ``terraform/`` in it, and Terraform attached to a provider that runs already.

    Terraform would start the AWS provider for each ``run`` of each test, which costs a second of CPU each time.
    """

    folder: Path
    terraform: Terraform
    environment: dict[str, str]

    @property
    def root(self) -> Path:
        return self.folder / "terraform"

    def run(self, *arguments: str, folder: Path) -> str:
        """Initialise a folder the first time and run Terraform there; raises TerraformError as it does."""
        if not (folder / ".terraform").exists():
            self.terraform.init(folder=folder)
        return self.terraform.run(*arguments, folder=folder, environment=self.environment)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("tree")
    shutil.copytree(paths.TERRAFORM, folder / "terraform", ignore=_NOT_COPIED)
    program = terraform.find()
    provider_only = folder / "provider"
    provider_only.mkdir()
    shutil.copy(paths.TERRAFORM / "versions.tf", provider_only)
    program.init(folder=provider_only)
    binary = next(provider_only.glob(".terraform/providers/*/hashicorp/aws/*/*/terraform-provider-aws*"))
    # The guard ends the provider when this process ends, however it does.
    with subprocess.Popen(
        [sys.executable, "-I", str(_GUARD), str(binary), "-debug"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as provider:
        yield Tree(folder, program, {"TF_REATTACH_PROVIDERS": _address(provider, program)})
        provider.terminate()


def _address(provider: subprocess.Popen[str], program: Terraform) -> str:
    """Return the value of TF_REATTACH_PROVIDERS that a provider prints when it is run for debugging."""
    assert provider.stdout
    line = next(line for line in provider.stdout if "TF_REATTACH_PROVIDERS=" in line)
    (address,) = json.loads(line.partition("=")[2].strip().strip("'")).values()
    return json.dumps({f"{terraform.REGISTRY[program.product]}/hashicorp/aws": address})
