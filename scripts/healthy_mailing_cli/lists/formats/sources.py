"""Which lists are known, and which mark each of their rows becomes. ``docs/lists.md`` says the same in a table."""

import difflib
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from healthy_mailing.address import AddressError, canonical
from healthy_mailing.evidence import Mark, MarkKind, State, override
from healthy_mailing.item import ADDRESS, EVIDENCE, STATE, RecordError, evidence_in
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.lists.formats.reading import HEADINGS, PLAIN, Fields, heading, may_be_quoted, several, text_of
from healthy_mailing_cli.lists.formats.times import to_utc

Details = dict[str, str]
Verdict = tuple[MarkKind, Details]
"""The kind of a row's mark, and its details; of ``OVERRIDE``, which disables, the note alone."""

IMPORTED_FROM = "importedFrom"
"""The detail of a mark that names the format of the list that it comes from."""

_DETAIL_LENGTH = 256
"""Characters kept of text from outside, as of those that SES sends (``notification``)."""

_LARGEST = 300_000
"""Octets of a row's evidence in our own export; DynamoDB takes items of 400 KB, with their names."""

_TOLERANCE = timedelta(minutes=5)
"""By how much clocks may differ. AWS refuses requests whose time differs by more (IAM User Guide, "Signing AWS API
requests"), so this machine's clock can't be further off."""

_COLUMNS_SHOWN = 200
"""Characters of a list's columns that a message has; a binary file may seem to have endless ones."""

_NEAREST = 3


class RowError(ValueError):
    """Why a row is refused; the message is what is said of the row, without a subject."""


class SkippedError(Exception):
    """Why a row is none that a mark follows from, though nothing is wrong with it; the message names such rows."""


class UnknownError(ValueError):
    """A list is none that is known, or more than one that is; the message says so, and the remedy."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of list.

    Attributes:
        name: How ``--as`` calls it.
        title: How people call it.
        needs: The columns, in lower case, without which a list is none of these.
        verdict: What a row means, for a time that is now. Raises ``SkippedError`` and ``RowError``.
        address: The column of the address, or those that it may be, of which the first is taken.
        times: The columns of the time, of which the first that is not empty is taken.
        undated: Whether rows have marks, but need not have a time.
        lacks: Columns by which a list is none of these.
        allows: All columns that a list may have beside those that it needs; None for any.
        is_distinctive: Whether its columns alone tell it.
        zone: That of a time without one.
        sender: The column of who sent the mail, if there is one.
    """

    name: str
    title: str
    needs: frozenset[str]
    verdict: Callable[[Fields, str], Verdict]
    address: tuple[str, ...] = ("email",)
    times: tuple[str, ...] = ()
    undated: bool = False
    lacks: frozenset[str] = frozenset()
    allows: frozenset[str] | None = None
    is_distinctive: bool = True
    zone: str = "UTC"
    sender: str = ""

    def may_be(self, names: Collection[str]) -> bool:
        """Return whether a list with these columns may be of this kind."""
        found = set(names)
        return (
            self.needs <= found
            and not self.lacks & found
            and (self.allows is None or found <= self.needs | self.allows)
            and self.column(names) is not None
        )

    def column(self, names: Collection[str]) -> str | None:
        """Return which of a list's columns is that of the addresses; None if none is."""
        named = {heading(name): name for name in names}
        return next((named[each] for each in map(heading, self.address) if each in named), None)

    def is_dated(self, names: Collection[str]) -> bool:
        """Return whether the rows of such a list, with these columns, have times or need none."""
        return not self.undated or any(name in names for name in self.times)


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns the rows of a list into marks.

    Attributes:
        format: What the list is.
        at: The time of rows without one, UTC with milliseconds; empty if they are to be refused.
        now: Until when something may have expired, and marks may be from, but for a tolerance.
        address: The column of the address.
    """

    format: Format
    at: str
    now: str
    address: str

    @classmethod
    def of(cls, kind: Format, names: Collection[str], at: str, now: str) -> "Reader":
        """Return the reader of a list with these columns."""
        return cls(kind, at, now, kind.column(names) or "")

    def marks(self, fields: Fields) -> tuple[str, list[Mark]]:
        """Return the canonical address of a row, and its marks.

        Raises:
            RowError: The row is refused.
            SkippedError: It is skipped.
        """
        if self.format is EXPORT:
            return _exported(fields, self.now)
        kind, details = self.format.verdict(fields, self.now)
        given = text(fields, self.address)
        if given.count("@") > 1 and (count := several(given)) > 1:
            raise RowError(f"has {count} addresses, and an import takes one address a row")
        try:
            address = canonical(given)
        except AddressError as error:
            raise RowError(f"has an address that {error}") from None
        if may_be_quoted(given):
            raise RowError("has an address that may be in quotation marks")
        return address, [self._mark(kind, details, self._at(fields), fields)]

    def _at(self, fields: Fields) -> str:
        for name in self.format.times:
            if given := text(fields, name):
                try:
                    at = to_utc(given, self.format.zone)
                except ValueError as error:
                    raise RowError(f"has a time in {name} that {error}") from None
                if at > self.now and in_the_future(at, self.now):
                    raise RowError(f"has a time in {name} that is in the future: {at}")
                return at
        if not self.at:
            raise RowError("has no time: give one for such rows with --at")
        return self.at

    def _mark(self, kind: MarkKind, details: Details, at: str, fields: Fields) -> Mark:
        source = self.format.name
        if kind is MarkKind.OVERRIDE:
            return override(State.DISABLE, at, f"import:{source}", _clip(details["note"]))
        clipped = {name: _clip(value) for name, value in details.items() if value}
        return Mark(
            kind=kind,
            at=at,
            # It says where the mark comes from, and is the same whenever the row is imported.
            feedback_id=f"import:{source}",
            message_id="",
            sender=_clip(text(fields, self.format.sender)) if self.format.sender else "",
            detail=tuple(sorted((clipped | {IMPORTED_FROM: source}).items())),
        )


def in_the_future(at: str, now: str) -> bool:
    """Return whether a time is after now, by more than clocks differ."""
    return at > now and at > from_datetime(datetime.fromisoformat(now) + _TOLERANCE)


def named(name: str) -> Format:
    """Return the format of that name.

    Raises:
        UnknownError: There is none.
    """
    if name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, _NEAREST, cutoff=0.4)
        perhaps = f"; the nearest are {', '.join(near)}" if near else ""
        raise UnknownError(f"can't be read as {name}, which is not a format{perhaps}. {_ALL_FORMATS}")
    return FORMATS[name]


def recognised(names: Collection[str], name: str | None = None) -> Format:
    """Return what a list with these columns is, or that it is what ``--as`` says.

    Raises:
        UnknownError: It is not, or that cannot be told.
    """
    shown = ", ".join(each or "(no name)" for each in names) or "none"
    shown = f"{shown[:_COLUMNS_SHOWN]} …" if len(shown) > _COLUMNS_SHOWN else shown
    if set(EXPORTED_COLUMNS) <= set(names):
        raise UnknownError(
            "is the CSV of `mailing export`, which lacks the evidence. Export with --format ndjson to import again"
        )
    twice = next((each for each, count in Counter(names).items() if count > 1 and heading(each) in HEADINGS), None)
    if twice is not None:
        raise UnknownError(f"has the column {twice} twice: rename the one that does not count")
    if name is not None:
        chosen = named(name)
        if not chosen.may_be(names) and not chosen.needs:
            raise UnknownError(f"has no column called {', '.join(HEADINGS)}; its columns are: {shown}")
        if not chosen.may_be(names):
            wanted = ", ".join(sorted(chosen.needs))
            raise UnknownError(f"is not a list of {chosen.title}: that has the columns {wanted}, this one has {shown}")
        return chosen
    found = [each for each in FORMATS.values() if each.needs and each.may_be(names)]
    if len(found) == 1 and found[0].is_distinctive:
        return found[0]
    if tuple(names) == PLAIN:
        raise UnknownError("is a plain list. Say what is in it: --as mailman (hard bounces), complaints or opt-outs")
    if len(found) == 1:
        raise UnknownError(
            f"has the columns of {found[0].title}, but so have other lists. Say what is in it: "
            f"--as {found[0].name}, complaints or opt-outs"
        )
    if found:
        raise UnknownError(f"may be several lists: say which with --as {' or '.join(each.name for each in found)}")
    raise UnknownError(f"is not a known list. Its columns are: {shown}. {_nearest(set(names))}")


def without_header(cells: Sequence[str]) -> UnknownError:
    """Return why a list can't be recognised whose first line, of these cells, has an address and no header above it."""
    line = ", ".join(map(str.strip, text_of(cells)))[:_COLUMNS_SHOWN]
    if (count := several(line)) > 1:
        return UnknownError(f"has {count} addresses on its first line: {line}. An import takes one address a row")
    return UnknownError(f"has no header above its first line: {line}. Add one that names the columns")


def _nearest(names: Collection[str]) -> str:
    """Return which formats have most of these columns, and by what they differ, as sentences."""
    lacks = {each: sorted(each.needs - set(names)) for each in FORMATS.values() if each.needs}
    near = [each for each, missing in lacks.items() if 2 * len(missing) <= len(each.needs)]
    near.sort(key=lambda each: len(lacks[each]) / len(each.needs))
    said = []
    if near:
        differ = (f"{each.name} ({_difference(each, names, lacks[each])})" for each in near[:_NEAREST])
        said.append(f"The nearest formats are {', '.join(differ)}")
    if any(heading(name) in HEADINGS for name in names):
        said.append("Any list of addresses can be read with --as mailman, complaints or opt-outs")
    return ". ".join([*said, _ALL_FORMATS])


def _difference(kind: Format, names: Collection[str], missing: Collection[str]) -> str:
    """Return why a list with these columns is not of a kind."""
    if missing:
        return f"which also has {', '.join(missing)}"
    if unfit := sorted(kind.lacks & set(names)):
        return f"which has no {', '.join(unfit)}"
    return "which has no other columns"


_ALL_FORMATS = "docs/lists.md has all formats"


EXPORTED_COLUMNS = ("address", "state", "transactional", "reason", "type", "sender", "time")
"""The columns of the CSV of ``mailing export``."""


def text(fields: Fields, name: str) -> str:
    """Return a field as text, empty if it is not there.

    Raises:
        RowError: It is neither text nor a number.
    """
    value = fields.get(name)
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    raise RowError(f"has no text in {name}")


def _hard(text_: str = "", status: str = "") -> Verdict:
    return MarkKind.HARD_BOUNCE, {
        "bounceType": "Permanent",
        "subType": "General",
        "status": status,
        "diagnosticCode": text_,
    }


def _soft(text_: str = "", status: str = "") -> Verdict:
    return MarkKind.SOFT_BOUNCE, {
        "bounceType": "Transient",
        "subType": "General",
        "status": status,
        "diagnosticCode": text_,
    }


def _complaint() -> Verdict:
    return MarkKind.COMPLAINT, {}


def _opt_out(source: str = "") -> Verdict:
    return MarkKind.OPT_OUT, {"source": source}


def _operator(note: str) -> Verdict:
    return MarkKind.OVERRIDE, {"note": note}


def _always(verdict: Verdict) -> Callable[[Fields, str], Verdict]:
    return lambda _fields, _now: verdict


def _skip(what: str) -> Callable[[Fields, str], Verdict]:
    def skip(_fields: Fields, _now: str) -> Verdict:
        raise SkippedError(what)

    return skip


def _unknown(name: str, value: str) -> RowError:
    return RowError(f"has {name} {value!r}, which is not documented" if value else f"has nothing in {name}")


def _ses(fields: Fields, _now: str) -> Verdict:
    # The sub-types under which SES itself reports what its list held back.
    reason = text(fields, "reason").upper()
    if reason == "BOUNCE":
        return MarkKind.HARD_BOUNCE, {"bounceType": "Permanent", "subType": "OnAccountSuppressionList"}
    if reason == "COMPLAINT":
        return MarkKind.COMPLAINT, {"subType": "OnAccountSuppressionList"}
    raise _unknown("reason", reason)


# A status (RFC 3463) anywhere, but not the numbers of an IP address; a reply (RFC 5321, 4.2) at the beginning.
_STATUS = re.compile(r"(?<![0-9.])[45]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])")
_REPLY = re.compile(r"[45][0-9]{2}(?![0-9])")


def _sendgrid_bounce(fields: Fields, _now: str) -> Verdict:
    status, reason = text(fields, "status"), text(fields, "reason")
    if not status and (found := _STATUS.search(reason) or _REPLY.match(reason)):
        status = found[0]
    if status.startswith("4"):
        return _soft(reason, status)
    # One without any status, such as "Unable to get MX info", SendGrid suppresses all the same.
    if status.startswith("5") or not status:
        return _hard(reason, status)
    raise _unknown("status", status)


def _mailgun_bounce(fields: Fields, _now: str) -> Verdict:
    return _hard(f"{text(fields, 'code')} {text(fields, 'error')}".strip())


def _mailgun_unsubscribe(fields: Fields, _now: str) -> Verdict:
    tags = fields.get("tags")
    named = tags if isinstance(tags, list) else re.split(r"[\s,;\[\]\"']+", text(fields, "tags"))
    if "*" not in named:
        raise SkippedError("opt-outs of some tags alone")
    return _opt_out()


def _postmark(fields: Fields, _now: str) -> Verdict:
    reason, origin = text(fields, "suppressionreason"), text(fields, "origin")
    match reason, origin:
        case "HardBounce", _:
            return _hard()
        case "SpamComplaint", _:
            return _complaint()
        case "ManualSuppression", "Recipient":
            return _opt_out()
        case "ManualSuppression", "Customer" | "Admin":
            return _operator(f"suppressed in Postmark by {origin}")
        case "ManualSuppression", _:
            raise _unknown("Origin", origin)
    raise _unknown("SuppressionReason", reason)


_POSTMARK_SOFT = frozenset({"SoftBounce", "Transient", "DnsError"})
_POSTMARK_OTHERS = frozenset(
    {
        "AddressChange",
        "AutoResponder",
        "Blocked",
        "ChallengeVerification",
        "DMARCPolicy",
        "InboundError",
        "OpenRelayTest",
        "SMTPApiError",
        "SpamNotification",
        "Subscribe",
        "TemplateRenderingFailed",
        "Unconfirmed",
        "Unknown",
        "VirusNotification",
    }
)


def _postmark_bounce(fields: Fields, _now: str) -> Verdict:
    """Read a bounce (Postmark, "Bounce API"); one that is not inactive deactivated no address, or no longer does."""
    kind, inactive = text(fields, "type"), text(fields, "inactive").lower()
    why = text(fields, "details") or text(fields, "description")
    match kind:
        case "SpamComplaint":
            return _complaint()
        case "Unsubscribe":
            return _opt_out("Unsubscribe")
        case "HardBounce" | "BadEmailAddress" if inactive != "false":
            return _hard(why)
        case "ManuallyDeactivated" if inactive != "false":
            return _operator("deactivated in Postmark")
    if inactive == "true" and kind in _POSTMARK_SOFT | _POSTMARK_OTHERS:
        return _hard(why)
    if kind in _POSTMARK_SOFT:
        return _soft(why)
    if kind in _POSTMARK_OTHERS | {"HardBounce", "BadEmailAddress", "ManuallyDeactivated"}:
        raise SkippedError("bounces after which Postmark mails the address")
    raise _unknown("Type", kind)


def _mandrill(fields: Fields, now: str) -> Verdict:
    if text(fields, "email").lower() == "email":
        raise SkippedError("repeated headers")
    expires = text(fields, "expires_at")
    if text(fields, "expired").lower() in {"true", "yes", "1"} or (expires and _past(expires, now)):
        raise SkippedError("expired rejections")
    reason, detail = text(fields, "reason"), text(fields, "detail")
    match reason:
        case "hard-bounce":
            return _hard(detail)
        case "spam":
            return _complaint()
        case "unsub":
            return _opt_out()
        case "custom":
            return _operator(f"rejected in Mandrill: {detail}" if detail else "rejected in Mandrill")
        case "soft-bounce":
            raise SkippedError("soft bounces, which Mandrill rejects for a while alone")
    raise _unknown("reason", reason)


def _past(time: str, now: str) -> bool:
    try:
        return to_utc(time) <= now
    except ValueError as error:
        raise RowError(f"has a time in expires_at that {error}") from None


def _brevo(fields: Fields, _now: str) -> Verdict:
    reason = fields.get("reason")
    given: Mapping[str, Any] = reason if isinstance(reason, dict) else {"code": reason}
    code = text(given, "code")
    if code.startswith("unsubscribedVia"):
        return _opt_out(code)
    match code:
        case "hardBounce":
            return _hard(text(given, "message"))
        case "contactFlaggedAsSpam":
            return _complaint()
        case "adminBlocked":
            return _operator("blocked in Brevo by an administrator")
    raise _unknown("reason", code)


def _sparkpost(fields: Fields, _now: str) -> Verdict:
    if text(fields, "list_id"):
        raise SkippedError("suppressions of one list alone")
    source, description = text(fields, "source"), text(fields, "description")
    match source:
        case "Bounce Rule":
            return _hard(description)
        case "Spam Complaint":
            return _complaint()
        case "List Unsubscribe" | "Unsubscribe Link":
            return _opt_out(source)
        case "Manually Added":
            return _operator(
                f"added to SparkPost's list by hand: {description}"
                if description
                else "added to SparkPost's list by hand"
            )
    raise _unknown("source", source)


def _listmonk_subscriber(fields: Fields, _now: str) -> Verdict:
    status = text(fields, "status")
    if status in {"enabled", "disabled"}:
        raise SkippedError(f"subscribers with the status {status}")
    if status == "blocklisted":
        return _operator("on listmonk's blocklist")
    raise _unknown("status", status)


def _listmonk_bounce(fields: Fields, _now: str) -> Verdict:
    kind = text(fields, "type")
    match kind:
        case "hard":
            return _hard()
        case "soft":
            return _soft()
        case "complaint":
            return _complaint()
    raise _unknown("type", kind)


def _exported(fields: Fields, now: str) -> tuple[str, list[Mark]]:
    """Return the marks of a row of our own export; its states and its reason follow from them."""
    given = fields.get("address")
    octets = 0
    try:
        address = canonical(given if isinstance(given, str) else "")
        # A mark's texts are stored as they are.
        evidence = evidence_in({ADDRESS: address, STATE: State.ENABLE, EVIDENCE: fields.get("evidence")})
        for mark in evidence.values():
            texts = f"{mark.sender}{mark.feedback_id}{mark.message_id}{''.join(map(''.join, mark.detail))}"
            octets += len(texts.encode())
            if in_the_future(mark.at, now):
                raise RowError(f"has evidence of the future: {mark.kind} at {mark.at}")
    except AddressError as error:
        raise RowError(f"has an address that {error}") from None
    except RecordError:
        raise RowError("has evidence of another version, or of another program") from None
    except UnicodeEncodeError:
        raise RowError("has evidence that is not text") from None
    if octets > _LARGEST:
        raise RowError(f"has {octets:,} octets of evidence, more than DynamoDB takes")
    if not evidence:
        raise SkippedError("addresses of which nothing is known")
    return address, list(evidence.values())


def _clip(value: str) -> str:
    """Cut text from outside to a length, and replace lone surrogates, which DynamoDB cannot store."""
    clipped = value[:_DETAIL_LENGTH]
    return clipped if clipped.isascii() else clipped.encode("utf-8", "replace").decode("utf-8")


def _named(*names: str) -> frozenset[str]:
    return frozenset(names)


EXPORT = Format(
    "export", "`mailing export --format ndjson`", _named("address", "evidence"), _skip(""), address=("address",)
)

_EXACTLY: frozenset[str] = frozenset()

# When someone complained or opted out comes before when the row was made.
_ANY_TIME = (
    "complained_at",
    "unsubscribed_at",
    "opted_out_at",
    "timestamp",
    "time",
    "date",
    "created_at",
    "created at",
    "created",
)


def _plain(name: str, title: str, verdict: Verdict) -> Format:
    """Return the format of addresses alone, or in the column that says so; nothing in them tells what they are."""
    return Format(
        name,
        title,
        frozenset(),
        _always(verdict),
        address=HEADINGS,
        times=_ANY_TIME,
        undated=True,
        is_distinctive=False,
    )


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        EXPORT,
        Format(
            "ses",
            "SES's suppression list",
            _named("emailaddress", "reason", "lastupdatetime"),
            _ses,
            address=("emailaddress",),
            times=("lastupdatetime",),
        ),
        Format(
            "ses-job",
            "SES's import jobs",
            _named("emailaddress", "reason"),
            _ses,
            address=("emailaddress",),
            undated=True,
            allows=_EXACTLY,
        ),
        Format(
            "sendgrid-bounces",
            "SendGrid's bounces",
            _named("status", "reason", "email", "created"),
            _sendgrid_bounce,
            times=("created",),
            allows=_EXACTLY,
            zone="America/Los_Angeles",
        ),
        Format(
            "sendgrid-blocks",
            "SendGrid's blocks",
            _named("status", "reason", "email", "created"),
            _skip("blocks, which SendGrid does not suppress"),
            allows=_EXACTLY,
        ),
        Format(
            "sendgrid-invalid",
            "SendGrid's invalid addresses",
            _named("reason", "email", "created"),
            lambda fields, _now: _hard(text(fields, "reason")),
            times=("created",),
            allows=_EXACTLY,
            zone="America/Los_Angeles",
        ),
        Format(
            "sendgrid-spam",
            "SendGrid's spam reports",
            _named("ip", "email", "created"),
            _always(_complaint()),
            times=("created",),
            allows=_EXACTLY,
            zone="America/Los_Angeles",
        ),
        Format(
            "sendgrid-unsubscribes",
            "SendGrid's global unsubscribes",
            _named("email", "created"),
            _always(_opt_out()),
            times=("created",),
            allows=_EXACTLY,
            is_distinctive=False,
            zone="America/Los_Angeles",
        ),
        Format(
            "sendgrid-group-unsubscribes",
            "SendGrid's group unsubscribes",
            _named("email", "group_id"),
            _skip("opt-outs of one group alone"),
        ),
        Format(
            "mailgun-bounces",
            "Mailgun's bounces",
            _named("address", "code", "error", "created_at"),
            _mailgun_bounce,
            address=("address",),
            times=("created_at",),
        ),
        Format(
            "mailgun-complaints",
            "Mailgun's complaints",
            _named("address", "created_at"),
            _always(_complaint()),
            address=("address",),
            times=("created_at",),
            allows=_named("count"),
        ),
        Format(
            "mailgun-unsubscribes",
            "Mailgun's unsubscribes",
            _named("address", "tags", "created_at"),
            _mailgun_unsubscribe,
            address=("address",),
            times=("created_at",),
        ),
        Format(
            "mailgun-allowlist",
            "Mailgun's allowlist",
            _named("address", "domain"),
            _skip("entries of the allowlist"),
            address=("address",),
            allows=_named("created_at", "createdat", "reason", "type", "value"),
        ),
        Format(
            "postmark",
            "Postmark's suppressions",
            _named("emailaddress", "suppressionreason", "origin", "createdat"),
            _postmark,
            address=("emailaddress",),
            times=("createdat",),
        ),
        Format(
            "postmark-bounces",
            "Postmark's bounces",
            _named("type", "email", "bouncedat", "inactive"),
            _postmark_bounce,
            times=("bouncedat",),
            sender="from",
        ),
        Format(
            "mailchimp-unsubscribed",
            "Mailchimp's unsubscribed contacts",
            _named("email address", "unsub_time"),
            lambda fields, _now: _opt_out(text(fields, "unsub_reason")),
            address=("email address",),
            times=("unsub_time",),
            lacks=_named("clean_time"),
        ),
        Format(
            "mailchimp-cleaned",
            "Mailchimp's cleaned contacts",
            _named("email address", "clean_time"),
            _always(_hard()),
            address=("email address",),
            times=("clean_time",),
            lacks=_named("unsub_time"),
        ),
        Format(
            "mailchimp-subscribed",
            "Mailchimp's subscribed contacts",
            _named("email address", "optin_time"),
            _skip("subscribed contacts"),
            address=("email address",),
            lacks=_named("unsub_time", "clean_time"),
        ),
        Format(
            "mandrill",
            "Mandrill's rejections",
            _named("email", "reason", "detail", "created_at", "expires_at"),
            _mandrill,
            times=("last_event_at", "created_at"),
        ),
        Format(
            "brevo",
            "Brevo's blocked contacts",
            _named("email", "reason", "blockedat"),
            _brevo,
            times=("blockedat",),
            sender="senderemail",
        ),
        Format(
            "sparkpost",
            "SparkPost's suppressions",
            _named("recipient", "type", "source"),
            _sparkpost,
            address=("recipient",),
            times=("updated", "created"),
        ),
        Format(
            "listmonk-subscribers",
            "listmonk's subscribers",
            _named("uuid", "email", "status", "updated_at"),
            _listmonk_subscriber,
            times=("updated_at",),
        ),
        Format(
            "listmonk-bounces",
            "listmonk's bounces",
            _named("email", "type", "source", "created_at"),
            _listmonk_bounce,
            times=("created_at",),
            lacks=_named("recipient"),
        ),
        _plain("mailman", "Mailman's bounced members", _hard()),
        _plain("complaints", "complaints", _complaint()),
        _plain("opt-outs", "opt-outs", _opt_out()),
    )
}
"""By name."""
