"""Write the files of a release into build/release: the functions' zip, its checksums, bill of materials and notes.

    make release-files [TAG=v1.2.3]

With a tag, the version in the sources and the changelog must be the tag's. The zip is the one that is checked in, and
must be that of the sources. The bill of materials (CycloneDX 1.6, JSON) lists the zip, which holds this project's code
alone, and what the command line installs. It has no time and no serial number: the same packages give the same file.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools import package

ROOT = package.ROOT
FILES = ROOT / "build" / "release"
VERSION = ROOT / "function" / "healthy_mailing" / "__init__.py"
"""The one place of the version; the others are written from it (scripts/tools/release.py)."""
CHANGELOG = ROOT / "CHANGELOG.md"

_TOOLS = ROOT / "build" / "sbom" / "bin"
_SHIPPED = ROOT / "build" / "command-line" / "bin" / "python"
_VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(problem and f"it does not fit CycloneDX's schema: {problem}")
"""


class ReleaseError(Exception):
    """The release can't be made; the message says why and what to do."""


def version() -> str:
    """Return the project's version."""
    (found,) = re.findall(r'^__version__ = "(.+)"$', VERSION.read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def section(changelog: str, title: str) -> str | None:
    """Return what a changelog says under a heading of the second level, whose title may be followed by `` - DATE``."""
    found = re.search(rf"^## {re.escape(title)}(?: - \S+)?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else None


def write(tag: str | None = None, folder: Path = FILES) -> list[Path]:
    """Write the files and return their paths; of a run before, none is left.

    Raises:
        ReleaseError: the tag is not that of the version, the changelog lacks the version, the zip is not that of the
            sources, or the bill of materials can't be made.
    """
    number, changelog = version(), CHANGELOG.read_text(encoding="utf-8")
    notes = section(changelog, number)
    if tag is not None and (tag != f"v{number}" or not notes):
        raise ReleaseError(
            f"the tag {tag} is not of version {number} with its section in CHANGELOG.md: tag with `make release`"
        )
    if not package.is_current():
        raise ReleaseError("the zip that is checked in is not that of function/: run `make package` and commit it")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    archive = folder / f"healthy-mailing-{number}.zip"
    shutil.copyfile(package.PACKAGE, archive)
    bill = folder / f"healthy-mailing-{number}.cdx.json"
    bill.write_text(bill_of_materials(number, archive), encoding="utf-8")
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(f"{_digest(each)}  {each.name}\n" for each in (archive, bill)), encoding="utf-8")
    text = folder / "NOTES.md"
    text.write_text((notes or section(changelog, "Unreleased") or "") + "\n", encoding="utf-8")
    return [archive, bill, sums, text]


def bill_of_materials(number: str, archive: Path) -> str:
    """Return the bill of materials of a version and its zip, as JSON that fits CycloneDX's schema.

    Raises:
        ReleaseError: it can't be made.
    """
    command = [str(_TOOLS / "cyclonedx-py"), "environment", str(_SHIPPED)]
    listed = _run([*command, "--pyproject", "pyproject.toml", "--output-reproducible", "--spec-version", "1.6"])
    bill = json.dumps(completed(json.loads(listed), number, archive), indent=2) + "\n"
    validate(bill)
    return bill


def validate(bill: str) -> None:
    """Raise ``ReleaseError`` unless a bill of materials fits CycloneDX's schema."""
    _run([str(_TOOLS / "python"), "-c", _VALIDATE], bill)


def completed(document: dict[str, Any], number: str, archive: Path) -> dict[str, Any]:
    """Return a bill of materials with what the tool can't know: the version, and the zip, which needs no other part."""
    whole = document["metadata"]["component"]
    whole["version"] = number
    part = {
        "bom-ref": archive.name,
        "type": "file",
        "name": archive.name,
        "version": number,
        "description": "The Lambda functions. They use boto3 of AWS Lambda's Python runtime; no other code is in it.",
        "hashes": [{"alg": "SHA-256", "content": _digest(archive)}],
        "licenses": whole.get("licenses", []),
    }
    document["components"].append(part)
    document["dependencies"].append({"ref": archive.name})
    (needs,) = (each for each in document["dependencies"] if each["ref"] == whole["bom-ref"])
    needs["dependsOn"] = sorted([*needs.get("dependsOn", []), archive.name])
    return document


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(command: list[str], text: str = "") -> str:
    ran = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, encoding="utf-8", check=False)
    if ran.returncode:
        raise ReleaseError(f"the bill of materials can't be made: {ran.stderr.strip()}")
    return ran.stdout


def main() -> None:
    """Write the files and print their paths, or exit with the reason why they can't be written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tag", help="the tag that they are for")
    try:
        for path in write(parser.parse_args().tag):
            print(path.relative_to(ROOT))
    except ReleaseError as error:
        sys.exit(f"error: {error}.")


if __name__ == "__main__":
    main()
