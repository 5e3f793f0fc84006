"""Check that each relative link in the documents leads to a file of this repository, and to a heading that is there.

    python scripts/links.py

Links to other sites are left alone: whether they work, only the network can tell.
"""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
_MARKDOWN = MarkdownIt("commonmark").enable("table")


def anchors(document: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a Markdown document, and those that its HTML sets."""
    found: set[str] = set()
    tokens = _MARKDOWN.parse(document)
    for opening, inline in itertools.pairwise(tokens):
        if opening.type != "heading_open":
            continue
        text = "".join(each.content for each in inline.children or () if each.type in {"text", "code_inline"})
        # As github-slugger does: letters of any script, digits, hyphens and underscores stay.
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        number, unique = 0, slug
        while unique in found:
            number += 1
            unique = f"{slug}-{number}"
        found.add(unique)
    return found | set(re.findall(r'<a (?:id|name)="([^"]+)"', document))


def links(document: str) -> Iterator[tuple[int, str]]:
    """Give the targets of all links and images in a Markdown document, with the line where their paragraph begins."""

    def inside(tokens: list[Token], line: int) -> Iterator[tuple[int, str]]:
        for token in tokens:
            here = token.map[0] + 1 if token.map else line
            for name in ("href", "src"):
                if name in token.attrs:
                    yield here, str(token.attrs[name])
            yield from inside(token.children or [], here)

    yield from inside(_MARKDOWN.parse(document), 1)


def broken(path: Path, tracked: set[Path]) -> Iterator[str]:
    """Give what is wrong with a document's links, as FILE:LINE: PROBLEM; they must lead to tracked files or folders."""
    for line, target in links(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
            continue
        name, _, anchor = target.partition("#")
        # Not resolved: a link through a symbolic link leads where its text says.
        other = Path(os.path.normpath(path.parent / unquote(name))) if name else path
        place = f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}:{line}"
        if other not in tracked:
            yield f"{place}: there is no {target.partition('#')[0]} in the repository"
        elif anchor and other.suffix == ".md" and anchor not in anchors(other.read_text(encoding="utf-8")):
            yield f"{place}: {name or path.name} has no heading for #{anchor}"


def files(root: Path = ROOT) -> set[Path]:
    """Return the files that git tracks under a folder, new ones included, and the folders that hold them."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    paths = {root / name for name in listed if name and (root / name).exists()}
    return paths | {folder for path in paths for folder in path.parents if folder.is_relative_to(root)}


def main() -> None:
    """Print each broken link.

    Raises:
        SystemExit: there are some.
    """
    tracked = files()
    found = [each for path in sorted(tracked) if path.suffix == ".md" for each in broken(path, tracked)]
    print("\n".join(found), end="\n" if found else "")
    if found:
        sys.exit(f"error: {len(found)} links lead nowhere, see above.")


if __name__ == "__main__":
    main()
