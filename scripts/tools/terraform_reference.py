"""Write the reference tables in the README.md of the Terraform root and of each module.

    python scripts/tools/terraform_reference.py [--check]

The tables of variables, outputs, resources, modules and requirements stand between two marker comments. A variable or
output is described by its description, an attribute of an object by the comment at the end of its line. A variable of
type ``any`` has the attributes that the modules declare to which it is passed on. With ``--check`` nothing is
written; the files that are stale are named, and the exit status is 1 if there are any.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parents[2]
START = "<!-- written by scripts/tools/terraform_reference.py from the .tf files -->"
END = "<!-- end of what scripts/tools/terraform_reference.py writes -->"
REQUIRED = "required"

# A line such as `name = type # comment`; a "#" in quotes begins no comment.
_ATTRIBUTE = re.compile(r'\s*(?P<name>\w+)\s*=\s*(?P<value>(?:[^"#]|"(?:\\.|[^"\\])*")*)(?:#\s*(?P<comment>.*))?')
_OBJECT = re.compile(r"object\((?P<attributes>.*)\)|(?P<collection>map|list|set)\(object\((?P<of_each>.*)\)\)")

_PASSED = re.compile(r"\$\{(?:var\.(?P<whole>[\w.]+)|lookup\(var\.(?P<object>\w+), \"(?P<attribute>\w+)\", null\))\}")

_OPTIONS = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False, preserve_heredocs=False)


@dataclass(frozen=True)
class Attribute:
    """A variable, or an attribute of its object type."""

    # As in the tables: ``rules.soft_bounce_limit``, or ``identities[*].create`` of each object in a collection.
    name: str
    type: str  # in HCL, with ``object`` for an object's type and ``map(object)`` for a map of them
    default: str  # in HCL, or ``required``
    description: str  # what the tables say of it; empty if nothing does
    attributes: tuple["Attribute", ...] = ()  # those of an object, or of each in a collection

    def tree(self) -> Iterator["Attribute"]:
        """Yield it, then all below it."""
        yield self
        for each in self.attributes:
            yield from each.tree()

    def renamed(self, name: str) -> "Attribute":
        """Return it under another name."""
        attributes = tuple(each.renamed(name + each.name.removeprefix(self.name)) for each in self.attributes)
        return replace(self, name=name, attributes=attributes)


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; list stale files and exit with 1")
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
        print(f"{name} is stale. Run scripts/tools/terraform_reference.py." if check else f"{name} is written.")
    return 1 if check and stale else 0


def stale_files(root: Path) -> dict[Path, str]:
    """Return each README.md of a root module and its ``modules/`` that is stale, with the text that it should have.

    Raises:
        ValueError: a README.md lacks the two markers, or an attribute a comment.
    """
    readmes = [root / "README.md", *sorted(root.glob("modules/*/README.md"))]
    texts = {readme: readme.read_text() for readme in readmes if readme.exists()}
    renewed = {readme: _renewed(readme, text) for readme, text in texts.items()}
    return {readme: text for readme, text in renewed.items() if text != texts[readme]}


def reference(folder: Path) -> str:
    """Return the tables of one module, in Markdown; those that have no rows are left out.

    Raises:
        ValueError: an attribute has no comment.
    """
    rows = [each for variable in variables(folder) for each in variable.tree()]
    undescribed = [each.name for each in rows if not each.description]
    if undescribed:
        raise ValueError(f"{folder}: add a comment at the end of the line of {', '.join(undescribed)}")
    resources: dict[str, list[str]] = {}
    for type_, each in blocks(folder, "resource"):
        resources.setdefault(type_, []).extend(f"`{json.loads(name)}`" for name in each)
    named = [(f"`{type_}`", ", ".join(sorted(names))) for type_, names in sorted(resources.items())]
    outputs = [(f"`{name}`", json.loads(body["description"])) for name, body in blocks(folder, "output")]
    sources = [(f"`{name}`", json.loads(body["source"])) for name, body in blocks(folder, "module")]
    tables = [
        _table("Variables", ("name", "type", "default", "description"), map(_cells, rows)),
        _table("Outputs", ("name", "description"), outputs),
        _table("Resources", ("type", "names"), named),
        _table("Modules", ("name", "source"), [(name, f"[`{source}`]({source})") for name, source in sources]),
        _table("Requirements", ("name", "version"), _requirements(folder)),
    ]
    return "\n\n".join(filter(None, tables))


def variables(folder: Path) -> list[Attribute]:
    """Return the variables of one module in the order of its files.

    Raises:
        ValueError: a variable is `any`, and is passed on to no module that declares its type.
    """
    comments = _comments("\n".join(file.read_text() for file in sorted(folder.glob("*.tf"))))
    found = [
        _attribute(
            name,
            body["type"],
            _hcl(body["default"]) if "default" in body else REQUIRED,
            {name: json.loads(body["description"])} | comments,
        )
        for name, body in blocks(folder, "variable")
    ]
    return [_typed(each, folder) if each.type == "any" else each for each in found]


def calls(folder: Path) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
    """Yield name, called folder and arguments of each call of a module."""
    for name, body in blocks(folder, "module"):
        yield name, (folder / body["source"].strip('"')).resolve(), body


def variable_in(value: object) -> str | None:
    """Return A.B of the expressions ``var.A.B`` and ``lookup(var.A, "B", null)``, None of any other."""
    match = _PASSED.fullmatch(str(value))
    if not match:
        return None
    whole: str | None = match["whole"]
    return whole or f"{match['object']}.{match['attribute']}"


def blocks(folder: Path, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield name and body of each block of a kind that has one label, such as ``variable`` or ``module``."""
    for file in sorted(folder.glob("*.tf")):
        for block in _loaded(file.read_text()).get(kind, []):
            ((name, body),) = block.items()
            yield json.loads(name), body


def _renewed(readme: Path, text: str) -> str:
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{readme} lacks a marker. Add these two lines where the tables belong:\n{START}\n{END}")
    return f"{before}{START}\n\n{reference(readme.parent)}\n\n{END}{after}"


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    lines = [columns, ("---",) * len(columns), *cells]
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) if cells else ""


def _requirements(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.glob("*.tf")):
        for block in _loaded(file.read_text()).get("terraform", []):
            yield "Terraform", f"`{json.loads(block['required_version'])}`"
            for provider in (each for providers in block["required_providers"] for each in providers.values()):
                yield f"`{json.loads(provider['source'])}`", f"`{json.loads(provider['version'])}`"


def _cells(row: Attribute) -> tuple[str, ...]:
    type_ = row.type if row.type == "object" else f"`{row.type}`"
    default = row.default if row.default == REQUIRED else f"`{row.default}`"
    return f"`{row.name}`", type_, default, row.description


def _typed(variable: Attribute, folder: Path) -> Attribute:
    """Give a variable of type `any` the attributes with which modules declare it, or each of its attributes."""
    parts = []
    for _, called, arguments in calls(folder):
        names = {argument: variable_in(value) or "" for argument, value in arguments.items()}
        passed_on = {argument for argument, name in names.items() if name.partition(".")[0] == variable.name}
        for declared in variables(called) if passed_on else ():
            name = names.get(declared.name)
            if name == variable.name:
                return replace(declared.renamed(name), default=variable.default, description=variable.description)
            if declared.name in passed_on:
                parts.append(declared.renamed(names[declared.name]))
    if not parts:
        raise ValueError(f"{folder}: no module that is called with {variable.name} declares its type")
    return replace(variable, type="object", attributes=tuple(parts))


def _attribute(name: str, type_: str, default: str, descriptions: Mapping[str, str]) -> Attribute:
    expression, description = _expression(type_), descriptions.get(name, "")
    match = _OBJECT.fullmatch(expression)
    if not match:
        return Attribute(name, expression, default, description)
    type_, prefix = (f"{match['collection']}(object)", f"{name}[*]") if match["collection"] else ("object", name)
    attributes = []
    for each, declared in _parsed(match["attributes"] or match["of_each"]).items():
        inner, default_of_it = declared, REQUIRED
        if optional := re.fullmatch(r"optional\((.*)\)", _expression(declared)):
            inner, *rest = _parsed(f"[{optional[1]}]")
            default_of_it = _hcl(rest[0]) if rest else "null"
        attributes.append(_attribute(f"{prefix}.{each}", inner, default_of_it, descriptions))
    return Attribute(name, type_, default, description, tuple(attributes))


def _comments(configuration: str) -> dict[str, str]:
    """Return the comment beside each attribute of variables' object types, by its name in the tables."""
    found: dict[str, str] = {}
    variable = ""
    inside: list[str] = []  # names of the objects that the line is in
    for line in configuration.splitlines():
        if line.startswith("variable "):
            variable = line.split('"')[1]
        elif inside and line.lstrip().startswith("})"):
            inside.pop()
        elif match := _ATTRIBUTE.fullmatch(line):
            name = f"{inside[-1]}.{match['name']}" if inside else variable
            value = match["value"].rstrip()
            if inside:
                found[name] = match["comment"] or ""
            if (inside or match["name"] == "type") and value.endswith("object({"):
                inside.append(f"{name}[*]" if re.search(r"(map|list|set)\(object\(\{$", value) else name)
    return found


def _parsed(value: str) -> Any:  # noqa: ANN401  (whatever the expression is)
    return _loaded(f"value = {value}\n")["value"]


@cache  # it takes longer than anything else here
def _loaded(configuration: str) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = hcl2.loads(configuration, serialization_options=_OPTIONS)
    return loaded


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


if __name__ == "__main__":
    sys.exit(main())
