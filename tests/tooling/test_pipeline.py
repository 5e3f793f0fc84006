"""The workflow files of examples/pipeline, as far as they can be checked without GitHub and GitLab."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from harness import paths, terraform

EXAMPLE = paths.TERRAFORM / "examples" / "pipeline"
GITHUB, GITLAB = EXAMPLE / "github-actions.yml", EXAMPLE / "gitlab-ci.yml"

# Of each action the commit of its release, and of the inputs in its action.yml those that the workflow may use.
ACTIONS = {
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1", {"persist-credentials"}),
    "actions/download-artifact": ("3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1", {"name", "path"}),
    "actions/upload-artifact": (
        "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f",
        "v7.0.0",
        {"name", "path", "if-no-files-found", "retention-days"},
    ),
    "aws-actions/configure-aws-credentials": (
        "e6de054238d6b7531b4efff3b6587d9aade6a06c",
        "v6.2.3",
        {"role-to-assume", "aws-region"},
    ),
    "hashicorp/setup-terraform": (
        "dfe3c3f87815947d99a8997f908cb6525fc44e9e",
        "v4.0.1",
        {"terraform_version", "terraform_wrapper"},
    ),
}


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def steps(job: str) -> list[Any]:
    listed: list[Any] = loaded(GITHUB)["jobs"][job]["steps"]
    return listed


def commands(path: Path, job: str) -> list[str]:
    """Return the lines of shell that a job runs."""
    if path == GITHUB:
        scripts = [step["run"] for step in steps(job) if "run" in step]
    else:
        document = loaded(GITLAB)
        own = document[job]
        scripts = [*document[own["extends"]]["before_script"], *own["script"]]
    return [line for script in scripts for line in script.splitlines()]


def test_actions_are_pinned_to_their_releases_and_get_inputs_that_they_have() -> None:
    used = [step for job in loaded(GITHUB)["jobs"] for step in steps(job) if "uses" in step]
    for step in used:
        name, _, commit = step["uses"].partition("@")
        pinned, version, inputs = ACTIONS[name]
        assert commit == pinned
        assert f"{step['uses']} # {version}\n" in GITHUB.read_text()
        assert step.get("with", {}).keys() <= inputs
    assert {step["uses"].partition("@")[0] for step in used} == ACTIONS.keys()


def test_each_job_has_the_least_permissions() -> None:
    document = loaded(GITHUB)
    to_aws = {"contents": "read", "id-token": "write"}
    assert document["permissions"] == {}
    assert {name: job["permissions"] for name, job in document["jobs"].items()} == {
        "plan": to_aws,
        "comment": {"pull-requests": "write"},
        "apply": to_aws,
    }


def test_only_the_branch_is_applied_and_by_the_role_for_it() -> None:
    github = loaded(GITHUB)
    # YAML 1.1, which this parser reads, takes the key `on` for true.
    assert github[True] == {"pull_request": None, "push": {"branches": ["main"]}}
    assert github["jobs"]["apply"]["if"] == "github.event_name == 'push'"
    roles = {
        job: step["with"]["role-to-assume"]
        for job in github["jobs"]
        for step in steps(job)
        if "role-to-assume" in step.get("with", {})
    }
    assert roles == {"plan": "${{ vars.PLAN_ROLE_ARN }}", "apply": "${{ vars.APPLY_ROLE_ARN }}"}

    gitlab = loaded(GITLAB)
    assert [rule["if"] for rule in gitlab["apply"]["rules"]] == [
        '$CI_COMMIT_BRANCH == "main" && $CI_PIPELINE_SOURCE != "merge_request_event"'
    ]
    assert {job: gitlab[job]["variables"] for job in gitlab["stages"]} == {
        "plan": {"AWS_ROLE_ARN": "$PLAN_ROLE_ARN"},
        "apply": {"AWS_ROLE_ARN": "$APPLY_ROLE_ARN"},
    }


def test_what_is_applied_is_the_plan_that_was_saved() -> None:
    (upload,) = (step["with"] for step in steps("plan") if "upload-artifact" in step.get("uses", ""))
    (download,) = (step["with"] for step in steps("apply") if "download-artifact" in step.get("uses", ""))
    assert download == {"name": upload["name"]}
    saved = [re.search(r"-out=(\S+)", line) for line in commands(GITHUB, "plan") if "terraform plan" in line]
    assert [found and found[1] for found in saved] == ["saved.plan"]
    assert "saved.plan" in upload["path"].split()
    assert loaded(GITHUB)["jobs"]["apply"]["needs"] == "plan"

    gitlab = loaded(GITLAB)
    assert gitlab["plan"]["artifacts"]["paths"] == ["saved.plan"]
    assert gitlab["apply"]["needs"] == ["plan"]
    for path in (GITHUB, GITLAB):
        (applied,) = (line for line in commands(path, "apply") if "terraform apply" in line)
        assert applied.endswith(" saved.plan")
        assert "-auto-approve" not in applied


def used(path: Path) -> Iterator[tuple[str, str]]:
    """Yield subcommand and option of each call of Terraform in a workflow."""
    for job in ("plan", "apply"):
        for line in commands(path, job):
            for call in re.findall(r"terraform ([^|>]+)", line):
                subcommand, *arguments = call.split()
                yield from ((subcommand, argument) for argument in arguments if argument.startswith("-"))


@pytest.mark.parametrize(("subcommand", "option"), sorted({*used(GITHUB), *used(GITLAB)}))
def test_terraform_has_the_option(subcommand: str, option: str) -> None:
    program = terraform.find()
    command, environment = [str(program.program), subcommand, "-help"], {"CHECKPOINT_DISABLE": "1"}
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert re.search(rf"^\s+{re.escape(option.partition('=')[0])}\b", answer.stdout + answer.stderr, re.MULTILINE)


def test_the_merge_request_counts_what_the_plan_does() -> None:
    jq = shutil.which("jq")
    if jq is None:
        pytest.skip("jq, which the job installs, is not on this machine")
    (command,) = (line for line in commands(GITLAB, "plan") if "jq" in line and "terraform show" in line)
    program = re.search(r"jq '([^']+)'", command)
    assert program
    changes = [["create"], ["update"], ["delete", "create"], ["no-op"], ["read"]]
    plan = {"resource_changes": [{"change": {"actions": actions}} for actions in changes]}
    counted = subprocess.run([jq, program[1]], input=json.dumps(plan), capture_output=True, text=True, check=True)
    # The report that GitLab reads (GitLab Docs, "Terraform integration in merge requests").
    assert json.loads(counted.stdout) == {"create": 2, "update": 1, "delete": 1}


def test_tokens_are_asked_for_the_audience_that_the_roles_trust() -> None:
    (source,) = (
        body["type"]
        for block in hcl2.loads((EXAMPLE / "variables.tf").read_text())["variable"]
        for name, body in block.items()
        if name.strip('"') == "gitlab"
    )
    audience = loaded(GITLAB)[".terraform"]["id_tokens"]["AWS_ID_TOKEN"]["aud"]
    assert f'"{audience}"' in source


def test_the_readme_sets_every_variable_that_a_workflow_reads() -> None:
    readme = (EXAMPLE / "README.md").read_text()
    read = set(re.findall(r"\bvars\.([A-Z_]+)", GITHUB.read_text())) | {"PLAN_ROLE_ARN", "APPLY_ROLE_ARN"}
    assert read == {"PLAN_ROLE_ARN", "APPLY_ROLE_ARN", "AWS_REGION"}
    for name in read:
        assert f"gh variable set {name} " in readme
        assert name in GITLAB.read_text()
