"""Which lists are known, and which mark each of their rows becomes. ``docs/lists.md`` says the same in a table."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from healthy_mailing.evidence import MarkKind
from healthy_mailing_cli.lists.formats.reader import Format
from healthy_mailing_cli.lists.formats.rows import Fields
from healthy_mailing_cli.lists.formats.times import to_utc
from healthy_mailing_cli.lists.formats.verdicts import (
    RowError,
    Verdict,
    bounce,
    by,
    complaint,
    hard,
    operator,
    opt_out,
    skip,
    soft,
    text,
    undocumented,
)


def _ses(fields: Fields, _now: str) -> Verdict:
    # The sub-types under which SES itself reports what its list held back.
    reason = text(fields, "reason").upper()
    if reason == "BOUNCE":
        return MarkKind.HARD_BOUNCE, {"bounceType": "Permanent", "subType": "OnAccountSuppressionList"}
    if reason == "COMPLAINT":
        return MarkKind.COMPLAINT, {"subType": "OnAccountSuppressionList"}
    raise undocumented("reason", reason)


# A status (RFC 3463) anywhere, but not the numbers of an IP address; a reply (RFC 5321, 4.2) at the beginning.
_STATUS = re.compile(r"(?<![0-9.])[45]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])")
_REPLY = re.compile(r"[45][0-9]{2}(?![0-9])")


def _sendgrid_bounce(fields: Fields, _now: str) -> Verdict:
    status, reason = text(fields, "status"), text(fields, "reason")
    if not status and (found := _STATUS.search(reason) or _REPLY.match(reason)):
        status = found[0]
    if status.startswith("4"):
        return bounce(MarkKind.SOFT_BOUNCE, reason, status)
    # One without any status, such as "Unable to get MX info", SendGrid suppresses all the same.
    if status.startswith("5") or not status:
        return bounce(MarkKind.HARD_BOUNCE, reason, status)
    raise undocumented("status", status)


def _mailgun_unsubscribe(fields: Fields, now: str) -> Verdict:
    tags = fields.get("tags")
    named = tags if isinstance(tags, list) else re.split(r"[\s,;\[\]\"']+", text(fields, "tags"))
    rule = opt_out() if "*" in named else skip("opt-outs of some tags alone")
    return rule(fields, now)


_POSTMARK_GONE = frozenset({"HardBounce", "BadEmailAddress"})
_POSTMARK_SOFT = frozenset({"SoftBounce", "Transient", "DnsError"})
_POSTMARK_OTHERS = frozenset(
    {
        *("AddressChange", "AutoResponder", "Blocked", "ChallengeVerification", "DMARCPolicy", "InboundError"),
        *("OpenRelayTest", "SMTPApiError", "SpamNotification", "Subscribe", "TemplateRenderingFailed", "Unconfirmed"),
        *("Unknown", "VirusNotification"),
    }
)


def _postmark_bounce(fields: Fields, now: str) -> Verdict:
    """Read a bounce (Postmark, "Bounce API"); one that is not inactive deactivated no address, or no longer does."""
    kind, inactive = text(fields, "type"), text(fields, "inactive").lower()
    why = text(fields, "details") or text(fields, "description")
    if kind == "SpamComplaint":
        return complaint(fields, now)
    if kind == "Unsubscribe":
        return opt_out("type")(fields, now)
    if kind == "ManuallyDeactivated" and inactive != "false":
        return operator("deactivated in Postmark")(fields, now)
    if kind not in {"ManuallyDeactivated"} | _POSTMARK_GONE | _POSTMARK_SOFT | _POSTMARK_OTHERS:
        raise undocumented("type", kind)
    if inactive == "true" or (kind in _POSTMARK_GONE and inactive != "false"):
        return bounce(MarkKind.HARD_BOUNCE, why)
    if kind in _POSTMARK_SOFT:
        return bounce(MarkKind.SOFT_BOUNCE, why)
    return skip("bounces after which Postmark mails the address")(fields, now)


_MANDRILL = by(
    "reason",
    {
        "hard-bounce": hard("detail"),
        "spam": complaint,
        "unsub": opt_out(),
        "custom": operator("rejected in Mandrill", "detail"),
        "soft-bounce": skip("soft bounces, which Mandrill rejects for a while alone"),
    },
)


def _mandrill(fields: Fields, now: str) -> Verdict:
    rule = _MANDRILL
    if text(fields, "email").lower() == "email":
        rule = skip("repeated headers")
    elif text(fields, "expired").lower() in {"true", "yes", "1"} or _is_over(text(fields, "expires_at"), now):
        rule = skip("expired rejections")
    return rule(fields, now)


def _is_over(time: str, now: str) -> bool:
    try:
        return bool(time) and to_utc(time) <= now
    except ValueError as error:
        raise RowError(f"has a time in expires_at that {error}") from None


_BREVO = by(
    "code",
    {
        "hardBounce": hard("message"),
        "contactFlaggedAsSpam": complaint,
        "adminBlocked": operator("blocked in Brevo by an administrator"),
    },
)


def _brevo(fields: Fields, now: str) -> Verdict:
    reason = fields.get("reason")
    given: Mapping[str, Any] = reason if isinstance(reason, dict) else {"code": reason}
    rule = opt_out("code") if text(given, "code").startswith("unsubscribedVia") else _BREVO
    return rule(given, now)


_SPARKPOST = by(
    "source",
    {
        "Bounce Rule": hard("description"),
        "Spam Complaint": complaint,
        "List Unsubscribe": opt_out("source"),
        "Unsubscribe Link": opt_out("source"),
        "Manually Added": operator("added to SparkPost's list by hand", "description"),
    },
)


def _sparkpost(fields: Fields, now: str) -> Verdict:
    rule = skip("suppressions of one list alone") if text(fields, "list_id") else _SPARKPOST
    return rule(fields, now)


_POSTMARK = by(
    "suppressionreason",
    {
        "HardBounce": hard(),
        "SpamComplaint": complaint,
        "ManualSuppression": by(
            "origin",
            {
                "Recipient": opt_out(),
                "Customer": operator("suppressed in Postmark by Customer"),
                "Admin": operator("suppressed in Postmark by Admin"),
            },
        ),
    },
)

_LISTMONK_SUBSCRIBER = by(
    "status",
    {
        "enabled": skip("subscribers with the status enabled"),
        "disabled": skip("subscribers with the status disabled"),
        "blocklisted": operator("on listmonk's blocklist"),
    },
)

_LISTMONK_BOUNCE = by("type", {"hard": hard(), "soft": soft, "complaint": complaint})

# When someone complained or opted out comes before when the row was made.
_ANY_TIME = (
    *("complained_at", "unsubscribed_at", "opted_out_at"),
    *("timestamp", "time", "date", "created_at", "created at", "created"),
)

_exactly = partial(Format, allows=frozenset())
"""No other columns than these: each list of SendGrid has some of another's."""

_sendgrid = partial(_exactly, times=("created",), zone="America/Los_Angeles")
_created = partial(Format, times=("created_at",))
_any_list = partial(Format, needs=frozenset(), times=_ANY_TIME, undated=True)
"""Addresses alone, or in the column that says so; nothing in them tells what they are."""

_SENDGRID_BOUNCE = {"status", "reason", "email", "created"}
_SENDGRID_GROUP = skip("opt-outs of one group alone")

_ALL = (
    Format("export", "`mailing export --format ndjson`", {"address", "evidence"}, None),
    Format("ses", "SES's suppression list", {"emailaddress", "reason", "lastupdatetime"}, _ses, ("lastupdatetime",)),
    _exactly("ses-job", "SES's import jobs", {"emailaddress", "reason"}, _ses, undated=True),
    _sendgrid("sendgrid-bounces", "SendGrid's bounces", _SENDGRID_BOUNCE, _sendgrid_bounce),
    _sendgrid(
        "sendgrid-blocks", "SendGrid's blocks", _SENDGRID_BOUNCE, skip("blocks, which SendGrid does not suppress")
    ),
    _sendgrid("sendgrid-invalid", "SendGrid's invalid addresses", {"reason", "email", "created"}, hard("reason")),
    _sendgrid("sendgrid-spam", "SendGrid's spam reports", {"ip", "email", "created"}, complaint),
    _sendgrid(
        "sendgrid-unsubscribes", "SendGrid's global unsubscribes", {"email", "created"}, opt_out(), is_shared=True
    ),
    Format("sendgrid-group-unsubscribes", "SendGrid's group unsubscribes", {"email", "group_id"}, _SENDGRID_GROUP),
    _created("mailgun-bounces", "Mailgun's bounces", {"address", "code", "error", "created_at"}, hard("code", "error")),
    _created("mailgun-complaints", "Mailgun's complaints", {"address", "created_at"}, complaint, allows={"count"}),
    _created("mailgun-unsubscribes", "Mailgun's unsubscribes", {"address", "tags", "created_at"}, _mailgun_unsubscribe),
    Format(
        "mailgun-allowlist",
        "Mailgun's allowlist",
        {"address", "domain"},
        skip("entries of the allowlist"),
        allows={"created_at", "createdat", "reason", "type", "value"},
    ),
    Format(
        "postmark",
        "Postmark's suppressions",
        {"emailaddress", "suppressionreason", "origin", "createdat"},
        _POSTMARK,
        ("createdat",),
    ),
    Format(
        "postmark-bounces",
        "Postmark's bounces",
        {"type", "email", "bouncedat", "inactive"},
        _postmark_bounce,
        ("bouncedat",),
        sender="from",
    ),
    Format(
        "mailchimp-unsubscribed",
        "Mailchimp's unsubscribed contacts",
        {"email address", "unsub_time"},
        opt_out("unsub_reason"),
        ("unsub_time",),
        lacks={"clean_time"},
    ),
    Format(
        "mailchimp-cleaned",
        "Mailchimp's cleaned contacts",
        {"email address", "clean_time"},
        hard(),
        ("clean_time",),
        lacks={"unsub_time"},
    ),
    Format(
        "mailchimp-subscribed",
        "Mailchimp's subscribed contacts",
        {"email address", "optin_time"},
        skip("subscribed contacts"),
        lacks={"unsub_time", "clean_time"},
    ),
    Format(
        "mandrill",
        "Mandrill's rejections",
        {"email", "reason", "detail", "created_at", "expires_at"},
        _mandrill,
        ("last_event_at", "created_at"),
    ),
    Format(
        "brevo",
        "Brevo's blocked contacts",
        {"email", "reason", "blockedat"},
        _brevo,
        ("blockedat",),
        sender="senderemail",
    ),
    Format(
        "sparkpost", "SparkPost's suppressions", {"recipient", "type", "source"}, _sparkpost, ("updated", "created")
    ),
    Format(
        "listmonk-subscribers",
        "listmonk's subscribers",
        {"uuid", "email", "status", "updated_at"},
        _LISTMONK_SUBSCRIBER,
        ("updated_at",),
    ),
    _created(
        "listmonk-bounces",
        "listmonk's bounces",
        {"email", "type", "source", "created_at"},
        _LISTMONK_BOUNCE,
        lacks={"recipient"},
    ),
    _any_list("mailman", "Mailman's bounced members", rule=hard()),
    _any_list("complaints", "complaints", rule=complaint),
    _any_list("opt-outs", "opt-outs", rule=opt_out()),
)

FORMATS: Mapping[str, Format] = {each.name: each for each in _ALL}
"""By name."""
