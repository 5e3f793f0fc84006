"""``mailing sync-ses``: SES's own suppression list and the table brought together.

All of it needs ``lambda:GetFunctionConfiguration`` on the function, ``dynamodb:BatchGetItem`` on the table,
``ses:GetAccount`` and ``ses:ListSuppressedDestinations``. ``push`` needs ``dynamodb:Query`` on the index, or
``dynamodb:Scan`` on a table without it, ``dynamodb:PartiQLUpdate``, ``ses:PutSuppressedDestination``,
``ses:GetSuppressedDestination`` and ``ses:DeleteSuppressedDestination``; with ``--bucket``, ``ses:CreateImportJob`` and
``ses:GetImportJob``, ``s3:ListBucket`` on the bucket, and ``s3:PutObject``, ``s3:GetObject`` and ``s3:DeleteObject`` on
what is in it, whose policy lets ``ses.amazonaws.com`` read it. ``pull`` needs ``dynamodb:PartiQLInsert`` and
``dynamodb:PartiQLUpdate``.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated

import typer

from healthy_mailing_cli.commands import options
from healthy_mailing_cli.ses.bulk_sync import BulkSync
from healthy_mailing_cli.ses.import_jobs import ImportJobs
from healthy_mailing_cli.ses.plan import Direction, Plan, Step, planned, steps
from healthy_mailing_cli.ses.suppression_list import Pace, SesReason, SuppressionList, by_address
from healthy_mailing_cli.ses.syncing import Result, Sync
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.outcomes import Failures, Outcomes
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.s3 import Location

_REASONS = {SesReason.BOUNCE: "bounces", SesReason.COMPLAINT: "complaints"}

Which = Annotated[
    Direction,
    typer.Argument(help="push changes SES's list, pull the table.", metavar="DIRECTION", show_default=False),
]
Bucket = Annotated[
    str | None,
    typer.Option(
        metavar="S3-URL", help="Leave more than a few hundred to SES's import jobs, which read s3://BUCKET/PREFIX."
    ),
]


@options.connected
def sync_ses(
    connection: Connection,
    direction: Which,
    function: options.Function = None,
    bucket: Bucket = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Bring SES's own suppression list and the table together.

    `push` puts addresses on SES's list that bounces or complaints disabled, and takes those off that a push put there
    and that may be mailed again. Opt-outs and decisions to disable are not pushed. `pull` takes what only SES's list
    knows into the table. SES allows about one request a second. You may interrupt the command: run again, it goes on.

    With --bucket, SES does the work of thousands in minutes. Lists of tenants are never touched.
    """
    place = None if bucket is None else Location.of(bucket, "--bucket")
    if place and direction is Direction.PULL:
        raise CommandError("--bucket is for push and both: leave it out, pull changes the table alone")
    table = connection.open(connection.rules(function))
    suppressed = SuppressionList(connection, Pace())
    enforced = suppressed.enforced()
    bulk = None
    if place and not dry_run:
        bulk = BulkSync(table, suppressed, ImportJobs(suppressed, connection, place))
    since = suppressed.now() if bulk else ""
    ended = bulk.jobs.interrupted() if bulk else []
    entries = by_address(suppressed.entries())
    if bulk:
        bulk.settle(ended, entries)
    plan = planned(table, entries, direction, by_job=place is not None)
    _warn(plan, enforced)
    if dry_run:
        if as_json or plan.changes:
            output.would(_what(plan), _as_json(plan), as_json=as_json)
        else:
            output.line("Nothing to change.")
        _tell_left(plan, as_json=as_json)
        return
    if plan.changes > output.FEW:
        options.confirm(f"{_what(plan)}?", yes=yes)
    outcomes = Outcomes(_WORDS, as_json, Failures("", shown=1))
    if as_json:
        _tell_left(plan, as_json=True)
    _carry_out(steps(plan, Sync(table, suppressed), bulk, since), outcomes)
    outcomes.sum_up()
    if not as_json:
        if not outcomes.counts:
            output.line("Nothing to change.")
        _tell_left(plan, as_json=False)
    options.end(done=outcomes.is_done)


def _what(plan: Plan) -> str:
    """Return what is to be done, in words."""
    parts: list[tuple[Collection[str], str, bool]] = [
        (plan.marks, "take {} from SES's list into the table", False),
        (plan.take_off, "take {} off SES's list", plan.takes_off_by_job),
        (plan.put, "put {} on SES's list", plan.puts_by_job),
    ]
    shown = [
        f"{what.format(f'{len(each):,}')}{' by import jobs' if by_job else ''} ({output.some(list(each))})"
        for each, what, by_job in parts
        if each
    ]
    within = f", in about {_duration(plan.seconds)}" if plan.seconds else ""
    return f"{', '.join(shown)}{within}"


def _warn(plan: Plan, enforced: Collection[SesReason]) -> None:
    """Say what a person should know before anything changes."""
    for reason in sorted(plan.reasons - set(enforced)):
        output.note(
            f"SES does not use its list for {_REASONS[reason]} in this account and region, and sends to addresses "
            f"that are there for one. `aws sesv2 put-account-suppression-attributes --suppressed-reasons BOUNCE "
            "COMPLAINT` changes that."
        )
    if plan.unreadable:
        output.note(
            f"Left alone, since another program or a newer version of this one wrote their items: "
            f"{output.counted(len(plan.unreadable), 'address')}, {output.some(plan.unreadable)}."
        )


def _as_json(plan: Plan) -> Iterator[dict[str, str]]:
    for address, marks in plan.marks.items():
        for mark in marks:
            yield {"address": address, "result": Result.MARKED, "kind": mark.kind, "at": mark.at}
    for address, entry in plan.take_off.items():
        yield {"address": address, "result": Result.TAKEN_OFF, "sesReason": entry.reason}
    for address, reason in plan.put.items():
        yield {"address": address, "result": Result.PUT, "sesReason": reason}


def _carry_out(steps: Iterator[Step], outcomes: Outcomes) -> None:
    """Carry out a plan, and report what becomes of each address."""
    for step in steps:
        with output.progress(step.name, left=True) as counter:
            counter.expect(step.weight)
            for each in step.done:
                outcomes.add(each.address, each.result, error=each.error, message=each.message)
                counter.add(step.each)


_WORDS: Mapping[str, str] = {
    Result.MARKED: "Taken from SES's list into the table: {}.",
    Result.TAKEN_OFF: "Taken off SES's list: {}.",
    Result.PUT: "Put on SES's list: {}.",
    Result.CHANGED: "Changed meanwhile, and left alone: {}.",
    Result.FAILED: "Failed; run the command again: {}.",
}


def _tell_left(plan: Plan, *, as_json: bool) -> None:
    """Print what stays on SES's list."""
    if as_json:
        for address in plan.left:
            output.ndjson({"address": address, "result": Result.LEFT})
    elif plan.left:
        output.line(
            f"On SES's list by someone else, though the table allows mail: {len(plan.left):,}. SES refuses mail to "
            "them; `mailing clear-bounces ADDRESS --ses` takes one off that is there for a bounce."
        )


def _duration(seconds: int) -> str:
    for name, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds} seconds" if seconds != 1 else "a second"
