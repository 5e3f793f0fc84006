"""Build the functions' zip, reproducibly: the same sources give the same bytes on any machine and date.

    python scripts/package.py [ZIP]

It holds ``function/`` and nothing else: boto3 comes with Lambda's Python runtime.
"""

import hashlib
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "function"
PACKAGE = ROOT / "build" / "healthy-mailing.zip"

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
_UNIX = 3  # "version made by" (PKWARE APPNOTE, 4.4.2), else it would tell the building machine's system
_MODE = 0o100644 << 16  # a regular file that everyone may read, as Lambda needs


def build(package: Path = PACKAGE, sources: Path = SOURCES) -> Path:
    """Write the zip of all Python files under ``sources`` and return its path."""
    package.parent.mkdir(parents=True, exist_ok=True)
    # Stored, not compressed: what deflate makes of the same input depends on the zlib that Python was built with.
    unfinished = package.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(sources.rglob("*.py"), key=lambda each: each.relative_to(sources).as_posix()):
            entry = zipfile.ZipInfo(path.relative_to(sources).as_posix(), _DATE)
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            # Line ends as in the repository, whatever git made of them here.
            archive.writestr(entry, path.read_bytes().replace(b"\r\n", b"\n"))
    return unfinished.replace(package)


def main() -> None:
    """Build the zip and print its path, size and SHA-256."""
    built = build(Path(sys.argv[1])) if len(sys.argv) > 1 else build()
    content = built.read_bytes()
    print(f"{built}  {len(content):,} bytes  sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
