"""What is news about an address, and what an event says of it."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.changes import DETAIL_TYPE, REDRIVEN, REDRIVEN_DELIVERY, SOURCE, Event, ImageError, event_of
from healthy_mailing.evidence import Mark, MarkKind, Rules, State, override
from healthy_mailing.item import to_dynamodb
from support.marks import AT, image, mark
from support.marks import JANE as ADDRESS
from support.stream import SCHEMA, TABLE_ARN, TTL, Image, delivered, problems, record

from . import oracle
from .strategies import histories

UPDATED_AT = "2026-03-10T11:59:59.123Z"
DELIVERY = mark(MarkKind.DELIVERY)
COMPLAINT = mark(MarkKind.COMPLAINT, feedbackType="abuse")
BOUNCE = mark(MarkKind.HARD_BOUNCE)
OPT_OUT = mark(MarkKind.OPT_OUT)
FINE = image(DELIVERY)
COMPLAINED = image(DELIVERY, COMPLAINT)
BOUNCED = image(DELIVERY, BOUNCE)
ORIGINAL = to_dynamodb(
    {"UserId": ADDRESS, "state": "disable", "notificationType": "Complaint", "from": "n@example.org", "timestamp": AT}
)
FOREIGN = {"UserId": {"S": ADDRESS}, "orders": {"L": [{"BOOL": True}]}}


def told(old: Image | None, new: Image | None, *, new_deliveries: bool = False, **more: Any) -> Mapping[str, Any]:
    """Return the detail of the event, empty for none."""
    event = event_of(record(ADDRESS, old, new, **more), new_deliveries=new_deliveries)
    return event.detail if event else {}


def test_all_that_an_event_says() -> None:
    assert event_of(record(ADDRESS, FINE, COMPLAINED, 7), new_deliveries=False) == Event(
        ADDRESS,
        UPDATED_AT,
        {
            "version": "1",
            "id": "00000000000000000000000000000007",
            "sequence": "0000000000004421584500000000017450439098",
            "address": ADDRESS,
            "domain": "example.com",
            "changed": ["bulk", "transactional"],
            "before": "enable",
            "after": "disable",
            "mayBeMailed": False,
            "transactional": {"before": "enable", "after": "disable", "mayBeMailed": False},
            "reason": "complaint:abuse",
            "notificationType": "Complaint",
            "timestamp": AT,
            "changedAt": UPDATED_AT,
        },
    )


IMAGES: dict[str, Image | None] = {
    "-": None,
    "fine": FINE,
    "complained": COMPLAINED,
    "bounced": BOUNCED,
    "opted-out": image(DELIVERY, OPT_OUT),
    "unsure": image(mark(MarkKind.UNDETERMINED)),
    "original": ORIGINAL,
    "foreign": FOREIGN,
    "delivered-since": image(BOUNCE, mark(MarkKind.DELIVERY, "2026-03-11T00:00:00.000Z")),
    "bounced-too": image(DELIVERY, OPT_OUT, BOUNCE),
    "more-evidence": image(DELIVERY, COMPLAINT, BOUNCE),
    "version-2": image(DELIVERY, COMPLAINT, version=2),
    "on-ses-list": image(DELIVERY, COMPLAINT, pushedToSes={"at": AT}),
    "expiring": image(DELIVERY, expiresAt=1804723200),
    "orders": {**FINE, "orders": {"L": []}},
    "disabled": image(override(State.DISABLE, AT, "ops")),
    "nothing-known": image(),
}

# Old and new image, the states before and after for bulk and for transactional mail, the reason, and what this is.
NEWS = """
-           fine             no event                                             new and fine
-           bounced          - disable, - disable, bounce:Permanent/General       new and not fine
-           opted-out        - disable, - enable, opt-out                         new, only transactional mail is fine
-           unsure           - review, - review, undetermined                     new, to be checked
-           original         - disable, - disable, complaint                      new by the original article's function
fine        complained       enable disable, enable disable, complaint:abuse      disabled
bounced     delivered-since  disable enable, disable enable, delivery             enabled again
opted-out   bounced-too      disable disable, enable disable, opt-out             for transactional mail alone
fine        opted-out        enable disable, enable enable, opt-out               for bulk mail alone
bounced     complained       no event                                             another reason
complained  more-evidence    no event                                             evidence alone
complained  version-2        no event                                             a version alone
complained  on-ses-list      no event                                             put on SES's list
fine        expiring         no event                                             expiry alone
fine        orders           no event                                             what another program keeps there
disabled    nothing-known    disable enable, disable enable, unknown              an override is gone
complained  -                disable enable, disable enable, erased               deleted
fine        -                enable enable, enable enable, erased                 deleted: who keeps a copy drops it
original    complained       no event                                             an item of the article taken over
foreign     fine             - enable, - enable, delivery                         readable again
foreign     -                - enable, - enable, erased                           deleted, and unreadable before
"""


@pytest.mark.parametrize("case", NEWS.strip().splitlines())
def test_what_is_news(case: str) -> None:
    old, new, expected, _ = re.split(" {2,}", case)
    event = event_of(record(ADDRESS, IMAGES[old], IMAGES[new]), new_deliveries=False)
    assert bool(event) is (expected != "no event")
    if event:
        *states, reason = expected.split(", ")
        bulk, transactional = ([None if each == "-" else each for each in state.split()] for state in states)
        assert event.detail["reason"] == reason
        changed = [name for name, each in (("bulk", bulk), ("transactional", transactional)) if each[0] != each[1]]
        assert event.detail["changed"] == changed
        for detail, (before, after) in ((event.detail, bulk), (event.detail["transactional"], transactional)):
            assert (detail["before"], detail["after"], detail["mayBeMailed"]) == (before, after, after == "enable")
        assert fits(event) == []
        assert event.detail.keys() == SCHEMA["definitions"]["Detail"]["properties"].keys()


def test_new_addresses_that_are_fine_are_news_to_those_who_ask() -> None:
    detail = told(None, FINE, new_deliveries=True)
    assert (detail["before"], detail["after"], detail["reason"]) == (None, "enable", "delivery")
    assert not told(FINE, image(mark(MarkKind.DELIVERY, "2026-03-12T00:00:00.000Z")), new_deliveries=True)


def test_that_an_address_expired_is_news_to_those_who_heard_of_it() -> None:
    assert not told(FINE, None, userIdentity=TTL)
    assert told(FINE, None, userIdentity=TTL, new_deliveries=True)["reason"] == "expired"


def test_that_another_program_let_a_blocked_address_expire_is_news() -> None:
    detail = told(COMPLAINED, None, userIdentity=TTL)
    assert (detail["before"], detail["after"], detail["reason"]) == ("disable", "enable", "expired")


def test_a_user_who_deletes_is_not_time_to_live() -> None:
    assert told(FINE, None, userIdentity={"type": "IAMUser", "principalId": "AIDA"})["reason"] == "erased"


def test_what_was_deleted_has_no_feedback_to_name_and_the_stream_s_time() -> None:
    detail = told(COMPLAINED, None, created=1_773_144_000.5)
    assert (detail["notificationType"], detail["timestamp"]) == (None, None)
    assert detail["changedAt"] == "2026-03-10T12:00:00.500Z"


@pytest.mark.parametrize("updated_at", [{"N": "5"}, {"S": "yesterday"}, {"S": "2026-03-10T11:59:59Z"}, {"NULL": True}])
def test_a_change_has_the_stream_s_time_where_the_item_has_none_of_ours(updated_at: Image) -> None:
    assert told(FINE, {**COMPLAINED, "updatedAt": updated_at})["changedAt"] == "2026-03-10T12:00:00.000Z"


def test_what_redrive_brings_is_told_even_if_it_is_as_before() -> None:
    detail = told(FINE, FINE, eventName=REDRIVEN)
    assert (detail["before"], detail["after"], detail["changed"]) == ("enable", "enable", [])
    assert told(None, FINE, eventName=REDRIVEN)["after"] == "enable"
    assert told(None, None, eventName=REDRIVEN)["reason"] == "erased"
    assert told(FINE, None, eventName=REDRIVEN, userIdentity=TTL)["reason"] == "expired"


@pytest.mark.parametrize("new", [FINE, COMPLAINED, None])
def test_a_new_delivery_that_redrive_brings_is_told_only_where_such_are_asked_for(new: Image | None) -> None:
    assert told(None, new, eventName=REDRIVEN_DELIVERY, new_deliveries=True)
    assert not told(None, new, eventName=REDRIVEN_DELIVERY)


STATELESS: dict[str, Image] = {
    "another program's": FOREIGN,
    "empty": {},
    "a state that we do not know": {**FINE, "state": {"S": "paused"}},
    "a state that is none": {**FINE, "state": {"BOOL": True}},
    "a state for transactional mail that we do not know": {**FINE, "transactional": {"S": "paused"}},
    "not DynamoDB's JSON": {**FINE, "state": "enable"},
    "two types": {**FINE, "state": {"S": "enable", "N": "1"}},
}
UNREADABLE = {
    **STATELESS,
    "neither a reason nor evidence of ours": {
        "UserId": {"S": ADDRESS},
        "state": {"S": "disable"},
        "evidence": {"S": ""},
    },
    "a reason that fills the item": {**COMPLAINED, "reason": {"S": "x" * 300_000}},
    "a reason that is not DynamoDB's JSON": {**COMPLAINED, "reason": "x"},
}


@pytest.mark.parametrize("case", UNREADABLE)
@pytest.mark.parametrize("old", [None, FINE, FOREIGN], ids=["new", "changed", "still"])
def test_an_image_that_says_no_state_is_refused_and_not_repeated(case: str, old: Image | None) -> None:
    with pytest.raises(ImageError) as caught:
        told(old, UNREADABLE[case])
    assert "jane" not in str(caught.value)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("case", STATELESS)
def test_an_image_that_was_unreadable_before_is_not_known(case: str) -> None:
    detail = told(STATELESS[case], FINE)
    assert (detail["before"], detail["after"]) == (None, "enable")


GOOD = record(ADDRESS, FINE, COMPLAINED)
NO_RECORDS: dict[str, Any] = {
    "nothing": {},
    "no object": "text",
    "no change": {**GOOD, "dynamodb": None},
    "another table's key": {**GOOD, "dynamodb": {**GOOD["dynamodb"], "Keys": {"Id": {"S": "1"}}}},
    "an empty key": {**GOOD, "dynamodb": {**GOOD["dynamodb"], "Keys": {"UserId": {"S": ""}}}},
    "no number": {**GOOD, "dynamodb": {**GOOD["dynamodb"], "SequenceNumber": "first"}},
    "no id": {**GOOD, "eventID": None},
    "an empty id": {**GOOD, "eventID": ""},
    "a name that is none": {**GOOD, "eventName": []},
    "keys alone": {**GOOD, "dynamodb": {k: v for k, v in GOOD["dynamodb"].items() if not k.endswith("Image")}},
    "the new image alone": {**GOOD, "dynamodb": {k: v for k, v in GOOD["dynamodb"].items() if k != "OldImage"}},
    "the old image alone": {**GOOD, "dynamodb": {k: v for k, v in GOOD["dynamodb"].items() if k != "NewImage"}},
    "another name": {**GOOD, "eventName": "TRUNCATE"},
}


@pytest.mark.parametrize("case", NO_RECORDS)
def test_what_is_no_record_with_both_images_invents_no_change(case: str) -> None:
    with pytest.raises(ImageError):
        event_of(NO_RECORDS[case], new_deliveries=True)


@pytest.mark.parametrize("created", [None, "now", 1e300, float("nan"), float("inf")], ids=repr)
def test_a_record_needs_a_possible_time_only_where_the_item_has_none(created: Any) -> None:
    assert told(FINE, COMPLAINED, created=created)["changedAt"] == UPDATED_AT
    with pytest.raises(ImageError):
        told(COMPLAINED, None, created=created)


def fits(event: Event) -> list[str]:
    """Return in what an event does not fit the schema."""
    entry = {"DetailType": DETAIL_TYPE, "Source": SOURCE, "Resources": [TABLE_ARN], "Detail": json.dumps(event.detail)}
    return problems(delivered(entry))


Change = tuple[str, list[Mark]]


@st.composite
def lives(draw: st.DrawFn) -> list[Change]:
    """Return what happens to an address, one after the other: what is known then, and how it came to be."""
    known: list[Mark] = []
    life: list[Change] = []
    for each in draw(histories(ids_tell_all=True)):
        what = draw(st.sampled_from(["merged"] * 6 + ["override removed", "annotated", "erased", "expired"]))
        if what == "merged":
            known = [*known, each]
        elif what == "override removed":
            known = [held for held in known if held.kind is not MarkKind.OVERRIDE]
        elif what in {"erased", "expired"}:
            known = []
        life.append((what, known))
    return life


@given(lives(), st.booleans())
def test_the_events_of_a_life_are_its_changes_of_answer(life: list[Change], new_deliveries: bool) -> None:
    rules = Rules()
    exists = False
    states: tuple[str | None, str | None] = (None, None)
    old: Image | None = None
    for number, (what, known) in enumerate(life):
        gone = what in {"erased", "expired"}
        if gone and not exists:
            continue
        new = None if gone else image(*known, version=number)
        if gone:
            expected = what == "erased" or new_deliveries or set(states) != {"enable"}
            now: tuple[str | None, str | None] = (None, None)
            answer: tuple[str, str] = ("enable", "enable")
        else:
            answer = (verdict(known, rules, transactional=False), verdict(known, rules, transactional=True))
            now = answer
            expected = answer != states if exists else new_deliveries or answer != ("enable", "enable")
        more: Mapping[str, Any] = {"userIdentity": TTL} if what == "expired" else {}
        event = event_of(record(ADDRESS, old, new, number, **more), new_deliveries=new_deliveries)
        assert bool(event) is expected
        if event:
            detail = event.detail
            assert (detail["before"], detail["transactional"]["before"]) == states
            assert (detail["after"], detail["transactional"]["after"]) == answer
            assert detail["reason"] == (what if gone else reason(known, rules))
            assert fits(event) == []
        exists, states, old = not gone, now, new


def verdict(known: list[Mark], rules: Rules, *, transactional: bool) -> str:
    if not known:
        return "enable"
    return oracle.verdict(known, rules, transactional=transactional).state


def reason(known: list[Mark], rules: Rules) -> str:
    return oracle.verdict(known, rules).reason if known else "unknown"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """Return a good record of which one part is something else."""
    damaged = record(ADDRESS, dict(FINE), dict(COMPLAINED))
    part: Any = draw(
        st.sampled_from(
            [damaged, damaged["dynamodb"], damaged["dynamodb"]["NewImage"], damaged["dynamodb"]["OldImage"]]
        )
    )
    part[draw(st.sampled_from(sorted(part)))] = draw(
        JSON | st.dictionaries(st.sampled_from(["S", "N", "M", "BOOL"]), JSON)
    )
    return damaged


@given(damaged())
def test_any_damage_is_refused_or_makes_an_event_that_fits(found: dict[str, Any]) -> None:
    try:
        event = event_of(found, new_deliveries=True)
    except ImageError:
        return
    assert event is None or fits(event) == []


SPELLED = "Jane@Example.com"


@pytest.mark.parametrize("new_deliveries", [False, True])
@pytest.mark.parametrize(
    ("old", "new"),
    [(None, FINE), (BOUNCED, FINE), (BOUNCED, None), (FINE, None), (FOREIGN, FINE), (ORIGINAL, None)],
)
def test_of_a_row_in_another_spelling_it_does_not_follow_that_mail_may_go(
    old: Image | None, new: Image | None, *, new_deliveries: bool
) -> None:
    """The canonical row may forbid it; `mailing reassess` deletes such a row once it is merged into that one."""
    assert event_of(record(SPELLED, old, new), new_deliveries=new_deliveries) is None
    for name in (REDRIVEN, REDRIVEN_DELIVERY):
        assert event_of(record(SPELLED, old, new, eventName=name), new_deliveries=new_deliveries) is None


def test_of_a_row_in_another_spelling_it_follows_that_no_mail_may_go() -> None:
    event = event_of(record(SPELLED, FINE, COMPLAINED), new_deliveries=False)
    assert event is not None
    assert (event.address, event.detail["address"], event.detail["after"]) == (ADDRESS, ADDRESS, "disable")
