"""What ``mailing doctor`` looks at from the function on: what calls it, its settings and its role, the table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from healthy_mailing.settings import Settings, SettingsError
from healthy_mailing_cli.doctor.examination import (
    APPLY,
    SIMULATE,
    Examination,
    Finding,
    Findings,
    ok,
    problem,
    unknown,
    warning,
)
from healthy_mailing_cli.doctor.policies import lets
from healthy_mailing_cli.shell import belonging
from healthy_mailing_cli.shell.stack import name_in, sent_for

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import EvaluationResultTypeDef
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef

_ADVISED = 6
"""How many times the function's timeout a queue should hide a message (AWS Lambda Developer Guide, "Creating and
configuring an Amazon SQS event source mapping")."""

_ANY = "any"  # name of a log stream, since IAM weighs a resource and no pattern


def look_at_function(seen: Examination) -> Findings:
    """See whether the function can run, with settings that it accepts."""
    name = name_in(seen.stack.function)
    found = seen.function = seen.configuration_of(name)
    if found is None:
        yield seen.missing("function", name, "--name, --function")
        return
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    environment = found.get("Environment", {})
    if state not in {"Active", "Inactive"} or update == "Failed":
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or "without a reason"
        yield problem(f"{name} can't run: {state}, last update {update} ({reason}).", "Fix that, then apply again.")
    elif seen.lambda_.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions") == 0:
        yield problem(
            f"{name} may not run: its reserved concurrency is 0.",
            "Unless that is meant so (function.reserved_concurrency):",
            f"aws lambda delete-function-concurrency --function-name {name}",
        )
    elif "Error" in environment:
        yield unknown(
            f"The settings of {name}: {environment['Error'].get('ErrorCode', '')}",
            "Use credentials that allow kms:Decrypt with the function's key.",
        )
    else:
        yield _settings(name, environment.get("Variables", {}), name_in(seen.stack.table))


def _settings(name: str, variables: Mapping[str, str], table: str) -> Finding:
    try:
        settings = Settings.from_environment(variables)
    except SettingsError as error:
        return problem(f"{name} fails when it starts: {error}.", APPLY)
    if settings.table_name != table:
        return problem(
            f"{name} writes to the table {settings.table_name}, not to {table}.",
            f"If that is the stack's table, name it: --table {settings.table_name}. Otherwise apply.",
        )
    return ok(f"The function {name} is ready, and writes to the table {table}.")


def look_at_role(seen: Examination) -> Findings:
    """See whether the function's role allows what the function does, as IAM itself weighs its policies."""
    if seen.function is None:
        return
    stack, function = seen.stack, name_in(seen.stack.function)
    log = seen.function.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{function}")
    needed = {stack.table: ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"]}
    if seen.queue is not None:
        needed[stack.queue] = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    if seen.to_function:
        needed[stack.dead_letter_queue] = ["sqs:SendMessage"]
    needed[seen.place.arn("logs", f"log-group:{log}:log-stream:{_ANY}")] = ["logs:CreateLogStream", "logs:PutLogEvents"]
    role = seen.function["Role"]
    refused: dict[str, list[EvaluationResultTypeDef]] = {}
    try:
        for resource, actions in needed.items():
            answer = seen.iam.simulate_principal_policy(
                PolicySourceArn=role, ActionNames=actions, ResourceArns=[resource]
            )
            found = [each for each in answer["EvaluationResults"] if each["EvalDecision"] != "allowed"]
            refused |= {resource.removesuffix(f":{_ANY}"): found} if found else {}
    except seen.iam.exceptions.NoSuchEntityException:
        yield problem(f"The role {name_in(role)} of {function} is gone: each call fails.", APPLY)
        return
    lacking = "; ".join(
        f"{', '.join(each['EvalActionName'] for each in found)} on {resource}" for resource, found in refused.items()
    )
    if not refused:
        yield ok(f"The role of {function} allows what it needs.")
    elif all(each.get("MissingContextValues") for found in refused.values() for each in found):
        yield unknown(
            f"Whether the role of {function} allows {lacking}: its policies have conditions that IAM can't weigh here.",
            *SIMULATE,
        )
    else:
        yield problem(
            f"The role of {function} does not allow {lacking}.",
            f"{APPLY} A permissions boundary, or a policy of your organization, must allow it too.",
        )


def look_at_timeouts(seen: Examination) -> Findings:
    """See whether the queue hides a message for as long as the function may work on it."""
    if seen.queue is None or seen.function is None:
        return
    queue, function = name_in(seen.stack.queue), name_in(seen.stack.function)
    hidden, timeout = int(seen.queue["VisibilityTimeout"]), seen.function["Timeout"]
    advised = _ADVISED * timeout + seen.window
    remedy = f"{APPLY} AWS advises at least {advised} s."
    text = f"{queue} hides a message for {hidden} s, while {function} may work on it for {timeout} s"
    if hidden < timeout:
        yield problem(f"{text}: messages are handled twice, and become dead letters without cause.", remedy)
    elif hidden < advised:
        yield warning(f"{text}: when Lambda is throttled, messages become dead letters without cause.", remedy)
    else:
        yield ok(f"{text}.")


def look_at_mapping(seen: Examination) -> Findings:
    """See whether the function, and no other, is given what is in the queue, and is given nothing else."""
    if seen.queue is None:
        return
    function, queue = name_in(seen.stack.function), name_in(seen.stack.queue)
    mappings = belonging.mappings(seen.lambda_, EventSourceArn=seen.stack.queue)
    found = next((each for each in mappings if is_of(each, seen.stack.function)), None)
    own = belonging.mappings(seen.lambda_, FunctionName=function)
    sources = {each.get("EventSourceArn", "") for each in own} - {"", seen.stack.queue}
    others = sorted(map(name_in, sources))
    if found is None:
        instead = f"; the function takes those of {', '.join(others)} instead" if others else ""
        yield problem(
            f"Nothing takes messages from the queue {queue} to the function {function}: they wait, for up to 14 "
            f"days{instead}.",
            f"{APPLY} If either is called otherwise: --queue, --function.",
        )
        return
    takers = sorted({each["FunctionArn"].split(":")[6] for each in mappings if not is_of(each, seen.stack.function)})
    if takers:
        yield problem(
            f"The function {', '.join(takers)} takes messages from the queue {queue} too, so {function} lacks these.",
            "It may be of another stack. Delete its mapping, which this lists:",
            f"aws lambda list-event-source-mappings --event-source-arn {seen.stack.queue}",
        )
    if others:
        yield warning(
            f"The function {function} takes messages from {', '.join(others)} too.",
            "If that is of another stack, delete the mapping, which this lists:",
            f"aws lambda list-event-source-mappings --function-name {function}",
        )
    seen.window = found.get("MaximumBatchingWindowInSeconds", 0)
    yield mapping_finding(
        found,
        ok(f"The function {function} takes messages from the queue {queue}."),
        stopped=f"{function} takes no messages from {queue}, as its mapping is disabled: they wait, for up to 14 days.",
        setting="queue.enabled",
        lost=f"{function} can't report to {queue} which messages failed, so those are lost.",
    )


def mapping_finding(
    mapping: "EventSourceMappingConfigurationTypeDef", fine: Finding, *, stopped: str, setting: str, lost: str
) -> Finding:
    """Return what is so with a mapping: ``fine``, or what is wrong.

    Args:
        mapping: As Lambda has it.
        fine: What is so if nothing is wrong.
        stopped: What a disabled mapping means.
        setting: The setting that disables it.
        lost: What it means that the function can't report which messages failed.
    """
    if mapping["State"] in {"Disabled", "Disabling"}:
        command = f"aws lambda update-event-source-mapping --enabled --uuid {mapping['UUID']}"
        return problem(stopped, f"Unless that is meant so ({setting}):", command)
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
        return problem(lost, APPLY)
    if mapping["State"] != "Enabled":
        return warning(f"{fine.text} Its mapping is {mapping['State']}.", "Run it again in a minute.")
    return fine


def is_of(mapping: "EventSourceMappingConfigurationTypeDef", function: str) -> bool:
    """Return whether a mapping is a function's, by its ARN; a version or an alias may follow that."""
    return f"{mapping['FunctionArn']}:".startswith(f"{function}:")


def look_at_lookup(seen: Examination) -> Findings:
    """See whether the lookup API, where there is one, answers from the table."""
    name, table = name_in(seen.stack.lookup), name_in(seen.stack.table)
    found = seen.configuration_of(name)
    if found is None:
        yield ok(f"There is no function {name}, so no lookup API of this stack.")
        return
    own = found.get("Environment", {}).get("Variables", {}).get("TABLE_NAME")
    if own == table:
        yield ok(f"The lookup function {name} reads the table {table}.")
    elif "Error" in found.get("Environment", {}):
        yield unknown(
            f"Which table the lookup function {name} reads: its settings can't be read.",
            "Use credentials that allow kms:Decrypt with the function's key.",
        )
    else:
        yield problem(
            f"The lookup function {name} reads {f'the table {own}' if own else 'no table'}, not {table}: callers learn "
            "what another stack knows.",
            f"{APPLY} If it is of another stack: --name.",
        )


def look_at_direct_calls(seen: Examination) -> Findings:
    """See whether the topic may call the function, and where that goes which fails."""
    if not seen.to_function:
        return
    function = name_in(seen.stack.function)
    not_there = seen.lambda_.exceptions.ResourceNotFoundException
    try:
        policy: str | None = seen.lambda_.get_policy(FunctionName=function)["Policy"]
    except not_there:
        policy = None
    sender = sent_for(seen.stack.topic)
    may = lets(policy, "sns.amazonaws.com", "lambda:InvokeFunction", seen.stack.function, sender)
    if not may:
        yield (problem if may is False else unknown)(
            f"The topic may not call {function}, as far as its policy is understood here.", APPLY
        )
        return
    try:
        settings = seen.lambda_.get_function_event_invoke_config(FunctionName=function)
        target = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    except not_there:
        target = None
    if target != seen.stack.dead_letter_queue:
        yield warning(
            f"What {function} keeps failing at does not go to {name_in(seen.stack.dead_letter_queue)}: it is lost.",
            APPLY,
        )
    else:
        yield ok(f"The topic may call {function}.")
