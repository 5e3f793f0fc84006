"""``mailing reassess``: every item as today's rules would have it, and under its canonical address.

Needs ``dynamodb:Scan``, and to write what decisions need, without SES's list. For rows in another
spelling than the canonical one it also needs ``dynamodb:DeleteItem``, and ``dynamodb:UpdateItem`` for attributes of
other programs in them. With ``--dry-run``, ``dynamodb:Scan`` and, for such rows, ``dynamodb:BatchGetItem`` will do.
"""

from collections import Counter
from typing import Annotated

import typer

from healthy_mailing.evidence import Rules
from healthy_mailing.row import Change, Outcome
from healthy_mailing.settings import Settings, SettingsError
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.outcomes import Failures, Outcomes
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.table import reassessing

_RULES = ("SOFT_BOUNCE_LIMIT", "SOFT_BOUNCE_WINDOW_DAYS", "DELIVERY_REFRESH_DAYS", "EXPIRE_DAYS")

OtherRules = Annotated[
    list[str] | None,
    typer.Option(
        "--rules", metavar="NAME=NUMBER", help="Rules in place of the function's settings; may be given again."
    ),
]

KeepSpellings = Annotated[
    bool,
    typer.Option(
        "--keep-spellings",
        help="Merge rows in other spellings, such as Jane@Example.com, and leave them for an application that asks so.",
    ),
]


@options.connected
def reassess(
    connection: Connection,
    rules: OtherRules = None,
    keep_spellings: KeepSpellings = False,
    function: options.Function = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Bring every item up to date with the rules.

    Run it after the rules changed, and after you adopted a table. A row in another spelling than the canonical one, as
    the original article's function wrote it, is merged into the canonical row and then deleted. So first let your
    applications ask by the canonical address.

    The rules are read from the function's own settings. Or give them by the names of these: `--rules
    SOFT_BOUNCE_LIMIT=3`; what you leave out is as by default. Reads the whole table, and writes only what differs.
    """
    applied = _parsed(rules) if rules else connection.rules(function)
    table = connection.open(applied)
    if not dry_run:
        spelled = "stay" if keep_spellings else "are deleted once they are merged"
        options.confirm(
            f"Bring all of {connection.table} to these rules: {_words(applied)}? Rows in other spellings than the "
            f"canonical one {spelled}",
            yes=yes,
        )
    read, moved, changes = 0, 0, Counter[str]()
    outcomes = Outcomes(
        {
            "sameState": "Same state, but another reason or time to expire: {}.",
            "failed": f"{'Would fail' if dry_run else 'Failed'}: {{}}.",
        },
        as_json,
        Failures("left as it is"),
    )
    with output.progress("Read") as counter:
        for count, found in reassessing.reassess(table, dry_run=dry_run, keep_spellings=keep_spellings):
            counter.add(count)
            read += count
            for outcome in found:
                outcomes.add(outcome.address, _result(outcome), error=outcome.error, fields=_fields(outcome))
                moved += outcome.moved
                if outcome.change and outcome.written and not outcome.error:
                    changes[_change(outcome.change)] += 1
    if not as_json:
        written = outcomes.counts["changed"] + outcomes.counts["sameState"]
        output.line(f"Read {read:,}. {'Without --dry-run, written' if dry_run else 'Written'}: {written:,}.")
        for change, count in sorted(changes.items()):
            output.line(f"{change}: {count:,}.")
        outcomes.sum_up()
        if moved:
            done = "merged, and left" if keep_spellings else "moved"
            output.line(f"Rows in another spelling, {'to be ' if dry_run else ''}{done}: {moved:,}.")
    options.end(done=outcomes.is_done)


def _parsed(given: list[str]) -> Rules:
    """Return the rules that options say, as the function reads its settings."""
    variables = {"TABLE_NAME": "-"}
    for text in given:
        name, _, number = text.partition("=")
        if name.upper() not in _RULES:
            raise CommandError(f"--rules {text} names no rule: it is NAME=NUMBER, of {', '.join(_RULES)}")
        variables[name.upper()] = number
    try:
        return Settings.from_environment(variables).rules
    except SettingsError as error:
        raise CommandError(f"--rules: {error}") from None


def _words(rules: Rules) -> str:
    expire = "nothing expires" if rules.expire_days is None else f"deliveries expire after {rules.expire_days} days"
    return (
        f"soft bounces count from {rules.soft_bounce_limit} days within {rules.soft_bounce_window_days}, "
        f"deliveries are written every {rules.delivery_refresh_days} days, {expire}"
    )


def _result(outcome: Outcome) -> str:
    if outcome.error:
        return "failed"
    if not outcome.written:
        return "upToDate"  # another program was faster
    return "changed" if outcome.change else "sameState"


def _fields(outcome: Outcome) -> dict[str, object]:
    change, fields = outcome.change, dict[str, object]()
    if change:
        fields = {"before": change.before, "state": change.after, "transactional": change.transactional}
    return fields | ({"moved": outcome.moved} if outcome.moved else {})


def _change(change: Change) -> str:
    if change.before is change.after:
        return f"Transactional mail: to {change.transactional}"
    return f"{(change.before or 'unknown').capitalize()} to {change.after}"
