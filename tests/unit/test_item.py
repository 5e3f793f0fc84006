"""A record as the table holds it, and items that others wrote."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.evidence import (
    MADE_BY_PEOPLE,
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

AT = "2026-03-10T12:00:00.000Z"
RULES = Rules()


def mark(kind: MarkKind, at: str = AT, feedback_id: str = "f1", **detail: str) -> Mark:
    return Mark(
        kind=kind,
        at=at,
        feedback_id=feedback_id,
        message_id="m1",
        sender="news@example.org",
        detail=tuple(sorted(detail.items())),
    )


def item_of(*marks: Mark) -> dict[str, Any]:
    return to_item("jane@example.com", Record.of(evidence_of(marks), RULES))


def test_item_of_a_disabled_address() -> None:
    assert item_of(mark(MarkKind.COMPLAINT, feedbackType="abuse"), mark(MarkKind.DELIVERY, feedback_id="")) == {
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
                "messageId": "m1",
                "feedbackId": "f1",
                "feedbackType": "abuse",
            },
            "delivery": {"at": AT, "from": "news@example.org", "messageId": "m1"},
        },
    }


def test_item_under_review_is_in_the_index() -> None:
    item = item_of(mark(MarkKind.UNDETERMINED, bounceType="Undetermined", subType="Undetermined"))
    assert (item["state"], item["suppressed"]) == ("review", "review")


def test_item_of_an_enabled_address_is_not_in_the_index() -> None:
    item = item_of(mark(MarkKind.DELIVERY, feedback_id=""))
    assert item["state"] == "enable"
    assert "suppressed" not in item


EXPIRING = Rules(expire_days=365)
# 365 whole days after 2026-03-10, in seconds since 1970 (`date -u -d 2027-03-11 +%s`).
EXPIRES_AT = 1804723200


def test_item_of_deliveries_alone_expires() -> None:
    """At the end of the day, so that a delivery just before midnight counts as long as any other."""
    for time in ("00:00:00.000", "23:59:59.999"):
        delivery = mark(MarkKind.DELIVERY, f"2026-03-10T{time}Z", feedback_id="")
        assert to_item("jane@example.com", Record.of(evidence_of([delivery]), EXPIRING))["expiresAt"] == EXPIRES_AT
        assert "expiresAt" not in item_of(delivery)


@pytest.mark.parametrize("kind", [kind for kind in MarkKind if kind not in {MarkKind.DELIVERY, *MADE_BY_PEOPLE}])
def test_item_with_any_other_mark_does_not_expire(kind: MarkKind) -> None:
    other = mark(kind, "2020-01-01T00:00:00.000Z", bounceType="x", subType="y")
    for marks in ([other], [other, mark(MarkKind.DELIVERY, feedback_id="")]):
        assert "expiresAt" not in to_item("jane@example.com", Record.of(evidence_of(marks), EXPIRING))


def test_item_with_a_decision_or_without_evidence_does_not_expire() -> None:
    enabled = override(State.ENABLE, "2020-01-01T00:00:00.000Z", "ops")
    cleared = bounces_cleared("2020-01-01T00:00:00.000Z", "ops")
    delivery = mark(MarkKind.DELIVERY, feedback_id="")
    for marks in ([], [enabled], [enabled, delivery], [cleared], [cleared, delivery]):
        assert "expiresAt" not in to_item("jane@example.com", Record.of(evidence_of(marks), EXPIRING))


def test_the_time_is_a_number_in_dynamodb() -> None:
    item = to_item("jane@example.com", Record.of(evidence_of([mark(MarkKind.DELIVERY)]), EXPIRING))
    assert to_dynamodb(item)["expiresAt"] == {"N": str(EXPIRES_AT)}
    assert from_dynamodb(to_dynamodb(item)) == item


@pytest.mark.parametrize("state", [State.ENABLE, State.DISABLE])
def test_item_of_an_override(state: State) -> None:
    item = item_of(override(state, AT, "ops@example.org", "called us"))
    assert item["evidence"] == {
        "override": {"state": state, "at": AT, "by": "ops@example.org", "note": "called us"},
    }
    assert (item["state"], item["reason"], item["from"]) == (state, "operator", "ops@example.org")


def test_item_of_cleared_bounces() -> None:
    bounce = mark(MarkKind.HARD_BOUNCE, "2026-03-09T12:00:00.000Z", bounceType="Permanent", subType="General")
    item = item_of(bounce, bounces_cleared(AT, "ops@example.org", "an outage"))
    assert item["evidence"].keys() == {"hardBounce", "bouncesCleared"}
    assert item["evidence"]["bouncesCleared"] == {"at": AT, "by": "ops@example.org", "note": "an outage"}
    assert (item["state"], item["reason"]) == ("enable", "bounces-cleared")
    assert (item["notificationType"], item["from"], item["timestamp"]) == ("Override", "ops@example.org", AT)
    assert "suppressed" not in item


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        (mark(MarkKind.COMPLAINT), "Complaint"),
        (mark(MarkKind.NOT_SPAM), "Complaint"),
        (mark(MarkKind.HARD_BOUNCE, bounceType="Permanent", subType="General"), "Bounce"),
        (mark(MarkKind.SOFT_BOUNCE, bounceType="Transient", subType="General"), "Bounce"),
        (mark(MarkKind.UNDETERMINED, bounceType="Undetermined", subType="Undetermined"), "Bounce"),
        (mark(MarkKind.OPT_OUT, bounceType="Permanent", subType="UnsubscribedRecipient"), "Bounce"),
        (mark(MarkKind.OPT_OUT, contactList="Readers"), "Subscription"),
        (mark(MarkKind.OPT_IN, contactList="Readers"), "Subscription"),
        (mark(MarkKind.DELIVERY), "Delivery"),
    ],
)
def test_notification_type_is_that_of_the_deciding_feedback(marked: Mark, expected: str) -> None:
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
    ("item", "kind"),
    [
        (original(), MarkKind.HARD_BOUNCE),
        (original(notificationType="Complaint"), MarkKind.COMPLAINT),
        (original(notificationType="Delivery", state="enable"), MarkKind.DELIVERY),
    ],
)
def test_an_original_item_keeps_its_state(item: dict[str, str], kind: MarkKind) -> None:
    evidence = evidence_in(item)
    (found,) = evidence.values()
    assert (found.kind, found.at, found.sender) == (kind, "2012-05-25T21:59:38.623Z", "news@example.org")
    assert assess(evidence, RULES).state == item["state"]


def test_an_original_item_takes_part_in_the_merge() -> None:
    merged = merge(evidence_in(original()), evidence_of([mark(MarkKind.DELIVERY, feedback_id="")]))
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
        {"evidence": None},
        {"evidence": "complaint"},
        {"evidence": ["complaint"]},
        {"evidence": {"complaint": None}},
        {"evidence": {"complaint": "x"}},
        {"evidence": {"complaint": {}}},
        {"evidence": {"complaint": {"at": AT}}},
        {"evidence": {"somethingNew": COMPLAINT}},
        {"evidence": {"softBounces": COMPLAINT}},
        {"evidence": {"softBounces": {"2026-03-10": None}}},
        {"evidence": {"complaint": {**COMPLAINT, "at": None}}},
        {"evidence": {"complaint": {**COMPLAINT, "at": 5}}},
        {"evidence": {"complaint": {**COMPLAINT, "at": "yesterday"}}},
        {"evidence": {"complaint": {**COMPLAINT, "from": 5}}},
        {"evidence": {"complaint": {**COMPLAINT, "feedbackType": 5}}},
        {"evidence": {"override": {"at": AT, "by": "ops"}}},
        {"evidence": {"bouncesCleared": {"at": AT}}},
        {"evidence": {"bouncesCleared": {"by": "ops"}}},
    ],
    ids=repr,
)
def test_an_item_that_is_no_record_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        evidence_in(item)


def test_an_item_whose_last_evidence_was_removed_holds_none() -> None:
    nothing = to_item("jane@example.com", Record.of({}, RULES))
    assert nothing == {"UserId": "jane@example.com", "state": "enable", "evidence": {}}
    assert evidence_in(nothing) == {}


def test_an_item_survives_dynamodb() -> None:
    item = item_of(mark(MarkKind.COMPLAINT), mark(MarkKind.SOFT_BOUNCE)) | {"version": 12, "updatedAt": AT}
    assert to_dynamodb(item)["version"] == {"N": "12"}
    assert from_dynamodb(to_dynamodb(item)) == item


def test_a_string_of_digits_stays_a_string() -> None:
    item = item_of(override(State.DISABLE, AT, "12", "34"))
    assert from_dynamodb(to_dynamodb(item)) == item


def test_what_others_keep_in_an_item_is_not_read() -> None:
    kept = {"segments": {"SS": ["gold"]}, "score": {"N": "1.5"}, "UserId": {"S": "jane@example.com"}}
    assert from_dynamodb(kept) == {"UserId": "jane@example.com"}


def test_what_is_beside_the_evidence_is_what_others_keep_and_what_was_pushed_to_ses() -> None:
    written = to_dynamodb(item_of(mark(MarkKind.COMPLAINT)) | {"version": 1, "updatedAt": AT})
    beside = {"segments": {"SS": ["gold"]}, "pushedToSes": {"M": {"at": {"S": AT}}}}
    assert beside_evidence(written) == {}
    assert beside_evidence(written | beside) == beside


@pytest.mark.parametrize(("characters", "says"), [(300, True), (301, False)])
def test_an_item_with_a_reason_of_any_length_is_no_answer(
    characters: int,
    says: bool,  # noqa: FBT001  (a table's column)
) -> None:
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
