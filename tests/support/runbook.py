"""The policies that docs/operate.md gives, what the commands' modules say they need, and the runbook's bucket."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness import paths
from support.deployed import Deployed

RUNBOOK = (paths.ROOT / "docs" / "operate.md").read_text()
BUCKET = "my-bucket"
PLACE = f"s3://{BUCKET}/mailing"

Statements = list[dict[str, Any]]


def policies(own: Mapping[str, str]) -> tuple[Statements, Statements, Statements]:
    """Return the statements of who looks, of what an operator needs too, and of the bucket for import jobs.

    ``own`` has what takes the place of the runbook's names.
    """
    text = re.sub("|".join(own), lambda match: own[match[0]], RUNBOOK)
    read, operate, bucket = (
        json.loads(block)["Statement"] for block in re.findall(r"```json\n(.+?)```", text, re.DOTALL)
    )
    return read, operate, bucket


def operating(deployed: Deployed) -> tuple[Statements, Statements]:
    """Return the statements of who looks and of an operator, for a stack."""
    own = {
        "eu-west-1": deployed.emulator.region,
        "123456789012": deployed.outputs["table_arn"].split(":")[4],
        "table/mailing": f"table/{deployed.outputs['table_name']}",
        "mailing-feedback": deployed.outputs["function_name"],
        "mailing-changes": deployed.outputs["changes_function_name"],
        "mailing-lookup": f"{deployed.stack.name}-lookup",
        "identity/example.com": f"identity/{deployed.mode}.example",
    }
    read, operate, _ = policies(own)
    return read, [*read, *operate]


def actions_of(policy: Statements) -> set[str]:
    """Return the actions that statements allow."""
    return {action for each in policy for action in _listed(each["Action"])}


def without(policy: Statements, *actions: str) -> Statements:
    """Return a policy that lacks actions."""
    lacking = [{**each, "Action": [one for one in _listed(each["Action"]) if one not in actions]} for each in policy]
    return [each for each in lacking if each["Action"]]


def named_by(*modules: str) -> set[str]:
    """Return the actions that the first lines of commands' modules name; no module: all of them."""
    folder = paths.ROOT / "scripts" / "healthy_mailing_cli"
    files = [file for name in modules or "*" for file in sorted(folder.rglob(f"{name}.py"))]
    docstrings = [ast.get_docstring(ast.parse(file.read_text())) or "" for file in files]
    return {action for each in docstrings for action in re.findall(r"``([a-z0-9]+:[A-Z]\w+)``", each)}


def _listed(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions


@contextmanager
def bucket_for_jobs(s3: Any) -> Iterator[None]:
    """Make the bucket, with the runbook's policy, for a ``with`` block."""
    s3.create_bucket(Bucket=BUCKET)
    *_, statements = policies({"123456789012": "000000000000"})
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    try:
        yield
    finally:
        for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            s3.delete_object(Bucket=BUCKET, Key=each["Key"])
        s3.delete_bucket(Bucket=BUCKET)
