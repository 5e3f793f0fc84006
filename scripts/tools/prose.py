"""Find words that make the documents hard to read, by a short list; codespell finds what is misspelled.

    python scripts/prose.py [FILE…]

Without a file it reads everything that users read: the documents, the descriptions and errors of the Terraform modules,
the lookup API's document and the command line. Code in documents, in backticks or in a block, is left alone.
"""

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ_BY_USERS = ("*.md", "terraform/*.tf", "terraform/*.yaml", "scripts/healthy_mailing_cli/*.py")

# Files that are still to be rewritten. Take a file out when it passes by itself: python scripts/prose.py FILE
NOT_YET: frozenset[str] = frozenset()

LONGEST_CELL = 250
"""Characters of a table's cell, after which a reader wants a paragraph. Generated tables may have longer ones."""
_GENERATED = re.compile(r"<!-- written by .*?<!-- end of what .*?-->", re.DOTALL)
_CODE = re.compile(r"^( *)(```|~~~).*?^ *\2|``.+?``|`[^`]+`", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    """What not to write, and what to write instead. What the pattern's group ``fine`` matches is allowed."""

    pattern: str
    instead: str

    def found(self, text: str) -> Iterator[re.Match[str]]:
        """Give each place in a text, across the ends of lines, in comments too, and in any case."""
        for match in re.finditer(self.pattern.replace(" ", r"[\s#]+"), text, re.IGNORECASE):
            if not match.groupdict().get("fine"):
                yield match


RULES = (
    Rule(r"(?P<fine>there )?\b(?:is|are|was|were) no(?= \w)(?! (?:longer|more|less|better|one)\b)", "say `is not a`"),
    Rule(r"\banew\b", "say `again`"),
    Rule(r"\bwhoever\b", "say `anyone who`, or `you`"),
    Rule(r"\bto the last\b(?=[.,;:)])", "say `permanently`"),
    Rule(r"\bbe (?:it|they) (?:an?|the|by|in|on|of|from)\b", "say `whether`"),
    Rule(r"\ba text\b(?! (?:file|editor|message|part|version|field))|\btexts\b", "say `a string`, `text` or `strings`"),
    Rule(r"\bmend(?:s|ed|ing)?\b", "say `fix`"),
    Rule(r"\bfor ever\b", "say `forever`"),
    Rule(r"\butili[sz]e[sd]?\b", "say `use`"),
)


def problems(text: str, kind: str) -> Iterator[tuple[int, str]]:
    """Give the line of each problem in a text, counted from 1, and what it is; the kind is a file's suffix."""
    markdown, prose = kind == ".md", text
    if markdown:
        prose = _CODE.sub(lambda each: re.sub(r"[^\n]", "·", each[0]), text)
    elif kind == ".py":
        prose = strings(text)
    for rule in RULES:
        for match in rule.found(prose):
            words = " ".join(re.split(r"[\s#]+", match[0].strip()))
            yield prose.count("\n", 0, match.start()) + 1, f"`{words}`: {rule.instead}"
    if markdown:
        written = _GENERATED.sub(lambda each: re.sub(r"[^\n]", "", each[0]), text)
        for number, line in enumerate(written.splitlines(), 1):
            if line.startswith("|"):
                longest = max(len(cell.strip()) for cell in re.split(r"(?<!\\)\|", line))
                if longest > LONGEST_CELL:
                    yield (
                        number,
                        f"a table's cell of {longest} characters, more than {LONGEST_CELL}: make it a paragraph",
                    )


def strings(source: str) -> str:
    """Return a Python source with all but its strings left blank, line by line: no names, no comments."""
    lines = source.splitlines()
    kept = [[" "] * len(line) for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if tokenize.tok_name[token.type] in {"STRING", "FSTRING_MIDDLE"}:
            (first, start), (last, end) = token.start, token.end
            for row in range(first - 1, last):
                within = slice(start if row == first - 1 else 0, end if row == last - 1 else len(lines[row]))
                kept[row][within] = lines[row][within]
    # Until Python 3.12 a formatted string is one token, with the names in its braces.
    return re.sub(r"\{[^{}\n]*\}", lambda each: "·" * len(each[0]), "\n".join("".join(line) for line in kept))


def read_by_users() -> list[Path]:
    """Return the files that are checked without arguments."""
    command = ["git", "ls-files", "-z", *READ_BY_USERS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    # Terraform's own tests have words for developers alone.
    return [ROOT / name for name in listed if name and name not in NOT_YET and "/tests/" not in name]


def main() -> None:
    """Print each problem as FILE:LINE.

    Raises:
        SystemExit: there are some.
    """
    named = [Path(name) for name in sys.argv[1:]]
    found = 0
    for path in named or read_by_users():
        lines = sorted(problems(path.read_text(encoding="utf-8"), path.suffix))
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        for number, problem in lines:
            print(f"{name}:{number}: {problem}")
        found += len(lines)
    if found:
        sys.exit(f"error: {found} places are hard to read, see above. docs/contributing.md says how we write.")


if __name__ == "__main__":
    main()
