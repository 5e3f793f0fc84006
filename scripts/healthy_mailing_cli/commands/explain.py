"""``mailing explain``: why an address may or may not be mailed, and what would change that.

Needs ``dynamodb:BatchGetItem`` on the table. With ``lambda:GetFunctionConfiguration`` on the function it weighs the
evidence by the stack's own rules, and with ``ses:GetSuppressedDestination`` it says whether SES's own list has the
address; without them it says what is not known.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing import api, operations
from healthy_mailing.address import forms, spellings
from healthy_mailing.evidence import Purpose, Rules, State, assess
from healthy_mailing.item import ADDRESS, EVIDENCE, REASON, VERSION, Item, evidence_in, state_of
from healthy_mailing.row import UNREADABLE
from healthy_mailing.settings import SettingsError
from healthy_mailing.table import TableError
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.shell import explanation, output
from healthy_mailing_cli.shell.addresses import canonical_one
from healthy_mailing_cli.shell.connection import Connection, step_deadline
from healthy_mailing_cli.shell.errors import sentence
from healthy_mailing_cli.shell.output import CommandError

_Json = dict[str, Any]


@options.connected
def explain(
    connection: Connection,
    address: options.Address,
    function: options.Function = None,
    as_json: options.AsJson = False,
) -> None:
    """Say why an address may or may not be mailed.

    Shows the rule that decides, all evidence on a timeline, what would change the state, and whether SES's own
    suppression list has the address. Exits with 0 if it may get bulk mail, else with 1.
    """
    key = canonical_one(address)
    rules, notes = _rules(connection, function)
    otherwise = spellings([address])
    item = operations.find(
        connection.open(rules), key, step_deadline(), consistent=True, others=forms(address)[1:], spellings=otherwise
    )
    # By a row in the given spelling, commands find it only in that.
    given = next((each for each in otherwise.get(key, ()) if each in address), key)
    if item and item[ADDRESS] != key:
        notes.append(f"Some programs take {key} for this one, so lookups read both rows and go by the stricter.")
        key = given = item[ADDRESS]
    if item and EVIDENCE in item and VERSION not in item:
        notes.append(
            "Its row is as the original article's function wrote it, or in another spelling: `mailing reassess` brings "
            "all such rows up to date. Until then, it counts for those who ask in its own spelling."
        )
    on_list, by_ses = _on_list_of_ses(connection, key)
    why = _known(item, given, rules, notes) if item else _UNKNOWN
    if as_json:
        output.ndjson({"address": key, **(api.record(item) if item else {}), "ses": on_list, **why, "notes": notes})
    else:
        _show(key, item, why | {"ses": by_ses}, notes)
    options.end(done=not item or state_of(item, Purpose.BULK) is State.ENABLE)


_UNKNOWN = {"because": "Nothing is known of this address.", "change": "", "difference": ""}


def _known(item: Item, address: str, rules: Rules, notes: list[str]) -> dict[str, str]:
    """Return the sentences about an item; ``notes`` gets what the reader should know besides.

    ``address`` is in the spelling by which commands find all its rows.
    """
    if EVIDENCE not in item:
        return {"because": f"{sentence(TableError(UNREADABLE))}.", "change": "", "difference": ""}
    evidence = evidence_in(item)
    bulk = assess(evidence, rules)
    now = {purpose: assess(evidence, rules, purpose).state for purpose in Purpose}
    if any(state_of(item, purpose) is not now[purpose] for purpose in Purpose) or item[REASON] != bulk.reason:
        notes.append(
            f"The rules have changed since the item was written. By today's, the state is {now[Purpose.BULK]}, "
            f"for transactional mail {now[Purpose.TRANSACTIONAL]}: `mailing reassess` writes that."
        )
    return {
        "because": explanation.because(bulk, rules),
        "change": explanation.lifted_by(bulk, address),
        "difference": explanation.why_they_differ(evidence, rules),
    }


def _rules(connection: Connection, function: str | None) -> tuple[Rules, list[str]]:
    """Return the stack's rules, or the default ones and a note that says so."""
    try:
        return connection.rules(function), []
    except (ClientError, CommandError, SettingsError) as error:
        return Rules(), [f"Weighed by the default rules. {sentence(error)}."]


def _on_list_of_ses(connection: Connection, address: str) -> tuple[_Json, str]:
    """Return what SES's account-level suppression list says, as JSON and in a sentence; ``listed`` may be unknown.

    It keeps the spelling in which an address was added, and is asked for the canonical one (Amazon SES API v2
    Reference, GetSuppressedDestination).
    """
    try:
        entry = connection.client("sesv2").get_suppressed_destination(EmailAddress=address)["SuppressedDestination"]
    except (ClientError, BotoCoreError) as error:  # there may be a way to DynamoDB alone
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        if code == "NotFoundException":
            return {"listed": False}, f"SES's own suppression list does not have {address} in this spelling."
        why = sentence(error)
        unknown = f"Whether SES's own suppression list has it can't be told: {why}."
        return {"listed": None, "error": code, "message": why}, unknown
    since, reason = from_datetime(entry["LastUpdateTime"]), entry["Reason"]
    moment = explanation.moment(since)
    text = f"SES's own suppression list has it since {moment}, for a {reason.lower()}: SES does not send to it."
    return {"listed": True, "sesReason": reason, "since": since}, text


def _show(address: str, item: Item | None, why: Mapping[str, str], notes: list[str]) -> None:
    output.line(address)
    facts = (
        ("Bulk mail", _answer(item, Purpose.BULK)),
        ("Transactional mail", _answer(item, Purpose.TRANSACTIONAL)),
        ("Why", why["because"]),
        ("", why["difference"]),
        ("What would change it", why["change"]),
        ("SES", why["ses"]),
        *(("Note", note) for note in notes),
    )
    output.columns([(name, text) for name, text in facts if text])
    if item and EVIDENCE in item and (marks := explanation.timeline(evidence_in(item))):
        output.line("")
        output.columns(marks)


def _answer(item: Item | None, purpose: Purpose) -> str:
    if item is None:
        return "yes"
    state = state_of(item, purpose) or State.REVIEW
    answer = {State.ENABLE: "yes", State.DISABLE: "no", State.REVIEW: "not before someone has checked"}[state]
    return f"{answer} ({item[REASON]})" if purpose is Purpose.BULK else answer
