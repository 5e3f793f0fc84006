"""The shipped HCL against AWS provider 6.62.0, which is newer than the provider that runs in the tests.

``aws-6.62.0.schema.json`` holds, for the types that such a project may use, what ``terraform providers schema -json``
says of each attribute (``required``, ``optional``, ``computed``) and nested block; ``nesting_mode`` is ``single`` for
blocks that occur once. It does not say what is deprecated.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest

from harness import paths

FILE = Path(__file__).with_name("aws-6.62.0.schema.json")
SCHEMA: Mapping[str, Any] = json.loads(FILE.read_text())
FILES = sorted(path for path in paths.TERRAFORM.rglob("*.tf") if ".terraform" not in path.parts)

# Arguments and blocks that Terraform itself adds to every resource and data source.
META = {"count", "for_each", "depends_on", "provider", "lifecycle", "provisioner", "connection"}

# Deprecated by releases of provider 6: `name` by 6.0.0, `id` by 6.47.0 (hashicorp/terraform-provider-aws pull request
# 48036). So are `hash_key` and `range_key` of a table's index, which can't be avoided while provider 5 is supported.
DEPRECATED = {"data.aws_region": {"name", "id"}}

# Types that the file has no schema of: nothing of them is looked at here.
# `terraform validate` and the emulator do, with provider 5.
UNKNOWN = {
    "data.aws_dynamodb_table",
    "aws_cloudwatch_event_bus",
    "aws_cloudwatch_event_rule",
    "aws_cloudwatch_event_target",
    "aws_iam_openid_connect_provider",
    "aws_iam_policy",
    "aws_iam_role_policy_attachment",
    "aws_s3_bucket",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_sqs_queue_policy",
}

REFERENCE = re.compile(
    r"""(?<![\w.-])(?P<type>(?:data\.)?aws_\w+)\.[A-Za-z_][\w-]*  # a resource or data source
        (?P<path>(?:\[[^\[\]]*\]|\.[\w*-]+)*)                      # what is read of it""",
    re.VERBOSE,
)


def problems(configuration: str) -> Iterator[str]:
    """Yield what provider 6.62.0 would say against a configuration in HCL, as ``ADDRESS: sentence``."""
    document = hcl2.loads(configuration, serialization_options=hcl2.SerializationOptions(with_comments=False))
    for kind, prefix in (("resource", ""), ("data", "data.")):
        for block in document.get(kind, []):
            ((type_, named),) = block.items()
            ((name, body),) = named.items()
            type_, name = prefix + type_.strip('"'), name.strip('"')
            address = f"{type_}.{name}"
            if not type_.removeprefix("data.").startswith("aws_") or type_ in UNKNOWN:
                continue
            if (known := block_of(type_)) is None:
                yield f"{address}: {FILE.name} has no {type_}: copy it there from the provider's schema"
                continue
            arguments = {key: value for key, value in body.items() if key not in META}
            yield from (f"{address}: {problem}" for problem in problems_of_block(arguments, known))
    yield from problems_of_references(document)


def block_of(type_: str) -> Mapping[str, Any] | None:
    """Return what the file has of a type, such as ``aws_sns_topic`` or ``data.aws_region``."""
    kind = "data_source_schemas" if type_.startswith("data.") else "resource_schemas"
    found: Mapping[str, Any] | None = SCHEMA[kind].get(type_.removeprefix("data."), {}).get("block")
    return found


def problems_of_block(body: Mapping[str, Any], known: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the problems of one block's arguments and of the blocks in it; ``path`` says which block that is."""
    nested = blocks_in(body)
    arguments = {
        name for name, value in body.items() if name not in ("__is_block__", "dynamic") and not is_block(value)
    }
    attributes, block_types = known.get("attributes", {}), known.get("block_types", {})
    yield from (f"{path}{name} is no argument of provider 6.62.0" for name in sorted(arguments - attributes.keys()))
    yield from (f"{path}{name} is no block of provider 6.62.0" for name in sorted(nested.keys() - block_types.keys()))
    for name, attribute in attributes.items():
        if attribute.get("required") and name not in arguments:
            yield f"{path}{name} is required"
        if name in arguments and not attribute.get("required") and not attribute.get("optional"):
            yield f"{path}{name} is read-only"
    for name, block in block_types.items():
        bodies = nested.get(name, [])
        if block["required"] and not bodies:
            yield f"{path}{name} is required"
        if block["nesting_mode"] == "single" and len(bodies) > 1:
            yield f"{path}{name} may occur once only"
        for each in bodies:
            yield from problems_of_block(each, block["block"], f"{path}{name}.")


def blocks_in(body: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the bodies of the blocks directly in a body by name; a dynamic block counts as its content."""
    found = {name: list(value) for name, value in body.items() if name != "dynamic" and is_block(value)}
    for each in body.get("dynamic", []):
        ((quoted_name, generator),) = each.items()
        found.setdefault(quoted_name.strip('"'), []).extend(generator["content"])
    return found


def is_block(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) and "__is_block__" in each for each in value)


def problems_of_references(document: object) -> Iterator[str]:
    """Yield references, anywhere in a document, to what a resource or data source does not have."""
    for match in REFERENCE.finditer(json.dumps(document)):
        type_ = match["type"]
        known = block_of(type_)
        # Without a schema, problems() complains where it is declared.
        names: list[str] = re.findall(r"\.([A-Za-z_][\w-]*)", re.sub(r"\[[^\[\]]*\]", "", match["path"]))
        if known is None or not names:
            continue
        if names[0] in DEPRECATED.get(type_, set()):
            yield f"{match[0]}: {names[0]} of {type_} is deprecated"
        for name in names:
            if name not in known.get("attributes", {}) and name not in known.get("block_types", {}):
                yield f"{match[0]}: {type_} has no {name} in provider 6.62.0"
            if name not in known.get("block_types", {}):
                break  # a schema without types says nothing of what is inside an attribute
            known = known["block_types"][name]["block"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(paths.TERRAFORM)))
def test_provider_6_accepts_what_is_shipped(path: Path) -> None:
    assert list(problems(path.read_text())) == []


def test_what_is_left_out_is_used_and_has_no_schema() -> None:
    text = "\n".join(path.read_text() for path in FILES)
    kinds = re.findall(r'^(resource|data) "(aws_\w+)"', text, re.MULTILINE)
    assert {f"data.{type_}" if kind == "data" else type_ for kind, type_ in kinds} >= UNKNOWN
    assert list(filter(block_of, UNKNOWN)) == []


RIGHT = """
resource "aws_dynamodb_table" "this" {
  count    = 2
  name     = "mailing"
  hash_key = "UserId"

  dynamic "attribute" {
    for_each = ["UserId"]
    content {
      name = attribute.value
      type = "S"
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

data "aws_region" "current" {}

output "all" {
  value = {
    arn    = "ARN: ${aws_dynamodb_table.this[0].arn}"
    names  = join(",", aws_dynamodb_table.this[*].name)
    region = split(".", data.aws_region.current.endpoint)[1]
  }
}

resource "random_id" "other" {
  anything = true
}
"""


TABLE = "aws_dynamodb_table.this"
RECOVERY = "point_in_time_recovery"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("count    = 2", "size = 2", f"{TABLE}: size is no argument of provider 6.62.0"),
        ('name     = "mailing"', "", f"{TABLE}: name is required"),
        ("count    = 2", 'arn = "a"', f"{TABLE}: arn is read-only"),
        ("enabled = true", "", f"{TABLE}: {RECOVERY}.enabled is required"),
        ("enabled = true", "enabled = true\n days = 3", f"{TABLE}: {RECOVERY}.days is no argument of provider 6.62.0"),
        ('type = "S"', "", f"{TABLE}: attribute.type is required"),
        ('type = "S"', 'type = "S"\n size = 1', f"{TABLE}: attribute.size is no argument of provider 6.62.0"),
        ('dynamic "attribute"', 'dynamic "key"', f"{TABLE}: key is no block of provider 6.62.0"),
        (f"{RECOVERY} {{", "recovery {", f"{TABLE}: recovery is no block of provider 6.62.0"),
        (
            f"{RECOVERY} {{",
            f"{RECOVERY} {{\n enabled = false\n }}\n {RECOVERY} {{",
            f"{TABLE}: {RECOVERY} may occur once only",
        ),
        ("this[0].arn", "this[0].arm", f"{TABLE}[0].arm: aws_dynamodb_table has no arm in provider 6.62.0"),
        ("this[*].name", "this[*].nom", f"{TABLE}[*].nom: aws_dynamodb_table has no nom in provider 6.62.0"),
        (
            "this[*].name",
            "this[0].attribute[0].kind",
            f"{TABLE}[0].attribute[0].kind: aws_dynamodb_table has no kind in provider 6.62.0",
        ),
        (
            "current.endpoint",
            "current.end",
            "data.aws_region.current.end: data.aws_region has no end in provider 6.62.0",
        ),
        ("current.endpoint", "current.name", "data.aws_region.current.name: name of data.aws_region is deprecated"),
        ("current.endpoint", "current.id", "data.aws_region.current.id: id of data.aws_region is deprecated"),
        (
            'data "aws_region" "current" {}',
            'data "aws_zone" "current" {}',
            f"data.aws_zone.current: {FILE.name} has no data.aws_zone: copy it there from the provider's schema",
        ),
        (
            'resource "random_id" "other" {\n  anything = true\n}',
            'resource "aws_lambda_function" "other" {\n  function_name = "f"\n}',
            "aws_lambda_function.other: role is required",
        ),
    ],
)
def test_wrong_configuration_is_found(before: str, after: str, expected: str) -> None:
    assert before in RIGHT
    assert list(problems(RIGHT)) == []
    assert list(problems(RIGHT.replace(before, after, 1))) == [expected]


def test_a_required_block_that_is_missing_is_found() -> None:
    known = {"block_types": {"inner": {"nesting_mode": "list", "required": True, "block": {}}}}
    assert list(problems_of_block({}, known)) == ["inner is required"]
    assert list(problems_of_block({"inner": [{"__is_block__": True}]}, known)) == []
