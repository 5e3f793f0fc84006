"""Check that each relative link in the documents leads to a file of this repository, and to a heading that is there.

    python scripts/tools/links.py

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

_MARKDOWN = MarkdownIt("commonmark").enable("table")


def anchors(document: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a Markdown document, and those that its HTML sets."""
    found: set[str] = set()
    for opening, inline in itertools.pairwise(_MARKDOWN.parse(document)):
        if opening.type == "heading_open":
            text = "".join(each.content for each in inline.children or () if each.type in {"text", "code_inline"})
            # As github-slugger does: letters of any script, digits, hyphens and underscores stay.
            slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            numbered = (f"{slug}-{number}" for number in itertools.count(1))
            found.add(next(each for each in itertools.chain([slug], numbered) if each not in found))
    return found | set(re.findall(r'<a (?:id|name)="([^"]+)"', document))


def broken(path: Path, tracked: set[Path]) -> Iterator[str]:
    """Give what is wrong with a document's links, as LINE: PROBLEM; they must lead to tracked files or folders."""
    line = 0
    for token in _MARKDOWN.parse(path.read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else line
        for each in token.children or ():
            target = str(each.attrs.get("href") or each.attrs.get("src") or "//")
            if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
                continue
            name, _, anchor = target.partition("#")
            # Not resolved: a link through a symbolic link leads where its text says.
            other = Path(os.path.normpath(path.parent / unquote(name))) if name else path
            if other not in tracked:
                yield f"{line}: there is no {name} in the repository"
            elif anchor and other.suffix == ".md" and anchor not in anchors(other.read_text(encoding="utf-8")):
                yield f"{line}: {name or path.name} has no heading for #{anchor}"


def main() -> None:
    """Print each broken link, and exit with an error if there are some."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    paths = [Path(name) for name in listed if name and Path(name).exists()]
    tracked = {folder for path in paths for folder in (path, *path.parents)}
    found = [f"{path}:{each}" for path in paths if path.suffix == ".md" for each in broken(path, tracked)]
    if found:
        sys.exit("\n".join([*found, f"error: {len(found)} links lead nowhere, see above."]))


if __name__ == "__main__":
    main()
