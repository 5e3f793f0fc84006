"""The verdict on each kind of feedback, in both of SES's contracts, and the refusal of everything else."""

import copy
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.targets import check
from healthy_mailing.evidence import MarkKind
from healthy_mailing.notification import Feedback, Ignored, NotificationError, parse
from support import ses

Notification = dict[str, Any]

LATER = "2026-03-11T09:30:00.250Z"


def unchanged(notification: Notification) -> Notification:
    return notification


BOTH_CONTRACTS = pytest.mark.parametrize("contract", [unchanged, ses.event], ids=["identity", "event"])
Contract = Callable[[Notification], Notification]


def rows(table: str) -> list[str]:
    return table.strip().splitlines()


def kinds(feedback: Feedback) -> list[tuple[str, MarkKind]]:
    return [(address, mark.kind) for address, mark in feedback.marks]


# ---- The verdict table


# The type, what a recipient's `action/status` may be, and the verdict: a mark, or why there is none. An action is
# read in any case: RFC 3464, 2.3.3, gives its values as ABNF.
BOUNCES = """
Permanent/General                    failed/5.1.1 -/- failed/-            hardBounce
Permanent/NoEmail                    failed/5.1.1                         hardBounce
Permanent/Suppressed                 failed/5.1.1                         hardBounce
Permanent/OnAccountSuppressionList   failed/5.1.1                         hardBounce
Permanent/OnTenantSuppressionList    failed/5.1.1                         hardBounce
Permanent/EmailValidationSuppressed  failed/5.1.1                         hardBounce
Permanent/SomethingNew               -/-                                  hardBounce
Permanent/MailboxFull                -/-                                  hardBounce
Permanent/General                    delayed/- Delayed/5.1.1 DELAYED/-    softBounces
Permanent/General                    failed/4.4.7 -/4.2.2                 softBounces
Permanent/SomethingNew               delayed/-                            softBounces
Permanent/UnsubscribedRecipient      -/- failed/5.1.1                     optOut
Transient/General                    failed/5.4.7 failed/- delayed/4.4.1  softBounces
Transient/General                    -/4.4.7 -/5.0.0                      softBounces
Transient/General                    -/- delivered/- -/2.0.0              AutoReply
Transient/MailboxFull                -/- failed/5.2.2                     softBounces
Transient/CustomTimeoutExceeded      -/-                                  softBounces
Transient/SomethingNew               -/-                                  softBounces
Transient/MessageTooLarge            failed/5.3.4                         ContentRejected
Transient/ContentRejected            -/-                                  ContentRejected
Transient/AttachmentRejected         failed/5.7.1                         ContentRejected
Undetermined/Undetermined            -/-                                  undetermined
Undetermined/SomethingNew            failed/5.1.1                         undetermined
"""
CASES = [(kind, each, verdict) for kind, *details, verdict in map(str.split, rows(BOUNCES)) for each in details]


@BOTH_CONTRACTS
@pytest.mark.parametrize(("bounce_type", "details", "verdict"), CASES)
def test_bounce(contract: Contract, bounce_type: str, details: str, verdict: str) -> None:
    kind, subtype = bounce_type.split("/")
    action, status = (None if each == "-" else each for each in details.split("/"))
    notification = ses.bounce(
        "Jane@Example.com", kind=kind, subtype=subtype, action=action, status=status, at=LATER, message_id="m"
    )
    feedback = parse(contract(notification))
    assert (feedback.kind, feedback.message_id) == ("Bounce", "m")
    if verdict not in set(MarkKind):
        assert (feedback.marks, feedback.ignored) == ((), (verdict,))
        return
    ((address, mark),) = feedback.marks
    assert feedback.ignored == ()
    assert (address, mark.kind, mark.at) == ("jane@example.com", verdict, LATER)
    assert (mark.feedback_id, mark.message_id) == (notification["bounce"]["feedbackId"], "m")
    assert mark.sender == ses.SENDER
    assert (mark.get("bounceType"), mark.get("subType")) == (kind, subtype)
    assert (mark.get("action"), mark.get("status")) == (action or "", status or "")


# complaintFeedbackType, complaintSubType, the mark.
COMPLAINTS = """
abuse          -                         complaint
auth-failure   -                         complaint
fraud          -                         complaint
other          -                         complaint
virus          -                         complaint
something-new  -                         complaint
-              -                         complaint
-              OnAccountSuppressionList  complaint
not-spam       OnAccountSuppressionList  complaint
not-spam       -                         notSpam
"""


@BOTH_CONTRACTS
@pytest.mark.parametrize("case", rows(COMPLAINTS))
def test_complaint(contract: Contract, case: str) -> None:
    feedback_type, subtype, expected = (None if each == "-" else each for each in case.split())
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
    after: bool,
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


@pytest.mark.parametrize("kind", ["Send", "Reject", "Open", "Click", "Rendering Failure", "DeliveryDelay"])
def test_other_events_mark_nobody_and_are_counted_by_type(kind: str) -> None:
    reason = kind.replace(" ", "")
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


@pytest.mark.parametrize("build", [ses.bounce, ses.complaint, ses.subscription])
def test_a_time_is_told_in_utc(build: Callable[..., Notification]) -> None:
    ((_, mark),) = parse(build("a@example.com", at="2026-03-10T07:00:00.123-05:00")).marks
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
    "rejoining": ses.subscription(ADDRESS, f"2.{ADDRESS}", unsubscribe_all=False),
    "send": ses.other("Send", ADDRESS),
}


def fields(table: str) -> list[tuple[str, str]]:
    """Return (sample, field) of each field that a table names, in a row of its sample."""
    return [(sample, field) for sample, *named in map(str.split, rows(table)) for field in named]


# Without which feedback of its kind cannot be judged.
REQUIRED = fields("""
bounce        bounce bounce.bounceType bounce.bounceSubType bounce.timestamp bounce.bouncedRecipients
bounce        bounce.bouncedRecipients[0].emailAddress bounce.bouncedRecipients[1].emailAddress
complaint     complaint complaint.timestamp complaint.complainedRecipients
complaint     complaint.complainedRecipients[1].emailAddress
delivery      mail mail.timestamp delivery delivery.recipients
subscription  mail mail.destination subscription subscription.timestamp
subscription  subscription.newTopicPreferences subscription.newTopicPreferences.unsubscribeAll
""")

# What SES always sends and that only explains.
EXPLAINING = fields("""
bounce        mail mail.messageId mail.source bounce.feedbackId
complaint     mail mail.messageId mail.source complaint.feedbackId
delivery      mail.messageId mail.source
subscription  mail.messageId mail.source
send          mail mail.messageId
""")

OF_LISTS = fields("""
bounce        bounce.bouncedRecipients[0]
complaint     complaint.complainedRecipients[1]
delivery      delivery.recipients[0] delivery.recipients[1]
subscription  mail.destination[1]
""")

DECIDING_OPTIONAL = fields("bounce bounce.bouncedRecipients[1].action bounce.bouncedRecipients[0].status")

EXPLAINING_OPTIONAL = fields("""
bounce        bounce.bouncedRecipients[0].diagnosticCode
complaint     complaint.complaintFeedbackType complaint.complaintSubType complaint.userAgent
subscription  subscription.contactList subscription.source
""")

# Which decide where someone comes back.
OLD_PREFERENCES = fields("rejoining subscription.oldTopicPreferences subscription.oldTopicPreferences.unsubscribeAll")

ADDRESSES = fields("""
bounce        bounce.bouncedRecipients[1].emailAddress
complaint     complaint.complainedRecipients[0].emailAddress
delivery      delivery.recipients[1]
subscription  mail.destination[0]
""")

TIMES = fields("""
bounce        bounce.timestamp
complaint     complaint.timestamp
delivery      mail.timestamp
subscription  subscription.timestamp
""")

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


REFUSED: list[tuple[list[tuple[str, str]], list[object]]] = [
    (REQUIRED, [ABSENT, None, "", 0, 1.5, []]),
    (OF_LISTS, [None, 5, [ADDRESS], True]),
    (DECIDING_OPTIONAL, [5, [ADDRESS], {"a": ADDRESS}, False]),
    (OLD_PREFERENCES, [5, "true", ["x"]]),
    (ADDRESSES, [PERSON, f"{PERSON}@example..com", f"{PERSON}\ud800@example.com", PERSON * 100_000]),
    (TIMES, ["yesterday", "2026-02-30T12:00:00.000Z", "0001-01-01T00:00:00+14:00", ADDRESS]),
    ([("bounce", "bounce.bounceType")], ["", "permanent", "Hard", ADDRESS]),
]


@pytest.mark.parametrize(
    ("where", "values"), REFUSED, ids=["required", "listed", "optional", "old preferences", "address", "time", "type"]
)
def test_what_decides_and_is_missing_mistyped_or_impossible_is_named_and_not_repeated(
    where: list[tuple[str, str]], values: list[object]
) -> None:
    """What else is no address and no time, the tests of addresses and timestamps show."""
    for (sample, field), value in itertools.product(where, values):
        assert_refused(with_field(sample, field, value), field)


@pytest.mark.parametrize("value", [True, {"a": ADDRESS}, [[ADDRESS]]], ids=["true", "object", "list"])
@pytest.mark.parametrize(("sample", "field"), [row for row in REQUIRED if not row[1].endswith("unsubscribeAll")])
def test_a_field_of_another_type_is_refused(sample: str, field: str, value: object) -> None:
    with pytest.raises(NotificationError) as caught:
        parse(with_field(sample, field, value))
    # Of an object of other fields the first that it lacks is named, and of a list its first element.
    assert caught.value.field.startswith(field)
    assert PERSON not in str(caught.value)


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


# ---- Types and JSON


@pytest.mark.parametrize(
    "kind", ["bounce", "Received", "AmazonSns", "\ud800", ADDRESS, None, 5, "", ["Bounce"], {"a": 1}], ids=ascii
)
@pytest.mark.parametrize("name", ["notificationType", "eventType"])
def test_an_unknown_or_mistyped_type_is_named(name: str, kind: object) -> None:
    assert_refused({name: kind, "mail": ses.mail(ADDRESS)}, name)


def test_no_type_is_named() -> None:
    with pytest.raises(NotificationError) as caught:
        parse({"mail": ses.mail(ADDRESS)})
    assert caught.value.field in {"notificationType", "eventType"}


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


@given(damaged(), st.booleans())
def test_damaged_feedback_is_read_or_refused(notification: Notification, as_text: bool) -> None:
    """The refusal repeats no address, and the marks can be stored. Any other text is put to it in `tests/fuzz`."""
    try:
        feedback = parse(json.dumps(notification) if as_text else notification)
    except NotificationError as error:
        refusal = str(error)
    else:
        check(feedback)
        return
    assert PERSON not in refusal
