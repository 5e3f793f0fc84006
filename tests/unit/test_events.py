"""What each raw event in ``scripts/healthy_mailing_cli/sample_events`` means."""

import pytest

from harness import paths
from healthy_mailing.notification import parse

HARD, SOFT = "hardBounce", "softBounces"
BOUNCED = "2026-03-11T08:15:42.237Z"
COMPLAINED = "2026-03-12T19:05:11.000Z"

MARKS: dict[str, list[tuple[str, str, str]]] = {
    "bounce-permanent-delayed-recipient": [
        (HARD, "gone@example.com", BOUNCED),
        (SOFT, "slow@example.com", BOUNCED),
        (SOFT, "full@example.com", BOUNCED),
    ],
    "bounce-permanent-general-with-headers": [(HARD, "jane.doe@example.com", BOUNCED)],
    "bounce-permanent-general-without-dsn": [
        (HARD, "jane@example.com", "2012-05-25T21:59:38.605Z"),
        (HARD, "richard@example.com", "2012-05-25T21:59:38.605Z"),
    ],
    "bounce-permanent-noemail": [(HARD, "nobody@example.com", BOUNCED)],
    "bounce-permanent-on-account-suppression-list": [(HARD, "listed@example.com", BOUNCED)],
    "bounce-permanent-suppressed": [(HARD, "suppressed@example.com", BOUNCED)],
    "bounce-permanent-unsubscribed-recipient": [("optOut", "left@example.com", BOUNCED)],
    "bounce-transient-general-with-dsn": [(SOFT, "busy@example.com", BOUNCED)],
    "bounce-transient-mailbox-full": [(SOFT, "full@example.com", BOUNCED)],
    "bounce-undetermined": [("undetermined", "unclear@example.com", BOUNCED)],
    "complaint-abuse": [("complaint", "angry@example.com", COMPLAINED)],
    "complaint-article": [("complaint", "recipient1@example.com", "2012-05-25T21:59:38.623Z")],
    "complaint-not-spam": [("notSpam", "forgiving@example.com", COMPLAINED)],
    "complaint-on-account-suppression-list": [("complaint", "listed@example.com", COMPLAINED)],
    "complaint-without-feedback-report": [
        ("complaint", "angry@example.com", COMPLAINED),
        ("complaint", "angrier@example.com", COMPLAINED),
    ],
    "delivery": [("delivery", "jane@example.com", "2026-03-10T23:59:59.900Z")],
    "event-bounce": [(HARD, "reader@example.com", BOUNCED)],
    "event-complaint": [("complaint", "reader@example.com", COMPLAINED)],
    "event-delivery": [("delivery", "reader@example.com", "2026-03-13T10:00:00.000Z")],
    "event-subscription-resubscribe": [("optIn", "reader@example.com", "2026-03-15T07:30:00.001Z")],
    "event-subscription-unsubscribe-all": [("optOut", "reader@example.com", "2026-03-14T01:00:17.910Z")],
}
"""By event: kind, address and time of each mark."""

IGNORED: dict[str, list[str]] = {
    "bounce-transient-general-auto-reply": ["AutoReply"],
    "bounce-transient-message-too-large": ["ContentRejected"],
    "event-click": ["Click"],
    "event-delivery-delay": ["DeliveryDelay"],
    "event-open": ["Open"],
    "event-reject": ["Reject"],
    "event-rendering-failure": ["RenderingFailure"],
    "event-send": ["Send"],
    "set-up-identity-topic": ["SetUp"],
}
"""By event: why it marks nobody."""


@pytest.mark.parametrize("name", [*MARKS, *IGNORED])
def test_event_means(name: str) -> None:
    feedback = parse((paths.EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    assert [(mark.kind, address, mark.at) for address, mark in feedback.marks] == MARKS.get(name, [])
    assert list(feedback.ignored) == IGNORED.get(name, [])


def test_the_meaning_of_every_event_is_stated() -> None:
    assert {path.stem for path in paths.EVENTS.iterdir()} == {*MARKS, *IGNORED}
