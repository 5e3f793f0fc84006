"""The life of a stack; a fake Terraform records what it is asked to do."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from harness import emulator, paths, stack
from harness.emulator import Emulator
from harness.stack import Stack
from harness.terraform import Terraform, TerraformError
from tools import package

ZIP = str(package.PACKAGE.relative_to(paths.TERRAFORM))

# Fails at the command that the file `fails` names; at the first apply with what `says` has.
TERRAFORM = """#!/bin/sh
if [ "$1" = version ]; then echo 'Terraform v1.11.4'; exit; fi
echo "$1" >> {calls}
if [ "$1" = "$(cat {fails})" ]; then echo "no $1" >&2; exit 1; fi
if [ "$1" = apply ] && [ -s {says} ]; then cat {says} >&2; : > {says}; exit 1; fi
case "$1 $2" in
    "output -json") echo '{{"table_name": {{"value": "mailing", "type": "string"}}}}';;
    "show -json") cat {plan};;
    "plan "*) if [ -s {plan} ]; then exit 2; fi;;
esac
"""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    """Put the fake program and a root in place; call it for Terraform's commands so far."""
    recorded = tmp_path / "calls"
    for name in ("calls", "fails", "plan", "says"):
        (tmp_path / name).touch()
    program = tmp_path / "terraform"
    files = {name: tmp_path / name for name in ("calls", "fails", "plan", "says")}
    program.write_text(TERRAFORM.format(**files))
    program.chmod(0o755)
    (tmp_path / "mirror" / "registry.terraform.io" / "hashicorp" / "aws").mkdir(parents=True)
    monkeypatch.setenv("TERRAFORM", str(program))
    monkeypatch.setenv("TF_PLUGIN_MIRROR", str(tmp_path / "mirror"))
    root = tmp_path / "root"
    for name in ("main.tf", "modules/feedback/main.tf", "examples/minimal/main.tf", "terraform.tfstate"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name in (".terraform.lock.hcl", "backend_override.tf", "production.tfvars"):
        (root / name).touch()
    monkeypatch.setattr(paths, "TERRAFORM", root)
    monkeypatch.setattr(paths, "TOOLS", tmp_path / "tools")
    return lambda: recorded.read_text().split()


def fake_emulator(*, disposable: bool) -> Emulator:
    embedded = emulator.kind(emulator.choose("embedded"))
    return replace(embedded, endpoint_url="http://127.0.0.1:1", disposable=disposable)


def test_it_is_applied_given_and_destroyed(calls: Callable[[], list[str]], tmp_path: Path) -> None:
    checked_in = paths.TERRAFORM / ZIP
    checked_in.parent.mkdir(parents=True)
    checked_in.write_text("older")
    with stack.applied(fake_emulator(disposable=True), {"delivery": "direct"}, tmp_path / "run") as applied:
        assert applied.outputs == {"table_name": "mailing"}
        assert calls() == ["init", "apply", "output"]
        # Only the configuration is copied, with the zip of the sources as they are now.
        files = {str(path.relative_to(applied.folder)) for path in applied.folder.rglob("*") if path.is_file()}
        assert files == {"main.tf", "modules/feedback/main.tf", ZIP, "terraform.tfvars.json", "harness_override.tf"}
        assert package.is_current(applied.folder / ZIP)
        assert checked_in.read_text() == "older"
    assert calls() == ["init", "apply", "output", "destroy"]


def test_each_stack_has_a_name_of_its_own_and_can_be_destroyed(calls: Callable[[], list[str]], tmp_path: Path) -> None:
    given: tuple[dict[str, str], ...] = ({}, {}, {"name": "mine", "delivery": "direct"})
    applied = [stack.apply(fake_emulator(disposable=True), each, tmp_path / str(run)) for run, each in enumerate(given)]
    assert calls()
    first, second, third = (json.loads((each.folder / "terraform.tfvars.json").read_text()) for each in applied)
    assert len({first["name"], second["name"], "mine"}) == 3
    assert [each.name for each in applied] == [first["name"], second["name"], "mine"]
    assert (first["table"], third["delivery"]) == ({"deletion_protection": False}, "direct")


@pytest.mark.parametrize("disposable", [False, True])
def test_after_a_failure_it_is_destroyed_where_others_would_find_it(
    calls: Callable[[], list[str]],
    tmp_path: Path,
    disposable: bool,  # noqa: FBT001  (a column of the table)
) -> None:
    on = fake_emulator(disposable=disposable)
    with pytest.raises(KeyError), stack.applied(on, {}, tmp_path / "test"):
        raise KeyError
    assert calls()[-1] == ("output" if disposable else "destroy")

    (tmp_path / "fails").write_text("apply")
    with pytest.raises(TerraformError, match="no apply"):
        stack.apply(on, {}, tmp_path / "apply")
    assert calls()[-1] == ("apply" if disposable else "destroy")


TWICE = (
    "Error: adding Lambda Permission (mailing-d7e1a9-lookup/ApiInvokesFunction): operation error Lambda: "
    "AddPermission, https response error StatusCode: 409, RequestID: 72416650, ResourceConflictException: The "
    "statement id (ApiInvokesFunction) provided already exists. Please provide a new statement id, or remove "
    "the existing statement.\n  with module.lookup[0].aws_lambda_permission.this,"
)


CREATED_TWICE = (
    "Error: creating CloudWatch Logs Log Group (/aws/lambda/mailing-565c27-changes): operation error CloudWatch Logs: "
    "CreateLogGroup, https response error StatusCode: 400, RequestID: e76b0611, ResourceAlreadyExistsException: The "
    "specified log group already exists: /aws/lambda/mailing-565c27-changes\n"
)


FUNCTION_TWICE = (
    "Error: creating Lambda Function (mailing-5c5886-changes): operation error Lambda: CreateFunction, https response "
    "error StatusCode: 409, RequestID: f95d0bc6, ResourceConflictException: Function already exist: mailing-5c5886\n"
)
INDEX_TWICE = (
    "Error: updating AWS DynamoDB Table (mailing-8d26a6): creating GSI (suppressed-updatedAt): operation error "
    "DynamoDB: UpdateTable, https response error StatusCode: 400, RequestID: f7c70f17, api error ValidationException: "
    "Attempting to create a duplicate index: suppressed-updatedAt\n"
)
PERMISSION = {"FunctionName": "mailing-d7e1a9-lookup", "StatementId": "ApiInvokesFunction"}
GROUP = {"logGroupName": "/aws/lambda/mailing-565c27-changes"}


@pytest.mark.parametrize(
    ("says", "undo", "arguments"),
    [
        (TWICE, "remove_permission", PERMISSION),
        (CREATED_TWICE, "delete_log_group", GROUP),
        (FUNCTION_TWICE, "delete_function", {"FunctionName": "mailing-5c5886-changes"}),
    ],
    ids=["permission", "log group", "function"],
)
def test_what_the_provider_made_twice_is_taken_away_and_made_again(  # noqa: PLR0913, PLR0917  (the columns of the table)
    calls: Callable[[], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    says: str,
    undo: str,
    arguments: dict[str, str],
) -> None:
    client = Mock()
    monkeypatch.setattr(Emulator, "client", lambda *_: client)
    (tmp_path / "says").write_text(says)
    made = stack.apply(fake_emulator(disposable=True), {}, tmp_path / "run")
    assert calls() == ["init", "apply", "apply", "output"]
    getattr(client, undo).assert_called_once_with(**arguments)

    # Where another state may have the same name, a log group may be that one's.
    (tmp_path / "says").write_text(CREATED_TWICE)
    with pytest.raises(TerraformError, match="already exists"):
        made.apply()


def test_terraform_runs_again_where_the_provider_asked_for_an_index_twice(
    calls: Callable[[], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "says").write_text(INDEX_TWICE)
    stack.apply(fake_emulator(disposable=True), {}, tmp_path / "run")
    assert calls() == ["init", "apply", "apply", "output"]


def test_drift_names_the_resource_what_would_happen_and_which_attributes(
    calls: Callable[[], list[str]], tmp_path: Path
) -> None:
    changes = [
        {"address": "aws_sns_topic.this", "change": {"actions": ["no-op"], "before": {"a": 1}, "after": {"a": 1}}},
        {"address": "data.aws_region.this", "change": {"actions": ["read"], "before": None, "after": {}}},
        {
            "address": "aws_sqs_queue.this",
            "change": {"actions": ["update"], "before": {"a": 1, "b": 1, "c": 1}, "after": {"a": 1, "b": 2}},
        },
    ]
    (tmp_path / "plan").write_text(json.dumps({"resource_changes": changes}))
    applied = stack.apply(fake_emulator(disposable=True), {}, tmp_path / "run")
    assert applied.drift() == ["aws_sqs_queue.this: update b, c"]
    (tmp_path / "plan").write_text(json.dumps({"resource_changes": changes[:2]}))
    assert applied.drift() == []
    assert calls()[-2:] == ["plan", "show"]
    (tmp_path / "plan").write_text("")
    assert applied.drift() == []
    assert calls()[-2:] == ["show", "plan"], "what does not change need not be shown"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator.running("embedded", tmp_path_factory.mktemp("run")) as started:
        yield started


def test_leftovers_are_found_by_prefix_in_every_service(running: Emulator) -> None:
    mine = Stack(running, "mine", Path(), Terraform(Path(), "Terraform", "1.11.4"), {})
    assert mine.leftovers() == []
    running.client("dynamodb").create_table(
        TableName="mine",
        KeySchema=[{"AttributeName": "UserId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "UserId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    running.client("sns").create_topic(Name="mine-topic")
    running.client("sqs").create_queue(QueueName="mine-queue")
    running.client("iam").create_role(RoleName="mine-role", AssumeRolePolicyDocument="{}")
    running.client("logs").create_log_group(logGroupName="/aws/lambda/mine-function")
    running.client("sns").create_topic(Name="yours")
    assert mine.leftovers() == [
        "table mine",
        "topic mine-topic",
        "queue mine-queue",
        "role mine-role",
        "log group mine-function",
    ]
