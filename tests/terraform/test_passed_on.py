"""What one module passes on to another arrives whole.

Terraform drops attributes that an object's type does not have, and says nothing. So a variable of type ``any`` refuses
those that the module lacks to which it is passed on; where a variable has a type on both sides, both must declare the
same; and a module that takes ``module.feedback`` whole must ask for outputs that exist.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import paths
from tools import terraform_reference
from tools.terraform_reference import REQUIRED, Attribute, calls, variable_in

FEEDBACK = paths.TERRAFORM / "modules" / "feedback"
# Of these only names and types are compared: they require what their callers have defaults for.
INTERNAL = {"function", "settings"}


def declared(folder: Path) -> dict[str, Attribute]:
    """Return each variable, and each attribute of its type, by name."""
    return {each.name: each for variable in terraform_reference.variables(folder) for each in variable.tree()}


def passed_on(folder: Path) -> dict[str, list[str]]:
    """Return what differs in each argument of each call that passes a variable on, by ``CALL.ARGUMENT``."""
    found: dict[str, list[str]] = {}
    outer = declared(folder)
    for call, called, arguments in calls(folder):
        inner = declared(called)
        for argument, value in arguments.items():
            name = variable_in(str(value).replace("${module.settings.", "${var."))
            if name in outer and argument in inner:
                found[f"{call}.{argument}"] = [*differences(outer[name], inner[argument], called.name)]
                if called.name not in INTERNAL and outer[name].default != inner[argument].default:
                    found[f"{call}.{argument}"].append(f"{name} has another default than {argument} of {called.name}")
    return found


def all_differences(root: Path) -> list[str]:
    """Return what differs anywhere in the root, its modules and its examples, as ``CALL.ARGUMENT: DIFFERENCE``."""
    folders = [root, *sorted(root.glob("*/*"))]
    return [
        f"{argument}: {difference}"
        for folder in folders
        for argument, found in passed_on(folder).items()
        for difference in found
    ]


def differences(outer: Attribute, inner: Attribute, module: str) -> Iterator[str]:
    """Yield what differs between two types, attribute by attribute."""
    if outer.type != inner.type:
        yield f"{outer.name} has another type than {inner.name} of {module}"
    ours, theirs = ({each.name.rpartition(".")[2]: each for each in one.attributes} for one in (outer, inner))
    yield from (f"{inner.name} of {module} has no {name}" for name in ours if name not in theirs)
    yield from (
        f"{outer.name} has no {name}, which {inner.name} of {module} has" for name in theirs if name not in ours
    )
    for name in ours:
        if name in theirs:
            if module not in INTERNAL:
                for what in ("default", "description"):
                    if getattr(ours[name], what) != getattr(theirs[name], what):
                        yield f"{ours[name].name} has another {what} than {theirs[name].name} of {module}"
            elif theirs[name].default not in (REQUIRED, ours[name].default):
                yield f"{theirs[name].name} of {module} has a default of its own"
            yield from differences(ours[name], theirs[name], module)


def wrong_guards(folder: Path) -> Iterator[str]:
    """Yield the variables of type ``any`` that refuse what they have, or accept what they lack.

    One without a guard of its own must be passed on to a module whose variable has one.
    """
    types = declared(folder)
    for name, body in terraform_reference.blocks(folder, "variable"):
        if body["type"] != "any":
            continue
        attributes = [each.name.removeprefix(f"{name}.") for each in types[name].attributes]
        guards = re.findall(r"\[(\"[^]]*\")\]", json.dumps(body.get("validation", "")).replace('\\"', '"'))
        if guards:
            yield from (name for guard in guards if guard != ", ".join(f'"{each}"' for each in attributes))
        elif not any(
            f"${{var.{name}}}" in arguments.values() and name not in wrong_guards(called)
            for _, called, arguments in calls(folder)
        ):
            yield name


def missing_outputs(module: Path, taken: Attribute) -> Iterator[str]:
    """Yield what a variable that takes a module whole asks for in vain."""
    outputs = {name: body["value"] for name, body in terraform_reference.blocks(module, "output")}
    for attribute in taken.attributes:
        name = attribute.name.rpartition(".")[2]
        if name not in outputs:
            yield f"{module.name} has no output {name}"
            continue
        value = outputs[name]
        if (variable := variable_in(str(value).replace("module.settings.", "var."))) and attribute.attributes:
            yield from differences(declared(module)[variable], attribute, name)
        for each in attribute.attributes:
            if isinstance(value, dict) and (key := each.name.rpartition(".")[2]) not in value:
                yield f"the output {name} of {module.name} has no {key}"


def of_other_modules(value: Any) -> bool:
    """Return whether an argument is of outputs of other modules, or of whether a module is used."""
    if isinstance(value, dict):
        return all(map(of_other_modules, value.values()))
    return bool(re.match(r"\$\{((one\()?module\.|var\.\w+ != null\}$)", str(value)))


def test_both_sides_declare_the_same() -> None:
    assert all_differences(paths.TERRAFORM) == []


@pytest.mark.parametrize("folder", [".", "modules/feedback"])
def test_objects_of_any_type_refuse_what_they_lack(folder: str) -> None:
    assert list(wrong_guards(paths.TERRAFORM / folder)) == []


def test_the_root_passes_everything_on_and_all_of_it_is_compared() -> None:
    compared = passed_on(paths.TERRAFORM).keys()
    taken = set[str]()
    for call, called, arguments in calls(paths.TERRAFORM):
        variables = {each.name for each in terraform_reference.variables(called)}
        assert variables - arguments.keys() == set(), f"module {call} has variables that the root leaves out"
        taken |= {name for value in arguments.values() if (name := variable_in(value))}
        elsewhere = {name for name in variables if of_other_modules(arguments[name])}
        assert {f"{call}.{name}" for name in variables - elsewhere} == {
            argument for argument in compared if argument.startswith(f"{call}.")
        }
    for variable in terraform_reference.variables(paths.TERRAFORM):
        parts = {each.name for each in variable.attributes}
        assert variable.name in taken or (parts and parts <= taken), f"the root declares {variable.name} for nothing"


@pytest.mark.parametrize("module", ["feedback", "lookup", "changes"])
def test_what_module_function_gets_is_compared(module: str) -> None:
    passed = passed_on(paths.TERRAFORM / "modules" / module)
    assert passed.keys() >= {"function.package", "function.function", "function.tags"}


@pytest.mark.parametrize("module", ["lookup", "changes", "monitoring"])
def test_what_takes_module_feedback_whole_asks_for_outputs_that_exist(module: str) -> None:
    folder = paths.TERRAFORM / "modules" / module
    taken = declared(folder)["feedback"]
    assert list(missing_outputs(FEEDBACK, taken)) == []
    # The root hands over the whole, or each of these outputs under its name.
    names = [each.name.rpartition(".")[2] for each in taken.attributes]
    by_name = {name: f"${{module.feedback.{name}}}" for name in names}
    (given,) = [arguments["feedback"] for _, called, arguments in calls(paths.TERRAFORM) if called == folder]
    assert given in ("${module.feedback}", by_name)


@pytest.mark.parametrize("module", ["lookup", "changes"])
def test_what_takes_another_module_whole_asks_for_outputs_that_exist(module: str) -> None:
    folder = paths.TERRAFORM / "modules" / "monitoring"
    assert list(missing_outputs(paths.TERRAFORM / "modules" / module, declared(folder)[module])) == []


LEVEL = 'log_level               = optional(string, "INFO")'
TIMEOUT = "timeout_seconds         = number"
SETTINGS = "modules/feedback/settings"


def edited(to: Path, file: str, before: str, after: str) -> Path:
    """Return a copy of the configuration with an edit."""
    tree = Path(shutil.copytree(paths.TERRAFORM, to / "terraform", ignore=shutil.ignore_patterns(".terraform*")))
    assert before in (tree / file).read_text()
    (tree / file).write_text((tree / file).read_text().replace(before, after, 1))
    return tree


@pytest.mark.parametrize(
    ("folder", "before", "after", "difference"),
    [
        (
            ".",
            'default     = "queue"',
            'default     = "direct"',
            "delivery has another default than delivery of feedback",
        ),
        (".", "= map(string)", "= map(bool)", "tags has another type than tags of feedback"),
        (SETTINGS, LEVEL, f"extra = number # More.\n{LEVEL}", "function of function has no extra"),
        (SETTINGS, LEVEL, "", "function has no log_level, which function of function has"),
        ("modules/function", TIMEOUT, "timeout_seconds = optional(number, 3)", "of function has a default of its own"),
    ],
)
def test_a_difference_is_found(tmp_path: Path, folder: str, before: str, after: str, difference: str) -> None:
    tree = edited(tmp_path, f"{folder}/variables.tf", before, after)
    assert [each for each in all_differences(tree) if difference in each]


def test_a_wrong_guard_is_found(tmp_path: Path) -> None:
    tree = edited(tmp_path, "variables.tf", '["identities", "configuration_sets"]', '["identities"]')
    assert set(wrong_guards(tree)) == {"ses"}


def test_a_missing_output_is_found(tmp_path: Path) -> None:
    tree = edited(tmp_path, "modules/feedback/outputs.tf", "index       = module.settings.table.index", "")
    taken = declared(tree / "modules" / "lookup")["feedback"]
    found = list(missing_outputs(tree / "modules" / "feedback", taken))
    assert "the output table of feedback has no index" in found
