"""Other systems' lists: how their files are read, and which mark each row becomes, as docs/lists.md says."""

import csv
import io
import itertools
import json
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import paths
from healthy_mailing.evidence import Mark, MarkKind, Record, Rules, State, evidence_of
from healthy_mailing.item import to_item
from healthy_mailing_cli.lists import importing
from healthy_mailing_cli.lists.exporting import Form, Lines
from healthy_mailing_cli.lists.formats import documents, reading, recognition, times
from healthy_mailing_cli.lists.formats.known import FORMATS
from healthy_mailing_cli.lists.formats.reader import Reader
from healthy_mailing_cli.lists.formats.recognition import UnknownError
from healthy_mailing_cli.lists.formats.rows import Row, guarded, text_of, unguarded
from healthy_mailing_cli.lists.formats.verdicts import RowError, SkippedError
from healthy_mailing_cli.lists.importing import Tally, marks, windows
from healthy_mailing_cli.lists.refused import refused_rows
from healthy_mailing_cli.lists.source import Source

from .strategies import ALL_RULES, histories

NOW = "2026-03-02T12:00:00.000Z"  # after all generated evidence
AT = "2026-01-31T12:00:00.000Z"
JANE, JOE = "jane@example.com", "joe@example.com"
HARD, SOFT, COMPLAINT, OPT_OUT, OPERATOR = (
    MarkKind.HARD_BOUNCE,
    MarkKind.SOFT_BOUNCE,
    MarkKind.COMPLAINT,
    MarkKind.OPT_OUT,
    MarkKind.OVERRIDE,
)
SKIPPED = None
PERMANENT = {"bounceType": "Permanent", "subType": "General"}
TRANSIENT = {"bounceType": "Transient", "subType": "General"}
LISTED, WHY = {"subType": "OnAccountSuppressionList"}, {"diagnosticCode": "why"}
SENDER = {"sender": "news@example.org"}
UNDATED = {"at": AT}
"""The row has no time of its own."""


@pytest.mark.parametrize(
    ("text", "zone", "time"),
    [
        ("1417885600", "UTC", "2014-12-06T17:06:40.000Z"),
        ("1586552585.077", "UTC", "2020-04-10T21:03:05.077Z"),
        ("1586552585077", "UTC", "2020-04-10T21:03:05.077Z"),
        ("2024-02-03", "UTC", "2024-02-03T00:00:00.000Z"),
        ("2024-02-03", "America/Los_Angeles", "2024-02-03T08:00:00.000Z"),
        ("2024-03-04 10:00", "UTC", "2024-03-04T10:00:00.000Z"),
        ("Fri, 21 Oct 2011 07:02:55 -0400 (EDT)", "UTC", "2011-10-21T11:02:55.000Z"),
        ("21 Oct 2011 07:02 EDT", "UTC", "2011-10-21T11:02:00.000Z"),
        ("2014-12-06 08:34:48", "America/Los_Angeles", "2014-12-06T16:34:48.000Z"),
        ("2014-07-06 08:34:48", "America/Los_Angeles", "2014-07-06T15:34:48.000Z"),
        ("Fri, 21 Oct 2011 11:02:55 GMT", "UTC", "2011-10-21T11:02:55.000Z"),
        ("Fri, 21 Oct 2011 11:02:55 UTC", "UTC", "2011-10-21T11:02:55.000Z"),
        ("Fri, 21 Oct 2011 11:02:55 -0500", "UTC", "2011-10-21T16:02:55.000Z"),
        ("2019-12-17T08:58:33-05:00", "UTC", "2019-12-17T13:58:33.000Z"),
        ("2017-10-01T12:00:00+00:00", "UTC", "2017-10-01T12:00:00.000Z"),
        ("2024-03-04 10:00:00", "UTC", "2024-03-04T10:00:00.000Z"),
        ("2024-08-20 23:54:22.85 +0000 UTC", "UTC", "2024-08-20T23:54:22.850Z"),
        ("2024-08-20 23:54:22.123456789 +0200 CEST", "UTC", "2024-08-20T21:54:22.123Z"),
        ("2024-08-20T23:54:22.123456789Z", "UTC", "2024-08-20T23:54:22.123Z"),
        ("2020-04-10T21:03:05.077000+00:00", "UTC", "2020-04-10T21:03:05.077Z"),
    ],
)
def test_a_time_in_each_form_is_understood(text: str, zone: str, time: str) -> None:
    assert times.to_utc(text, zone) == time


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2024-02-30 10:00:00", "99999999999999", "1e9", "-1", "Fri", "8/27/2015", "\u0663"),
        *("2024-02-03T", "2024-02-03Z", "2024-02-03 10", "2024-02-03T10:00.5Z"),
        # Days, as programs write them without hyphens, and as spreadsheets count them.
        *("20260131", "260131", "202601311200", "20260131120000", "45688", "45688.5", "45688.000011574"),
        *("999999999", "1417885600.", "1417885600123.5", "1417885600123456"),
        # The standard library would take it for the morning, and for UTC.
        *("Jan 31, 2026 10:00 PM", "Sat, 31 Jan 2026 10:00:00 CEST", "Sat, 31 Jan 2026 10:00:00 PM"),
    ],
)
def test_any_other_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        times.to_utc(text)


@pytest.mark.parametrize(
    "text",
    ["1970-01-01 00:00:00", "1999-12-31T23:59:59.999Z", "0001-01-01 00:00:00 +0000 UTC", "Thu, 1 Jan 1970 00:00 GMT"],
)
def test_a_time_that_stands_for_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="before the year 2000"):
        times.to_utc(text)


@given(st.from_regex(r"[0-9]{1,17}(\.[0-9]{1,12})?", fullmatch=True))
def test_no_number_is_read_as_a_time_before_the_systems_that_write_such_lists(text: str) -> None:
    """Ten digits are seconds since 1970, thirteen are milliseconds; any other number is something else."""
    digits = text.partition(".")[0]
    try:
        time = times.to_utc(text)
    except ValueError:
        assert len(digits) not in {10, 13} or digits[0] == "0" or "." in text
    else:
        seconds = int(digits) / (1 if len(digits) == 10 else 1000)
        assert len(digits) in {10, 13}
        assert datetime.fromisoformat(time).timestamp() == pytest.approx(seconds, abs=1)
        assert time >= "2000"


@given(st.text() | st.from_regex(r"[0-9]{1,12}([ T.:-][0-9]{1,12}){0,6}Z?"))
def test_a_time_of_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        time = times.to_utc(text)
    except ValueError:
        return
    assert times.to_utc(time) == time


def listed(text: str) -> reading.Listing:
    return reading.read(io.StringIO(text, newline=""))


def taken(text: str, name: str | None = None, at: str = "") -> list[tuple[str, Mark]]:
    """Return the address and the mark of each row of a list; a refused or a skipped row fails."""
    listing = listed(text)
    reader = Reader.of(recognition.recognised(listing.names, name), listing.names, at, NOW)
    return [(address, mark) for row in listing.rows for address, found in [reader.marks(row.fields)] for mark in found]


BOUNCES = "status,reason,email,created"
MAY = "2017-10-01T12:00:00.000Z"
SECONDS, DATE, TIME = 1506859200, '"Sun, 01 Oct 2017 08:00:00 -0400"', "2017-10-01 12:00:00"


def csv_of(header: str, *rows: str) -> str:
    return "\n".join([header, *rows])


def page(key: str, **row: Any) -> str:
    """Return a page of JSON, as an API answers it."""
    return json.dumps({"total": 1, key: [row], "paging": {}})


def ses(reason: str) -> str:
    return page("SuppressedDestinationSummaries", EmailAddress=JANE, Reason=reason, LastUpdateTime=SECONDS + 0.0)


def sendgrid(status: str, reason: str = "why", created: object = SECONDS) -> str:
    return csv_of(BOUNCES, f'{status},"{reason}",{JANE},{created}')


def postmark(reason: str, origin: str = "Recipient") -> str:
    row = {
        "EmailAddress": JANE,
        "SuppressionReason": reason,
        "Origin": origin,
        "CreatedAt": "2017-10-01T08:00:00-04:00",
    }
    return page("Suppressions", **row)


def postmark_bounce(kind: str, inactive: object = False) -> str:  # noqa: FBT002  (as Postmark has it)
    row = {"Type": kind, "Details": "why", "Email": JANE, "From": "news@example.org", "Inactive": inactive}
    return page("Bounces", **row, BouncedAt="2017-10-01T08:00:00.0000000-04:00")


def mandrill(reason: str, expires: str = "", first: str = TIME, last: str = "") -> str:
    columns = "email,reason,detail,created_at,expires_at,last_event_at"
    return csv_of(columns, f"{JANE},{reason},why,{first},{expires},{last}")


def brevo(code: str) -> str:
    row = {"email": JANE, "senderEmail": "news@example.org", "reason": {"code": code, "message": "why"}}
    return page("contacts", **row, blockedAt="2017-10-01T12:00:00Z")


def sparkpost(source: str, of_list: str = "") -> str:
    columns = "recipient,type,source,description,list_id,created,updated,subaccount_id"
    return csv_of(columns, f"{JANE},non_transactional,{source},why,{of_list},2016-01-01T12:00:00+00:00,{TIME},0")


def listmonk(kind: str) -> str:
    row = {"type": kind, "source": "ses", "meta": {"a": [1]}, "created_at": "2017-10-01T12:00:00Z", "email": JANE}
    return json.dumps({"data": {"results": [{**row, "campaign": {"id": 3}}], "total": 1}})


def subscriber(status: str) -> str:
    time = "2017-10-01 12:00:00 +0000 UTC"
    return csv_of("uuid,email,name,status,created_at,updated_at", f"1,{JANE},Jane,{status},2024-08-20,{time}")


ROWS: Mapping[str, Sequence[tuple[str, MarkKind | None, Mapping[str, str]]]] = {
    "ses": [
        (ses("BOUNCE"), HARD, LISTED),
        (ses("complaint").replace('"Reason"', f'"email": "{JOE}", "Reason"'), COMPLAINT, LISTED),
    ],
    "ses-job": [
        (f"{JANE},BOUNCE\n", HARD, LISTED | UNDATED),
        (json.dumps({"emailAddress": JANE, "reason": "COMPLAINT"}), COMPLAINT, LISTED | UNDATED),
    ],
    "sendgrid-bounces": [
        (sendgrid("5.1.1", "550 no, such"), HARD, PERMANENT | {"status": "5.1.1", "diagnosticCode": "550 no, such"}),
        (json.dumps([{"created": SECONDS, "email": JANE, "reason": "x", "status": "4.2.2"}]), SOFT, TRANSIENT),
        (sendgrid("", "550 5.1.1 The account does not exist"), HARD, {"status": "5.1.1"}),
        (sendgrid("", "550 no such user at 4.1.1.4"), HARD, {"status": "550"}),
        (sendgrid("", "452 4.2.2 The mailbox is full"), SOFT, {"status": "4.2.2"}),
        (sendgrid("", "421 try again later"), SOFT, {"status": "421"}),
        (sendgrid("", "Unable to get MX info"), HARD, WHY | {"diagnosticCode": "Unable to get MX info"}),
        (sendgrid("", ""), HARD, {}),
    ],
    "sendgrid-blocks": [(sendgrid("4.0.0", "spam"), SKIPPED, {})],
    "sendgrid-invalid": [(csv_of("reason,email,created", f"why,{JANE},{SECONDS}"), HARD, PERMANENT | WHY)],
    "sendgrid-spam": [(csv_of("ip,email,created", f"192.0.2.1,{JANE},{SECONDS}"), COMPLAINT, {})],
    "sendgrid-unsubscribes": [
        (csv_of("email,created", f"{JANE},{SECONDS}"), OPT_OUT, {}),
        (csv_of("created,Email", f"2017-10-01 05:00:00,{JANE}"), OPT_OUT, {}),
    ],
    "sendgrid-group-unsubscribes": [(csv_of("email,group_id,created_at", f"{JANE},7,{SECONDS}"), SKIPPED, {})],
    "mailgun-bounces": [
        (csv_of("address,code,error,created_at", f"{JANE},550,why,{DATE}"), HARD, {"diagnosticCode": "550 why"})
    ],
    "mailgun-complaints": [(csv_of("address,created_at", f"{JANE},{DATE}"), COMPLAINT, {})],
    "mailgun-unsubscribes": [
        (csv_of("address,tags,created_at", f"{JANE},*,{DATE}"), OPT_OUT, {}),
        (page("items", address=JANE, tags=["*"], created_at=DATE[1:-1]), OPT_OUT, {}),
        (csv_of("address,tags,created_at", f"{JANE},news,{DATE}"), SKIPPED, {}),
    ],
    "mailgun-allowlist": [(csv_of("address,domain", f"{JANE},"), SKIPPED, {})],
    "postmark": [
        (postmark("HardBounce"), HARD, PERMANENT),
        (postmark("SpamComplaint"), COMPLAINT, {}),
        (postmark("ManualSuppression"), OPT_OUT, {}),
        (postmark("ManualSuppression", "Customer"), OPERATOR, {"note": "suppressed in Postmark by Customer"}),
        (postmark("ManualSuppression", "Admin"), OPERATOR, {"note": "suppressed in Postmark by Admin"}),
    ],
    "postmark-bounces": [
        (postmark_bounce("HardBounce", inactive=True), HARD, PERMANENT | WHY | SENDER),
        (postmark_bounce("BadEmailAddress", None), HARD, PERMANENT),
        (postmark_bounce("HardBounce", inactive=False), SKIPPED, {}),
        (postmark_bounce("SpamComplaint"), COMPLAINT, {}),
        (postmark_bounce("Unsubscribe"), OPT_OUT, {"source": "Unsubscribe"}),
        (postmark_bounce("ManuallyDeactivated", inactive=True), OPERATOR, {}),
        (postmark_bounce("ManuallyDeactivated"), SKIPPED, {}),
        (postmark_bounce("SoftBounce"), SOFT, TRANSIENT | WHY),
        (postmark_bounce("SoftBounce", inactive=True), HARD, PERMANENT),
        (postmark_bounce("AutoResponder"), SKIPPED, {}),
        (postmark_bounce("Blocked", inactive=True), HARD, PERMANENT),
    ],
    "mailchimp-unsubscribed": [
        (csv_of("Email Address,Name,UNSUB_TIME,UNSUB_REASON", f"{JANE},J,{TIME},N/A"), OPT_OUT, {"source": "N/A"})
    ],
    "mailchimp-cleaned": [
        (csv_of('"Email Address",OPTIN_TIME,CLEAN_TIME', f"{JANE},2016-01-01 12:00:00,{TIME}"), HARD, PERMANENT)
    ],
    "mailchimp-subscribed": [(csv_of("Email Address,OPTIN_TIME", f"{JANE},"), SKIPPED, {})],
    "mandrill": [
        (mandrill("hard-bounce", first="2016-01-01 12:00:00", last=TIME), HARD, WHY),
        (mandrill("spam"), COMPLAINT, {}),
        (mandrill("unsub"), OPT_OUT, {}),
        (mandrill("custom"), OPERATOR, {"note": "rejected in Mandrill: why"}),
        (mandrill("soft-bounce"), SKIPPED, {}),
        (mandrill("spam", expires="2017-10-02 12:00:00"), SKIPPED, {}),
        (mandrill("spam").replace(JANE, "email"), SKIPPED, {}),
    ],
    "brevo": [
        (brevo("hardBounce"), HARD, WHY | SENDER),
        (brevo("contactFlaggedAsSpam"), COMPLAINT, {}),
        (brevo("unsubscribedViaEmail"), OPT_OUT, {"source": "unsubscribedViaEmail"}),
        (brevo("adminBlocked"), OPERATOR, {}),
    ],
    "sparkpost": [
        (sparkpost("Bounce Rule"), HARD, WHY),
        (sparkpost("Spam Complaint"), COMPLAINT, {}),
        (sparkpost("List Unsubscribe"), OPT_OUT, {"source": "List Unsubscribe"}),
        (sparkpost("Unsubscribe Link"), OPT_OUT, {}),
        (sparkpost("Manually Added"), OPERATOR, {"note": "added to SparkPost's list by hand: why"}),
        (sparkpost("Bounce Rule", of_list="my-list"), SKIPPED, {}),
    ],
    "listmonk-subscribers": [(subscriber("blocklisted"), OPERATOR, {}), (subscriber("enabled"), SKIPPED, {})],
    "listmonk-bounces": [
        (listmonk("hard"), HARD, PERMANENT),
        (listmonk("soft"), SOFT, TRANSIENT),
        (listmonk("complaint"), COMPLAINT, {}),
    ],
    "mailman": [(f"{JANE}\n", HARD, PERMANENT | UNDATED), (f"name,Email\nJane,{JANE}\n", HARD, UNDATED)],
    "complaints": [
        (f"{JANE}\n", COMPLAINT, UNDATED),
        (csv_of("email,date,complained_at", f"{JANE},2020-01-01,{TIME}"), COMPLAINT, {}),
    ],
    "opt-outs": [
        (csv_of("email,created_at,name", f"{JANE},{TIME},Jane"), OPT_OUT, {}),
        (csv_of("email,created_at,,name", f"{JANE},,x,Jane"), OPT_OUT, UNDATED | {"source": ""}),
        ('"x y"@example.com\n', OPT_OUT, UNDATED),
    ],
}
"""By format: lists of one row, which kind of mark it becomes, and what the mark says."""

TOLD_BY_NAME = {"sendgrid-bounces", "sendgrid-blocks", "sendgrid-unsubscribes", "mailman", "complaints", "opt-outs"}
"""The formats that columns do not tell."""


@pytest.mark.parametrize(
    ("name", "text", "kind", "detail"), [(name, *row) for name, found in ROWS.items() for row in found]
)
def test_each_row_becomes_its_mark(name: str, text: str, kind: MarkKind | None, detail: Mapping[str, str]) -> None:
    names = listed(text).names
    if name in TOLD_BY_NAME:
        with pytest.raises(UnknownError, match=f"--as:? .*{name}"):
            recognition.recognised(names)
    else:
        assert recognition.recognised(names).name == name
    if kind is SKIPPED:
        with pytest.raises(SkippedError):
            taken(text, name, AT)
        return
    ((address, mark),) = taken(text, name, AT)
    assert address in {JANE, '"x y"@example.com'}
    assert mark.kind is kind
    said = {"at": mark.at, "sender": mark.sender, "source": ""} | dict(mark.detail)
    assert said.items() >= ({"at": MAY} | dict(detail)).items()
    # So that the same row is the same mark whenever it comes, and a later reader knows from where.
    assert mark in [each for _, each in taken(text, name, AT)]
    assert name in (mark.sender if kind is OPERATOR else mark.feedback_id)
    # The table holds it just so.
    evidence = evidence_of([mark])
    held = to_item(address, Record.of(evidence, Rules()))
    assert taken(json.dumps({"address": address, "evidence": held["evidence"]})) == [(address, mark)]
    # A person who opts out may still get a receipt.
    record = Record.of(evidence, Rules())
    assert record.transactional is (State.ENABLE if kind in {OPT_OUT, SOFT} else State.DISABLE)


def test_the_rows_of_every_format_are_known_and_documented() -> None:
    assert ROWS.keys() == FORMATS.keys() - {"export"}
    text = (paths.ROOT / "docs" / "lists.md").read_text()
    assert {name for name in FORMATS if f"`{name}`" not in text} == set()


@given(histories(ids_tell_all=False), ALL_RULES)
def test_what_is_exported_is_imported_as_the_same_item(history: list[Mark], rules: Rules) -> None:
    item = to_item(JANE, Record.of(evidence_of(history), rules))
    found = evidence_of([mark for _, mark in taken(Lines(Form.NDJSON, set(State)).of([item]))])
    assert to_item(JANE, Record.of(found, rules)) == item


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        (csv_of("a,b", "1,2"), None, "is not a known list. Its columns are: a, b"),
        (csv_of("email,created", f"{JANE},1"), None, "--as sendgrid-unsubscribes"),
        (sendgrid("5.1.1"), None, "--as sendgrid-bounces or sendgrid-blocks"),
        (csv_of("email address,unsub_time,clean_time", f"{JANE},,"), None, "not a known list"),
        (f"{JANE}\n", None, "plain list"),
        (f"{JANE},x,y\n", None, "Its columns are: none"),
        (csv_of("address,state,transactional,reason,type,sender,time", f"{JANE},,,,,,"), None, "--format ndjson"),
        ("{}", None, "Its columns are: none"),
        ("\x00\x01\x02", None, "not a known list"),
        ('"', None, "Its columns are: none"),
        ("email,created", "mailgun-bounces", "has the columns address, code, created_at, error"),
        ("name,age", "complaints", "has no column called email, emailaddress, "),
        ("email,created", "sendgrit", "is not a format"),
        ("id,email,email", "opt-outs", "has the column email twice"),
    ],
)
def test_a_list_that_its_columns_do_not_tell_is_refused_with_the_remedy(text: str, name: str | None, says: str) -> None:
    with pytest.raises(UnknownError) as error:
        recognition.recognised(listed(text).names, name)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        (sendgrid("5.1.1").replace(JANE, "8/27/2015"), "sendgrid-bounces", "has an address that has no @"),
        (sendgrid("5", created="2026-03-02T12:05:00.001Z"), "sendgrid-bounces", "in the future"),
        (f"email,date\n{JANE},3/1/2026", "opt-outs", "has a time in date that is not a time"),
        (sendgrid("6"), "sendgrid-bounces", "not documented"),
        (sendgrid("5", created=""), "sendgrid-bounces", "--at"),
        (sendgrid("5", created="soon"), "sendgrid-bounces", "not a time"),
        (sendgrid("5", created=1900000000), "sendgrid-bounces", "in the future"),
        (postmark("Whim"), None, "not documented"),
        (postmark("ManualSuppression", "Nobody"), None, "not documented"),
        (brevo("whim"), None, "not documented"),
        (sparkpost("Whim"), None, "not documented"),
        (listmonk("whim"), None, "not documented"),
        (mandrill("whim"), None, "not documented"),
        (mandrill("spam", expires="soon"), None, "expires_at"),
        (subscriber("whim"), None, "not documented"),
        (f"{JANE},BOUNCE\n{JANE},WHIM", None, "not documented"),
        (postmark_bounce("Whim"), None, "not documented"),
        ('{"address": "a@example.com", "evidence": {"whim": {}}}', None, "another version"),
        ('{"address": "a@example.com", "evidence": []}', None, "another version"),
        ('{"address": 1, "evidence": {}}', None, "has an address"),
        (
            json.dumps({"address": JANE, "evidence": {"optOut": {"at": AT, "from": "\ud800", "messageId": ""}}}),
            None,
            "not text",
        ),
        ('{"emailAddress": ["a"], "reason": "BOUNCE"}', None, "no text"),
        (f"{JANE}\n{JANE}, joe@example.com", "opt-outs", "has 2 addresses, and an import takes one address a row"),
        (f'email\n"{JANE}; Joe <joe@example.com>"', "opt-outs", "has 2 addresses, and an import takes one"),
        ("email\njoe@example.org <joe@example.com>", "opt-outs", "has 2 addresses, and an import takes one"),
        ("email\njane doe@example.com", "opt-outs", "has an address that has a local part"),
        # Else another address would opt out.
        *(
            (f"email\n{cell}\n", "opt-outs", "quotation marks")
            for cell in (f"\u201c{JANE}\u201d", f"'{JANE}", f"{JANE}\u00bb", f"Jane|{JANE}")
        ),
    ],
)
def test_a_row_that_cannot_be_understood_is_refused_with_why(text: str, name: str | None, says: str) -> None:
    with pytest.raises(RowError) as error:
        taken(text, name, "" if "--at" in says else AT)
    assert says in str(error.value)


def test_one_address_may_be_its_own_name() -> None:
    for cell in (f"{JANE} <{JANE.title()}>", f"'{JANE}' <{JANE}>", f"{JANE} ({JANE})"):
        assert [address for address, _ in taken(f'email\n"{cell}"', "opt-outs", AT)] == [JANE]
    assert [address for address, _ in taken('email\n"""a@b""@example.com"', "opt-outs", AT)] == ['"a@b"@example.com']


@pytest.mark.parametrize(
    ("names", "column"),
    [
        ("name,E-Mail", "e-mail"),
        ("Email Address,name", "email address"),
        ("address,email", "email"),  # where one lives may be an address too
        ("recipient,mail_", "mail_"),
        ("id,id,email", "email"),
    ],
)
def test_the_column_of_any_list_is_the_one_that_other_commands_read(names: str, column: str) -> None:
    kind = recognition.recognised(listed(f"{names}\n,\n").names, "opt-outs")
    assert kind.column(listed(f"{names}\n,\n").names) == column
    row = ",".join(JANE if each.lower() == column else "none" for each in names.split(","))
    assert [each.given for each in Source(io.StringIO(f"{names}\n{row}\n"), "list", None)] == [(JANE,)]


def rows(text: str) -> list[Row]:
    return list(listed(text).rows)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_of_any_make_is_read(end: str, delimiter: str) -> None:
    cells = [
        ["Email", "reason", "Created"],
        [JANE, f'a "b"{delimiter} c{end}d', "1"],
        [],
        ["j\u00fcrgen@example.com", "", "2"],
    ]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(cells)
    mixed = "\ufeff" + text.getvalue().replace(f"2{end}", "2\r\n")
    assert listed(mixed).names == ("email", "reason", "created")
    assert [list(row.cells) for row in rows(mixed)] == [cells[1], cells[3]]


def test_a_row_with_too_many_columns_is_refused() -> None:
    first, second = rows(f"email,reason\n{JANE},a,b\n{JOE},a,\n")
    assert first.problem == "has 3 columns, 1 too many"
    assert second.fields == {"email": JOE, "reason": "a"}


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 16])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "pages",
    [
        [{"Suppressions": [{"a": 1}, {"b": [{"c": "]"}]}]}],
        [
            {"NextToken": "x", "SuppressedDestinationSummaries": [{"a": 1}]},
            {"SuppressedDestinationSummaries": [{"b": "\u20ac"}]},
        ],
        [{"total": 1, "items": [{"a": 12.5}, {"b": None}], "paging": {"next": [1, {"x": "y"}]}, "more": [1]}],
        [{"data": {"results": [{"a": 1}, {"b": 2}], "total": 1}}],
        [[{"a": 1}, {"b": 2}]],
        [{"a": 1}, {"b": {"data": 2}}],
    ],
)
def test_json_is_read_in_any_shape_and_in_any_pieces(
    monkeypatch: pytest.MonkeyPatch, pages: list[Any], indent: int | None, size: int
) -> None:
    monkeypatch.setattr(documents, "_CHUNK", size)
    found = rows("\n".join(json.dumps(page, indent=indent) for page in pages))
    assert [row.problem for row in found] == ["", ""] or len(pages) == 1
    assert [next(iter(row.fields)) for row in found if row.fields] == ["a", "b"]


def test_a_row_with_a_list_of_its_own_is_one_wherever_a_piece_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_CHUNK", 100)
    found = [{"items": [{"sku": number}], "email": f"{number}@example.com"} for number in range(50)]
    assert [dict(row.fields) for row in rows("\n".join(map(json.dumps, found)))] == found


def test_a_broken_line_of_ndjson_is_refused_and_the_others_are_read() -> None:
    lines = [json.dumps({"a": number}) for number in range(5)]
    found = rows("\n".join([*lines[:2], '{"a": "open', "{", "[1", *lines[2:], '{"a": 1']))
    assert [row.fields["a"] for row in found if row.fields] == list(range(5))
    assert next(row.problem for row in found if not row.fields) == "is not JSON"


@given(st.text() | st.text('{}[]",:a1\n\\\ufeff '), st.sampled_from([1, 3, 1 << 16]))
def test_any_text_is_read_to_its_end(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "_CHUNK", size)
        for prefix in ("", "{", "email,created\n"):
            listing = listed(prefix + text)
            for row in listing.rows:
                assert row.problem or row.fields or row.cells
                assert all(isinstance(cell, str) for cell in text_of(row.cells))


JUNK = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=())) | st.text('",@a ')


@given(st.lists(JUNK, max_size=8), st.data())
def test_good_rows_among_any_others_are_taken_and_the_others_are_kept(junk: list[str], data: st.DataObject) -> None:
    """A line that opens a quote may go on in the next lines, as CSV has it; so good lines come before the junk."""
    good = [f"5.1.1,x,{number}@example.com,1417885600" for number in range(data.draw(st.integers(1, 3)))]
    listing = listed("\n".join([BOUNCES, *good, *junk]))
    reader = Reader.of(FORMATS["sendgrid-bounces"], listing.names, "", NOW)
    tally = Tally()
    found = {address for address, _ in marks(listing, reader, tally)}
    assert {f"{number}@example.com" for number in range(len(good))} <= found
    assert tally.rows == sum(tally.marks.values()) + tally.refused


@given(st.text())
def test_no_spreadsheet_takes_a_cell_for_a_formula_and_none_is_lost(cell: str) -> None:
    kept = guarded(cell)
    assert kept[:1] not in set("=+-@\t\r\n") or not kept
    assert unguarded(kept) == cell


FORMULA = csv_of(BOUNCES, f'5.1.1,"=1+1\n2",nobody,{SECONDS}', f"5.1.1,x,{JOE},{SECONDS}")


@pytest.mark.parametrize(
    ("text", "name", "wrong", "right", "mended"),
    [
        (FORMULA, "sendgrid-bounces", "nobody", JANE, (JANE, HARD, "=1+1\n2")),
        (f"{postmark('Whim')}\n[1, {{]", "postmark", "Whim", "HardBounce", (JANE, HARD, "")),
    ],
)
def test_refused_rows_are_mended_and_imported(
    tmp_path: Path, text: str, name: str, wrong: str, right: str, mended: tuple[str, MarkKind, str]
) -> None:
    def imported(text: str) -> tuple[list[tuple[str, MarkKind, str]], Tally]:
        listing, tally = listed(text), Tally()
        reader = Reader.of(FORMATS[name], listing.names, "", NOW)
        with refused_rows(path, listing) as refuse:
            found = [(address, mark) for address, (mark,) in marks(listing, reader, tally, refuse)]
        return [(address, mark.kind, mark.get("diagnosticCode")) for address, mark in found], tally

    path = tmp_path / "refused.csv"
    assert mended not in imported(text)[0]
    with path.open(newline="") as file:
        assert [cell for row in csv.reader(file) for cell in row if cell.startswith("=")] == []
    found, tally = imported(path.read_text().replace(wrong, right))
    assert found == [mended]
    assert path.exists() is bool(tally.refused)  # that of an earlier import goes


class Endless(io.TextIOBase):
    """A file that goes on and on."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # as TextIO has it
        del size
        return next(self._lines, "")

    def read(self, size: int | None = -1, /) -> str:
        del size
        return next(self._lines, "")


@pytest.mark.parametrize(
    ("first", "line"),
    [
        (f"{BOUNCES}\n", '5.1.1,"no such, {0}",{0}@example.com,1417885600\n'),
        ("", '{{"status": "5.1.1", "reason": "no", "email": "{0}@example.com", "created": 1417885600}}\n'),
        ('{"results": [', '{{"status": "5.1.1", "reason": "no", "email": "{0}@example.com", "created": 1417885600}},'),
        (f"{BOUNCES}\n", "junk {0}\n"),
        ("{\n", "junk {0}\n"),
        (f"{BOUNCES}\n", "\n"),
        ("{", " " * 1000),
    ],
)
def test_memory_does_not_grow_with_the_rows(monkeypatch: pytest.MonkeyPatch, first: str, line: str) -> None:
    monkeypatch.setattr(importing, "WINDOW", 100)
    monkeypatch.setattr(documents, "_CHUNK", 1 << 12)

    def peak(count: int) -> int:
        text: Any = Endless(itertools.chain([first] if first else [], (line.format(n) for n in range(count))))
        tracemalloc.start()
        try:
            listing = reading.read(text)
            reader = Reader(FORMATS["sendgrid-bounces"], "", NOW, "email")
            for _ in windows(marks(listing, reader, Tally())):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # with what is made once in a process, such as a time zone
    assert peak(8_000) < 1.2 * peak(2_000) + 50_000
