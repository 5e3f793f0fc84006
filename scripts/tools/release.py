"""Make a release: check, write the version and the changelog's date, test, build the files, commit and tag.

    make release VERSION=1.2.3
    make release VERSION=1.2.3 RELEASE_ARGS=--dry-run

It begins with a clean tree and pushes nothing. A failure or Ctrl-C puts everything back; after a kill, `git restore .`
does.
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


def check(number: str) -> None:
    """Raise ``ReleaseError`` unless a version can be released here."""
    parsed(number)
    branch = git("rev-parse", "--abbrev-ref", "HEAD").strip()
    if branch != BRANCH:
        raise ReleaseError(f"this is branch {branch}, and releases are made on {BRANCH}: run `git switch {BRANCH}`")
    refuse_changes({})
    released = [tag.removeprefix("v") for tag in git("tag", "--list", "v*").split() if re.fullmatch(f"v{_NUMBER}", tag)]
    if number in released:
        raise ReleaseError(f"{number} is released already: choose a newer version")
    newest = max([*released, release_files.version()], key=parsed)
    if parsed(number) < parsed(newest):
        raise ReleaseError(f"{number} is older than {newest}, which the sources or a tag have: choose a newer version")


def planned(number: str, date: str) -> dict[Path, str]:
    """Return the new text of each file that a release changes.

    Raises:
        ReleaseError: the changelog lists no unreleased change.
    """
    changelog = CHANGELOG.read_text(encoding="utf-8")
    if not release_files.section(changelog, "Unreleased"):
        raise ReleaseError("CHANGELOG.md has nothing under `## Unreleased`: write there what changes for users")
    called = git("grep", "--name-only", "-z", "-E", "[?]ref=v[0-9]", "--", "*.md", "*.tf").split("\0")
    places = {VERSION: IN_SOURCES, API: IN_API, **{ROOT / name: REF for name in called if name}}
    texts = {path: pattern.sub(number, path.read_text(encoding="utf-8")) for path, pattern in places.items()}
    # The changelog tells of releases that were.
    texts[CHANGELOG] = changelog.replace(_UNRELEASED, f"{_UNRELEASED}\n## {number} - {date}\n", 1)
    return {path: text for path, text in texts.items() if text != path.read_text(encoding="utf-8")}


def git(*arguments: str) -> str:
    """Run git on the project and return what it printed; if it fails, raise ``ReleaseError`` with what it said."""
    ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if ran.returncode:
        raise ReleaseError(f"git {arguments[0]} failed: {ran.stderr.strip() or ran.stdout.strip()}")
    return ran.stdout


def refuse_changes(texts: Mapping[Path, str]) -> None:
    """Make sure that nothing differs from the last commit, new files included, but what a release has written.

    Raises:
        ReleaseError: something does.
    """
    entries = git("status", "--porcelain", "--untracked-files=all", "--no-renames", "-z").split("\0")
    if others := {ROOT / entry[3:] for entry in entries if entry} - _written(texts):
        names = ", ".join(sorted(str(path.relative_to(ROOT)) for path in others))
        raise ReleaseError(f"the tree is not clean: commit, stash or remove your changes of {names}")


def _written(texts: Mapping[Path, str]) -> set[Path]:
    """Return the files that are as the release has written them, its zip included."""
    same = {path for path, text in texts.items() if path.is_file() and path.read_text(encoding="utf-8") == text}
    return same | ({package.PACKAGE} if texts and package.is_current() else set())


def make(*targets: str) -> None:
    """Run targets of the Makefile, with what they print; raise ``ReleaseError`` if one fails."""
    # Not the variables of `make release`, which make would pass on to these.
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "VERSION"}}
    for target in targets:
        print(f"make {target}", flush=True)
        ran = subprocess.run(["make", "--no-print-directory", target], cwd=ROOT, env=environment, check=False)
        if ran.returncode:
            raise ReleaseError(f"`make {target}` failed, see above: repair that, then run it again")


def release(number: str, texts: Mapping[Path, str]) -> None:
    """Write the files of a version, check, test, commit and tag them.

    Raises:
        ReleaseError: something failed; the tree is then as before.
    """
    title = f"Healthy Mailing {number}\n\n{release_files.section(texts[CHANGELOG], number)}"
    try:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8", newline="")
        package.build()
        make("check", "test-all", "release-files")
        refuse_changes(texts)
        git("commit", "--quiet", "--message", f"Release {number}", "--", *map(str, (*texts, package.PACKAGE)))
        try:
            # Not the default clean-up, which takes the notes' headings for comments.
            git("tag", "--annotate", "--cleanup=whitespace", "--message", title, f"v{number}")
        except BaseException:
            git("reset", "--quiet", "HEAD^")
            raise
    except BaseException:
        # What somebody changed meanwhile stays.
        git("restore", "--", *map(str, _written(texts)))
        raise
    print(f"Released {number}. Its files are in build/release. Publish it: git push origin {BRANCH} v{number}")


def describe(number: str, texts: Mapping[Path, str]) -> None:
    """Print what :func:`release` would do."""
    for path, text in sorted(texts.items()):
        name = str(path.relative_to(ROOT))
        before = path.read_text(encoding="utf-8").splitlines()
        print("\n".join(difflib.unified_diff(before, text.splitlines(), name, name, n=0, lineterm="")))
    print(
        "Dry run, nothing is changed. The release would: write the files above and the functions' zip; make check; "
        f"make test-all; make release-files; commit `Release {number}`; tag v{number}."
    )


def main() -> None:
    """Release a version, or exit with the reason why that can't be done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version", help="MAJOR.MINOR.PATCH")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")
    arguments = parser.parse_args()
    try:
        check(arguments.version)
        texts = planned(arguments.version, dt.datetime.now(dt.UTC).date().isoformat())
        (describe if arguments.dry_run else release)(arguments.version, texts)
    except ReleaseError as error:
        sys.exit(f"error: {error}.")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Nothing is released, and the tree is as before.")


if __name__ == "__main__":
    main()
