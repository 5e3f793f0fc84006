"""Print the mutants of a source file, one object of JSON a line; runs in cosmic-ray's own environment.

python -m mutants.generate FILE
"""

import ast
import difflib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast, is_number
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

_COMPARISON, _ARITHMETIC = "ReplaceComparisonOperator_", "ReplaceBinaryOperator_"

LEFT_OUT = {
    _COMPARISON
    + "(Is_Eq|IsNot_NotEq)": "what is compared with `is` here, None and enums' members, equals nothing else",
    _COMPARISON + "Is(Not)?_(Lt|Gt)E?": "that None and enums' members have an order nobody means",
    _COMPARISON + "(?!Is_|IsNot_).*_Is(Not)?": "whether equal values are identical is up to the interpreter",
    _ARITHMETIC + ".*_(Bit(And|Or|Xor)|[LR]Shift)": "nothing here is made of bits",
}
"""Operators whose mutants say nothing about the tests, as patterns of their names, each with the reason."""

_ORDER_FOR_EQUALITY = re.compile(_COMPARISON + "(Eq|NotEq)_(Lt|Gt)E?")
"""Operators for numbers only: all else that is compared for equality, names and sets, has an order nobody means."""

FOR_THE_READER = {"frozen", "slots", "kw_only"}
"""Arguments of ``@dataclass`` that change nothing that the program does: mypy sees to them, or they save memory."""


def main() -> None:
    """Print them."""
    source = Path(sys.argv[1]).read_text()
    for mutant in mutants(source):
        sys.stdout.write(json.dumps(mutant) + "\n")


def mutants(source: str) -> Iterator[dict[str, object]]:
    """Yield each different program that one operator makes of a source in one place."""
    nodes = list(ast_nodes(get_ast(source)))
    meaning, seen, alike = _meaning(source), {source}, Counter[tuple[str, str]]()
    for name in sorted(operator_names()):
        operator, short = get_operator(name), name.rpartition("/")[2]
        # Those with arguments would need names to insert.
        if operator.arguments() or any(re.fullmatch(each, short) for each in LEFT_OUT):
            continue
        places = [node for node in nodes for _ in operator().mutation_positions(node)]
        for number, node in enumerate(places):
            if _ORDER_FOR_EQUALITY.fullmatch(short) and not any(map(is_number, node.children)):
                continue
            mutated = mutate_code(source, operator(), number)
            if mutated in seen:
                continue
            seen.add(mutated)
            if _meaning(mutated) in {None, meaning}:
                continue
            first, last, lines = _change(source.splitlines(), mutated.splitlines())
            line = "\n".join(source.splitlines()[first:last]).strip()
            becomes = "\n".join(lines).strip()
            alike[line, becomes] += 1
            yield {
                "operator": short,
                "first": first,
                "last": last,
                "lines": lines,
                "line": line,
                "becomes": becomes,
                "occurrence": alike[line, becomes],
            }


def _change(before: list[str], after: list[str]) -> tuple[int, int, list[str]]:
    """Return which lines, counted from 0 and the end excluded, became which."""
    changes = [
        each
        for each in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        if each[0] != "equal"
    ]
    return changes[0][1], changes[-1][2], after[changes[0][3] : changes[-1][4]]


def _meaning(source: str) -> str | None:
    """Return what a source does, without its types and such; None if Python does not accept it."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef():
                node.returns = None
            case ast.arg():
                node.annotation = None
            case ast.AnnAssign():
                node.annotation = ast.Constant(None)
            case ast.arguments():
                # Where the caller may or must name an argument is mypy's to check too.
                node.args, node.posonlyargs, node.kwonlyargs = [*node.posonlyargs, *node.args, *node.kwonlyargs], [], []
                node.defaults, node.kw_defaults = [*node.defaults, *filter(None, node.kw_defaults)], []
            case ast.If() if "TYPE_CHECKING" in ast.dump(node.test):
                node.test, node.body = ast.Constant(None), []
            case ast.Call(func=ast.Name("dataclass")):
                node.keywords = [each for each in node.keywords if each.arg not in FOR_THE_READER]
    return ast.dump(tree)


if __name__ == "__main__":
    main()
