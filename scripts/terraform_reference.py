"""Write the tables of variables and outputs in the README.md of the Terraform root and of each module.

    python scripts/terraform_reference.py [--check]

The tables stand between two marker comments. With ``--check`` nothing is written; the files that are stale are named,
and the exit status is 1 if there are any.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parent.parent
START = "<!-- written by scripts/terraform_reference.py from the .tf files -->"
END = "<!-- end of what scripts/terraform_reference.py writes -->"
REQUIRED = "required"

_OPTIONS = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False, preserve_heredocs=False)


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 naming the files that are stale")
    check = parser.parse_args().check
    try:
        stale = stale_files(ROOT / "terraform")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for readme, text in stale.items():
        if not check:
            readme.write_text(text)
        name = readme.relative_to(ROOT)
        print(f"{name} is stale: run scripts/terraform_reference.py." if check else f"{name} is written.")
    return 1 if check and stale else 0


def stale_files(root: Path) -> dict[Path, str]:
    """Return each README.md of a root module and its ``modules/`` that is stale, with the text that it should have.

    Raises:
        ValueError: a README.md lacks the two markers.
    """
    readmes = [root / "README.md", *sorted(root.glob("modules/*/README.md"))]
    texts = {readme: readme.read_text() for readme in readmes if readme.exists()}
    renewed = {readme: _renewed(readme, text) for readme, text in texts.items()}
    return {readme: text for readme, text in renewed.items() if text != texts[readme]}


def reference(folder: Path) -> str:
    """Return the tables of one module's variables and outputs, in Markdown."""
    parts = [_table("Variables", ("name", "type", "default", "description"), _variables(folder))]
    parts.append(_table("Outputs", ("name", "description"), _outputs(folder)))
    return "\n\n".join(parts)


def _renewed(readme: Path, text: str) -> str:
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{readme} lacks a marker: put these two lines where its tables belong:\n{START}\n{END}")
    return f"{before}{START}\n\n{reference(readme.parent)}\n\n{END}{after}"


def _table(title: str, columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _outputs(folder: Path) -> Iterator[tuple[str, str]]:
    for name, body in _blocks(folder, "output"):
        yield _code(name), _text(body["description"])


def _variables(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    for name, body in _blocks(folder, "variable"):
        default = _hcl(body["default"]) if "default" in body else REQUIRED
        first, *attributes = _types(name, body["type"], default)
        yield *first, _text(body["description"])
        for row in attributes:
            yield *row, ""


def _types(name: str, expression: str, default: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and default of a variable, and below an object's the same of each of its attributes."""
    expression = _expression(expression)
    attributes = re.fullmatch(r"object\((.*)\)", expression)
    yield _code(name), "object" if attributes else _code(expression), default if default == REQUIRED else _code(default)
    if not attributes:
        return
    for attribute, type_ in _parsed(attributes[1]).items():
        optional = re.fullmatch(r"optional\((.*)\)", _expression(type_))
        if optional:
            type_, *rest = _parsed(f"[{optional[1]}]")  # noqa: PLW2901  (what is optional, without saying so)
            yield from _types(f"{name}.{attribute}", type_, _hcl(rest[0]) if rest else "null")
        else:
            yield from _types(f"{name}.{attribute}", type_, REQUIRED)


def _blocks(folder: Path, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for file in sorted(folder.glob("*.tf")):
        for block in hcl2.loads(file.read_text(), serialization_options=_OPTIONS).get(kind, []):
            ((name, body),) = block.items()
            yield json.loads(name), body


def _parsed(value: str) -> Any:  # noqa: ANN401  (whatever the expression is)
    return hcl2.loads(f"value = {value}\n", serialization_options=_OPTIONS)["value"]


def _expression(value: str) -> str:
    """Return an expression without the ``${…}`` that hcl2 puts around all but the simplest."""
    return value.removeprefix("${").removesuffix("}") if value.startswith("${") else value


def _hcl(value: object) -> str:
    """Return a constant as HCL writes it; hcl2 leaves the quotes of strings on."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{key} = {_hcl(each)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_hcl, value))}]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return _expression(str(value))


def _text(quoted: str) -> str:
    """Return a description as the cell of a table."""
    return " ".join(json.loads(quoted).split()).replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
