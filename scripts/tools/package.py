"""Build the functions' zip, reproducibly: the same sources give the same bytes on any machine and date.

    python scripts/tools/package.py [ZIP]
    python scripts/tools/package.py --check

It holds the code of ``function/`` and nothing else: boto3 comes with Lambda's Python runtime. The zip is checked in
beside the module that deploys it, so that users of the modules have nothing to build; ``--check`` fails if it is out of
date.
"""

import argparse
import hashlib
import io
import os
import sys
import tokenize
import zipfile
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "function"
PACKAGE = ROOT / "terraform" / "modules" / "function" / "healthy-mailing.zip"

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
_UNIX = 3  # "version made by" (PKWARE APPNOTE, 4.4.2), else it would tell the building machine's system
_MODE = 0o100644 << 16  # a regular file that everyone may read, as Lambda needs

_BEFORE_STATEMENT = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def content(sources: Path = SOURCES) -> bytes:
    """Return the zip of all Python files under ``sources``."""
    # Stored, not compressed: what deflate makes of the same input depends on the zlib that Python was built with.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(sources.rglob("*.py"), key=lambda each: each.relative_to(sources).as_posix()):
            entry = zipfile.ZipInfo(path.relative_to(sources).as_posix(), _DATE)
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            archive.writestr(entry, bare(path.read_text(encoding="utf-8")))
    return buffer.getvalue()


def bare(source: str) -> str:
    """Return a module without comments and docstrings, which a cold start would read and compile for nothing.

    Each line keeps its place, so that tracebacks name the lines of the repository.
    """
    lines = source.splitlines()
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for token in tokens:
        if token.type == tokenize.COMMENT:
            line, column = token.start
            lines[line - 1] = lines[line - 1][:column].rstrip()
    before = tokenize.NEWLINE
    for token, after in pairwise(each for each in tokens if each.type not in {tokenize.COMMENT, tokenize.NL}):
        if token.type == tokenize.STRING and before in _BEFORE_STATEMENT and after.type == tokenize.NEWLINE:
            line, column = token.start
            # Not an empty string: in place of that, dataclasses compose one. Nor none: some blocks have nothing else.
            lines[line - 1 : token.end[0]] = [f'{lines[line - 1][:column]}"-"', *[""] * (token.end[0] - line)]
        before = token.type
    return "".join(f"{each}\n" for each in lines)


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
    """Build the zip and print its path, size and SHA-256; or exit with an error if the one that is there is stale."""
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
