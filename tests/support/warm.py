"""The AWS provider as a process of its own, which Terraform uses in place of starting one.

Terraform starts the provider for each step of each command, and each start takes most of a second of CPU. A provider
that runs already has one region and one identity: it is for one configuration of it at a time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness import lifeline, terraform
from harness.terraform import Terraform


@contextmanager
def provider(program: Terraform, folder: Path, environment: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Start the provider of an initialised folder, and give what makes Terraform use it, for a ``with`` block.

    ``environment`` is the provider's: where AWS is, for instance. Terraform's own has no say in that.
    """
    binary = next(folder.glob(".terraform/providers/*/hashicorp/aws/*/*/terraform-provider-aws*"))
    base = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    # The lifeline ends the provider when this process ends, however it does.
    with subprocess.Popen(
        [sys.executable, "-I", lifeline.__file__, str(binary.resolve()), "-debug"],
        cwd=folder,  # a function's zip has a relative path
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        env={**terraform.COLLECT_SELDOM, **base, **environment},
    ) as process:
        yield {"TF_REATTACH_PROVIDERS": _address(process, program)}
        process.terminate()


def _address(provider: subprocess.Popen[str], program: Terraform) -> str:
    """Return the value of TF_REATTACH_PROVIDERS that a provider prints when it is run for debugging."""
    assert provider.stdout
    line = next(line for line in provider.stdout if "TF_REATTACH_PROVIDERS=" in line)
    (address,) = json.loads(line.partition("=")[2].strip().strip("'")).values()
    return json.dumps({f"{terraform.REGISTRY[program.product]}/hashicorp/aws": address})
