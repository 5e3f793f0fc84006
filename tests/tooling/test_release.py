"""A release is made whole or not at all, in a repository of its own with real git and make."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import paths
from tools import package, release, release_files

GIT = shutil.which("git") or "git"
# What the checks do, `make VERSION=…` aside: they note the version that they see. `trip` is a target at which a file of
# that name makes something happen once.
MAKEFILE = """
trip = @if [ -e build/trip-$@ ]; then . build/trip-$@; fi
check test-all:
	@mkdir -p build
	@sed -n 's/^__version__ = //p' function/healthy_mailing/__init__.py | sed "s/^/$@ /" >> build/ran
	$(trip)
release-files:
	@mkdir -p build/release && cp terraform/modules/function/healthy-mailing.zip build/release/
	$(trip)
"""
CHANGELOG = """# Changelog

## Unreleased

### Added

- Something.

## 0.9.0 - 2025-01-31

- The first.
"""


@dataclass(frozen=True)
class Repository:
    """A small project with this one's scripts and functions."""

    folder: Path

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            [GIT, *arguments], cwd=self.folder, check=True, capture_output=True, encoding="utf-8"
        ).stdout.strip()

    def release(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tools.release", *arguments]
        return subprocess.run(command, cwd=self.folder, check=False, capture_output=True, encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def state(self) -> tuple[str, str, str]:
        """Return the last commit, what differs from it, and the tags."""
        return self.git("rev-parse", "HEAD"), self.git("status", "--porcelain"), self.git("tag", "--list")

    def versions(self, commit: str) -> set[str]:
        """Return every version that a commit's files say, the changelog aside."""
        pattern = r'^__version__ = "[0-9.]+|^  version: "[0-9.]+|[?]ref=v[0-9.]+'
        said = self.git("grep", "-hoIE", pattern, commit, "--", "function", "terraform", "README.md")
        return {re.split(r'[v"]', line)[-1] for line in said.splitlines()}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PYTHONPATH", "scripts")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.com")
    made = Repository(tmp_path / "project")
    for script in (package, release, release_files):
        source = Path(script.__file__ or "")
        made.write(f"scripts/tools/{source.name}", source.read_text(encoding="utf-8"))
    made.write("function/feedback.py", "def handler(): ...\n")
    made.write("function/healthy_mailing/__init__.py", '"""Package."""\n\n__version__ = "0.9.0"\n')
    made.write("terraform/modules/lookup/openapi.yaml", 'openapi: 3.1.0\ninfo:\n  version: "0.9.0"\n')
    made.write("README.md", 'source = "git::https://example.com/a.git//b?ref=v0.9.0" # and ?ref=v0.9.0\n')
    made.write("CHANGELOG.md", CHANGELOG)
    made.write("Makefile", MAKEFILE)
    made.write(".gitignore", "/build/\n__pycache__/\n")
    subprocess.run([sys.executable, "scripts/tools/package.py"], cwd=made.folder, check=True, capture_output=True)
    made.git("init", "--initial-branch=main")
    made.git("add", ".")
    made.git("commit", "--message=First")
    made.git("tag", "--annotate", "--message=0.9.0", "v0.9.0")
    return made


def assert_released(repository: Repository, number: str = "1.0.0") -> None:
    head, changed, _ = repository.state()
    assert changed == ""
    assert repository.git("rev-parse", f"v{number}^{{commit}}") == head
    assert repository.git("cat-file", "-t", f"v{number}") == "tag"
    assert repository.git("log", "-1", "--format=%s") == f"Release {number}"
    assert repository.git("rev-list", "--count", "v0.9.0..HEAD") == "1"
    assert repository.versions("HEAD") == {number}
    assert "### Added\n\n- Something." in repository.git("tag", "--list", "--format=%(contents)", f"v{number}")
    changelog = repository.read("CHANGELOG.md")
    assert re.search(rf"## Unreleased\n\n## {number} - \d{{4}}-\d\d-\d\d\n\n### Added\n\n- Something.", changelog)
    assert changelog.count("## ") - changelog.count("### ") == 3
    checked = subprocess.run(
        [sys.executable, "scripts/tools/package.py", "--check"], cwd=repository.folder, check=False, capture_output=True
    )
    assert checked.returncode == 0
    zipped = repository.folder / "terraform/modules/function/healthy-mailing.zip"
    assert (repository.folder / "build/release/healthy-mailing.zip").read_bytes() == zipped.read_bytes()


def test_a_release_is_one_commit_and_a_tag_of_what_was_checked(repository: Repository) -> None:
    ran = repository.release("1.0.0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("Publish it: git push origin main v1.0.0\n")
    assert_released(repository)
    assert repository.read("build/ran") == 'check "1.0.0"\ntest-all "1.0.0"\n'


def test_the_next_one_needs_changes_and_a_newer_version(repository: Repository) -> None:
    assert repository.release("1.0.0").returncode == 0
    before = repository.state()
    assert "nothing under `## Unreleased`" in repository.release("1.0.1").stderr
    assert "0.10.0 is older than 1.0.0" in repository.release("0.10.0").stderr
    assert repository.state() == before
    repository.write("CHANGELOG.md", repository.read("CHANGELOG.md").replace("eased\n", "eased\n\n- More.\n", 1))
    repository.git("commit", "--all", "--message=More")
    assert "1.0.0 is released already" in repository.release("1.0.0").stderr
    assert repository.release("1.0.1").returncode == 0
    assert repository.versions("v1.0.1") == {"1.0.1"}
    assert repository.versions("v1.0.0") == {"1.0.0"}


def test_a_version_that_the_sources_say_already_can_be_released_once(repository: Repository) -> None:
    """As before the first release, whose documents name it."""
    for name in ("function/healthy_mailing/__init__.py", "terraform/modules/lookup/openapi.yaml", "README.md"):
        repository.write(name, repository.read(name).replace("0.9.0", "1.0.0"))
    subprocess.run([sys.executable, "scripts/tools/package.py"], cwd=repository.folder, check=True, capture_output=True)
    repository.git("commit", "--all", "--message=Release 1.0.0 comes", "--amend")
    repository.git("tag", "--force", "v0.9.0")
    assert "0.9.1 is older than 1.0.0" in repository.release("0.9.1").stderr
    assert repository.release("1.0.0").returncode == 0
    assert_released(repository)


@pytest.mark.parametrize(
    "version",
    ["1.0", "v1.0.0", "1.0.0-rc.1", "1.0.0+build", "01.0.0", "1.0.0.0", "", "1.0.0\n", "\u0661.0.0", "latest"],
)
def test_another_form_of_version_is_refused(version: str) -> None:
    with pytest.raises(release_files.ReleaseError, match="is not a version of the form MAJOR"):
        release.parsed(version)


def test_versions_compare_by_their_numbers() -> None:
    listed = ["0.9.10", "0.10.0", "1.0.0", "1.0.2", "1.0.10", "1.1.0", "10.0.0"]
    assert sorted(sorted(listed), key=release.parsed) == listed != sorted(listed)


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        ("git switch --create=other", "this is branch other, and releases are made on main"),
        ("echo '?ref=v1.0.0' > README.md", "your changes of README.md"),
        ("sed -i.old s/Something/More/ CHANGELOG.md && rm CHANGELOG.md.old", "your changes of CHANGELOG.md"),
        ("echo mine > terraform/modules/function/healthy-mailing.zip", "your changes of terraform/modules/function/"),
        ("echo '?ref=v0.9.0' > new.md", "your changes of new.md"),
        ("echo '?ref=v0.9.0' > new.md && git add new.md", "your changes of new.md"),
        ("rm README.md", "your changes of README.md"),
    ],
)
def test_it_is_refused_and_nothing_is_touched(repository: Repository, prepare: str, problem: str) -> None:
    subprocess.run(["/bin/sh", "-c", prepare], cwd=repository.folder, check=True)
    before = repository.state(), repository.git("diff", "HEAD")
    ran = repository.release("1.0.0")
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: ")
    assert problem in ran.stderr
    assert (repository.state(), repository.git("diff", "HEAD")) == before
    assert not (repository.folder / "build").exists()


def test_a_dry_run_says_what_would_change_and_changes_nothing(repository: Repository) -> None:
    before = repository.state()
    ran = repository.release("1.0.0", "--dry-run")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert '+__version__ = "1.0.0"' in ran.stdout
    assert "+## 1.0.0 - " in ran.stdout
    assert "make check; make test-all; make release-files; commit `Release 1.0.0`; tag v1.0.0" in ran.stdout
    assert repository.state() == before
    assert not (repository.folder / "build").exists()


@pytest.mark.parametrize(
    ("target", "happens", "said"),
    [
        ("check", "exit 1\n", "failed, see above"),
        ("test-all", "exit 1\n", "failed, see above"),
        ("release-files", "exit 1\n", "failed, see above"),
        ("test-all", "echo x > stray\n", "not clean: commit, stash or remove your changes of stray"),
        ("release-files", "echo x >> .gitignore\n", "not clean: commit, stash or remove your changes of .gitignore"),
        ("test-all", "kill -INT $(ps -o ppid= -p $PPID)\n", "Interrupted."),  # of a recipe's shell, the release
    ],
    ids=["check fails", "tests fail", "files fail", "leaves a file", "changes a file", "Ctrl-C"],
)
def test_what_goes_wrong_before_the_commit_leaves_everything_as_it_was(
    repository: Repository, target: str, happens: str, said: str
) -> None:
    commit, _, tags = repository.state()
    repository.write(f"build/trip-{target}", happens)
    ran = repository.release("1.0.0")
    assert ran.returncode == 1
    assert said in ran.stderr
    (repository.folder / "stray").unlink(missing_ok=True)
    repository.git("restore", ".gitignore")
    assert repository.state() == (commit, "", tags)
    (repository.folder / f"build/trip-{target}").unlink()
    assert repository.release("1.0.0").returncode == 0
    assert_released(repository)


def test_what_somebody_writes_meanwhile_is_kept(repository: Repository) -> None:
    repository.write("build/trip-test-all", "echo mine >> README.md\n")
    assert "your changes of README.md" in repository.release("1.0.0").stderr
    assert repository.read("README.md").endswith("mine\n")
    assert repository.git("status", "--porcelain") == "M README.md"


@pytest.mark.parametrize("hook", ["pre-commit", "reference-transaction"])
def test_what_git_refuses_is_said_and_can_be_repaired(repository: Repository, hook: str) -> None:
    before = repository.state()
    path = repository.folder / ".git" / "hooks" / hook
    # The latter is asked about the tag too.
    path.write_text("#!/bin/sh\n[ $# = 0 ] || grep -q refs/tags/ || exit 0\necho not today >&2\nexit 1\n")
    path.chmod(0o755)
    ran = repository.release("1.0.0")
    assert ran.returncode == 1
    assert re.match(r"error: git (commit|tag) failed: .*not today", ran.stderr)
    assert repository.state() == before
    path.unlink()
    assert repository.release("1.0.0").returncode == 0
    assert_released(repository)


def test_package_api_and_modules_have_one_version() -> None:
    number = release_files.version()
    release.parsed(number)
    assert release.IN_SOURCES.findall(release_files.VERSION.read_text(encoding="utf-8")) == [number]
    assert release.IN_API.findall(release.API.read_text(encoding="utf-8")) == [number]
    documents = [*paths.ROOT.glob("*.md"), *(paths.ROOT / "docs").rglob("*.md"), *paths.TERRAFORM.rglob("*.md")]
    documents.extend(paths.TERRAFORM.rglob("*.tf"))
    called = {path: release.REF.findall(path.read_text(encoding="utf-8")) for path in documents}
    named = {path: set(found) for path, found in called.items() if found and path != release_files.CHANGELOG}
    assert set().union(*named.values()) == {number}
    modules = {path.name for path in (paths.TERRAFORM / "modules").iterdir()} - {"function"}  # which others call
    assert modules <= {path.parent.name for path in named}
