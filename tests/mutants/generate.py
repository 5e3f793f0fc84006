"""Print the mutants of a source file, one object of JSON a line; runs in cosmic-ray's own environment.

python -m mutants.generate FILE
"""

import ast
import difflib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

LEFT_OUT = {
    "ReplaceComparisonOperator_Eq_Is": "whether equal strings are identical is up to the interpreter",
    "ReplaceComparisonOperator_NotEq_IsNot": "the same",
    "ReplaceComparisonOperator_Is_Eq": "what is compared with `is` here, None and enums' members, equals nothing else",
    "ReplaceComparisonOperator_IsNot_NotEq": "the same",
} | dict.fromkeys(
    (f"ReplaceComparisonOperator_{used}_{order}" for used in ("Is", "IsNot") for order in ("Lt", "LtE", "Gt", "GtE")),
    "that None and members of enums have an order nobody means",
)
"""Operators whose mutants say nothing about the tests, each with the reason."""

FOR_THE_READER = {"frozen", "slots"}
"""Arguments of ``@dataclass`` that change no behaviour: mypy sees to the one, the other saves memory."""


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
        operator = get_operator(name)
        if name.rpartition("/")[2] in LEFT_OUT or operator.arguments():  # those with arguments need names to insert
            continue
        places = [place for node in nodes for place in operator().mutation_positions(node)]
        for number in range(len(places)):
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
                "operator": name.rpartition("/")[2],
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
            case ast.Call(func=ast.Name("dataclass")):
                node.keywords = [each for each in node.keywords if each.arg not in FOR_THE_READER]
    return ast.dump(tree)


if __name__ == "__main__":
    main()
