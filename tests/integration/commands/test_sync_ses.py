"""`mailing sync-ses` as an operator runs it, with signed calls, on a stack and a table of its own."""

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.emulator import Emulator
from healthy_mailing.evidence import Mark, MarkKind, Rules, State, evidence_of, override
from healthy_mailing.table import Table
from healthy_mailing.timestamp import from_datetime
from support import ses
from support.command_line import Mailing
from support.eventually import eventually
from support.hand_made import HandMade, filled, hand_made, without_index
from support.iam import as_user, user
from support.marks import mark
from support.runbook import BUCKET, PLACE, bucket_for_jobs, named_by, operating
from support.suppression import listed_at

BOUNCED, LISTED, LATER = "2026-03-01T10:00:00.000Z", "2026-03-02T10:00:00.000Z", "2026-03-03T10:00:00.000Z"
NOTHING = "Nothing to change.\n"


BOUNCE, COMPLAINT, OPT_OUT, DELIVERY = (
    mark(kind, BOUNCED) for kind in (MarkKind.HARD_BOUNCE, MarkKind.COMPLAINT, MarkKind.OPT_OUT, MarkKind.DELIVERY)
)
DISABLED, ENABLED = (override(state, LATER, "dana") for state in (State.DISABLE, State.ENABLE))


class Place:
    """A stack without Terraform, its table, and SES's list."""

    def __init__(self, made: HandMade) -> None:
        self.made = made
        self.sesv2: Any = made.emulator.client("sesv2")
        self.mailing = Mailing(made.emulator.environment(), made.name)

    def known(self, **marks: tuple[Mark, ...]) -> dict[str, str]:
        """Put marks of addresses into the table, and return the addresses by the names of these."""
        addresses = {name: ses.fresh(name.replace("_", "-")) for name in marks}
        table = Table(self.made.emulator.client("dynamodb"), self.made.name, Rules())
        outcomes = table.add(
            {addresses[name]: evidence_of(each) for name, each in marks.items()}, time.monotonic() + 60
        )
        assert [outcome.error for outcome in outcomes if outcome.error] == []
        return addresses

    def item(self, address: str) -> dict[str, Any]:
        answer = self.made.emulator.client("dynamodb").get_item(
            TableName=self.made.name, Key={"UserId": {"S": address}}, ConsistentRead=True
        )
        return answer.get("Item", {})

    def put(self, address: str, reason: str, at: str = LISTED) -> None:
        with listed_at(self.sesv2, datetime.fromisoformat(at)):
            self.sesv2.put_suppressed_destination(EmailAddress=address, Reason=reason)

    def listed(self) -> dict[str, str]:
        """Return SES's list: reasons by spelling."""
        found = self.sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"]
        return {each["EmailAddress"]: each["Reason"] for each in found}


@pytest.fixture
def place(emulator: Emulator) -> Iterator[Place]:
    """A stack of its own, and an empty list of the account, which is empty again afterwards."""
    place = Place(hand_made(emulator))
    before = place.listed()
    assert before == {}, "another test left something on SES's list"
    yield place
    for spelling in place.listed():
        place.sesv2.delete_suppressed_destination(EmailAddress=spelling)


def test_each_gets_to_know_what_only_the_other_knew(place: Place) -> None:
    known = place.known(
        bounced=(BOUNCE,),
        complained=(BOUNCE, COMPLAINT),
        left=(OPT_OUT,),
        enabled=(BOUNCE, ENABLED),
        on_both=(BOUNCE,),
        unsubscribed_and_listed=(OPT_OUT,),
    )
    new, spam = ses.fresh("new"), ses.fresh("spam")
    entries = {
        new.capitalize(): "BOUNCE",
        spam: "COMPLAINT",
        known["enabled"]: "BOUNCE",
        known["on_both"]: "BOUNCE",
        known["unsubscribed_and_listed"]: "BOUNCE",
    }
    for spelling, reason in entries.items():
        place.put(spelling, reason)
    put = {known["bounced"]: "BOUNCE", known["complained"]: "COMPLAINT"}
    marked = {new, spam, known["unsubscribed_and_listed"]}

    shown = place.mailing("sync-ses", "both", "--dry-run", "--json")
    assert (shown.code, shown.err) == (0, "")
    results: dict[str, set[str]] = {}
    for each in shown.json:
        results.setdefault(each["result"], set()).add(each["address"])
    assert results == {"marked": marked, "put": {*put}, "left": {known["enabled"]}}
    assert {each["address"]: each["sesReason"] for each in shown.json if each["result"] == "put"} == put
    planned = place.mailing("sync-ses", "both", "--dry-run")
    assert planned.out.startswith("Without --dry-run: take 3 from SES's list into the table")
    assert (place.listed(), place.item(new)) == (entries, {})

    done = place.mailing("sync-ses", "both", "--json")
    assert (done.code, done.err) == (0, "")
    assert sorted(map(str, done.json)) == sorted(
        str({"address": address, "result": result}) for result, addresses in results.items() for address in addresses
    )
    assert place.listed() == entries | put
    bounce, complaint = (place.item(address)["evidence"]["M"] for address in (new, spam))
    assert (bounce["hardBounce"]["M"]["at"], complaint["complaint"]["M"]["at"]) == ({"S": LISTED}, {"S": LISTED})
    assert place.mailing("check", known["unsubscribed_and_listed"], "--transactional").code == 1

    before = {address: place.item(address) for address in marked | {*put}}
    for direction in ("pull", "push", "both"):
        again = place.mailing("sync-ses", direction)
        assert again.out.splitlines()[0] == NOTHING.strip()
        assert "though the table allows mail: 1" in again.out
    assert {address: place.item(address) for address in before} == before


def test_who_is_enabled_again_is_taken_off_if_a_push_put_them_there(place: Place) -> None:
    names = ("ours", "changed_since", "put_by_others")
    known = place.known(**dict.fromkeys(names, (BOUNCE,)))
    place.put(known["put_by_others"], "BOUNCE")
    assert place.mailing("sync-ses", "push").out == "Put on SES's list: 2.\n"
    assert place.item(known["ours"])["pushedToSes"]["M"]["reason"] == {"S": "BOUNCE"}
    assert "pushedToSes" not in place.item(known["put_by_others"])

    # What SES does if it hears of a bounce or a complaint once more.
    place.put(known["changed_since"], "BOUNCE", (datetime.now(UTC) + timedelta(minutes=1)).isoformat())
    assert place.mailing("enable", *known.values()).code == 0

    pulled = place.mailing("sync-ses", "pull")
    assert pulled.code == 0
    # These are newer than the decision, or not: either way ours is no evidence, and stays where it is.
    assert known["ours"] in place.listed()
    assert place.item(known["ours"])["state"] == {"S": "enable"}

    ran = place.mailing("sync-ses", "push", "--json")
    assert ran.code == 0
    assert {"address": known["ours"], "result": "takenOff"} in ran.json
    assert place.listed().keys() == {known[name] for name in names[1:]}
    assert "pushedToSes" not in place.item(known["ours"])
    assert [each["result"] for each in ran.json if each["address"] == known["put_by_others"]] == ["left"]


def test_an_interrupted_push_goes_on(place: Place) -> None:
    known = place.known(**{f"bounced{number}": (BOUNCE,) for number in range(7)})
    process = place.mailing.started("sync-ses", "push")
    eventually(lambda: len(place.listed()) >= 2, expected=True)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert b"run the command again" in told
    first = place.listed()
    assert 2 <= len(first) < 7
    assert [address for address in first if "pushedToSes" not in place.item(address)] == []

    assert place.mailing("sync-ses", "push").out == f"Put on SES's list: {7 - len(first)}.\n"
    assert place.listed() == dict.fromkeys(known.values(), "BOUNCE")


def test_many_are_pushed_after_a_question(place: Place) -> None:
    place.known(**{f"bounced{number}": (BOUNCE,) for number in range(11)})
    place.sesv2.put_account_suppression_attributes(SuppressedReasons=["COMPLAINT"])
    try:
        asked = place.mailing("sync-ses", "push")
    finally:
        place.sesv2.put_account_suppression_attributes(SuppressedReasons=["BOUNCE", "COMPLAINT"])
    assert (asked.code, asked.out) == (2, "")
    assert "--yes" in asked.err
    assert "SES does not use its list for bounces" in asked.err
    refused = place.mailing.at_a_terminal("sync-ses", "push", answer="n\n", width=200)
    assert refused.code == 1
    assert "Put 11 on SES's list" in refused.out
    assert "in about 11 seconds?" in refused.out
    assert place.listed() == {}


# ---- By import jobs

MANY = 302
"""So many that an import job is worth it, with one less too."""


@pytest.fixture
def s3(place: Place) -> Iterator[Any]:
    """S3, with the runbook's bucket, which is empty before and afterwards."""
    client = place.made.emulator.client("s3")
    with bucket_for_jobs(client):
        yield client


def objects(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def many(place: Place, *marks: Mark) -> list[str]:
    return list(place.known(**{f"many{number}": marks for number in range(MANY)}).values())


def notes(place: Place, addresses: list[str]) -> dict[str, Any]:
    """Return what the items of addresses say of a push, where they do."""
    scan: Any = place.made.emulator.client("dynamodb").get_paginator("scan")
    pages = scan.paginate(TableName=place.made.name)
    found = {item["UserId"]["S"]: item.get("pushedToSes") for page in pages for item in page["Items"]}
    return {address: found[address]["M"] for address in addresses if found[address]}


def times(place: Place) -> dict[str, str]:
    """Return the times of SES's entries, by spelling."""
    found = place.sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    return {each["EmailAddress"]: from_datetime(each["LastUpdateTime"]) for each in found}


def test_many_are_put_on_the_list_and_taken_off_again_by_import_jobs(place: Place, s3: Any) -> None:
    addresses = many(place, BOUNCE)
    shown = place.mailing("sync-ses", "push", "--bucket", PLACE, "--dry-run")
    assert f"put {MANY} on SES's list by import jobs" in shown.out
    done = place.mailing("sync-ses", "push", "--bucket", PLACE, "--yes", "--json")
    assert done.code == 0, done
    assert [each["result"] for each in done.json] == ["put"] * MANY
    assert place.listed() == dict.fromkeys(addresses, "BOUNCE")
    assert {address: note["at"]["S"] for address, note in notes(place, addresses).items()} == times(place)
    assert objects(s3) == []
    assert place.mailing("sync-ses", "push", "--bucket", PLACE).out == NOTHING

    # Once more by SES: that is its own entry from now on, and stays.
    theirs = addresses[0]
    place.put(theirs, "BOUNCE", (datetime.now(UTC) + timedelta(minutes=1)).isoformat())
    table = Table(place.made.emulator.client("dynamodb"), place.made.name, Rules())
    table.add({address: evidence_of([ENABLED]) for address in addresses}, time.monotonic() + 60)
    off = place.mailing("sync-ses", "both", "--bucket", PLACE, "--yes")
    assert off.code == 0, off
    assert f"takes off the list {MANY - 1} addresses" in off.err
    assert f"Taken off SES's list: {MANY - 1}." in off.out
    assert place.listed() == {theirs: "BOUNCE"}
    assert notes(place, addresses).keys() <= {theirs}
    assert objects(s3) == []


def test_what_an_import_job_may_not_read_and_what_it_does_not_take_is_told(place: Place, s3: Any) -> None:
    """The emulator takes no local part of more than 64 characters, which RFC 5321 does not allow."""
    addresses = many(place, BOUNCE)
    long = place.known(**{"x" * 65: (BOUNCE,)})["x" * 65]
    policy = s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    s3.delete_bucket_policy(Bucket=BUCKET)
    denied = place.mailing("sync-ses", "push", "--bucket", PLACE, "--yes")
    assert denied.code == 1
    assert "is denied" in denied.err
    assert "docs/operate.md says what import jobs need" in denied.err
    assert f"Failed; run the command again: {MANY + 1}." in denied.out
    assert place.listed() == {}
    assert notes(place, [*addresses, long]) == {}
    assert objects(s3) == []

    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
    done = place.mailing("sync-ses", "push", "--bucket", PLACE, "--yes", "--json")
    assert done.code == 1
    (failed,) = [each for each in done.json if each["result"] == "failed"]
    assert (failed["address"], "import job" in failed["message"]) == (long, True)
    assert f"1 of {MANY + 1} addresses failed" in done.err
    assert f'failed: {{"emailAddress": "{long}"' in done.err
    assert place.listed() == dict.fromkeys(addresses, "BOUNCE")
    assert notes(place, [*addresses, long]).keys() == set(addresses)
    assert objects(s3) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "DIRECTION"),
        (["sideways"], "sideways"),
        (["push", "pull"], "pull"),
        (["pull", "--bucket", PLACE], "pull changes the table alone"),
        (["push", "--bucket", "x"], "is not a place in S3"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(emulator: Emulator, arguments: list[str], says: str) -> None:
    ran = Mailing(emulator.environment(), "mailing")("sync-ses", *arguments)
    assert (ran.code, ran.out, says in ran.err) == (2, "", True), ran


# ---- Permissions


def test_it_asks_for_what_the_module_names_and_for_nothing_else(place: Place, s3: Any, tmp_path: Path) -> None:
    stack, noted = filled(place.made), tmp_path / "actions"
    made, new = place.made, ses.fresh("new")
    with user(made.emulator, *operating(stack)[1]) as operator:
        mailing = as_user(stack, operator).noting(noted)
        back = place.known(back=(BOUNCE,))["back"]
        assert mailing("sync-ses", "push").code == 0
        table = Table(made.emulator.client("dynamodb"), made.name, Rules())
        table.add({back: evidence_of([ENABLED])}, time.monotonic() + 60)
        bounced = place.known(bounced=(BOUNCE,))["bounced"]
        place.put(new, "COMPLAINT")
        assert mailing("sync-ses", "both", "--yes").code == 0
        assert place.listed() == {bounced: "BOUNCE", new: "COMPLAINT"}
        asked = set(noted.read_text().split())
        assert asked == named_by("sync_ses") - OF_JOBS - {"dynamodb:Scan"}

        # By jobs, the first of them to go on with one that was interrupted.
        noted.unlink()
        many(place, BOUNCE)
        folder = f"mailing/sync-ses/000000000000/{made.emulator.region}/{made.name}"
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/1.PUT.json", Body=b'{"emailAddress": "x@y.z", "reason": "BOUNCE"}')
        assert mailing("sync-ses", "push", "--bucket", PLACE, "--yes").code == 0
        assert objects(s3) == []
        assert set(noted.read_text().split()) - asked == OF_JOBS

        # Without the index the table is read whole.
        noted.unlink()
        without_index(made)
        assert mailing("sync-ses", "push", "--dry-run").code == 0
        assert "dynamodb:Scan" in noted.read_text().split()


OF_JOBS = {
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "ses:CreateImportJob",
    "ses:GetImportJob",
}
