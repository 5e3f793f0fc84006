"""``mailing doctor``: look at every part of the stack, in the order in which feedback passes through them.

It reads, and changes nothing. It needs these actions, and says of each that is missing what it can't tell:

- ``ses:GetAccount``, ``ses:GetConfigurationSetEventDestinations``, ``ses:GetEmailIdentity``,
  ``ses:GetIdentityNotificationAttributes``, ``ses:ListConfigurationSets``, ``ses:ListEmailIdentities``
- on the topic, ``sns:GetSubscriptionAttributes``, ``sns:GetTopicAttributes``, ``sns:ListSubscriptionsByTopic``
- on the queues, ``sqs:GetQueueAttributes``, ``sqs:GetQueueUrl``
- on the function, ``lambda:GetFunctionConcurrency``, ``lambda:GetFunctionConfiguration`` and, where the topic calls it,
  ``lambda:GetFunctionEventInvokeConfig``, ``lambda:GetPolicy``; ``lambda:ListEventSourceMappings``; on the function of
  the lookup API and, where there are events, on theirs, ``lambda:GetFunctionConfiguration`` too
- on the table, ``dynamodb:DescribeContinuousBackups``, ``dynamodb:DescribeTable``, ``dynamodb:Scan`` and, where
  rows are not as this version writes them, ``dynamodb:BatchGetItem``
- on the function's role, ``iam:SimulatePrincipalPolicy``
- ``cloudwatch:GetMetricData``
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import typer

from healthy_mailing_cli.commands import options
from healthy_mailing_cli.doctor.checks import CHECKS, examine
from healthy_mailing_cli.doctor.examination import Examination, Finding, Level
from healthy_mailing_cli.shell import output, stack
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.stack import Names, Parts, Place

Identities = Annotated[
    list[str] | None,
    typer.Option("--identity", help="Look at this SES identity alone, which must report here. May be repeated."),
]


@options.connected
def doctor(
    connection: Connection,
    identity: Identities = None,
    name: options.Name = None,
    topic: options.Topic = None,
    queue: options.Queue = None,
    dead_letter_queue: options.DeadLetterQueue = None,
    function: options.StackFunction = None,
    as_json: options.AsJson = False,
) -> None:
    """Check every part of the stack, and name what is wrong.

    Looks at each part on the path of feedback: SES, topic, queue, function, table. It says what goes where, so it shows
    which parts are of one stack and which are of another. It changes nothing. Exits with 1 if
    there is a problem, or something that it can't tell; warnings alone leave 0.
    """
    place = Place.of(connection)
    names = Names.of(name or connection.table, dead_letter_queue=dead_letter_queue, queue=queue, function=function)
    parts = Parts.of(place, names, topic=stack.topic_arn(connection, name, topic), table=connection.table)
    examination = Examination.of(connection, place, parts, identity or (), now=datetime.now(UTC))
    with output.progress("Checks") as counter:
        counter.expect(len(CHECKS))
        found = list(examine(examination, counter.add))
    for finding in found:
        if as_json:
            output.ndjson(finding.as_json())
        else:
            _show(finding)
    counts = Counter(finding.level for finding in found)
    output.note(", ".join(f"{level}: {counts[level]}" for level in Level if counts[level]))
    options.end(done=not any(finding.is_wrong for finding in found))


_STYLES = {Level.WARNING: "yellow", Level.PROBLEM: "red", Level.UNKNOWN: "red"}
_LEVEL, _CHECK = max(map(len, Level)), max(map(len, CHECKS))


def _show(finding: Finding) -> None:
    row = (finding.level.ljust(_LEVEL), finding.check.ljust(_CHECK), finding.text)
    output.columns([row], style=_STYLES.get(finding.level, ""))
    if finding.remedy:
        output.columns([(" " * _LEVEL, " " * _CHECK, finding.remedy)])
    for command in finding.commands:
        output.line(f"    {command}")  # in one piece, to be copied
