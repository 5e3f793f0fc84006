"""What takes something back, as operators run it: an outage undone, items reassessed, erased and forgotten."""

import csv
import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support import ses
from support.command_line import Mailing
from support.hand_made import Filled
from support.iam import as_user, user
from support.runbook import named_by, operating, without
from support.suppression import listed_at


@pytest.fixture(scope="module")
def mailing(stack: Filled) -> Iterator[Mailing]:
    """The command line of an operator who may do all this."""
    with user(stack.emulator, *operating(stack)[1]) as operator:
        yield as_user(stack, operator)


# ---- Gmail's outage of December 2020

MONDAY = ["--from", "2020-12-14T22:16:00Z", "--to", "2020-12-15T00:38:00Z"]
TUESDAY = ["--from", "2020-12-15T19:38:00Z", "--to", "2020-12-15T23:57:00Z"]
GMAIL = ["--diagnostic", "gsmtp$"]
BEFORE, DURING, GRACE = "2020-12-10T09:00:00.000Z", "2020-12-14T23:05:00.000Z", "2020-12-15T01:30:00.000Z"
DURING_TUESDAY, AFTER = "2020-12-15T21:00:00.000Z", "2020-12-17T09:00:00.000Z"
REFUSED = "smtp; 550-5.1.1 The email account that you tried to reach does not exist. d16si1234567qtn.18 - gsmtp"


def refused(*recipients: str, at: str = DURING, text: str = REFUSED) -> str:
    message = ses.bounce(*recipients, at=at)
    for recipient in message["bounce"]["bouncedRecipients"]:
        recipient["diagnosticCode"] = text
    return ses.text(message)


def not_tried(*recipients: str, at: str) -> str:
    """Return the bounce of mail that SES did not send, since its own list has the recipients."""
    return ses.text(ses.bounce(*recipients, subtype="OnAccountSuppressionList", at=at, action=None, status=None))


def spelt(address: str) -> str:
    """Return an address as its owner once typed it; SES's list keeps that."""
    return f"{address[0].upper()}{address[1:]}"


class Outage:
    """500 good addresses, and others, and what happened to them; each group has a name."""

    def __init__(self) -> None:
        self.run = uuid.uuid4().hex[:8]
        gmail, hosted, other = "gmail", "workspace", "elsewhere"
        self.groups = {
            "good": self._some(350, gmail),
            "hosted": self._some(40, hosted),
            "second evening": self._some(20, gmail),
            "suppressed since": self._some(20, gmail),
            "listed, not mailed since": self._some(5, gmail),
            "complained": self._some(15, gmail),
            "complained later": self._some(5, gmail),
            "left": self._some(20, gmail),
            "left, and suppressed since": self._some(3, gmail),
            "bounced late": self._some(12, gmail),
            "first bounced late": self._some(10, gmail),
            "gone since": self._some(5, gmail),
            "gone before": self._some(5, gmail),
            "suppressed before": self._some(5, gmail),
            "bounced elsewhere": self._some(5, other),
            "suppressed elsewhere": self._some(3, other),
            "fine": self._some(5, gmail),
        }

    def _some(self, count: int, domain: str) -> list[str]:
        return [f"user{uuid.uuid4().hex[:10]}@{domain}-{self.run}.example" for _ in range(count)]

    def __getitem__(self, name: str) -> list[str]:
        return self.groups[name]

    def of(self, *names: str) -> list[str]:
        return [address for name in names for address in self.groups[name]]

    def everybody(self) -> list[str]:
        return self.of(*self.groups)


MAY_GET_ALL = (
    "good",
    "hosted",
    "second evening",
    "suppressed since",
    "listed, not mailed since",
    "bounced late",
    "first bounced late",
    "fine",
)
MAY_GET_TRANSACTIONAL = (*MAY_GET_ALL, "left", "left, and suppressed since")


def by_fifty(addresses: list[str]) -> Iterable[list[str]]:
    """Yield as many as SES takes recipients of one mail."""
    return (addresses[start : start + 50] for start in range(0, len(addresses), 50))


def allowed(mailing: Mailing, addresses: list[str], *options: str) -> set[str]:
    answers = mailing("check", "-", "--json", *options, stdin="\n".join(addresses)).json
    return {each["address"] for each in answers if each["mayBeMailed"]}


def in_selection(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {row["address"]: row for row in csv.DictReader(file)}


def test_after_the_outage_of_gmail_exactly_the_right_ones_may_be_mailed(
    mailing: Mailing, stack: Filled, tmp_path: Path
) -> None:
    outage = Outage()
    sesv2 = stack.emulator.client("sesv2")
    happened(stack, outage)
    on_list = listed(sesv2, outage)
    bounced = set(outage.everybody()) - set(outage.of("fine", "first bounced late"))
    assert set(outage.everybody()) - allowed(mailing, outage.everybody()) == bounced

    # What would it do? The operator takes out what is of another provider: SES's own list does not say of whom it is.
    file = tmp_path / "monday.csv"
    shown = mailing("clear-bounces", *MONDAY, *GMAIL, "--ses", "--dry-run", "--selection", str(file))
    assert (shown.code, shown.err) == (0, "")
    found = in_selection(file)
    assert found.keys() == {
        *outage.of("good", "hosted", "suppressed since", "listed, not mailed since", "complained"),
        *outage.of("complained later", "left", "left, and suppressed since", "bounced late", "suppressed elsewhere"),
    }
    assert {found[each]["then"] for each in outage["good"]} == {"all mail"}
    assert {found[each]["then"] for each in outage["left"]} == {"transactional mail"}
    assert {found[each]["then"] for each in outage["complained"]} == {"no mail"}
    assert {found[each]["ses"] for each in outage["suppressed since"]} == set(map(spelt, outage["suppressed since"]))
    assert set(outage.everybody()) - allowed(mailing, outage.everybody()) == bounced
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if "@elsewhere" not in line))

    done = mailing("clear-bounces", "--selection", str(file), "--ses", "--yes", "--note", "Gmail, 14 December")
    assert (done.code, done.err) == (0, "")
    counted = len(outage.of("good", "hosted", "suppressed since", "listed, not mailed since", "complained later"))
    assert f"May get all mail again: {counted + len(outage['bounced late']):,}." in done.out
    assert mailing("clear-bounces", *TUESDAY, *GMAIL, "--yes").code == 0

    # What SES reports later, of those that were cleared and of others.
    stack.publish(
        refused(*outage["bounced late"], at=GRACE),
        not_tried(*outage["suppressed since"], at=AFTER),
        ses.text(ses.complaint(*outage["complained later"], at=AFTER)),
        refused(*outage["first bounced late"], at=GRACE),
    )
    assert allowed(mailing, outage["complained later"]) == set()
    assert allowed(mailing, outage["first bounced late"]) == set()
    again = mailing("clear-bounces", *MONDAY, *GMAIL, "--domain", f"GMAIL-{outage.run}.example", "--yes")
    assert again.out == f"May get all mail again: {len(outage['first bounced late'])}.\n"
    nothing = mailing("clear-bounces", *MONDAY, *GMAIL, "--domain", f"gmail-{outage.run}.example")
    assert (nothing.code, nothing.out) == (0, "Nothing to clear.\n")

    assert allowed(mailing, outage.everybody()) == set(outage.of(*MAY_GET_ALL))
    assert allowed(mailing, outage.everybody(), "--transactional") == set(outage.of(*MAY_GET_TRANSACTIONAL))
    assert still_listed(sesv2, on_list) == set(
        map(spelt, outage.of("complained", "suppressed before", "suppressed elsewhere"))
    )
    item = stack.item(outage["good"][0]) or {}
    assert item["reason"] == "bounces-cleared"
    assert item["evidence"]["bouncesCleared"]["at"] == "2020-12-15T01:38:00.000Z"
    assert item["evidence"]["bouncesCleared"]["note"] == "Gmail, 14 December"
    assert ":user/" in item["evidence"]["bouncesCleared"]["by"]

    # A real bounce counts again.
    stack.publish(refused(outage["good"][0], outage["suppressed since"][0], at="2999-01-01T00:00:00.000Z"))
    assert allowed(mailing, [outage["good"][0], outage["suppressed since"][0]]) == set()


def happened(stack: Filled, outage: Outage) -> None:
    """Report to the stack what happened until the operator comes."""
    monday = outage.of(
        "good",
        "hosted",
        "suppressed since",
        "listed, not mailed since",
        "complained",
        "complained later",
        "left",
        "left, and suppressed since",
        "bounced late",
    )
    stack.publish(
        ses.text(ses.delivery(*outage["fine"], *outage["good"][:20], sent=BEFORE)),
        *(ses.text(ses.subscription(each, at=BEFORE)) for each in outage.of("left", "left, and suppressed since")),
        ses.text(ses.complaint(*outage["complained"], at=BEFORE)),
        *(refused(*each) for each in by_fifty(monday)),
        refused(*outage["second evening"], at=DURING),
        refused(*outage["second evening"], at=DURING_TUESDAY),
        not_tried(*outage.of("suppressed since", "left, and suppressed since"), at=AFTER),
        refused(*outage["gone since"]),
        refused(*outage["gone since"], at=AFTER),
        refused(*outage["gone before"], at=BEFORE),
        ses.text(ses.bounce(*outage["gone before"], kind="Undetermined", subtype="Undetermined", at=DURING)),
        not_tried(*outage["suppressed before"], at=DURING),
        refused(*outage["bounced elsewhere"], text="smtp; 550 5.1.1 user unknown"),
        not_tried(*outage["suppressed elsewhere"], at=AFTER),
    )


def listed(sesv2: Any, outage: Outage) -> set[str]:
    """Put on SES's list what SES put there, and return the spellings."""
    entries = {
        ("BOUNCE", DURING): outage.of(
            "suppressed since", "listed, not mailed since", "left, and suppressed since", "suppressed elsewhere"
        )
        + outage["complained"][:5],
        ("COMPLAINT", DURING): outage["complained"][5:],
        ("BOUNCE", BEFORE): outage["suppressed before"],
    }
    for (reason, at), addresses in entries.items():
        with listed_at(sesv2, datetime.fromisoformat(at)):
            for address in addresses:
                sesv2.put_suppressed_destination(EmailAddress=spelt(address), Reason=reason)
    return {spelt(address) for addresses in entries.values() for address in addresses}


def still_listed(sesv2: Any, spellings: set[str]) -> set[str]:
    found: set[str] = set()
    asked: dict[str, str] = {}
    while True:
        answer = sesv2.list_suppressed_destinations(**asked)
        found |= {each["EmailAddress"] for each in answer["SuppressedDestinationSummaries"]} & spellings
        if "NextToken" not in answer:
            return found
        asked = {"NextToken": answer["NextToken"]}


# ---- Single addresses


def test_an_address_is_cleared_by_its_name(mailing: Mailing, stack: Filled) -> None:
    address, other, sesv2 = ses.fresh("bounced"), ses.fresh("complained"), stack.emulator.client("sesv2")
    stack.publish(ses.text(ses.bounce(address, other)), ses.text(ses.complaint(other)))
    assert (stack.item(other) or {}).get("reason") == "complaint:abuse"
    assert stack.states(address) == {address: "disable"}
    sesv2.put_suppressed_destination(EmailAddress=address.upper(), Reason="BOUNCE")
    sesv2.put_suppressed_destination(EmailAddress=other, Reason="COMPLAINT")

    shown = mailing("clear-bounces", address, "--dry-run", "--json").json
    assert [(each["address"], each.keys()) for each in shown] == [(address, {"address", "until"})]
    assert mailing("clear-bounces", address.upper(), other, "no address", "--ses", "--yes", "--json").code == 2
    done = mailing("clear-bounces", address.upper(), other, "no@address@", "--ses", "--yes", "--json")
    assert done.code == 1
    assert "no@address@: " in done.err
    assert {each["address"]: each["result"] for each in done.json} == {address: "allMail", other: "unchanged"}
    unknown = ses.fresh("mistyped")
    assert mailing("clear-bounces", unknown).code == 1
    assert stack.item(unknown) is None
    assert stack.states(address, other) == {address: "enable", other: "disable"}
    assert still_listed(sesv2, {address.upper(), other}) == {other}
    sesv2.delete_suppressed_destination(EmailAddress=other)


def test_a_selection_is_looked_up_on_the_list_of_ses_when_it_is_used(
    mailing: Mailing, stack: Filled, tmp_path: Path
) -> None:
    """It may have been written before anyone thought of SES's list."""
    run, file, sesv2 = uuid.uuid4().hex[:8], tmp_path / "what is to be cleared.csv", stack.emulator.client("sesv2")
    bounced, complained, since = (f"{name}@gmail-{run}.example" for name in ("bounced", "complained", "since"))
    stack.publish(refused(bounced, complained, since))
    listed: Any = ((bounced.upper(), "BOUNCE", DURING), (complained, "COMPLAINT", DURING), (since, "BOUNCE", AFTER))
    for address, reason, at in listed:
        with listed_at(sesv2, datetime.fromisoformat(at)):
            sesv2.put_suppressed_destination(EmailAddress=address, Reason=reason)
    options = [*MONDAY, "--domain", f"gmail-{run}.example"]
    shown = mailing("clear-bounces", *options, "--dry-run", "--selection", str(file))
    assert "by the table" in shown.out
    assert f"`mailing clear-bounces --selection '{file}'`" in shown.out
    assert {row["ses"] for row in in_selection(file).values()} == {""}

    done = mailing("clear-bounces", "--selection", str(file), "--ses", "--yes")
    assert (done.code, done.out) == (
        0,
        "May get all mail again: 1.\nThe table allows mail again, but SES's own list does not: 2.\n",
    )
    assert allowed(mailing, [bounced, complained, since]) == {bounced, complained, since}
    listed = {bounced.upper(), complained, since}
    assert still_listed(sesv2, listed) == {complained, since}


def test_without_the_list_of_ses_a_few_are_looked_up_on_it(mailing: Mailing, stack: Filled) -> None:
    address, other, sesv2 = ses.fresh("bounced"), ses.fresh("bounced"), stack.emulator.client("sesv2")
    stack.publish(ses.text(ses.bounce(address, other)))
    sesv2.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")
    done = mailing("clear-bounces", address, other, "--json")
    assert {each["address"]: (each["result"], each["state"]) for each in done.json} == {
        address: ("listed", "enable"),
        other: ("allMail", "enable"),
    }
    assert "may be mailed again" not in mailing("erase", address, "--forget", "--yes").out
    told = mailing("erase", other)
    assert "SES's own suppression list is not changed" in told.err
    third = ses.fresh("bounced")
    stack.publish(ses.text(ses.bounce(third)))
    with user(stack.emulator, *without(operating(stack)[1], "ses:GetSuppressedDestination")) as lacking:
        unsure = as_user(stack, lacking)("clear-bounces", third)
    assert "unless SES's own list has them" in unsure.out
    sesv2.delete_suppressed_destination(EmailAddress=address)


# ---- reassess


def test_items_are_brought_up_to_date_with_the_rules(mailing: Mailing, stack: Filled) -> None:
    """By the function's own rules, in the table that other tests use too."""
    address, table = ses.fresh("soft"), stack.outputs["table_name"]
    stack.publish(ses.text(ses.bounce(address, kind="Transient", subtype="MailboxFull")))
    assert stack.states(address) == {address: "enable"}

    before = stack.item(address)
    strict = mailing("reassess", "--dry-run", "--rules", "soft_bounce_limit=1", "--json")
    assert strict.code == 0
    told = [each for each in strict.json if each["address"] == address]
    assert [(each["before"], each["state"]) for each in told] == [("enable", "disable")]
    assert "Enable to disable:" in mailing("reassess", "--dry-run", "--rules", "SOFT_BOUNCE_LIMIT=1").out
    assert stack.item(address) == before

    stack.dynamodb.update_item(
        TableName=table,
        Key={"UserId": {"S": address}},
        UpdateExpression="SET #state = :state, suppressed = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": "disable"}},
    )
    assert "--yes" in mailing("reassess").err
    done = mailing("reassess", "--yes")
    assert (done.code, done.err) == (0, "")
    assert "Disable to enable: 1." in done.out
    after = stack.item(address) or {}
    assert (after["state"], after["version"]) == ("enable", 2)
    assert "suppressed" not in after
    assert "Written: 0." in mailing("reassess", "--yes").out


def test_rows_of_the_original_article_become_one_of_each_address(mailing: Mailing, stack: Filled) -> None:
    address, table = ses.fresh("jane"), stack.outputs["table_name"]
    spelled = address.title()
    row = {"UserId": spelled, "state": "disable", "notificationType": "Complaint", "from": "a@example.org"}
    stack.dynamodb.put_item(
        TableName=table, Item={name: {"S": value} for name, value in (row | {"timestamp": BEFORE}).items()}
    )
    assert allowed(mailing, [spelled]) == set()
    stack.publish(ses.text(ses.delivery(spelled)))
    assert allowed(mailing, [address]) == set()

    assert "Rows in other spellings than the canonical one are deleted" in mailing("reassess").err
    assert '"moved": 1' in mailing("reassess", "--dry-run", "--json").out
    kept = mailing("reassess", "--yes", "--keep-spellings")
    assert "Rows in another spelling, merged, and left: 1." in kept.out
    done = mailing("reassess", "--yes")
    assert (done.code, done.err) == (0, "")
    assert "Rows in another spelling, moved: 1." in done.out
    assert (stack.item(spelled), (stack.item(address) or {}).get("reason")) == (None, "complaint")
    assert allowed(mailing, [address]) == set()


# ---- erase


def test_a_person_is_erased_and_not_mailed_again(mailing: Mailing, stack: Filled) -> None:
    address = ses.fresh("person")
    messages = [ses.text(ses.bounce(address)), ses.text(ses.subscription(address)), ses.text(ses.delivery(address))]
    stack.publish(*messages)
    assert (stack.item(address) or {}).get("evidence", {}).keys() == {"hardBounce", "optOut", "delivery"}
    before = stack.item(address) or {}

    assert mailing("erase", address, "--dry-run").out.startswith("Without --dry-run: erase")
    assert stack.item(address) == before
    assert mailing("erase", address.upper()).out == "Erased: 1. Whether they may be mailed is as before.\n"
    erased = stack.item(address) or {}
    assert {erased[name] == before[name] for name in ("state", "reason", "suppressed", "timestamp")} == {True}
    assert not [
        text for text in ("rejected", "0102019586", "news@", "Readers") if text in json.dumps(erased, default=str)
    ]
    assert mailing("explain", address).code == 1

    # The same again, and then something new.
    stack.publish(*messages, ses.text(ses.complaint(address, at="2026-03-11T12:00:00.000Z")))
    assert "complaint" in (stack.item(address) or {})["evidence"]
    after = stack.item(address) or {}
    assert {name: mark for name, mark in after["evidence"].items() if name != "complaint"} == erased["evidence"]
    new = ses.fresh("new")
    told_json = mailing("erase", address, new, "--json").json
    assert {each["address"]: each["result"] for each in told_json} == {address: "erased", new: "nothing"}


def test_a_forgotten_person_may_be_mailed_again(mailing: Mailing, stack: Filled) -> None:
    address = ses.fresh("person")
    stack.publish(ses.text(ses.complaint(address)))
    assert stack.states(address) == {address: "disable"}

    assert "--yes" in mailing("erase", address, "--forget").err
    assert mailing.at_a_terminal("erase", address, "--forget", answer="n\n").code == 1
    assert stack.states(address) == {address: "disable"}
    done = mailing.at_a_terminal("erase", address, "--forget", answer="y\n")
    assert "They may be mailed again" in done.out
    assert stack.item(address) is None
    assert mailing("check", address).code == 0
    assert mailing("erase", address, "--forget", "--yes").out == "Nothing to forget: 1.\n"


# ---- Permissions


def test_they_ask_for_what_their_modules_name_and_for_nothing_else(
    mailing: Mailing, stack: Filled, tmp_path: Path
) -> None:
    run, sesv2, noted = uuid.uuid4().hex[:8], stack.emulator.client("sesv2"), tmp_path / "actions"
    listed_one, named = f"listed@gmail-{run}.example", f"named@gmail-{run}.example"
    stack.publish(refused(listed_one), ses.text(ses.bounce(named)))
    with listed_at(sesv2, datetime.fromisoformat(DURING)):
        for address in (listed_one, named):
            sesv2.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")
    article = {"UserId": named.upper(), "state": "disable", "notificationType": "Bounce", "from": "a@example.org"}
    row = {name: {"S": value} for name, value in (article | {"timestamp": BEFORE, "segment": "gold"}).items()}
    stack.dynamodb.put_item(TableName=stack.outputs["table_name"], Item=row)
    noting = mailing.noting(noted)
    for command in (
        ("clear-bounces", *MONDAY, "--domain", f"gmail-{run}.example", "--yes", "--ses"),
        ("clear-bounces", named, "--yes", "--ses"),
        ("reassess", "--yes"),
        ("erase", named),
        ("erase", named, "--forget", "--yes"),
    ):
        assert noting(*command).code == 0, command
    assert still_listed(sesv2, {listed_one, named}) == set()
    # To decide about a new address, which none of these takes.
    assert set(noted.read_text().split()) == named_by("clear_bounces", "erase", "reassess", "enable") - {
        "dynamodb:PartiQLInsert"
    }
