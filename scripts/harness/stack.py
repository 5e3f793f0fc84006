"""The real Terraform root, applied to an emulator."""

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness import paths
from harness.emulator import Emulator
from harness.errors import HarnessError
from harness.terraform import Terraform, TerraformError, find
from tools import package

WAITS = "Terraform's AWS provider waits 25 s for every SQS queue that it creates, on AWS too."

# Not part of the configuration that users apply, or of another run's state.
_NOT_COPIED = (".terraform*", "*.tfstate*", "*.tfvars", "*.tfvars.json", "*.tftest.hcl", "tests", "*_override.tf")
_VARIABLES = "terraform.tfvars.json"
_OVERRIDE = "harness_override.tf"
# An emulator's buckets have no names in DNS.
_PROVIDER = 'provider "aws" {\n  s3_use_path_style = true\n}\n'
# On a busy machine the provider (5.100.0) at times sends AddPermission again, though LocalStack (4.14.0) answered it
# with 201. Then it gets 409 until it gives up, after five minutes, and does not know its own statement.
_SENT_TWICE = re.compile(
    r"adding Lambda Permission \(([^/\s]+)/([^)\s]+)\): .*The statement id \(\2\) provided already exists"
)
# The same of CreateLogGroup and CreateFunction, with the embedded emulator (ministack 1.5.33).
_CREATED_TWICE = re.compile(
    r"creating (CloudWatch Logs Log Group|Lambda Function) \(([^)\s]+)\): .*Resource(?:AlreadyExists|Conflict)Exception"
)
# The same of UpdateTable, with the embedded emulator. The index is there, and the next run finds it.
_INDEXED_TWICE = "Attempting to create a duplicate index"
# What a stack may leave: service and operation that list it, and where the answer has the names.
_LISTED: Mapping[str, tuple[Any, Any, str, str | None]] = {
    "table": ("dynamodb", "list_tables", "TableNames", None),
    "topic": ("sns", "list_topics", "Topics", "TopicArn"),
    "queue": ("sqs", "list_queues", "QueueUrls", None),
    "function": ("lambda", "list_functions", "Functions", "FunctionName"),
    "role": ("iam", "list_roles", "Roles", "RoleName"),
    "log group": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "identity": ("ses", "list_identities", "Identities", None),
    "configuration set": ("ses", "list_configuration_sets", "ConfigurationSets", "Name"),
}


@dataclass(frozen=True)
class Stack:
    """An applied root: where it is, and Terraform's outputs by name."""

    emulator: Emulator
    name: str
    folder: Path
    terraform: Terraform
    outputs: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of Terraform, beside the emulator's: somebody else's credentials, for instance."""

    def drift(self) -> list[str]:
        """Return what a plan would change, as ``ADDRESS: ACTION ATTRIBUTE, …``; empty if nothing.

        Raises:
            TerraformError: the plan failed.
        """
        return self.planned()

    def planned(self, **variables: Any) -> list[str]:  # noqa: ANN401  (whatever a variable takes)
        """Return what an apply with some variables changed would change, in the form of :meth:`drift`.

        Raises:
            TerraformError: the plan failed.
        """
        path = self.folder / "planned.tfvars.json"
        path.write_text(json.dumps(variables))
        # Where nothing changes `show`, which starts the provider once more, has nothing to add.
        options = ("-out=planned.plan", f"-var-file={path.name}")
        if not self.terraform.plans_changes(*options, folder=self.folder, environment=self._environment()):
            return []
        plan = json.loads(self.run("show", "-json", "planned.plan"))
        return [
            _described(change)
            for change in plan.get("resource_changes", [])
            if change["change"]["actions"] not in (["no-op"], ["read"])
        ]

    def change(self, variables: Mapping[str, Any], *, target: str | None = None) -> None:
        """Apply it again with some variables changed; attributes of an object replace those of the same name.

        With ``target``, apply that resource alone.

        Raises:
            TerraformError: it does not apply.
        """
        path = self.folder / _VARIABLES
        values = json.loads(path.read_text())
        for name, value in variables.items():
            values[name] = {**(values.get(name) or {}), **value} if isinstance(value, Mapping) else value
        path.write_text(json.dumps(values, indent=2))
        self.apply(*([f"-target={target}"] if target else []), alone=True)

    def apply(self, *arguments: str, alone: bool = False) -> None:
        """Apply it as it is now; ``alone`` says that nobody else makes anything of its name.

        Raises:
            TerraformError: it does not apply.
        """
        # More at once than 10: most of them only wait.
        command = ("apply", "-auto-approve", "-no-color", "-parallelism=40", *arguments)
        try:
            self.run(*command)
        except TerraformError as error:
            permissions = _SENT_TWICE.findall(str(error))
            created = _CREATED_TWICE.findall(str(error)) if alone else []
            if not permissions and not created and _INDEXED_TWICE not in str(error):
                raise
            for function, statement in permissions:
                self.emulator.client("lambda").remove_permission(FunctionName=function, StatementId=statement)
            for kind, name in created:
                if kind == "Lambda Function":
                    self.emulator.client("lambda").delete_function(FunctionName=name)
                else:
                    self.emulator.client("logs").delete_log_group(logGroupName=name)
            self.run(*command)

    def reread(self) -> "Stack":
        """Return it with the outputs that it has now.

        Raises:
            TerraformError: they can't be read.
        """
        outputs = json.loads(self.run("output", "-json"))
        return replace(self, outputs={key: output["value"] for key, output in outputs.items()})

    def destroy(self, *, refresh: bool = True) -> None:
        """Destroy it with Terraform; without a refresh where nothing can have changed since it was applied.

        Raises:
            TerraformError: something could not be destroyed.
        """
        self.run("destroy", "-auto-approve", "-no-color", f"-refresh={str(refresh).lower()}")

    def leftovers(self) -> list[str]:
        """Return what has a name that begins as this stack's does, as ``KIND NAME``; after :meth:`destroy` none."""
        found = []
        for kind, (service, operation, key, attribute) in _LISTED.items():
            if service == "ses" and not self.emulator.simulates_ses:
                continue
            for page in self.emulator.client(service).get_paginator(operation).paginate():
                names = (entry[attribute] if attribute else entry for entry in page.get(key, []))
                # Of an ARN or a URL the last part.
                last = (each.rsplit("/", 1)[-1].rsplit(":", 1)[-1] for each in names)
                found += [f"{kind} {each}" for each in last if each.startswith(self.name)]
        return found

    def run(self, *arguments: str) -> str:
        """Run Terraform on it and return what it printed.

        Raises:
            TerraformError: it failed.
        """
        return self.terraform.run(*arguments, folder=self.folder, environment=self._environment())

    def init(self) -> None:
        """Initialise its folder, before anything else.

        Raises:
            TerraformError: the provider is missing, or the backend refuses.
        """
        self.terraform.init(folder=self.folder, environment=self._environment())

    def _environment(self) -> Mapping[str, str]:
        # With more attempts the provider waits for minutes after an emulator has died.
        return {**self.emulator.environment(), "AWS_MAX_ATTEMPTS": "3", **self.environment}


def apply(emulator: Emulator, variables: Mapping[str, Any], folder: Path, caller: Path | None = None) -> Stack:
    """Copy ``terraform/`` into a folder and apply the root or a caller; arguments as of :func:`prepared`.

    Raises:
        TerraformError: Terraform or its provider is missing, or the root does not apply.
    """
    stack = prepared(emulator, variables, folder, caller)
    stack.init()
    try:
        stack.apply(alone=True)
    except BaseException:
        abandon(stack)
        raise
    return stack.reread()


def prepared(emulator: Emulator, variables: Mapping[str, Any], folder: Path, caller: Path | None = None) -> Stack:
    """Copy ``terraform/`` into a folder, with the zip of ``function/`` as it is now; :meth:`Stack.init` comes next.

    A ``caller`` calls the modules: one of the examples, or any other folder that names them ``../../modules/NAME``.
    Variables not given: a ``name`` of its own, so that stacks do not meet in one emulator; of the root also no deletion
    protection.

    Raises:
        TerraformError: Terraform is missing.
    """
    name = variables.get("name") or f"mailing-{secrets.token_hex(3)}"
    of_root = {"table": {"deletion_protection": False}}
    values = {"name": name, **({} if caller else of_root), **variables}
    copy = folder / "terraform"
    shutil.copytree(paths.TERRAFORM, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED, "examples"))
    if caller:
        ignored = shutil.ignore_patterns(*_NOT_COPIED)
        shutil.copytree(caller, copy / "examples" / caller.name, ignore=ignored)
    package.build(folder / package.PACKAGE.relative_to(paths.ROOT))
    stack = Stack(emulator, name, copy / "examples" / caller.name if caller else copy, find(), {})
    (stack.folder / _VARIABLES).write_text(json.dumps(values, indent=2))
    (stack.folder / _OVERRIDE).write_text(_PROVIDER)
    return stack


def opened(emulator: Emulator, name: str, folder: Path) -> Stack:
    """Return the stack whose root was applied in a folder, perhaps by another process.

    Raises:
        TerraformError: there is none.
    """
    return Stack(emulator, name, folder / "terraform", find(), {}).reread()


def abandon(stack: Stack) -> None:
    """Clean up after a failure: destroy what others would find, leave what goes away with the emulator."""
    if not stack.emulator.disposable:
        with suppress(HarnessError):
            stack.destroy()


@contextmanager
def applied(
    emulator: Emulator, variables: Mapping[str, Any], folder: Path, caller: Path | None = None
) -> Iterator[Stack]:
    """Give an applied stack for a ``with`` block, then destroy it. Arguments and errors as :func:`apply`."""
    stack = apply(emulator, variables, folder, caller)
    try:
        yield stack
    except BaseException:
        abandon(stack)
        raise
    stack.destroy()


def _described(change: Mapping[str, Any]) -> str:
    before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
    differing = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return f"{change['address']}: {'+'.join(change['change']['actions'])} {', '.join(differing)}"
