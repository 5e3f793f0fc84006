"""The tree's Terraform, copied, so that nothing of a run stays in the tree; and one provider for all runs."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import paths, terraform
from harness.emulator import REGION, running
from harness.terraform import Terraform
from support import warm

_NOT_COPIED = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars", "*_override.tf")


ACCOUNT = "000000000000"  # the emulator's
KEY = f"arn:aws:kms:{REGION}:123456789012:key/11111111-2222-3333-4444-555555555555"
VARIANTS: dict[str, dict[str, Any]] = {
    "queue": {"delivery": "queue"},
    "direct": {"delivery": "direct", "queue": {"keep": False}},
    "queue_with_key": {"delivery": "queue", "kms_key_arn": KEY},
    "direct_with_key": {"delivery": "direct", "queue": {"keep": False}, "kms_key_arn": KEY},
}
OPTIONS = {
    "permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "role_path": "/team/",
    "tracing": True,
    "vpc": {"subnet_ids": ["subnet-0a"], "security_group_ids": ["sg-0b"]},
}
"""Options of the function that are off in the variants."""
LOOKUP: dict[str, Any] = {
    "table": {"name": "mailing", "arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/mailing"},
    "rules": {},
    "kms_key_arn": KEY,
}
"""What module lookup takes where module feedback is elsewhere."""
STREAM = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/mailing/stream/2026-03-10T12:00:00.000"
CHANGES = {**LOOKUP, "table": {**LOOKUP["table"], "stream_arn": STREAM}}
"""The same, of module changes."""


@dataclass(frozen=True)
class Tree:
    """A folder with a copy of ``terraform/`` in it, and Terraform attached to a provider that runs already.

    Terraform would start the AWS provider for each ``run`` of each test, which costs a second of CPU each time.
    """

    folder: Path
    terraform: Terraform
    environment: Mapping[str, str]

    @property
    def root(self) -> Path:
        return self.folder / "terraform"

    def run(self, *arguments: str, folder: Path, check: bool = True) -> str:
        """Initialise a folder the first time and run Terraform there; raises TerraformError as it does."""
        if not (folder / ".terraform").exists():
            self.terraform.init(folder=folder)
        return self.terraform.run(*arguments, folder=folder, environment=self.environment, check=check)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("tree")
    shutil.copytree(paths.TERRAFORM, folder / "terraform", ignore=_NOT_COPIED)
    program = terraform.find()
    provider_only = folder / "provider"
    provider_only.mkdir()
    shutil.copy(paths.TERRAFORM / "versions.tf", provider_only)
    program.init(folder=provider_only)
    with warm.provider(program, provider_only, {}) as environment:
        yield Tree(folder, program, environment)


@pytest.fixture(scope="session")
def plan(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One plan of a configuration that calls the root for each variant, and modules lookup and changes by themselves.

    A plan takes seconds, most of them to start.
    """
    folder = tree.folder / "variants"
    folder.mkdir()
    calls: dict[str, dict[str, Any]] = {
        # One provider for all of them: each start of it takes seconds.
        name: {"source": "../terraform", "providers": {"aws": "aws"}, "name": name, **variables}
        for name, variables in VARIANTS.items()
    }
    calls["options"] = {**calls["queue"], "name": "options", "function": OPTIONS}
    calls["lookup"] = {"source": "../terraform/modules/lookup", "feedback": LOOKUP}
    calls["changes"] = {"source": "../terraform/modules/changes", "feedback": CHANGES, "bus": {"create": True}}
    (folder / "main.tf.json").write_text(json.dumps({"provider": {"aws": {}}, "module": calls}))
    with running("embedded", tmp_path_factory.mktemp("emulator")) as emulator:
        # Not the tree's provider, which runs already and knows nothing of the emulator.
        tree.terraform.init(folder=folder)
        tree.terraform.run("plan", "-no-color", "-out=plan", folder=folder, environment=emulator.environment())
    shown: dict[str, Any] = json.loads(tree.run("show", "-json", "plan", folder=folder))
    return shown
