"""The project's workflows and those of examples/pipeline, as far as they can be checked without GitHub and GitLab.

`make check` holds them to the schemas of both.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import paths, terraform

FOLDER = paths.ROOT / ".github" / "workflows"
CI, RELEASE = FOLDER / "ci.yml", FOLDER / "release.yml"
EXAMPLE = paths.TERRAFORM / "examples" / "pipeline"
GITHUB, GITLAB = EXAMPLE / "github-actions.yml", EXAMPLE / "gitlab-ci.yml"
TO_AWS = {"contents": "read", "id-token": "write"}
PERMISSIONS = {
    CI: {"ci": {"contents": "read"}},
    RELEASE: {
        "build": {"contents": "read", "id-token": "write", "attestations": "write"},
        "publish": {"contents": "write"},
    },
    GITHUB: {"plan": TO_AWS, "comment": {"pull-requests": "write"}, "apply": TO_AWS},
}


# Of each action the commit of its release, and of the inputs in its action.yml those that a workflow may use.
ACTIONS = {
    "actions/attest-build-provenance": (
        "a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32",
        "v4.1.0",
        {"subject-checksums"},
    ),
    "actions/checkout": (
        "3d3c42e5aac5ba805825da76410c181273ba90b1",
        "v7.0.1",
        {"fetch-depth", "persist-credentials"},
    ),
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
    # YAML 1.1, which PyYAML reads, takes `on` for true; GitHub does not.
    return yaml.safe_load(path.read_text().replace("\non:", '\n"on":'))


def steps(path: Path, *jobs: str) -> list[Any]:
    """Return the steps of some jobs, or of all."""
    document = loaded(path)["jobs"]
    return [step for job in jobs or document for step in document[job]["steps"]]


def commands(path: Path, job: str) -> list[str]:
    """Return the lines of shell that a job runs."""
    if path == GITHUB:
        scripts = [step["run"] for step in steps(path, job) if "run" in step]
    else:
        document = loaded(GITLAB)
        own = document[job]
        scripts = [*document[own["extends"]]["before_script"], *own["script"]]
    return [line for script in scripts for line in script.splitlines()]


OF_EACH = pytest.mark.parametrize("path", PERMISSIONS, ids=lambda path: path.name)


@OF_EACH
def test_actions_are_pinned_to_their_releases_and_get_inputs_that_they_have(path: Path) -> None:
    for step in steps(path):
        if "uses" in step:
            name, _, commit = step["uses"].partition("@")
            pinned, version, inputs = ACTIONS[name]
            assert commit == pinned
            assert re.search(rf"{step['uses']} # {version}$", path.read_text(), re.MULTILINE)
            assert step.get("with", {}).keys() <= inputs


@OF_EACH
def test_each_job_has_the_least_permissions(path: Path) -> None:
    document = loaded(path)
    assert document["permissions"] == {}
    assert {name: job["permissions"] for name, job in document["jobs"].items()} == PERMISSIONS[path]
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert {step["with"]["persist-credentials"] for step in checkouts} == {False}


@pytest.mark.parametrize("path", [CI, RELEASE], ids=lambda path: path.name)
def test_no_script_contains_what_others_can_name(path: Path) -> None:
    """An expression in a script is put in before the shell reads it, so a branch's name could be a command."""
    scripts = [step["run"] for step in steps(path) if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_ci_runs_what_runs_anywhere_on_the_whole_history() -> None:
    assert [step["run"] for step in steps(CI, "ci") if "run" in step] == [".ci/run"]
    assert (paths.ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert steps(CI, "ci")[0]["with"]["fetch-depth"] == 0
    assert set(loaded(CI)["on"]) == {"pull_request", "push"}


def test_a_release_is_built_from_its_tag_attested_and_published() -> None:
    assert loaded(RELEASE)["on"] == {"push": {"tags": ["v*"]}}
    build, publish = steps(RELEASE, "build"), steps(RELEASE, "publish")
    assert build[1]["run"] == 'make release-files TAG="$GITHUB_REF_NAME"'
    assert build[2]["with"] == {"subject-checksums": "build/release/SHA256SUMS"}
    assert build[3]["with"]["name"] == publish[0]["with"]["name"]
    assert publish[1]["run"] == "sha256sum --check --strict SHA256SUMS"
    assert loaded(RELEASE)["jobs"]["publish"]["needs"] == "build"
    # What is published is what scripts/tools/release_files.py writes.
    assert "NOTES.md" in publish[2]["run"]
    for name in ("SHA256SUMS", "healthy-mailing-*.zip", "healthy-mailing-*.cdx.json"):
        assert name in publish[3]["run"]


def test_links_in_the_notes_lead_to_the_repository_at_the_tag(tmp_path: Path) -> None:
    (tmp_path / "NOTES.md").write_text("[a](docs/a.md#b), [c\nd](e.md) and [f](https://example.com/g).\n")
    named = {"SERVER_URL": "https://github.com", "REPOSITORY": "owner/name", "REF_NAME": "v1.0.0"}
    environment = {"PATH": os.environ["PATH"], **{f"GITHUB_{name}": value for name, value in named.items()}}
    subprocess.run(["bash", "-ec", steps(RELEASE, "publish")[2]["run"]], cwd=tmp_path, env=environment, check=True)  # noqa: S607
    base, linked = "https://github.com/owner/name/blob/v1.0.0", (tmp_path / "linked.md").read_text()
    assert linked == f"[a]({base}/docs/a.md#b), [c\nd]({base}/e.md) and [f](https://example.com/g).\n"


def test_only_the_branch_is_applied_and_by_the_role_for_it() -> None:
    github = loaded(GITHUB)
    assert github["on"] == {"pull_request": None, "push": {"branches": ["main"]}}
    assert github["jobs"]["apply"]["if"] == "github.event_name == 'push'"
    roles = {
        job: step["with"]["role-to-assume"]
        for job in github["jobs"]
        for step in steps(GITHUB, job)
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
    (upload,) = (step["with"] for step in steps(GITHUB, "plan") if "upload-artifact" in step.get("uses", ""))
    (download,) = (step["with"] for step in steps(GITHUB, "apply") if "download-artifact" in step.get("uses", ""))
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
    audience = loaded(GITLAB)[".terraform"]["id_tokens"]["AWS_ID_TOKEN"]["aud"]
    assert f'url               = optional(string, "{audience}")' in (EXAMPLE / "variables.tf").read_text()


def test_the_readme_sets_every_variable_that_a_workflow_reads() -> None:
    readme = (EXAMPLE / "README.md").read_text()
    read = set(re.findall(r"\bvars\.([A-Z_]+)", GITHUB.read_text())) | {"PLAN_ROLE_ARN", "APPLY_ROLE_ARN"}
    assert read == {"PLAN_ROLE_ARN", "APPLY_ROLE_ARN", "AWS_REGION"}
    for name in read:
        assert f"gh variable set {name} " in readme
        assert name in GITLAB.read_text()
