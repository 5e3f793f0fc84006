"""The roles of examples/pipeline: what they may do suffices, and they may do nothing else.

As in CI: the tokens of a repository's jobs are exchanged for the roles; one plans in a folder, the other applies the
saved plan in another, with the state in S3. The root with all modules is created, changed, changed back and destroyed,
and the AWS provider's own log tells what it asked AWS for.
"""

import base64
import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import evaluate, parse_policy_document

from harness import paths, stack
from harness.emulator import Emulator
from harness.stack import Stack
from harness.terraform import TerraformError
from support.deployed import MODULES, QUICK, released
from support.iam import request

DEPLOYER = "deployer"

BUCKET = f"{DEPLOYER}-state"
REPOSITORY, PROJECT = "octo-org@1/mail@2", "group/mail"
GITHUB, GITLAB = "https://token.actions.githubusercontent.com", "https://gitlab.com"
BRANCH = f"repo:{REPOSITORY}:ref:refs/heads/main"
PULL_REQUEST = f"repo:{REPOSITORY}:pull_request"
# What an account may ask of every role.
PATH, ITS_BOUNDARY, TAGS = "/ci/", "arn:aws:iam::aws:policy/AdministratorAccess", {"team": "platform"}
AUDIENCES = {GITHUB: "sts.amazonaws.com", GITLAB: GITLAB}

# What ministack 1.5.33 takes for another action.
ONLY_THE_EMULATOR = "lambda:ListEventSourceMappings"  # for GetEventSourceMapping
# What it asks otherwise than AWS does. Both roles are allowed these beside their own policies, as far as those have the
# action.
QUIRKS = {
    ONLY_THE_EMULATOR,
    # Without the resource of the request.
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DeleteDashboards",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetDashboard",
    "cloudwatch:ListTagsForResource",
    "cloudwatch:PutDashboard",
    "cloudwatch:TagResource",
    "cloudwatch:UntagResource",
    "dynamodb:ListTagsOfResource",
    "dynamodb:TagResource",
    "dynamodb:UntagResource",
    "lambda:CreateFunction",
    "ses:ListTagsForResource",
    "ses:TagResource",
    "ses:UntagResource",
    "sns:ListTagsForResource",
    "sns:TagResource",
    "sns:UntagResource",
    # Without the key lambda:FunctionArn.
    "lambda:CreateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:UpdateEventSourceMapping",
}

# What this test does not see the provider ask for.
ONLY_AWS = {
    "apigateway:UpdateRestApiPolicy": "asked with PATCH of an API's policy (API Gateway Developer Guide, "
    '"Control access to a REST API with IAM: resource policies")',
    "iam:PassRole": 'asked with CreateFunction (AWS Lambda Developer Guide, "Granting user access to a function")',
    "iam:PutRolePermissionsBoundary": "for stacks that had no boundary before: none here has one",
}
# What the provider asks for and goes on without.
NOT_NEEDED = {
    "kms:DescribeKey": "of alias/aws/dynamodb, to tell a table's default key from others, where the emulator names it",
    "sts:GetCallerIdentity": "which IAM never refuses",
}

# What may be different in a later release of the modules, whatever the variables are.
NEXT_RELEASE = {
    "modules/function/main.tf": {
        "What the function of this name may do.": "What the function may do.",
    },
    "modules/feedback/delivery.tf": {
        "maximum_event_age_in_seconds = 21600": "maximum_event_age_in_seconds = 18000",
        "jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letter.arn })": "null",
    },
}


def claims(issuer: str, subject: str, audience: str | None = None) -> str:
    """Return a token as a CI system issues it, but unsigned: ministack 1.5.33 checks no signature."""
    parts = [{"alg": "none"}, {"iss": issuer, "aud": audience or AUDIENCES[issuer], "sub": subject}, {}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


@dataclass
class Pipeline:
    """The applied example, and what its roles have asked AWS for."""

    stack: Stack
    log: Path
    actions: dict[str, set[str]] = field(default_factory=dict)
    """By role."""

    @cached_property
    def policies(self) -> Mapping[str, Any]:
        """Return what the example's policies allow, by purpose: of a role all that it has, as one document."""
        iam = self.stack.emulator.client("iam")
        arns = {"boundary": [self.stack.outputs["permissions_boundary"]]}
        for purpose, arn in self.stack.outputs["role_arns"].items():
            attached = iam.list_attached_role_policies(RoleName=arn.rpartition("/")[2])["AttachedPolicies"]
            arns[purpose] = [each["PolicyArn"] for each in attached]
        return {
            purpose: {"Version": "2012-10-17", "Statement": [each for arn in listed for each in self._statements(arn)]}
            for purpose, listed in arns.items()
        }

    def allowed(self, purpose: str) -> set[str]:
        return {action for each in self.policies[purpose]["Statement"] for action in each["Action"]}

    def credentials(self, purpose: str, token: str) -> dict[str, str]:
        """Exchange a token for a role's credentials, as Terraform's environment has them."""
        emulator = self.stack.emulator
        unsigned = Config(signature_version=UNSIGNED)
        client = boto3.client("sts", emulator.region, endpoint_url=emulator.endpoint_url, config=unsigned)
        answer = client.assume_role_with_web_identity(
            RoleArn=self.stack.outputs["role_arns"][purpose], RoleSessionName="ci", WebIdentityToken=token
        )["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
            "AWS_SESSION_TOKEN": answer["SessionToken"],
        }

    def client(self, service: Any, purpose: str, token: str) -> Any:
        key, secret, session = self.credentials(purpose, token).values()
        emulator = self.stack.emulator
        return boto3.Session(key, secret, session, emulator.region).client(service, endpoint_url=emulator.endpoint_url)

    def root(self, purpose: str, token: str, variables: Mapping[str, Any], folder: Path) -> Stack:
        """Return a checkout of the root in which Terraform is a role."""
        # The emulator's buckets have no names in DNS.
        backend = self.stack.outputs["backend"].replace("use_lockfile", "use_path_style = true\n    use_lockfile")
        environment = {**self.credentials(purpose, token), "TF_LOG_PROVIDER": "DEBUG", "TF_LOG_PATH": str(self.log)}
        root = replace(stack.prepared(self.stack.emulator, variables, folder), environment=environment)
        (root.folder / "backend_override.tf").write_text(backend)
        root.init()
        return root

    def run(self, purpose: str, root: Stack, *arguments: str) -> str:
        """Run Terraform as a role, and note what it asked for."""
        self.log.unlink(missing_ok=True)
        try:
            return root.run(*arguments)
        finally:
            self.actions.setdefault(purpose, set()).update(asked(self.log))

    def _statements(self, arn: str) -> Any:
        iam = self.stack.emulator.client("iam")
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document: Any = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return document["Statement"]


def asked(log: Path) -> Iterator[str]:
    """Yield the IAM action of each request in a debug log of the AWS provider.

    Its service is the one that the request is signed for, its name the operation's, of API Gateway the HTTP method (AWS
    Service Authorization Reference, "Actions, resources, and condition keys for Amazon API Gateway Management").
    """
    # An entry has as many lines as the body of its request.
    for entry in re.split(r"^(?=\d{4}-\d\d-\d\dT\S+ \[)", log.read_text(), flags=re.MULTILINE):
        if "HTTP Request Sent" not in entry:
            continue
        service, operation, method = (
            re.search(pattern, entry)
            for pattern in (r"/([a-z0-9-]+)/aws4_request", r"rpc\.method=(\w+)", r"http\.method=(\w+)")
        )
        assert service
        assert operation
        assert method
        prefix = {"monitoring": "cloudwatch"}.get(service[1], service[1])
        yield f"{prefix}:{method[1] if prefix == 'apigateway' else operation[1]}"


def edited(folder: Path) -> None:
    """Turn a checkout into that of the next release."""
    for file, edits in NEXT_RELEASE.items():
        content = (folder / file).read_text()
        for before, after in edits.items():
            assert before in content, f"{file} has no {before}"
            content = content.replace(before, after)
        (folder / file).write_text(content)


@pytest.fixture(scope="module")
def pipeline(embedded: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    variables = {
        "name": DEPLOYER,
        "modules": sorted(MODULES),
        "role_path": PATH,
        "role_permissions_boundary": ITS_BOUNDARY,
        "tags": TAGS,
        "state_bucket": BUCKET,
        "github": {"repository": REPOSITORY},
        "gitlab": {"project": PROJECT},
        "ses": {"identities": ["deployer.example"], "configuration_sets": [DEPLOYER]},
    }
    folder = tmp_path_factory.mktemp(DEPLOYER)
    with stack.applied(embedded, variables, folder, paths.TERRAFORM / "examples" / "pipeline") as applied:
        made = Pipeline(applied, folder / "provider.log")
        iam = embedded.client("iam")
        for purpose, arn in applied.outputs["role_arns"].items():
            # For who only plans, of what that role may do in any case.
            also = sorted(QUIRKS & {*made.allowed(purpose), ONLY_THE_EMULATOR})
            statement = {"Effect": "Allow", "Action": also, "Resource": "*"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_role_policy(RoleName=arn.rpartition("/")[2], PolicyName="emulator", PolicyDocument=document)
        yield made
        for arn in applied.outputs["role_arns"].values():
            iam.delete_role_policy(RoleName=arn.rpartition("/")[2], PolicyName="emulator")
        empty(embedded, BUCKET)
    left = [each for each in applied.leftovers() if DEPLOYER in each]
    assert left == []


def role_statements(emulator: Emulator) -> Iterator[Any]:
    """Yield what the roles of the functions may do."""
    iam = emulator.client("iam")
    for function in (f"{DEPLOYER}-feedback", f"{DEPLOYER}-lookup", f"{DEPLOYER}-changes"):
        arn = emulator.client("lambda").get_function_configuration(FunctionName=function)["Role"]
        role = arn.rpartition("/")[2]
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document: Any = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            yield from document["Statement"]


def empty(emulator: Emulator, bucket: str) -> None:
    """Delete every version of every object in a bucket."""
    s3 = emulator.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])


@dataclass(frozen=True)
class Life:
    """What a stack went through in the hands of the two roles."""

    roles: list[Any]
    """The statements of the functions' roles in each of its states."""
    drift: list[str]
    refused_apply: str
    leftovers: list[str]


@pytest.fixture(scope="module")
def life(pipeline: Pipeline, kms_key: str, tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("life")
    # Nothing calls the functions, and of a request with the real zip the provider's log lacks the end.
    packages = {}
    for release in ("this", "next"):
        packages[release] = {"path": str(folder / f"{release}.zip")}
        with zipfile.ZipFile(packages[release]["path"], "w") as archive:
            archive.writestr("release.txt", release)
    identity = {"create": True, "email_forwarding": False}
    bound = {"permissions_boundary": pipeline.stack.outputs["permissions_boundary"]}
    created: Mapping[str, Any] = {
        **QUICK,
        **MODULES,
        "function": {**QUICK["function"], **bound},
        "lookup": {"access_logs": True, "function": bound},
        "changes": {"bus": {"create": True}, "function": bound},
        "name": DEPLOYER,
        "delivery": "both",
        "package": packages["this"],
        "tags": {"team": "mail", "cost": "1"},
        "ses": {"identities": {"deployer.example": identity}, "configuration_sets": {DEPLOYER: {"create": True}}},
    }
    changed: Mapping[str, Any] = {
        **created,
        "delivery": "queue",
        "queue": {**created["queue"], "maximum_concurrency": 5},
        "package": packages["next"],
        "tags": {"team": "post"},
        "function": {
            **created["function"],
            "memory_megabytes": 256,
            "reserved_concurrency": 5,
            "log_retention_days": 0,
        },
        "table": {"deletion_protection": False, "point_in_time_recovery": False, "expire_days": 365},
        "kms_key_arn": kms_key,
        "lookup": {
            **created["lookup"],
            "callers": ["arn:aws:iam::111111111111:root"],
            "throttling": {"burst": 20},
        },
        "changes": {**created["changes"], "new_deliveries": True, "stream": {"batch_size": 50}},
        "monitoring": {"silence_hours": 0, "rates": {"bounce_percent": 0, "complaint_percent": 0}},
        "ses": {
            "identities": {"deployer.example": {**identity, "delivery": False, "email_forwarding": True}},
            "configuration_sets": {DEPLOYER: {"create": True, "delivery": False}},
        },
    }
    more: Mapping[str, Any] = {**changed, "queue": {**changed["queue"], "keep": True, "batch_size": 9}}
    planning = pipeline.root("plan", claims(GITHUB, PULL_REQUEST), created, folder / "plan")
    applying = pipeline.root("apply", claims(GITHUB, BRANCH), created, folder / "apply")
    roles: list[Any] = []
    for variables, release in ((created, ""), (created, "next"), (changed, ""), (more, ""), (created, "")):
        if release:
            edited(planning.folder)
            edited(applying.folder)
        values = {**variables, "table": variables.get("table", {"deletion_protection": False})}
        (planning.folder / "terraform.tfvars.json").write_text(json.dumps(values))
        pipeline.run("plan", planning, "plan", "-no-color", "-out=saved.plan")
        shutil.copy(planning.folder / "saved.plan", applying.folder)
        pipeline.run("apply", applying, "apply", "-no-color", "saved.plan")
        roles += role_statements(pipeline.stack.emulator)

    drift = planning.drift()
    with pytest.raises(TerraformError) as refused:
        planning.run("apply", "-auto-approve", "-no-color", '-var=tags={"team":"other"}')
    (applying.folder / "terraform.tfvars.json").write_text(json.dumps(values))
    with released(applying):
        pipeline.run("apply", applying, "destroy", "-auto-approve", "-no-color")
    mine = {f"role {arn.rpartition('/')[2]}" for arn in pipeline.stack.outputs["role_arns"].values()}
    left = [each for each in replace(applying, name=DEPLOYER).leftovers() if each not in mine]
    return Life(roles, drift, str(refused.value), left)


def test_the_set_up_is_as_it_says(pipeline: Pipeline) -> None:
    assert pipeline.stack.drift() == []


def test_the_two_roles_have_the_path_boundary_and_tags_that_their_account_asks_for(pipeline: Pipeline) -> None:
    for arn in pipeline.stack.outputs["role_arns"].values():
        role = pipeline.stack.emulator.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
        assert role["Path"] == PATH
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == ITS_BOUNDARY
        assert {each["Key"]: each["Value"] for each in role["Tags"]} == TAGS


def test_the_two_roles_suffice_from_the_first_apply_to_the_destroy(life: Life) -> None:
    assert life.drift == []
    assert life.leftovers == []


def test_who_plans_cannot_apply(life: Life) -> None:
    assert "AccessDenied" in life.refused_apply or "not authorized" in life.refused_apply


@pytest.mark.parametrize("purpose", ["plan", "apply"])
@pytest.mark.usefixtures("life")
def test_each_action_is_needed_and_no_other(pipeline: Pipeline, purpose: str) -> None:
    needed = pipeline.actions[purpose] - NOT_NEEDED.keys()
    if purpose == "apply":
        needed |= ONLY_AWS.keys()
    assert pipeline.allowed(purpose) - needed == set(), "nothing asks for these"
    assert needed - pipeline.allowed(purpose) == set(), "these are missing"


def test_the_emulator_is_answered_with_what_the_policy_allows(pipeline: Pipeline) -> None:
    assert QUIRKS - {ONLY_THE_EMULATOR} <= pipeline.allowed("apply")


MAIN_ON_GITLAB = f"project_path:{PROJECT}:ref_type:branch:ref:main"
MERGE_REQUEST = f"project_path:{PROJECT}:ref_type:branch:ref:feature"


@pytest.mark.parametrize(
    ("purpose", "token"),
    [
        ("plan", claims(GITHUB, PULL_REQUEST)),
        ("plan", claims(GITHUB, BRANCH)),
        ("apply", claims(GITHUB, BRANCH)),
        ("plan", claims(GITLAB, MERGE_REQUEST)),
        ("plan", claims(GITLAB, MAIN_ON_GITLAB)),
        ("apply", claims(GITLAB, MAIN_ON_GITLAB)),
    ],
)
def test_the_jobs_of_the_repository_become_their_roles(pipeline: Pipeline, purpose: str, token: str) -> None:
    assert pipeline.client("sts", purpose, token).get_caller_identity()["Arn"].endswith(f"{DEPLOYER}-{purpose}/ci")


@pytest.mark.parametrize(
    ("purpose", "token"),
    [
        ("apply", claims(GITHUB, PULL_REQUEST)),
        ("apply", claims(GITHUB, BRANCH.replace("main", "feature"))),
        ("apply", claims(GITHUB, f"{BRANCH}-2")),
        ("apply", claims(GITHUB, BRANCH, "https://github.com/octo-org")),
        ("apply", claims(GITHUB, BRANCH.replace("octo-org@1", "octo-org@3"))),
        ("plan", claims(GITHUB, BRANCH.replace("main", "feature"))),
        ("plan", claims(GITHUB, PULL_REQUEST.replace("mail", "other"))),
        ("apply", claims(GITLAB, MERGE_REQUEST)),
        ("apply", claims(GITLAB, MAIN_ON_GITLAB.replace("branch", "tag"))),
        ("apply", claims(GITLAB, MAIN_ON_GITLAB, "sts.amazonaws.com")),
        ("plan", claims(GITLAB, MERGE_REQUEST.replace("group/", "fork/"))),
        ("plan", claims(GITLAB, MERGE_REQUEST.replace("branch", "tag"))),
        ("apply", claims("https://gitlab.example", MAIN_ON_GITLAB, GITLAB)),
        ("plan", claims(GITLAB, PULL_REQUEST)),
    ],
)
def test_no_other_job_becomes_a_role(pipeline: Pipeline, purpose: str, token: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        pipeline.credentials(purpose, token)


@pytest.mark.usefixtures("life")
def test_who_plans_takes_the_lock_and_cannot_write_the_state(pipeline: Pipeline) -> None:
    bucket, key = BUCKET, f"{DEPLOYER}.tfstate"
    s3 = pipeline.client("s3", "plan", claims(GITHUB, PULL_REQUEST))
    assert b'"serial"' in s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    for refused in (key, "other.tfstate"):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket=bucket, Key=refused, Body=b"{}")
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=bucket, Key=refused)
    s3.put_object(Bucket=bucket, Key=f"{key}.tflock", Body=b"{}")
    s3.delete_object(Bucket=bucket, Key=f"{key}.tflock")


ROLE = f"arn:aws:iam::000000000000:role/{DEPLOYER}-feedback-us-east-1"
ANOTHER_ROLE = "arn:aws:iam::000000000000:role/admin"
FUNCTION = f"arn:aws:lambda:us-east-1:000000000000:function:{DEPLOYER}-feedback"
BOUNDARY = f"arn:aws:iam::000000000000:policy/{DEPLOYER}-boundary"
MAPPING = "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:1"


def decision(policy: Any, action: str, resource: str, keys: Mapping[str, str] | None = None) -> str:
    """Return what a policy says to a request of which AWS sets these condition keys, and the emulator does not."""
    return str(evaluate(request(action, resource, keys), [parse_policy_document(policy)]).decision)


@pytest.mark.parametrize(
    ("action", "resource", "keys", "expected"),
    [
        *(
            (f"iam:{each}", ROLE, {"iam:PermissionsBoundary": BOUNDARY}, "Allow")
            for each in ("CreateRole", "PutRolePolicy", "DeleteRolePolicy", "PutRolePermissionsBoundary")
        ),
        ("iam:CreateRole", ROLE, {}, "ImplicitDeny"),
        ("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": f"{BOUNDARY}-2"}, "ImplicitDeny"),
        ("iam:CreateRole", ANOTHER_ROLE, {"iam:PermissionsBoundary": BOUNDARY}, "ImplicitDeny"),
        ("iam:PutRolePermissionsBoundary", ROLE, {"iam:PermissionsBoundary": ITS_BOUNDARY}, "ImplicitDeny"),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}, "Allow"),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}, "ImplicitDeny"),
        ("iam:PassRole", ANOTHER_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}, "ImplicitDeny"),
        *(
            (f"lambda:{each}EventSourceMapping", MAPPING, {"lambda:FunctionArn": function}, expected)
            for each in ("Create", "Update", "Delete")
            for function, expected in ((FUNCTION, "Allow"), (f"{FUNCTION}-2", "ImplicitDeny"))
        ),
    ],
)
def test_roles_have_the_boundary_and_roles_and_mappings_are_those_of_the_functions(
    pipeline: Pipeline, action: str, resource: str, keys: Mapping[str, str], expected: str
) -> None:
    assert pipeline.stack.outputs["permissions_boundary"] == BOUNDARY
    assert decision(pipeline.policies["apply"], action, resource, keys) == expected


def test_the_boundary_holds_all_that_the_functions_may_do(pipeline: Pipeline, life: Life) -> None:
    held = [
        (action, resource)
        for statement in life.roles
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if not action.startswith("kms:")  # the example has no customer's key
    ]
    assert {"dynamodb:PartiQLUpdate", "dynamodb:Query", "sqs:SendMessage", "sqs:ReceiveMessage"} <= {
        action for action, _ in held
    }
    assert [each for each in held if decision(pipeline.policies["boundary"], *each) != "Allow"] == []
    assert decision(pipeline.policies["boundary"], "iam:CreateUser", "*") == "ImplicitDeny"


def listed(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value
