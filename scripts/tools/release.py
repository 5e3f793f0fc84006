"""Make a release: check, write the version and the changelog's date, test, build the files, commit and tag.

    make release VERSION=1.2.3
    make release VERSION=1.2.3 RELEASE_ARGS=--dry-run

It pushes nothing. Until the commit, a failure or Ctrl-C puts everything back. After a kill, run it again: it goes on
from what it finds: the written files, the commit or the tag.
"""

import argparse
import datetime as dt
import difflib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools import package, release_files
from tools.release_files import CHANGELOG, ROOT, VERSION, ReleaseError

BRANCH = "main"
API = ROOT / "terraform" / "modules" / "lookup" / "openapi.yaml"
_NUMBER = r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
# How each place writes the version: in the sources, in the API's document, and where a module is called at a tag.
IN_SOURCES = re.compile(rf'(?<=^__version__ = "){_NUMBER}(?="$)', re.MULTILINE)
IN_API = re.compile(rf'(?<=^  version: "){_NUMBER}(?="$)', re.MULTILINE)
REF = re.compile(rf"(?<=\?ref=v){_NUMBER}")
_UNRELEASED = "## Unreleased\n"


def parsed(text: str) -> tuple[int, ...]:
    """Return the three numbers of a version, which compare as versions do.

    Raises:
        ReleaseError: it has another form than MAJOR.MINOR.PATCH of Semantic Versioning 2.0.0.
    """
    if not re.fullmatch(_NUMBER, text):
        # A pre-release is written in one way by Semantic Versioning and in another by Python (PEP 440).
        raise ReleaseError(
            f"{text!r} is not a version of the form MAJOR.MINOR.PATCH, such as 1.2.3: give one, without a suffix"
        )
    return tuple(int(each) for each in text.split("."))


def places() -> dict[Path, re.Pattern[str]]:
    """Return each committed file that holds the version, and the pattern that finds it there."""
    listed = git("grep", "--name-only", "-z", "-E", "[?]ref=v[0-9]", "HEAD", "--", "*.md", "*.tf").split("\0")
    called = {ROOT / name.removeprefix("HEAD:"): REF for name in listed if name}
    called.pop(CHANGELOG, None)  # which tells of releases that were
    return {VERSION: IN_SOURCES, API: IN_API, **called}


def dated(changelog: str, number: str, date: str) -> str:
    """Return a changelog whose unreleased changes are those of a version, below an empty section for the next.

    Raises:
        ReleaseError: it lists no unreleased change.
    """
    if not release_files.section(changelog, "Unreleased"):
        raise ReleaseError("CHANGELOG.md has nothing under `## Unreleased`: write there what changes for users")
    return changelog.replace(_UNRELEASED, f"{_UNRELEASED}\n## {number} - {date}\n", 1)


def planned(number: str, date: str) -> dict[Path, str]:
    """Return the new text of each file that a release changes, from the texts that are committed.

    Raises:
        ReleaseError: the changelog lists no unreleased change.
    """
    texts = {path: pattern.sub(number, committed(path)) for path, pattern in places().items()}
    texts[CHANGELOG] = dated(committed(CHANGELOG), number, date)
    return {path: text for path, text in texts.items() if text != committed(path)}


def is_committed(number: str) -> bool:
    """Tell whether the last commit is the release of a version, by what it holds."""
    return (
        release_files.section(committed(CHANGELOG), number) is not None
        and not release_files.section(committed(CHANGELOG), "Unreleased")
        and all(set(pattern.findall(committed(path))) <= {number} for path, pattern in places().items())
    )


def git(*arguments: str) -> str:
    """Run git on the project and return what it printed.

    Raises:
        ReleaseError: it failed; what it said is the message.
    """
    ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if ran.returncode:
        raise ReleaseError(f"git {arguments[0]} failed: {ran.stderr.strip() or ran.stdout.strip()}")
    return ran.stdout


def committed(path: Path) -> str:
    """Return a file's text in the last commit."""
    return git("show", f"HEAD:{path.relative_to(ROOT).as_posix()}")


def tags() -> dict[str, str]:
    """Return the commit of each version that is tagged."""
    listed = git("for-each-ref", "--format=%(refname:short) %(objectname) %(*objectname)", "refs/tags/v*")
    found = (line.split() for line in listed.splitlines())
    return {name[1:]: commits[-1] for name, *commits in found if re.fullmatch(f"v{_NUMBER}", name)}


def check(number: str) -> bool:
    """Make sure that a version can be released here, and tell whether it is already, from this commit.

    Raises:
        ReleaseError: it can't.
    """
    parsed(number)
    branch = git("rev-parse", "--abbrev-ref", "HEAD").strip()
    if branch != BRANCH:
        raise ReleaseError(f"this is branch {branch}, and releases are made on {BRANCH}: run `git switch {BRANCH}`")
    released = tags()
    if number in released:
        if released[number] != git("rev-parse", "HEAD").strip():
            raise ReleaseError(f"{number} is released already, from another commit: choose a newer version")
        return True
    newest = max(released, key=parsed, default=None)
    if newest and parsed(number) < parsed(newest):
        raise ReleaseError(f"{number} is older than {newest}, which is released: choose a newer version")
    if parsed(number) < parsed(release_files.version()):
        raise ReleaseError(
            f"{number} is older than {release_files.version()}, which the sources say: choose a newer version"
        )
    return False


def changed() -> set[Path]:
    """Return what differs from the last commit, files that git does not know included."""
    entries = git("status", "--porcelain", "--untracked-files=all", "--no-renames", "-z").split("\0")
    return {ROOT / entry[3:] for entry in entries if entry}


def refuse_changes(texts: Mapping[Path, str]) -> None:
    """Make sure that the tree is clean, apart from what a release that was killed has written.

    Raises:
        ReleaseError: it is not.
    """
    others = [path for path in changed() - {package.PACKAGE} if not _is_own(path, texts)]
    if package.PACKAGE in changed() and not package.is_current():
        others.append(package.PACKAGE)
    if others:
        names = ", ".join(sorted(str(path.relative_to(ROOT)) for path in others))
        raise ReleaseError(f"the tree is not clean: commit, stash or remove your changes of {names}")


def _is_own(path: Path, texts: Mapping[Path, str]) -> bool:
    """Tell whether a file is as a release writes it, on whatever day."""
    if path not in texts or not path.is_file():
        return False
    written = path.read_text(encoding="utf-8")
    return written == texts[path] or (path == CHANGELOG and _without_dates(written) == _without_dates(texts[path]))


def _without_dates(changelog: str) -> str:
    return re.sub(r"^(## \S+ - )\S+$", r"\1", changelog, flags=re.MULTILINE)


def put_back(texts: Mapping[Path, str]) -> None:
    """Restore what a release has written, from the last commit; a file that somebody changed meanwhile stays."""
    written = [path for path in texts if _is_own(path, texts)]
    if package.is_current():
        written.append(package.PACKAGE)
    if written:
        git("restore", "--", *(str(path.relative_to(ROOT)) for path in written))


def make(*targets: str) -> None:
    """Run targets of the Makefile, with what they print.

    Raises:
        ReleaseError: one failed.
    """
    # Not the variables of `make release`, which make would pass on to these.
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "VERSION"}}
    for target in targets:
        print(f"make {target}", flush=True)
        ran = subprocess.run(["make", "--no-print-directory", target], cwd=ROOT, env=environment, check=False)
        if ran.returncode:
            raise ReleaseError(f"`make {target}` failed, see above: repair that, then run it again")


def release(number: str, date: str) -> None:
    """Release a version, or finish its release.

    Raises:
        ReleaseError: it can't be released; until there is a commit, the tree is then as before.
    """
    done = check(number) or is_committed(number)
    texts = {} if done else planned(number, date)
    refuse_changes(texts)
    own = [str(path.relative_to(ROOT)) for path in (*texts, package.PACKAGE)]
    try:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8", newline="")
        package.build()
        if number not in tags():
            make("check", "test-all")
        make("release-files")
        refuse_changes(texts)
        if not done:
            git("commit", "--quiet", "--message", f"Release {number}", "--", *own)
    except BaseException:
        put_back(texts)
        raise
    if number not in tags():
        notes = release_files.section(committed(CHANGELOG), number)
        # Not the default clean-up, which takes the notes' headings for comments.
        git(
            "tag",
            "--annotate",
            "--cleanup=whitespace",
            "--message",
            f"Healthy Mailing {number}\n\n{notes}",
            f"v{number}",
        )
    print(f"Released {number}. Its files are in build/release. Publish it: git push origin {BRANCH} v{number}")


def describe(number: str, date: str) -> None:
    """Print what :func:`release` would do, and do nothing.

    Raises:
        ReleaseError: it would refuse.
    """
    tagged = check(number)
    done = tagged or is_committed(number)
    texts = {} if done else planned(number, date)
    refuse_changes(texts)
    for path, text in sorted(texts.items()):
        name = str(path.relative_to(ROOT))
        lines = difflib.unified_diff(committed(path).splitlines(), text.splitlines(), name, name, n=0, lineterm="")
        print("\n".join(lines))
    steps = [
        *([] if done else ["write the files above and the functions' zip"]),
        *([] if tagged else ["make check", "make test-all"]),
        "make release-files",
        *([] if done else [f"commit `Release {number}`"]),
        *([] if tagged else [f"tag v{number}"]),
    ]
    print(f"Dry run, nothing is changed. The release would: {'; '.join(steps)}.")


def main() -> None:
    """Release a version.

    Raises:
        SystemExit: it can't be released.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version", help="MAJOR.MINOR.PATCH")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")
    arguments = parser.parse_args()
    date = dt.datetime.now(dt.UTC).date().isoformat()
    try:
        (describe if arguments.dry_run else release)(arguments.version, date)
    except ReleaseError as error:
        sys.exit(f"error: {error}.")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Run it again: it goes on from here.")


if __name__ == "__main__":
    main()
