"""``mailing redrive``: receive a dead letter, hand over the feedback in it, and only then delete it.

Needs ``sqs:GetQueueUrl`` and ``sqs:GetQueueAttributes``, ``sqs:ReceiveMessage``, ``sqs:DeleteMessage`` and
``sqs:ChangeMessageVisibility`` on the dead-letter queue, and ``sqs:GetQueueUrl``, ``sqs:GetQueueAttributes`` and
``sqs:SendMessage`` on the queue or, without one, ``lambda:GetFunctionEventInvokeConfig`` and ``lambda:InvokeFunction``
on the function. If the table or the function is named, also ``lambda:GetFunctionConfiguration`` on the function and,
for a queue, ``lambda:ListEventSourceMappings``. ``--changes`` is in ``lost_changes``.
"""

import json
from typing import Annotated

import typer

from healthy_mailing_cli.commands import options
from healthy_mailing_cli.redrive import feedback, lost_changes
from healthy_mailing_cli.redrive.dead_letters import STDOUT, DeadLetterQueue, Report
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.stack import Names

Save = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|-", help="Hand nothing over: write each dead letter, and why it is one, as a line of JSON."
    ),
]
Drop = Annotated[bool, typer.Option("--drop", help="With --save, delete what was saved.")]


@options.connected
def redrive_command(
    connection: Connection,
    name: options.Name = None,
    dead_letter_queue: options.DeadLetterQueue = None,
    queue: options.Queue = None,
    function: options.StackFunction = None,
    changes: Annotated[
        bool,
        typer.Option(
            "--changes",
            help="Bring back changes of state that EventBridge was not told of, by default from "
            "NAME-changes-dead-letter by the function NAME-changes.",
        ),
    ] = False,
    save: Save = None,
    drop: Drop = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Bring dead letters back to the queue or the function.

    Safe to interrupt and to run again: a dead letter is deleted after it was handed over, and feedback that comes
    twice counts once. What fails again comes back, and waits for the next run.

    With --changes, it sends an event for each address, with what the table says now.

    With --save, dead letters are only written to a file, or with `-` shown. With --drop too, they are deleted then.
    """
    if drop and save is None:
        raise CommandError("--drop deletes what --save has written: add --save FILE")
    stack_name = name or connection.table
    sqs = connection.client("sqs")
    if changes:
        letters = DeadLetterQueue.of(sqs, dead_letter_queue or f"{stack_name}-changes-dead-letter")
        # A default does not name a table: then the function that is named says which, as in the alarm's command.
        any_table = function is not None and not connection.is_named
        name_of_function = function or f"{stack_name}-changes"
        target = lost_changes.target(connection, name_of_function, letters.name, any_table=any_table)
    else:
        names = Names.of(stack_name, dead_letter_queue=dead_letter_queue, queue=queue, function=function)
        letters = DeadLetterQueue.of(sqs, names.dead_letter_queue)
        target = feedback.target(connection, names, function)
    goal = "standard output" if save == STDOUT else save or target.description
    if dry_run:
        goal += " and are deleted" if drop else ""
        report = letters.look(target)
    elif save is None:
        report = letters.bring_back(target)
    else:
        if drop:
            count = output.counted(letters.count(), "dead letter")
            options.confirm(f"Save about {count} of {letters.name} to {goal}, and delete them?", yes=yes)
        report = letters.save(target, save, drop=drop)
    kinds = {output.camel(kind): count for kind, count in report.kinds.items()}
    in_json = json.dumps({"deadLetterQueue": letters.name, "target": goal, **vars(report), "kinds": kinds})
    for line in [in_json] if as_json else _sentences(report, letters.name, goal, dry_run=dry_run):
        # Beside the dead letters themselves, the report is only a note.
        (output.note if save == STDOUT and not dry_run else output.line)(line)
    options.end(done=not report.failed)


def _sentences(report: Report, queue: str, goal: str, *, dry_run: bool) -> list[str]:
    """Return what became, or would become, of the dead letters of a queue that go to a goal."""
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(report.kinds.items())) or "nothing"
    others = report.kinds[lost_changes.OF_ANOTHER_TABLE]
    plan = {
        f"Without --dry-run they go to {goal}.": report.kinds.total() > others,
        f"Of another table, and stays there in any case: {others}.": others,
    }
    done = {
        f"Handed over to {goal}: {report.moved}.": report.moved,
        f"Saved to {goal}: {report.saved}.": report.saved,
        f"Deleted: {report.dropped}.": report.dropped,
        f"Not handed over, and still there: {report.failed}.": report.failed,
        f"Came after the start, and is left for the next run: {report.left}.": report.left,
    }
    says = (plan if dry_run else {}) | done
    return [f"In {queue}: {found}.", *(sentence for sentence, applies in says.items() if applies)]
