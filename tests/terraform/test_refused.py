"""The values that the modules' variables refuse, each by the rule that is meant for it.

A run of ``terraform test`` that expects a variable to fail does not tell which of its rules failed, so it can hold only
one wrong value of each variable, and it plans the whole module. Here one plan holds a call for each value, and its
errors name the call and the rule. The called modules are nothing but their variables, so the plan needs no provider.

The nearest values that are accepted are in the modules' ``tests/variables.tftest.hcl``.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import paths
from tools import terraform_reference

from .conftest import Tree

pytestmark = pytest.mark.xdist_group("terraform")

MODULES = paths.TERRAFORM / "modules"

AWS = "arn:aws:{}:eu-west-1:123456789012:{}"
TABLE = {"name": "mailing", "arn": AWS.format("dynamodb", "table/mailing")}
STREAMING = {**TABLE, "stream_arn": AWS.format("dynamodb", "table/mailing/stream/2026-03-10T12:00:00.000")}
# As module feedback passes it on: module function has no defaults of its own.
FUNCTION: dict[str, Any] = {
    attribute.name.removeprefix("function."): json.loads(attribute.default)
    for variable in terraform_reference.variables(MODULES / "feedback" / "settings")
    for attribute in variable.attributes
    if variable.name == "function"
}
WATCHED = {
    "function_name": "mailing-feedback",
    "log_group_name": "/aws/lambda/mailing-feedback",
    "dead_letter_queue_name": "mailing-feedback-dead-letter",
}
API = {"api_name": "mailing-lookup", "stage_name": "v1", "function_name": "mailing-lookup", "log_group_name": "/lookup"}
S3 = {"bucket": "b", "key": "k"}

REQUIRED: dict[str, dict[str, Any]] = {
    "changes": {"feedback": {"table": STREAMING}},
    "function": {
        "name": "mailing-feedback",
        "description": "Merges feedback.",
        "handler": "feedback.handler",
        "environment": {},
        "policy": "{}",
        "function": FUNCTION,
    },
    "lookup": {"feedback": {"table": TABLE, "rules": {}}},
    "monitoring": {"feedback": WATCHED},
    "ses": {"topic_arn": AWS.format("sns", "mailing-feedback")},
}
"""What a call must have beside the value in question."""


def function(**settings: Any) -> dict[str, Any]:
    return {"function": {**FUNCTION, **settings}}


def lookup(*, table: Mapping[str, Any] = {}, **others: Any) -> dict[str, Any]:
    return {"feedback": {"table": {**TABLE, **table}, "rules": {}, **others}}


def changes(*, table: Mapping[str, Any] = {}, **others: Any) -> dict[str, Any]:
    return {"feedback": {"table": {**STREAMING, **table}, **others}}


def watched(**names: str) -> dict[str, Any]:
    return {"feedback": {**WATCHED, **names}}


# By module and by the beginning of the rule's error: the calls that only this rule refuses.
REFUSED: dict[str, dict[str, list[dict[str, Any]]]] = {
    "changes": {
        "The name must be 3 to 54": [{"name": "a-name-that-with-its-ending-is-longer-than-a-function-may-be"}],
        "The table's arn must be": [changes(table={"name": "people"})],
        "The table has no stream.": [changes(table={"stream_arn": None})],
        "The kms_key_arn must be": [changes(kms_key_arn="alias/aws/sqs")],
        "Set bus.arn (for an existing bus) or bus.create = true": [
            {"bus": {"arn": AWS.format("events", "event-bus/company"), "create": True}},
            {"bus": {"arm": AWS.format("events", "event-bus/company")}},
        ],
        "The bus.arn must be": [{"bus": {"arn": "company"}}],
        "The batch_size must be": [{"stream": {"batch_size": value}} for value in (0, 10001, 1.5)],
        "The batching_window_seconds must be": [
            {"stream": {"batching_window_seconds": value}} for value in (-1, 301, 0.5)
        ],
        "The parallelization_factor must be": [{"stream": {"parallelization_factor": value}} for value in (0, 11, 1.5)],
        "The maximum_record_age_seconds must be": [
            # 86400 is all the time that the stream keeps a change.
            {"stream": {"maximum_record_age_seconds": value}}
            for value in (59, 72001, 86400, 60.5)
        ],
        "The maximum_retry_attempts must be": [
            {"stream": {"maximum_retry_attempts": value}} for value in (-2, 10001, 0.5)
        ],
    },
    "deployer": {
        "The name must be 3 to 54": [{"name": "-mailing"}],
        "Each of modules must be": [{"modules": ["unsubscribe"]}, {"modules": ["lookup", "Changes"]}],
        "Each of names must be": [{"names": {"table": "*"}}, {"names": {"roles": ["mailing-feedback", "*"]}}],
        "The names.roles must be": [{"names": {"roles": []}}],
        "The permissions_boundary must be": [{"permissions_boundary": value} for value in ("mailing-boundary", "None")],
        "The role_path must": [{"role_path": "/teams"}, {"role_path": f"/{'a' * 511}/"}],
        "The kms_key_arn must be": [{"kms_key_arn": "alias/aws/sns"}],
        "The bus_arn must be": [{"bus_arn": "company"}],
        "The package_bucket must be": [
            {"package_bucket": value} for value in ("s3://packages", "packages/*", "packages/mailing/")
        ],
        "The code_signing_config_arn must be": [{"function": {"code_signing_config_arn": "csc-0123456789abcdef0"}}],
    },
    "feedback": {
        "The name must be 3 to 54": [{"name": "ab"}, {"name": "a" * 55}, {"name": "a.b.c"}, {"name": "-abc"}],
        "The delivery must be": [{"delivery": "http"}],
        "Unknown attributes in package: paths.": [{"package": {"paths": "a.zip"}}],
        "Unknown attributes in rules: soft_bounces_limit.": [
            {"rules": {"soft_bounces_limit": 3}},
            {"rules": {"soft_bounce_limit": 3, "soft_bounces_limit": 3}},
        ],
        "Unknown attributes in function: permission_boundary.": [{"function": {"permission_boundary": None}}],
        "Unknown attributes in queue: enable.": [{"queue": {"enable": False}}],
        "Unknown attributes in table: exist, names.": [{"table": {"names": "a", "exist": "b", "index": True}}],
        "Unknown attributes in topic: exist.": [{"topic": {"exist": {"arn": AWS.format("sns", "feedback")}}}],
        "The soft_bounce_limit must be": [{"rules": {"soft_bounce_limit": value}} for value in (0, 17, 1.5)],
        "The soft_bounce_window_days must be": [
            {"rules": {"soft_bounce_window_days": value}} for value in (0, 3651, 1.5)
        ],
        "The delivery_refresh_days must be": [{"rules": {"delivery_refresh_days": value}} for value in (0, 366, 1.5)],
        "The queue.name and queue.dead_letter_name must be": [
            {"queue": {"name": "feedback.fifo"}},
            {"queue": {"dead_letter_name": "feedback.fifo"}},
        ],
        "The batch_size must be": [{"queue": {"batch_size": value}} for value in (0, 10001, 1.5)],
        "The batching_window_seconds must be": [
            {"queue": {"batching_window_seconds": -1}},
            {"queue": {"batching_window_seconds": 301}},
            {"queue": {"batch_size": 11, "batching_window_seconds": 0}},
        ],
        "The max_receive_count must be": [{"queue": {"max_receive_count": value}} for value in (0, 1001, 1.5)],
        "The maximum_concurrency must be": [{"queue": {"maximum_concurrency": value}} for value in (1, 1001, 2.5)],
        "The table's name must be": [
            {"table": {"name": "ab"}},
            {"table": {"name": "a" * 256}},
            {"table": {"name": "a/b/c"}},
            {"table": {"existing": "ab"}},
        ],
        "The expire_days must be": [{"table": {"expire_days": value}} for value in (29, 3651, 30.5)],
        "Set table.name (for a new table) or table.existing": [
            {"table": {"existing": "recipients", "name": "recipients"}}
        ],
        "The topic.name must be": [{"topic": {"name": "feedback.fifo"}}],
        "The topic.existing.arn must be": [{"topic": {"existing": {"arn": "ses-notifications"}}}],
        "Each of additional_topic_arns must be": [{"additional_topic_arns": ["feedback"]}],
        "The kms_key_arn must be": [
            {"kms_key_arn": "alias/aws/sns"},
            {"kms_key_arn": AWS.format("kms", "alias/aws/sns")},
            {"kms_key_arn": "11111111-2222-3333-4444-555555555555"},
        ],
        "Each of ses_source_arns must be": [{"ses_source_arns": ["*"]}, {"ses_source_arns": ["arn:aws:s3:::bucket"]}],
    },
    "function": {
        "Set package.path or package.s3": [{"package": {"path": "a.zip", "s3": {**S3, "object_version": "v7"}}}],
        "Set object_version or source_code_hash": [{"package": {"s3": S3}}],
        "The memory_megabytes must be": [function(memory_megabytes=value) for value in (127, 10241, 128.5)],
        "The timeout_seconds must be": [function(timeout_seconds=value) for value in (2, 901, 3.5)],
        "The reserved_concurrency must be": [function(reserved_concurrency=value) for value in (-1, 1.5)],
        "The architecture must be": [function(architecture="riscv")],
        "The log_level must be": [function(log_level="TRACE"), function(log_level="info")],
        "The log_retention_days must be": [function(log_retention_days=2)],
        "The permissions_boundary must be": [
            function(permissions_boundary="arn:aws:iam::123456789012:role/boundary"),
            function(permissions_boundary=""),
        ],
        "The role_name must": [function(role_name=value) for value in ("a" * 65, "mail/reader")],
        "The role_path must": [function(role_path=value) for value in ("/team", "team/", f"/{'a' * 511}/")],
        "The code_signing_config_arn must be": [function(code_signing_config_arn="csc-0f6c334abcdea4d8b")],
        "The vpc.subnet_ids must": [
            function(vpc={"subnet_ids": value, "security_group_ids": ["sg-0c"]})
            for value in ([], [AWS.format("ec2", "subnet/subnet-0a")])
        ],
        "The vpc.security_group_ids must": [
            function(vpc={"subnet_ids": ["subnet-0a"], "security_group_ids": value}) for value in ([], ["subnet-0a"])
        ],
    },
    "lookup": {
        "The name must be 3 to 54": [{"name": "ab"}, {"name": "a.b.c"}],
        "The table's arn must be": [
            lookup(table={"arn": AWS.format("sqs", "mailing")}),
            lookup(table={"arn": AWS.format("dynamodb", "table/other")}),
            lookup(table={"arn": AWS.format("dynamodb", "table/mailing/index/a")}),
        ],
        "The lookup API needs the table's index.": [lookup(table={"index": False})],
        "The rules must be": [
            lookup(rules={"soft_bounce_limit": 17}),
            lookup(rules={"soft_bounce_window_days": 0}),
            lookup(rules={"delivery_refresh_days": 0.5}),
        ],
        "The table's expire_days must be": [lookup(table={"expire_days": value}) for value in (29, 3651, 30.5)],
        "The kms_key_arn must be": [lookup(kms_key_arn="alias/aws/dynamodb")],
        "The timeout_seconds must be": [{"function": {"timeout_seconds": value}} for value in (2, 30)],
        "The requests_per_second must be": [{"throttling": {"requests_per_second": 0}}],
        "The burst must be": [{"throttling": {"burst": value}} for value in (0, 1.5)],
        "Each of callers must be": [
            {"callers": [value]} for value in ("*", "lambda.amazonaws.com", "arn:aws:iam:::role/sender")
        ],
    },
    "monitoring": {
        "The name must be 3 to 54": [{"name": "ab"}],
        "Use the names of a Lambda function and a log group in feedback": [
            watched(function_name=AWS.format("lambda", "function:mailing-feedback")),
            watched(log_group_name=AWS.format("logs", "log-group:/aws/lambda/mailing-feedback")),
        ],
        "Use the names of SQS queues in feedback": [
            watched(dead_letter_queue_name="https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letter"),
            watched(queue_name=AWS.format("sqs", "mailing-feedback")),
        ],
        "The alarm_topic_arn must be": [
            {"alarm_topic_arn": "on-call"},
            {"alarm_topic_arn": AWS.format("sns", "on-call.fifo")},
        ],
        "The urgent_alarm_topic_arn must be": [{"urgent_alarm_topic_arn": "on-call"}],
        "Use the names of a Lambda function and a log group in lookup": [
            {"lookup": {**API, "function_name": AWS.format("lambda", "function:mailing-lookup")}},
            {"lookup": {**API, "log_group_name": AWS.format("logs", "log-group:/lookup")}},
        ],
        "Use the names of a Lambda function, a log group and an SQS queue in changes": [
            {"changes": {**WATCHED, "function_name": AWS.format("lambda", "function:mailing-changes")}},
            {"changes": {**WATCHED, "log_group_name": AWS.format("logs", "log-group:/changes")}},
            {"changes": {**WATCHED, "dead_letter_queue_name": AWS.format("sqs", "mailing-changes-dead-letter")}},
        ],
        "The bounce_percent and the complaint_percent must be": [
            {"rates": {"bounce_percent": -1}},
            {"rates": {"complaint_percent": 100}},
        ],
        "The minimum_recipients must be": [{"rates": {"minimum_recipients": value}} for value in (0, 0.5)],
        "The silence_hours must be": [{"silence_hours": value} for value in (-1, 169, 1.5)],
        "The queue_age_seconds must be": [{"queue_age_seconds": value} for value in (59, 1209600, 60.5)],
    },
    "ses": {
        "The name must be 3 to 54": [{"name": "ab"}],
        "The topic_arn must be": [
            {"topic_arn": "mailing-feedback"},
            {"topic_arn": AWS.format("sns", "mailing-feedback.fifo")},
        ],
        "Each key of identities must be": [
            {"identities": {value: {}}} for value in ("example", "Example.com", "News <news@example.com>", "news@")
        ],
        "Each key of configuration_sets must be": [{"configuration_sets": {value: {}}} for value in ("with space", "")],
    },
    "topic": {
        "The name must be 1 to 68": [{"name": "feedback.fifo"}],
        "The queue.arn must be": [{"queue": {"arn": "https://sqs.eu-central-1.amazonaws.com/999999999999/feedback"}}],
        "The kms_key_arn must be": [{"kms_key_arn": "alias/aws/sns"}],
        "Each of ses_source_arns must be": [{"ses_source_arns": [AWS.format("sns", "mailing-feedback")]}],
    },
}
RULES = [(module, rule) for module, rules in REFUSED.items() for rule in rules]


@pytest.fixture(scope="module")
def errors(tree: Tree) -> Mapping[str, list[str]]:
    """The errors of all calls, by the name of the call."""
    folder = tree.folder / "refused"
    calls = {}
    for module, rules in REFUSED.items():
        for rule, values in rules.items():
            for number, each in enumerate(values):
                name = call(module, rule, number)
                calls[name] = {"source": f"./{name}", **REQUIRED.get(module, {}), **each}
                copy_variables(MODULES / module, folder / name)
    # Terraform looks at a module's settings only if all calls of modules are right.
    found = errors_of(tree, folder, calls)
    others = {name: arguments for name, arguments in calls.items() if name not in found}
    return found | errors_of(tree, folder, others)


def errors_of(tree: Tree, folder: Path, calls: Mapping[str, Any]) -> dict[str, list[str]]:
    """Plan these calls and return the errors by the name of the call."""
    (folder / "main.tf.json").write_text(json.dumps({"module": calls}, indent=1))  # errors show the lines around them
    found: dict[str, list[str]] = {}
    for line in tree.run("plan", "-json", folder=folder, check=False).splitlines():
        if diagnostic := json.loads(line).get("diagnostic"):
            assert diagnostic["summary"] == "Invalid value for variable", diagnostic
            assert "snippet" in diagnostic, f"a default is refused: {diagnostic}"
            # In the call, or in the called module's own call of its settings.
            place, _, file = diagnostic["range"]["filename"].rpartition("/")
            name = place if file == "settings.tf" else diagnostic["snippet"]["context"].removeprefix("module.")
            found.setdefault(name, []).append(diagnostic["detail"])
    return found


def copy_variables(module: Path, to: Path) -> None:
    """Copy the files of a module that declare and check variables."""
    for file in [module / "variables.tf", module / "settings.tf", *module.glob("settings/*")]:
        if file.exists():
            (to / file.relative_to(module)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, to / file.relative_to(module))


def call(module: str, rule: str, number: int) -> str:
    return f"{module}_{list(REFUSED[module]).index(rule)}_{number}"


@pytest.mark.parametrize(("module", "rule"), RULES, ids=[f"{module}: {rule}" for module, rule in RULES])
def test_rule_refuses_each_of_these_values_and_no_other_rule_does(
    errors: Mapping[str, list[str]], module: str, rule: str
) -> None:
    for number, values in enumerate(REFUSED[module][rule]):
        found = errors.get(call(module, rule, number), [])
        assert [error[: len(rule)] for error in found] == [rule], values


@pytest.mark.parametrize("module", sorted(path.parent.name for path in MODULES.glob("*/variables.tf")))
def test_every_rule_of_a_module_is_among_them(module: str) -> None:
    messages = [
        rule["error_message"].strip('"')
        for folder in (MODULES / module, MODULES / module / "settings")
        for _, variable in terraform_reference.blocks(folder, "variable")
        for rule in variable.get("validation", [])
    ]
    for message in messages:
        constant = message.partition("${")[0]  # up to what is unknown
        assert [rule for rule in REFUSED[module] if rule.startswith(constant) or message.startswith(rule)], message
    assert len(messages) == len(REFUSED[module])


def test_objects_may_hold_null_strings_and_what_apply_makes_known(tree: Tree) -> None:
    folder = tree.folder / "accepted"
    copy_variables(MODULES / "feedback", folder / "feedback")
    (folder / "feedback" / "outputs.tf").write_text(
        """
output "settings" {
  value = merge(module.settings, { own_topic = module.settings.topic.existing == null })
}
"""
    )
    topic = AWS.format("sns", "${terraform_data.topic.id}")
    call = {
        "source": "./feedback",
        "for_each": {"queue": {"batch_size": "10"}, "direct": {"batch_size": None}},
        "rules": None,
        "queue": "${each.value}",
        "table": '${each.key == "queue" ? {} : { name = "addresses" }}',
        "topic": {"existing": {"arn": topic}},
    }
    (folder / "main.tf.json").write_text(
        json.dumps(
            {
                "resource": {"terraform_data": {"topic": {}}},
                "module": {"feedback": call},
                "output": {"all": {"value": "${values(module.feedback)[*].settings}"}},
            }
        )
    )
    tree.run("plan", "-out=plan", folder=folder)
    change = json.loads(tree.run("show", "-json", "plan", folder=folder))["output_changes"]["all"]
    direct, queue = change["after"]
    assert [each["own_topic"] for each in (direct, queue)] == [False, False]
    assert [each["queue"]["batch_size"] for each in (direct, queue)] == [1000, 10]
    assert [each["table"]["name"] for each in (direct, queue)] == ["addresses", None]
    assert queue["rules"]["soft_bounce_limit"] == 5
    assert change["after_unknown"][0]["topic"]["existing"]["arn"] is True
