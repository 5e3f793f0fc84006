"""A record as the table holds it, and items that others wrote."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.evidence import (
    Mark,
    MarkKind,
    Record,
    Rules,
    State,
    assess,
    bounces_cleared,
    evidence_of,
    merge,
    override,
)
from healthy_mailing.item import (
    RecordError,
    beside_evidence,
    evidence_in,
    from_dynamodb,
    is_answer,
    to_dynamodb,
    to_item,
)
from support.marks import AT, item_of, mark

RULES = Rules()


def test_item_of_a_disabled_address() -> None:
    assert item_of(mark(MarkKind.COMPLAINT, feedbackType="abuse"), mark(MarkKind.DELIVERY)) == {
        "UserId": "jane@example.com",
        "state": "disable",
        "suppressed": "disable",
        "reason": "complaint:abuse",
        "notificationType": "Complaint",
        "from": "news@example.org",
        "timestamp": AT,
        "evidence": {
            "complaint": {
                "at": AT,
                "from": "news@example.org",
                "messageId": "m0",
                "feedbackId": "f0",
                "feedbackType": "abuse",
            },
            "delivery": {"at": AT, "from": "news@example.org", "messageId": "m0", "feedbackId": "f0"},
        },
    }


EXPIRING = Rules(expire_days=365)
# 365 whole days after 2026-03-10, in seconds since 1970 (`date -u -d 2027-03-11 +%s`).
EXPIRES_AT = 1804723200


def test_item_of_deliveries_alone_expires() -> None:
    """At the end of the day, so that a delivery just before midnight counts as long as any other."""
    for time in ("00:00:00.000", "23:59:59.999"):
        delivery = mark(MarkKind.DELIVERY, f"2026-03-10T{time}Z")
        assert item_of(delivery, rules=EXPIRING)["expiresAt"] == EXPIRES_AT
        assert "expiresAt" not in item_of(delivery)


@pytest.mark.parametrize("state", [State.ENABLE, State.DISABLE])
def test_item_of_an_override(state: State) -> None:
    item = item_of(override(state, AT, "ops@example.org", "called us"))
    assert item["evidence"] == {"override": {"state": state, "at": AT, "by": "ops@example.org", "note": "called us"}}
    assert (item["state"], item["reason"], item["from"]) == (state, "operator", "ops@example.org")


def test_item_of_cleared_bounces() -> None:
    bounce = mark(MarkKind.HARD_BOUNCE, "2026-02-28T12:00:00.000Z")
    item = item_of(bounce, bounces_cleared(AT, "ops@example.org", "an outage"))
    assert item["evidence"].keys() == {"hardBounce", "bouncesCleared"}
    assert item["evidence"]["bouncesCleared"] == {"at": AT, "by": "ops@example.org", "note": "an outage"}
    assert (item["state"], item["reason"]) == ("enable", "bounces-cleared")
    assert (item["notificationType"], item["from"], item["timestamp"]) == ("Override", "ops@example.org", AT)
    assert "suppressed" not in item


FEEDBACK: dict[str, list[Mark]] = {
    "Complaint": [mark(MarkKind.COMPLAINT), mark(MarkKind.NOT_SPAM)],
    "Bounce": [
        mark(MarkKind.HARD_BOUNCE),
        mark(MarkKind.SOFT_BOUNCE, bounceType="Transient", subType="General"),
        mark(MarkKind.UNDETERMINED, bounceType="Undetermined", subType="Undetermined"),
        mark(MarkKind.OPT_OUT, bounceType="Permanent", subType="UnsubscribedRecipient"),
    ],
    "Subscription": [mark(kind, contactList="Readers") for kind in (MarkKind.OPT_OUT, MarkKind.OPT_IN)],
    "Delivery": [mark(MarkKind.DELIVERY)],
}


@pytest.mark.parametrize("expected", FEEDBACK)
def test_notification_type_is_that_of_the_deciding_feedback(expected: str) -> None:
    for marked in FEEDBACK[expected]:
        assert item_of(marked)["notificationType"] == expected


# ---- The original article's items


def original(**fields: str) -> dict[str, str]:
    return {
        "UserId": "jane@example.com",
        "notificationType": "Bounce",
        "from": "news@example.org",
        "timestamp": "2012-05-25T14:59:38.623-07:00",
        "state": "disable",
        **fields,
    }


@pytest.mark.parametrize(
    ("named", "state", "kind"),
    [
        ("Bounce", "disable", MarkKind.HARD_BOUNCE),
        ("Complaint", "disable", MarkKind.COMPLAINT),
        ("Delivery", "enable", MarkKind.DELIVERY),
    ],
)
def test_an_original_item_keeps_its_state(named: str, state: str, kind: MarkKind) -> None:
    evidence = evidence_in(original(notificationType=named, state=state))
    (found,) = evidence.values()
    assert (found.kind, found.at, found.sender) == (kind, "2012-05-25T21:59:38.623Z", "news@example.org")
    assert assess(evidence, RULES).state == state


def test_an_original_item_takes_part_in_the_merge() -> None:
    merged = merge(evidence_in(original()), evidence_of([mark(MarkKind.DELIVERY)]))
    assert assess(merged, RULES).state is State.ENABLE


# ---- What is no record

COMPLAINT = {"at": AT, "from": "s", "messageId": "m", "feedbackId": "f"}


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"UserId": "jane@example.com"},
        original(timestamp="yesterday"),
        {key: value for key, value in original().items() if key != "from"},
        {key: value for key, value in original().items() if key != "state"},
        *(
            {"evidence": evidence}
            for evidence in [
                None,
                "complaint",
                ["complaint"],
                {"somethingNew": COMPLAINT},
                {"softBounces": COMPLAINT},
                {"softBounces": {"2026-03-10": None}},
                {"override": {"at": AT, "by": "ops"}},
                {"bouncesCleared": {"at": AT}},
                {"bouncesCleared": {"by": "ops"}},
            ]
        ),
        *({"evidence": {"complaint": complaint}} for complaint in [None, "x", {}, {"at": AT}]),
        *(
            {"evidence": {"complaint": {**COMPLAINT, field: value}}}
            for field, value in [("at", None), ("at", 5), ("at", "yesterday"), ("from", 5), ("feedbackType", 5)]
        ),
    ],
    ids=repr,
)
def test_an_item_that_is_no_record_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        evidence_in(item)


def test_an_item_whose_last_evidence_was_removed_holds_none() -> None:
    nothing = item_of(rules=EXPIRING)
    assert nothing == {"UserId": "jane@example.com", "state": "enable", "evidence": {}}
    assert evidence_in(nothing) == {}


def test_an_item_survives_dynamodb() -> None:
    """Its numbers are numbers there, and a string of digits stays a string."""
    marks = mark(MarkKind.DELIVERY, 10), mark(MarkKind.SOFT_BOUNCE), override(State.DISABLE, AT, "12", "34")
    for item in (item_of(*marks), item_of(marks[0], rules=EXPIRING)):
        whole = item | {"version": 12, "updatedAt": AT}
        assert to_dynamodb(whole)["version"] == {"N": "12"}
        assert from_dynamodb(to_dynamodb(whole)) == whole
    assert to_dynamodb(item_of(marks[0], rules=EXPIRING))["expiresAt"] == {"N": str(EXPIRES_AT)}


def test_what_others_keep_in_an_item_is_not_read() -> None:
    kept = {"segments": {"SS": ["gold"]}, "score": {"N": "1.5"}, "UserId": {"S": "jane@example.com"}}
    assert from_dynamodb(kept) == {"UserId": "jane@example.com"}


def test_what_is_beside_the_evidence_is_what_others_keep_and_what_was_pushed_to_ses() -> None:
    written = to_dynamodb(item_of(mark(MarkKind.COMPLAINT)) | {"version": 1, "updatedAt": AT})
    beside = {"segments": {"SS": ["gold"]}, "pushedToSes": {"M": {"at": {"S": AT}}}}
    assert beside_evidence(written) == {}
    assert beside_evidence(written | beside) == beside


@pytest.mark.parametrize(("characters", "says"), [(300, True), (301, False)])
def test_an_item_with_a_reason_of_any_length_is_no_answer(characters: int, says: bool) -> None:
    assert is_answer(item_of(mark(MarkKind.COMPLAINT)) | {"reason": "x" * characters}) is says


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(AT),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["at", "from", "by", "messageId", "feedbackId", "state", "note", "subType", "2026-03-10"])
MARK_LIKE = st.dictionaries(FIELDS, VALUES, max_size=5) | st.just(COMPLAINT)
ITEM_LIKE = st.dictionaries(
    st.sampled_from(["UserId", "state", "from", "timestamp", "notificationType"]), VALUES, max_size=5
) | st.fixed_dictionaries(
    {
        "evidence": VALUES
        | st.dictionaries(st.sampled_from([str(kind) for kind in MarkKind]) | st.text(), MARK_LIKE | VALUES, max_size=3)
    }
)


@given(ITEM_LIKE)
def test_what_another_program_wrote_is_a_record_or_refused(item: dict[str, Any]) -> None:
    """What is taken for a record can be assessed, merged and written again."""
    try:
        evidence = evidence_in(item)
    except RecordError:
        return
    complaint = evidence_of([mark(MarkKind.COMPLAINT)])
    assert to_item("jane@example.com", Record.of(evidence, RULES))
    assert merge(evidence, complaint) == merge(complaint, evidence)
