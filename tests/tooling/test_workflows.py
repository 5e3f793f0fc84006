"""The project's own workflows, as far as they can be checked without GitHub; `make check` holds them to its schema."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import paths

FOLDER = paths.ROOT / ".github" / "workflows"
CI, RELEASE = FOLDER / "ci.yml", FOLDER / "release.yml"
EXAMPLE = paths.TERRAFORM / "examples" / "pipeline" / "github-actions.yml"
ALL = sorted(FOLDER.glob("*.yml"))


def loaded(path: Path) -> Any:
    # YAML 1.1, which PyYAML reads, takes `on` for true; GitHub does not.
    return yaml.safe_load(path.read_text().replace("\non:", '\n"on":'))


def steps(path: Path, job: str) -> list[Any]:
    listed: list[Any] = loaded(path)["jobs"][job]["steps"]
    return listed


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"uses: ([\w./-]+)@(\S+ # v[0-9.]+)$", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_the_same_everywhere(path: Path) -> None:
    used = re.findall(r"uses: .*", path.read_text())
    assert len(used) == len(re.findall(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\n", path.read_text()))
    other = pins(EXAMPLE)
    assert {name: pin for name, pin in pins(path).items() if other.get(name, pin) != pin} == {}


@pytest.mark.parametrize(
    ("path", "permissions"),
    [
        (CI, {"ci": {"contents": "read"}}),
        (
            RELEASE,
            {
                "build": {"contents": "read", "id-token": "write", "attestations": "write"},
                "publish": {"contents": "write"},
            },
        ),
    ],
    ids=lambda each: each.name if isinstance(each, Path) else "",
)
def test_each_job_has_the_least_permissions(path: Path, permissions: dict[str, dict[str, str]]) -> None:
    document = loaded(path)
    assert document["permissions"] == {}
    assert {name: job["permissions"] for name, job in document["jobs"].items()} == permissions
    checkouts = [
        step
        for job in document["jobs"]
        for step in steps(path, job)
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert checkouts
    assert {step["with"]["persist-credentials"] for step in checkouts} == {False}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_no_script_contains_what_others_can_name(path: Path) -> None:
    """An expression in a script is put in before the shell reads it, so a branch's name could be a command."""
    scripts = [step["run"] for job in loaded(path)["jobs"] for step in steps(path, job) if "run" in step]
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
    environment = {
        "PATH": os.environ["PATH"],
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "owner/name",
        "GITHUB_REF_NAME": "v1.0.0",
    }
    subprocess.run(["bash", "-ec", steps(RELEASE, "publish")[2]["run"]], cwd=tmp_path, env=environment, check=True)  # noqa: S607
    base = "https://github.com/owner/name/blob/v1.0.0"
    assert (
        tmp_path / "linked.md"
    ).read_text() == f"[a]({base}/docs/a.md#b), [c\nd]({base}/e.md) and [f](https://example.com/g).\n"
