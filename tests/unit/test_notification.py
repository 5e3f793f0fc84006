"""The verdict on each kind of feedback, in both of SES's contracts, and the refusal of everything else."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.targets import check
from healthy_mailing.address import MAX_OCTETS
from healthy_mailing.evidence import MarkKind
from healthy_mailing.notification import Feedback, Ignored, NotificationError, parse
from support import ses

Notification = dict[str, Any]

LATER = "2026-03-11T09:30:00.250Z"


def unchanged(notification: Notification) -> Notification:
    return notification


BOTH_CONTRACTS = pytest.mark.parametrize("contract", [unchanged, ses.event], ids=["identity", "event"])
Contract = Callable[[Notification], Notification]


def kinds(feedback: Feedback) -> list[tuple[str, MarkKind]]:
    return [(address, mark.kind) for address, mark in feedback.marks]


# ---- The verdict table


@BOTH_CONTRACTS
@pytest.mark.parametrize(
    ("bounce_type", "details", "verdict"),
    [
        ("Permanent/General", ("failed", "5.1.1"), MarkKind.HARD_BOUNCE),
        ("Permanent/General", (None, None), MarkKind.HARD_BOUNCE),
        ("Permanent/General", ("failed", None), MarkKind.HARD_BOUNCE),
        ("Permanent/NoEmail", ("failed", "5.1.1"), MarkKind.HARD_BOUNCE),
        ("Permanent/Suppressed", ("failed", "5.1.1"), MarkKind.HARD_BOUNCE),
        ("Permanent/OnAccountSuppressionList", ("failed", "5.1.1"), MarkKind.HARD_BOUNCE),
        ("Permanent/OnTenantSuppressionList", ("failed", "5.1.1"), MarkKind.HARD_BOUNCE),
        ("Permanent/EmailValidationSuppressed", ("failed", "5.1.1"), MarkKind.HARD_BOUNCE),
        ("Permanent/SomethingNew", (None, None), MarkKind.HARD_BOUNCE),
        ("Permanent/MailboxFull", (None, None), MarkKind.HARD_BOUNCE),
        ("Permanent/General", ("delayed", None), MarkKind.SOFT_BOUNCE),
        ("Permanent/General", ("delayed", "5.1.1"), MarkKind.SOFT_BOUNCE),
        ("Permanent/General", ("failed", "4.4.7"), MarkKind.SOFT_BOUNCE),
        ("Permanent/General", (None, "4.2.2"), MarkKind.SOFT_BOUNCE),
        ("Permanent/SomethingNew", ("delayed", None), MarkKind.SOFT_BOUNCE),
        ("Permanent/UnsubscribedRecipient", (None, None), MarkKind.OPT_OUT),
        ("Permanent/UnsubscribedRecipient", ("failed", "5.1.1"), MarkKind.OPT_OUT),
        ("Transient/General", ("failed", "5.4.7"), MarkKind.SOFT_BOUNCE),
        ("Transient/General", ("failed", None), MarkKind.SOFT_BOUNCE),
        ("Transient/General", (None, "4.4.7"), MarkKind.SOFT_BOUNCE),
        ("Transient/General", (None, "5.0.0"), MarkKind.SOFT_BOUNCE),
        ("Transient/General", ("delayed", "4.4.1"), MarkKind.SOFT_BOUNCE),
        ("Transient/General", (None, None), "AutoReply"),
        ("Transient/General", ("delivered", None), "AutoReply"),
        ("Transient/General", (None, "2.0.0"), "AutoReply"),
        ("Transient/MailboxFull", (None, None), MarkKind.SOFT_BOUNCE),
        ("Transient/MailboxFull", ("failed", "5.2.2"), MarkKind.SOFT_BOUNCE),
        ("Transient/CustomTimeoutExceeded", (None, None), MarkKind.SOFT_BOUNCE),
        ("Transient/SomethingNew", (None, None), MarkKind.SOFT_BOUNCE),
        ("Transient/MessageTooLarge", ("failed", "5.3.4"), "ContentRejected"),
        ("Transient/ContentRejected", (None, None), "ContentRejected"),
        ("Transient/AttachmentRejected", ("failed", "5.7.1"), "ContentRejected"),
        ("Undetermined/Undetermined", (None, None), MarkKind.UNDETERMINED),
        ("Undetermined/SomethingNew", ("failed", "5.1.1"), MarkKind.UNDETERMINED),
    ],
    ids=str,
)
def test_bounce(
    contract: Contract, bounce_type: str, details: tuple[str | None, str | None], verdict: MarkKind | str
) -> None:
    """The details are the recipient's ``action`` and ``status``; the verdict a mark, or why there is none."""
    (kind, subtype), (action, status) = bounce_type.split("/"), details
    notification = ses.bounce(
        "Jane@Example.com", kind=kind, subtype=subtype, action=action, status=status, at=LATER, message_id="m"
    )
    feedback = parse(contract(notification))
    assert (feedback.kind, feedback.message_id) == ("Bounce", "m")
    if not isinstance(verdict, MarkKind):
        assert (feedback.marks, feedback.ignored) == ((), (verdict,))
        return
    ((address, mark),) = feedback.marks
    assert feedback.ignored == ()
    assert (address, mark.kind, mark.at) == ("jane@example.com", verdict, LATER)
    assert (mark.feedback_id, mark.message_id) == (notification["bounce"]["feedbackId"], "m")
    assert mark.sender == ses.SENDER
    assert (mark.get("bounceType"), mark.get("subType")) == (kind, subtype)
    assert (mark.get("action"), mark.get("status")) == (action or "", status or "")


@pytest.mark.parametrize("action", ["Delayed", "DELAYED"])
def test_an_action_is_read_in_any_case(action: str) -> None:
    # RFC 3464, 2.3.3, gives the values of Action as ABNF, where case makes no difference.
    assert kinds(parse(ses.bounce("a@example.com", action=action))) == [("a@example.com", MarkKind.SOFT_BOUNCE)]


@BOTH_CONTRACTS
@pytest.mark.parametrize(
    ("feedback_type", "subtype", "expected"),
    [
        ("abuse", None, MarkKind.COMPLAINT),
        ("auth-failure", None, MarkKind.COMPLAINT),
        ("fraud", None, MarkKind.COMPLAINT),
        ("other", None, MarkKind.COMPLAINT),
        ("virus", None, MarkKind.COMPLAINT),
        ("something-new", None, MarkKind.COMPLAINT),
        (None, None, MarkKind.COMPLAINT),
        (None, "OnAccountSuppressionList", MarkKind.COMPLAINT),
        ("not-spam", "OnAccountSuppressionList", MarkKind.COMPLAINT),
        ("not-spam", None, MarkKind.NOT_SPAM),
    ],
)
def test_complaint(contract: Contract, feedback_type: str | None, subtype: str | None, expected: MarkKind) -> None:
    notification = ses.complaint("a@example.com", feedback_type=feedback_type, subtype=subtype, at=LATER)
    feedback = parse(contract(notification))
    ((address, mark),) = feedback.marks
    assert (feedback.kind, feedback.ignored) == ("Complaint", ())
    assert (address, mark.kind, mark.at) == ("a@example.com", expected, LATER)
    assert mark.feedback_id == notification["complaint"]["feedbackId"]
    assert (mark.get("feedbackType"), mark.get("subType")) == (feedback_type or "", subtype or "")


@BOTH_CONTRACTS
def test_delivery_counts_from_when_the_mail_was_sent(contract: Contract) -> None:
    notification = ses.delivery("a@example.com", "B@example.com", sent="2026-03-10T23:00:00.000Z", arrived=LATER)
    feedback = parse(contract(notification))
    assert kinds(feedback) == [("a@example.com", MarkKind.DELIVERY), ("b@example.com", MarkKind.DELIVERY)]
    assert {mark.at for _, mark in feedback.marks} == {"2026-03-10T23:00:00.000Z"}
    assert (feedback.kind, feedback.ignored) == ("Delivery", ())


def test_delivery_marks_who_got_the_mail_not_all_it_was_sent_to() -> None:
    notification = ses.delivery("a@example.com")
    notification["mail"]["destination"] = ["a@example.com", "b@example.com"]
    assert kinds(parse(notification)) == [("a@example.com", MarkKind.DELIVERY)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"unsubscribeAll": False}, True, MarkKind.OPT_OUT),
        ({"unsubscribeAll": True}, True, MarkKind.OPT_OUT),
        ({"unsubscribeAll": "odd"}, True, MarkKind.OPT_OUT),
        ("odd", True, MarkKind.OPT_OUT),
        (None, True, MarkKind.OPT_OUT),
        ({"unsubscribeAll": True}, False, MarkKind.OPT_IN),
        ({"unsubscribeAll": False}, False, "TopicChange"),
        ({"unsubscribeAll": None}, False, "TopicChange"),
        ({}, False, "TopicChange"),
        (None, False, "TopicChange"),
    ],
    ids=str,
)
def test_subscription_marks_the_destination(
    before: object,
    after: bool,  # noqa: FBT001  (a table's column)
    expected: MarkKind | str,
) -> None:
    """Only who had left all topics comes back: leaving one topic, or joining one, lifts no earlier opt-out."""
    notification = ses.subscription("a@example.com", "b@example.com", unsubscribe_all=after, at=LATER)
    notification["subscription"]["oldTopicPreferences"] = before
    feedback = parse(notification)
    assert feedback.kind == "Subscription"
    if isinstance(expected, MarkKind):
        assert [(address, mark.kind, mark.at) for address, mark in feedback.marks] == [
            ("a@example.com", expected, LATER),
            ("b@example.com", expected, LATER),
        ]
        assert feedback.ignored == ()
    else:
        assert (feedback.marks, feedback.ignored) == ((), (expected, expected))


@pytest.mark.parametrize("field", ["oldTopicPreferences", "oldTopicPreferences.unsubscribeAll"])
@pytest.mark.parametrize("value", [5, "true", ["x"]], ids=repr)
def test_old_preferences_that_can_not_be_read_are_named_where_they_decide(field: str, value: object) -> None:
    notification = ses.subscription("a@example.com", unsubscribe_all=False)
    *parents, last = field.split(".")
    parent = notification["subscription"]
    for name in parents:
        parent = parent[name]
    parent[last] = value
    with pytest.raises(NotificationError) as caught:
        parse(notification)
    assert caught.value.field == f"subscription.{field}"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("Send", "Send"),
        ("Reject", "Reject"),
        ("Open", "Open"),
        ("Click", "Click"),
        ("Rendering Failure", "RenderingFailure"),
        ("DeliveryDelay", "DeliveryDelay"),
    ],
)
def test_other_events_mark_nobody_and_are_counted_by_type(kind: str, reason: str) -> None:
    assert parse(ses.other(kind, "a@example.com", message_id="m")) == Feedback(kind, "m", ignored=(Ignored(reason),))


@pytest.mark.parametrize("message", [ses.SET_UP_TEXT, f"{ses.SET_UP_TEXT}\n", ses.set_up(), json.dumps(ses.set_up())])
def test_set_up_messages_mark_nobody_and_are_counted(message: str | Notification) -> None:
    assert parse(message) == Feedback("SetUp", "", ignored=(Ignored("SetUp"),))


def test_each_recipient_is_judged_for_itself() -> None:
    notification = ses.bounce(*(f"{name}@example.com" for name in "abcd"))
    recipients = notification["bounce"]["bouncedRecipients"]
    recipients[1] |= {"action": "delayed"}
    recipients[2] |= {"status": "4.2.2"}
    assert kinds(parse(notification)) == [
        ("a@example.com", MarkKind.HARD_BOUNCE),
        ("b@example.com", MarkKind.SOFT_BOUNCE),
        ("c@example.com", MarkKind.SOFT_BOUNCE),
        ("d@example.com", MarkKind.HARD_BOUNCE),
    ]


def test_a_spelling_that_is_not_canonical_is_told() -> None:
    feedback = parse(ses.bounce("jane@example.com", "Joe@Example.com"))
    assert [address for address, _ in feedback.marks] == ["jane@example.com", "joe@example.com"]
    assert feedback.spellings == (("joe@example.com", "Joe@Example.com"),)


def test_of_a_transient_bounce_some_recipients_may_be_ignored() -> None:
    notification = ses.bounce("a@example.com", "b@example.com", kind="Transient", action=None, status=None)
    notification["bounce"]["bouncedRecipients"][1]["status"] = "4.4.7"
    feedback = parse(notification)
    assert kinds(feedback) == [("b@example.com", MarkKind.SOFT_BOUNCE)]
    assert feedback.ignored == ("AutoReply",)


@pytest.mark.parametrize(
    "text", ["2026-03-10T07:00:00.123-05:00", "2026-03-10T12:00:00.123Z", "2026-03-10T12:00:00.123 +0000"]
)
@pytest.mark.parametrize("build", [ses.bounce, ses.complaint, ses.subscription])
def test_a_time_is_read_in_every_form(build: Callable[..., Notification], text: str) -> None:
    ((_, mark),) = parse(build("a@example.com", at=text)).marks
    assert mark.at == "2026-03-10T12:00:00.123Z"


def test_text_and_object_say_the_same() -> None:
    notification = ses.bounce("a@example.com")
    assert parse(json.dumps(notification)) == parse(notification)


def test_unknown_fields_are_fine() -> None:
    notification = ses.bounce("a@example.com")
    expected = parse(notification)
    notification["new"] = notification["mail"]["new"] = notification["bounce"]["new"] = {"of": [1, None, "kinds"]}
    notification["bounce"]["bouncedRecipients"][0]["new"] = 1.5
    assert parse(notification) == expected


def test_texts_of_others_are_kept_short_and_storable() -> None:
    notification = ses.bounce("a@example.com", sender="x" * 5000, feedback_id="f" * 5000, message_id="m" * 5000)
    notification["bounce"]["bouncedRecipients"][0] |= {
        "diagnosticCode": "\ud800\0" + "d" * 5000,
        "status": "5.1.1\udfff",
    }
    ((_, mark),) = parse(json.dumps(notification)).marks
    texts = [mark.sender, mark.feedback_id, mark.message_id, *(text for _, text in mark.detail)]
    assert (len(mark.sender), len(mark.feedback_id), len(mark.message_id)) == (320, 256, 256)
    assert len(mark.get("diagnosticCode")) == 256
    assert all(text.encode() for text in texts)


# ---- What is refused

PERSON = "secret-person"
ADDRESS = f"{PERSON}@example.com"

SAMPLES: dict[str, Notification] = {
    "bounce": ses.bounce(ADDRESS, f"2.{ADDRESS}"),
    "complaint": ses.complaint(ADDRESS, f"2.{ADDRESS}"),
    "delivery": ses.delivery(ADDRESS, f"2.{ADDRESS}"),
    "subscription": ses.subscription(ADDRESS, f"2.{ADDRESS}"),
    "send": ses.other("Send", ADDRESS),
}

REQUIRED = [
    ("bounce", "bounce"),
    ("bounce", "bounce.bounceType"),
    ("bounce", "bounce.bounceSubType"),
    ("bounce", "bounce.timestamp"),
    ("bounce", "bounce.bouncedRecipients"),
    ("bounce", "bounce.bouncedRecipients[0].emailAddress"),
    ("bounce", "bounce.bouncedRecipients[1].emailAddress"),
    ("complaint", "complaint"),
    ("complaint", "complaint.timestamp"),
    ("complaint", "complaint.complainedRecipients"),
    ("complaint", "complaint.complainedRecipients[1].emailAddress"),
    ("delivery", "mail"),
    ("delivery", "mail.timestamp"),
    ("delivery", "delivery"),
    ("delivery", "delivery.recipients"),
    ("subscription", "mail"),
    ("subscription", "mail.destination"),
    ("subscription", "subscription"),
    ("subscription", "subscription.timestamp"),
    ("subscription", "subscription.newTopicPreferences"),
    ("subscription", "subscription.newTopicPreferences.unsubscribeAll"),
]
"""(sample, field that decides, so that feedback of its kind cannot do without)."""

EXPLAINING = [
    ("bounce", "mail"),
    ("bounce", "mail.messageId"),
    ("bounce", "mail.source"),
    ("bounce", "bounce.feedbackId"),
    ("complaint", "mail"),
    ("complaint", "mail.messageId"),
    ("complaint", "mail.source"),
    ("complaint", "complaint.feedbackId"),
    ("delivery", "mail.messageId"),
    ("delivery", "mail.source"),
    ("subscription", "mail.messageId"),
    ("subscription", "mail.source"),
    ("send", "mail"),
    ("send", "mail.messageId"),
]
"""(sample, field that SES always sends and that only explains)."""

OF_LISTS = [
    ("bounce", "bounce.bouncedRecipients[0]"),
    ("complaint", "complaint.complainedRecipients[1]"),
    ("delivery", "delivery.recipients[0]"),
    ("delivery", "delivery.recipients[1]"),
    ("subscription", "mail.destination[1]"),
]

DECIDING_OPTIONAL = [
    ("bounce", "bounce.bouncedRecipients[1].action"),
    ("bounce", "bounce.bouncedRecipients[0].status"),
]

EXPLAINING_OPTIONAL = [
    ("bounce", "bounce.bouncedRecipients[0].diagnosticCode"),
    ("complaint", "complaint.complaintFeedbackType"),
    ("complaint", "complaint.complaintSubType"),
    ("complaint", "complaint.userAgent"),
    ("subscription", "subscription.contactList"),
    ("subscription", "subscription.source"),
]

ADDRESSES = [
    ("bounce", "bounce.bouncedRecipients[1].emailAddress"),
    ("complaint", "complaint.complainedRecipients[0].emailAddress"),
    ("delivery", "delivery.recipients[1]"),
    ("subscription", "mail.destination[0]"),
]

TIMES = [
    ("bounce", "bounce.timestamp"),
    ("complaint", "complaint.timestamp"),
    ("delivery", "mail.timestamp"),
    ("subscription", "subscription.timestamp"),
]

ABSENT = object()


def with_field(sample: str, field: str, value: object) -> Notification:
    """Return a sample with another value in a field, given as a dotted path, or without the field."""
    notification = copy.deepcopy(SAMPLES[sample])
    *parents, last = [int(key) if key.isdigit() else key for key in field.replace("[", ".").replace("]", "").split(".")]
    parent: Any = notification
    for key in parents:
        parent = parent[key]
    if value is ABSENT:
        del parent[last]
    else:
        parent[last] = value
    return notification


def assert_refused(message: str | Notification, field: str) -> None:
    with pytest.raises(NotificationError) as caught:
        parse(message)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field} ")
    assert PERSON not in str(caught.value)


@pytest.mark.parametrize("value", [ABSENT, None, "", 0, 1.5, []], ids=["absent", "null", '""', "0", "1.5", "[]"])
@pytest.mark.parametrize(("sample", "field"), REQUIRED)
def test_a_required_field_that_is_missing_mistyped_or_empty_is_named(sample: str, field: str, value: object) -> None:
    assert_refused(with_field(sample, field, value), field)


@pytest.mark.parametrize("value", [True, {"a": ADDRESS}, [[ADDRESS]]], ids=["true", "object", "list"])
@pytest.mark.parametrize(("sample", "field"), [row for row in REQUIRED if not row[1].endswith("unsubscribeAll")])
def test_a_field_of_another_type_is_refused(sample: str, field: str, value: object) -> None:
    with pytest.raises(NotificationError) as caught:
        parse(with_field(sample, field, value))
    # Of an object of other fields the first that it lacks is named, and of a list its first element.
    assert caught.value.field.startswith(field)
    assert PERSON not in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, [ADDRESS], True], ids=repr)
@pytest.mark.parametrize(("sample", "field"), OF_LISTS)
def test_a_mistyped_recipient_is_named(sample: str, field: str, value: object) -> None:
    assert_refused(with_field(sample, field, value), field)


@pytest.mark.parametrize("value", [5, [ADDRESS], {"a": ADDRESS}, False], ids=repr)
@pytest.mark.parametrize(("sample", "field"), DECIDING_OPTIONAL)
def test_a_mistyped_optional_field_that_decides_is_named(sample: str, field: str, value: object) -> None:
    assert_refused(with_field(sample, field, value), field)


@pytest.mark.parametrize("value", [ABSENT, None, ""], ids=["absent", "null", "empty"])
@pytest.mark.parametrize(("sample", "field"), DECIDING_OPTIONAL + EXPLAINING_OPTIONAL)
def test_an_optional_field_may_be_absent(sample: str, field: str, value: object) -> None:
    feedback = parse(with_field(sample, field, value))
    assert (len(feedback.marks), feedback.unread) == (2, ())


# ---- What only explains


def decided(feedback: Feedback) -> list[tuple[str, MarkKind, str]]:
    return [(address, mark.kind, mark.at) for address, mark in feedback.marks]


@pytest.mark.parametrize(
    "value",
    [ABSENT, None, "", 0, True, [ADDRESS], {"a": ADDRESS}],
    ids=["absent", "null", '""', "0", "true", "list", "object"],
)
@pytest.mark.parametrize(("sample", "field"), EXPLAINING)
def test_a_field_that_only_explains_holds_nothing_back(sample: str, field: str, value: object) -> None:
    whole, feedback = parse(SAMPLES[sample]), parse(with_field(sample, field, value))
    assert (decided(feedback), feedback.ignored) == (decided(whole), whole.ignored)
    if field == "mail" and isinstance(value, dict):
        assert set(feedback.unread) == {"mail.messageId", "mail.source"}
    else:
        assert feedback.unread == (field,)
    for (_, mark), (_, expected) in zip(feedback.marks, whole.marks, strict=True):
        # What can be read of the rest is kept.
        empty = {"mail.messageId": "message_id", "mail.source": "sender"}.get(field, "feedback_id")
        lost = {"message_id": "", "sender": ""} if field == "mail" else {empty: ""}
        assert mark == replace(expected, **lost)  # type: ignore[arg-type]  # all are texts


@pytest.mark.parametrize("value", [5, [ADDRESS], {"a": ADDRESS}, False], ids=repr)
@pytest.mark.parametrize(("sample", "field"), EXPLAINING_OPTIONAL)
def test_a_mistyped_optional_field_that_only_explains_is_left_out(sample: str, field: str, value: object) -> None:
    whole, feedback = parse(SAMPLES[sample]), parse(with_field(sample, field, value))
    assert decided(feedback) == decided(whole)
    assert feedback.unread == (field,)
    assert PERSON not in repr([mark for _, mark in feedback.marks])


@pytest.mark.parametrize("subtype", [5, ["x"], {}, False, 0], ids=repr)
def test_a_not_spam_with_a_subtype_that_can_not_be_read_is_a_complaint(subtype: object) -> None:
    notification = ses.complaint(ADDRESS, feedback_type="not-spam")
    notification["complaint"]["complaintSubType"] = subtype
    assert kinds(parse(notification)) == [(ADDRESS, MarkKind.COMPLAINT)]


def test_a_complaint_needs_no_more_than_its_type_its_time_and_who_complained() -> None:
    recipients = [{"emailAddress": ADDRESS}]
    feedback = parse(
        {
            "notificationType": "Complaint",
            "complaint": {"timestamp": LATER, "complainedRecipients": recipients},
        }
    )
    assert decided(feedback) == [(ADDRESS, MarkKind.COMPLAINT, LATER)]
    assert set(feedback.unread) == {"mail", "complaint.feedbackId"}


# ---- Addresses, times, types


@pytest.mark.parametrize(
    "value",
    [
        PERSON,
        f"{PERSON}@",
        f"{PERSON}@example..com",
        f"{PERSON}\0@example.com",
        f"{PERSON}@exam\0ple.com",
        f"{PERSON}\ud800@example.com",
        f"{PERSON}@exam\udfffple.com",
        f"{PERSON}@{'d' * 64}.com",
        f"{PERSON}{'x' * MAX_OCTETS}@example.com",
        f"{PERSON}@{'d.' * 160}com",
        f"{PERSON} <{PERSON}>",
        PERSON * 100_000,
    ],
    ids=lambda value: ascii(value)[:40],
)
@pytest.mark.parametrize(("sample", "field"), ADDRESSES)
def test_what_is_no_address_is_refused_without_repeating_it(sample: str, field: str, value: str) -> None:
    assert_refused(with_field(sample, field, value), field)


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "2026-02-30T12:00:00.000Z",
        "2026-13-01T12:00:00.000Z",
        "2026-03-01T24:61:00.000Z",
        "2026-03-01T12:00:00.000",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        f"{ADDRESS}",
        "2026-03-01T12:00:00.000Z\0",
    ],
)
@pytest.mark.parametrize(("sample", "field"), TIMES)
def test_an_impossible_time_is_named(sample: str, field: str, value: str) -> None:
    assert_refused(with_field(sample, field, value), field)


@pytest.mark.parametrize("kind", ["bounce", "Received", "AmazonSns", "\ud800", ADDRESS])
@pytest.mark.parametrize("name", ["notificationType", "eventType"])
def test_an_unknown_type_is_named(name: str, kind: str) -> None:
    assert_refused({name: kind, "mail": ses.mail(ADDRESS)}, name)


@pytest.mark.parametrize("kind", [None, 5, "", ["Bounce"], {"a": 1}], ids=repr)
@pytest.mark.parametrize("name", ["notificationType", "eventType"])
def test_a_mistyped_type_is_named(name: str, kind: object) -> None:
    assert_refused({name: kind, "mail": ses.mail(ADDRESS)}, name)


def test_no_type_is_named() -> None:
    with pytest.raises(NotificationError) as caught:
        parse({"mail": ses.mail(ADDRESS)})
    assert caught.value.field in {"notificationType", "eventType"}


@pytest.mark.parametrize("kind", ["", "permanent", "Hard", ADDRESS])
def test_an_unknown_bounce_type_is_named(kind: str) -> None:
    assert_refused(with_field("bounce", "bounce.bounceType", kind), "bounce.bounceType")


WHOLE = json.dumps(SAMPLES["bounce"])


@pytest.mark.parametrize(
    "message",
    [
        "",
        " ",
        ADDRESS,
        "null",
        "5",
        "true",
        f'"{ADDRESS}"',
        f'["{ADDRESS}"]',
        WHOLE[:-1],
        WHOLE + "}",
        WHOLE * 2,
        "\ufeff" + WHOLE,
        "\0" + WHOLE,
        "[" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        WHOLE[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        WHOLE[:-1] + ', "x": ' + "9" * 5000 + "}",
        f"{ADDRESS} {ses.SET_UP_TEXT}",
    ],
    ids=lambda message: ascii(message)[:30],
)
def test_what_is_not_an_object_of_json_is_refused_as_a_whole(message: str) -> None:
    assert_refused(message, "message")


def test_numbers_of_any_size_in_fields_nobody_reads_are_fine() -> None:
    notification = copy.deepcopy(SAMPLES["delivery"])
    notification["delivery"]["processingTimeMillis"] = 10**4000
    assert len(parse(json.dumps(notification)[:-1] + ', "x": 1e999, "y": -Infinity}').marks) == 2


def test_one_bad_recipient_refuses_the_message_whole() -> None:
    notification = ses.delivery("a@example.com", "b@example.com", f"{PERSON}@@example.com")
    assert_refused(notification, "delivery.recipients[2]")


# ---- Whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

NAMES = st.sampled_from(
    ["notificationType", "eventType", "mail", "bounce", "complaint", "delivery", "subscription", "messageId", "source"]
)


def nodes(value: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of everything inside a value of JSON."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [node for key in keys for node in [(value, key), *nodes(value[key])]]


@st.composite
def damaged(draw: st.DrawFn) -> Notification:
    """Return a notification with one to three of its values replaced or removed."""
    notification = copy.deepcopy(draw(st.sampled_from(sorted(SAMPLES.items())))[1])
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(nodes(notification)))
        if isinstance(container, dict) and draw(st.booleans()):
            del container[key]
        else:
            container[key] = draw(JSON)
        if not notification:
            break
    return notification


def assert_total(message: str | Notification) -> None:
    """Check that a message is refused without repeating the address, or gives marks that can be stored."""
    try:
        feedback = parse(message)
    except NotificationError as error:
        refusal = str(error)
    else:
        check(feedback)
        return
    assert PERSON not in refusal


@given(damaged(), st.booleans())
def test_damaged_feedback_is_read_or_refused(
    notification: Notification,
    as_text: bool,  # noqa: FBT001  (drawn by Hypothesis)
) -> None:
    assert_total(json.dumps(notification) if as_text else notification)


@given(JSON | st.dictionaries(NAMES, JSON))
def test_arbitrary_json_is_read_or_refused(value: Any) -> None:
    assert_total(json.dumps(value))
    if isinstance(value, dict):
        assert_total(value)


@given(st.text(st.characters()))
def test_arbitrary_text_is_read_or_refused(text: str) -> None:
    assert_total(text)
