"""The files of a release: the zip that is checked in, checksums that fit, a bill of materials, the notes."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from harness import paths
from tools import package, release_files
from tools.release_files import ReleaseError

CHANGELOG = """# Changelog

## Unreleased

- Next.

## 1.2.3 - 2026-01-31

### Added

- This.

## 1.2.30 - 2026-01-30

- Before.
"""
TOOL = paths.BUILD / "sbom" / "bin" / "cyclonedx-py"


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Unreleased", "- Next."),
        ("1.2.3", "### Added\n\n- This."),
        ("1.2.30", "- Before."),
        ("1.2", None),
        ("1x2x3", None),
        ("Added", None),
    ],
)
def test_a_section_of_the_changelog_ends_at_the_next(title: str, text: str | None) -> None:
    assert release_files.section(CHANGELOG, title) == text


@pytest.fixture
def changelog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "CHANGELOG.md"
    path.write_text(CHANGELOG.replace("1.2.3 ", f"{release_files.version()} "))
    monkeypatch.setattr(release_files, "CHANGELOG", path)
    monkeypatch.setattr(release_files, "bill_of_materials", lambda number, archive: f"{number} {archive.name}\n")
    return path


def test_each_file_is_named_after_the_version_and_has_its_checksum(changelog: Path, tmp_path: Path) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "healthy-mailing-0.0.1.zip").write_text("of a run before")
    number = release_files.version()
    written = release_files.write(f"v{number}", folder)
    assert sorted(folder.iterdir()) == sorted(written)
    archive, bill, sums, notes = written
    assert archive.read_bytes() == package.PACKAGE.read_bytes()
    assert (archive.name, bill.name) == (f"healthy-mailing-{number}.zip", f"healthy-mailing-{number}.cdx.json")
    digests = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in (archive, bill)}
    assert sums.read_text() == "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    assert notes.read_text() == "### Added\n\n- This.\n"
    assert changelog.read_text().count("- This.") == 1


def test_without_a_tag_the_notes_may_be_what_is_unreleased(changelog: Path, tmp_path: Path) -> None:
    changelog.write_text(CHANGELOG)
    *_, notes = release_files.write(folder=tmp_path / "release")
    assert notes.read_text() == "- Next.\n"


@pytest.mark.parametrize(
    ("tag", "heading", "problem"),
    [
        ("v9.9.9", "## ", r"the tag v9\.9\.9 is not of version"),
        (f"v{release_files.version()}", "## Not ", r"with its section in CHANGELOG\.md"),
    ],
    ids=["of another version", "without its section"],
)
def test_a_tag_that_does_not_fit_is_refused(
    changelog: Path, tmp_path: Path, tag: str, heading: str, problem: str
) -> None:
    changelog.write_text(changelog.read_text().replace("## ", heading))
    with pytest.raises(ReleaseError, match=problem):
        release_files.write(tag, tmp_path / "release")
    assert not (tmp_path / "release").exists()


@pytest.mark.usefixtures("changelog")
def test_a_zip_that_is_out_of_date_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "is_current", lambda: False)
    with pytest.raises(ReleaseError, match="run `make package`"):
        release_files.write(folder=tmp_path / "release")


def test_a_bill_of_materials_gets_the_version_and_the_zip(tmp_path: Path) -> None:
    archive = tmp_path / "healthy-mailing-1.2.3.zip"
    archive.write_text("zip")
    document: dict[str, Any] = {
        "metadata": {"component": {"bom-ref": "root", "name": "healthy-mailing"}},
        "components": [{"bom-ref": "boto3", "name": "boto3"}],
        "dependencies": [{"ref": "boto3"}, {"ref": "root", "dependsOn": ["boto3"]}],
    }
    bill = release_files.completed(document, "1.2.3", archive)
    assert bill["metadata"]["component"]["version"] == "1.2.3"
    assert [each["name"] for each in bill["components"]] == ["boto3", archive.name]
    assert bill["components"][1]["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"zip").hexdigest()}]
    assert {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]} == {
        "boto3": [],
        "root": ["boto3", archive.name],
        archive.name: [],
    }


@pytest.mark.skipif(not TOOL.exists(), reason="the bill of materials' tool is installed by `make release-files`")
def test_the_bill_of_materials_lists_what_is_locked_and_fits_its_schema(tmp_path: Path) -> None:
    archive = tmp_path / "healthy-mailing-1.2.3.zip"
    archive.write_text("zip")
    text = release_files.bill_of_materials("1.2.3", archive)
    assert text == release_files.bill_of_materials("1.2.3", archive)
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["licenses"][0]["license"]["id"] == "Apache-2.0"
    listed = {each["purl"].removeprefix("pkg:pypi/") for each in bill["components"] if "purl" in each}
    lock = (paths.ROOT / "requirements" / "command-line.txt").read_text().splitlines()
    locked = {line.split(" ")[0].replace("==", "@") for line in lock if "==" in line and " ; " not in line}
    assert locked <= listed
    asked = next(each for each in bill["dependencies"] if each["ref"] == "root-component")["dependsOn"]
    assert {each.partition("==")[0] for each in asked} >= {"boto3", "rich", "typer", archive.name}
    bill["metadata"]["component"]["type"] = "nonsense"
    with pytest.raises(ReleaseError, match="does not fit CycloneDX's schema"):
        release_files.validate(json.dumps(bill))
