"""From publishing to the row, on the embedded emulator: SNS, SQS, the packaged zip in Lambda, DynamoDB.

Beside it a function that does nothing but write down when it got each message. Both run on the same emulator, which
batches at most 10 messages and runs functions in this machine's Python: the figures compare the two, and say nothing
about AWS.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import package
from bench import mixes
from harness import emulator
from harness.emulator import Emulator
from harness.errors import HarnessError
from harness.polling import until
from support.functions import zipped
from support.table import TABLE, create_table

NO_OPERATION = """
import json, os, time

def handler(event, context):
    with open(os.environ["ARRIVALS"], "a") as arrivals:
        for record in event["Records"]:
            arrivals.write(json.dumps([json.loads(record["body"])["mail"]["messageId"], time.time()]) + "\\n")
    return {"batchItemFailures": []}
"""

_SECONDS = 90  # until what was published must have arrived
_ACTIONS = ("dynamodb:BatchGetItem", "dynamodb:PartiQL*", "sqs:*", "logs:*")
_PACE = 0.05  # seconds from one message to the next, for latency

Arrivals = Callable[[], Mapping[str, float]]
"""Tells when each message, by SES's id, arrived: seconds of this machine's clock."""


def measure(folder: Path, messages: int, burst: int) -> dict[str, Any]:
    """Return seconds from publishing to arrival of single messages, and messages a second of a burst, by function."""
    results: dict[str, Any] = {}
    with emulator.running("embedded", folder) as running:
        create_table(running.client("dynamodb"))
        arrivals = folder / "arrivals"
        arrivals.touch()
        ours = pipeline(running, "feedback", package.content(), {"TABLE_NAME": TABLE})
        nothing = pipeline(running, "nothing", zipped(NO_OPERATION, "feedback.py"), {"ARRIVALS": str(arrivals)})
        contenders: dict[str, tuple[str, Arrivals]] = {
            "project": (ours, lambda: _rows(running)),
            "no operation": (nothing, lambda: _lines(arrivals)),
        }
        _publish(running, ours, 20_000_000, 20, 0, contenders["project"][1])  # warm
        _publish(running, nothing, 20_000_000, 20, 0, contenders["no operation"][1])
        for number, (name, (topic, arrived)) in enumerate(contenders.items()):
            first = (30 + number) * 1_000_000
            single = _publish(running, topic, first, messages, _PACE, arrived)
            latencies = sorted(end - start for start, end in single)
            cuts = statistics.quantiles(latencies, n=100, method="inclusive")
            many = _publish(running, topic, first + messages, burst, 0, arrived)
            results[name] = {
                "p50 ms": cuts[49] * 1000,
                "p95 ms": cuts[94] * 1000,
                "p99 ms": cuts[98] * 1000,
                "messages a second": burst / (max(end for _, end in many) - min(start for start, _ in many)),
            }
    return results


def _publish(  # noqa: PLR0913, PLR0917  (each is a number of its own)
    running: Emulator, topic: str, first: int, count: int, pace: float, arrived: Arrivals
) -> list[tuple[float, float]]:
    """Publish deliveries and return when each was published and when it arrived."""
    client = running.client("sns")
    published: dict[str, float] = {}
    for text in mixes.deliveries(first, count):
        message = json.loads(text)
        published[message["mail"]["messageId"]] = time.time()
        client.publish(TopicArn=topic, Message=text)
        time.sleep(pace)
    ends = until(arrived, _SECONDS, 0.5, found=lambda ends: published.keys() <= ends.keys())
    if missing := published.keys() - ends.keys():
        raise HarnessError(f"{len(missing)} of {count} messages did not arrive in {_SECONDS} s")
    return [(start, ends[message_id]) for message_id, start in published.items()]


def _rows(running: Emulator) -> Mapping[str, float]:
    """Return when the row of each message was written, by the function's own clock, which is this machine's."""
    pages = running.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
    return {
        item["evidence"]["M"]["delivery"]["M"]["messageId"]["S"]: datetime.fromisoformat(
            item["updatedAt"]["S"]
        ).timestamp()
        for page in pages
        for item in page["Items"]
    }


def _lines(arrivals: Path) -> Mapping[str, float]:
    return dict(json.loads(line) for line in arrivals.read_text().splitlines())


def pipeline(running: Emulator, name: str, package: bytes, environment: Mapping[str, str]) -> str:
    """Create topic, queue and function, and return the topic's ARN."""
    topic = running.client("sns").create_topic(Name=name)["TopicArn"]
    queues = running.client("sqs")
    url = queues.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    delivery = {"Effect": "Allow", "Action": "sqs:SendMessage", "Principal": {"Service": "sns.amazonaws.com"}}
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy({**delivery, "Resource": queue})})
    running.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
    )
    functions = running.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role(running, name, _ACTIONS),
        Handler="feedback.handler",
        Code={"ZipFile": package},
        Environment={"Variables": dict(environment)},
        Timeout=30,
        MemorySize=512,
    )
    functions.create_event_source_mapping(
        EventSourceArn=queue,
        FunctionName=name,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    return topic


def role(running: Emulator, name: str, actions: Sequence[str]) -> str:
    """Create a role that may do this on all resources, and return its ARN."""
    roles = running.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    role = roles.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    roles.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=_policy(allowed))
    return role["Role"]["Arn"]


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
