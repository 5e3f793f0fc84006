"""Build the functions' zip, reproducibly: the same sources give the same bytes on any machine and date.

    python scripts/package.py [ZIP]
    python scripts/package.py --check

It holds ``function/`` and nothing else: boto3 comes with Lambda's Python runtime. The zip is checked in beside the
module that deploys it, so that users of the modules have nothing to build; ``--check`` fails if it is out of date.
"""

import argparse
import hashlib
import io
import os
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "function"
PACKAGE = ROOT / "terraform" / "modules" / "function" / "healthy-mailing.zip"

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
_UNIX = 3  # "version made by" (PKWARE APPNOTE, 4.4.2), else it would tell the building machine's system
_MODE = 0o100644 << 16  # a regular file that everyone may read, as Lambda needs


def content(sources: Path = SOURCES) -> bytes:
    """Return the zip of all Python files under ``sources``."""
    # Stored, not compressed: what deflate makes of the same input depends on the zlib that Python was built with.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(sources.rglob("*.py"), key=lambda each: each.relative_to(sources).as_posix()):
            entry = zipfile.ZipInfo(path.relative_to(sources).as_posix(), _DATE)
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            # Line ends as in the repository, whatever git made of them here.
            archive.writestr(entry, path.read_bytes().replace(b"\r\n", b"\n"))
    return buffer.getvalue()


def build(package: Path = PACKAGE, sources: Path = SOURCES) -> Path:
    """Write the zip of all Python files under ``sources`` and return its path."""
    package.parent.mkdir(parents=True, exist_ok=True)
    unfinished = package.with_suffix(".part")
    unfinished.write_bytes(content(sources))
    return unfinished.replace(package)


def is_current(package: Path = PACKAGE, sources: Path = SOURCES) -> bool:
    """Tell whether a zip is there and has the bytes that :func:`build` would write."""
    return package.is_file() and package.read_bytes() == content(sources)


def main() -> None:
    """Build the zip and print its path, size and SHA-256; or check the one that is there.

    Raises:
        SystemExit: it was checked, and is not that of the sources.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("zip", nargs="?", type=Path, default=PACKAGE, help="path of the zip (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the zip is out of date")
    arguments = parser.parse_args()
    if arguments.check:
        if not is_current(arguments.zip):
            path = os.path.relpath(arguments.zip)
            sys.exit(f"error: {path} is not the zip of function/: run `make package` and commit it.")
        return
    built = build(arguments.zip)
    size, digest = built.stat().st_size, hashlib.sha256(built.read_bytes()).hexdigest()
    print(f"{built}  {size:,} bytes  sha256 {digest}")


if __name__ == "__main__":
    main()
