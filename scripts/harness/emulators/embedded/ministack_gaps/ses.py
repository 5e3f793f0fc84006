"""What ministack 1.5.33's SES lacks."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from ministack.core import iam_actions
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import ses, ses_v2

from harness.emulators.embedded.ministack_gaps import ses_jobs
from harness.emulators.embedded.ministack_gaps.handlers import OK, Original, Request, Response, answer_before

_RECIPIENT_KINDS = ("ToAddresses", "CcAddresses", "BccAddresses")
_NOTIFICATION_KINDS = ("Bounce", "Complaint", "Delivery")
_REASONS = ("BOUNCE", "COMPLAINT")
_MAX_PAGE = 1000
_NOT_SENT = (
    "Amazon SES did not send the message to this address because it is on the suppression list for your account."
)
_TIME_HEADER = "x-harness-last-update-time"

_suppressed = AccountRegionScopedDict()
"""The account's suppression list: by address as it was spelt, what GetSuppressedDestination answers."""
_defaults = AccountRegionScopedDict()
"""By identity, its default configuration set."""
_account = AccountRegionScopedDict()
"""Of GetAccount's answer, what was set."""


_json: Callable[[Mapping[str, Any]], Response] = ses_v2.json_response
_refuse: Callable[..., Response] = ses_v2._json_err


def fill() -> None:
    """Add what is missing to both versions of the API, and make one SES of the two that ministack keeps.

    There, version 1 does not know the identities and configuration sets that version 2 created, and mail sent with
    version 2 causes no notifications. The account's suppression list is always empty, and can't be changed.
    """
    answer_before(ses, _answer_version_1)
    answer_before(ses_v2, _answer_version_2)
    ses._send_notifications = _notify
    original = iam_actions._ses_v2_resource_arn

    def resource_arn(method: str, path: str, body: bytes, region: str, account: str) -> str:
        """Authorize SendEmail on the sender's identity and GetImportJob on the job; ministack takes all resources.

        Service Authorization Reference, "Actions, resources, and condition keys for Amazon Simple Email Service v2".
        """
        if method == "POST" and path == "/v2/email/outbound-emails":
            identity = ses._notification_identity(str(iam_actions._safe_json_field(body, "FromEmailAddress")))
            return f"arn:aws:ses:{region}:{account}:identity/{identity[0]}" if identity else "*"
        if method == "GET" and path.startswith("/v2/email/import-jobs/"):
            return f"arn:aws:ses:{region}:{account}:import-job/{path.rpartition('/')[2]}"
        return str(original(method, path, body, region, account))

    iam_actions._ses_v2_resource_arn = resource_arn


async def _answer_version_1(request: Request, original: Original) -> Response:
    parameters = {name: values[0] for name, values in request.query.items() if values}
    parameters.update(parse_qsl(request.body.decode(errors="replace")))
    # Terraform's aws_ses_identity_notification_topic calls both. Shapes as in the Amazon SES API Reference, 2010-12-01.
    match parameters.get("Action"):
        case "GetIdentityNotificationAttributes":
            return _get_notification_attributes(parameters)
        case "SetIdentityHeadersInNotificationsEnabled":
            return _set_headers_in_notifications(parameters)
    response = await original()
    message_id = re.search(rb"<MessageId>([^<]+)</MessageId>", response[2])
    if message_id is not None and "ConfigurationSetName" in parameters:
        starts = tuple(f"Destination.{kind}.member." for kind in _RECIPIENT_KINDS)
        recipients = [value for key, value in parameters.items() if key.startswith(starts)]
        source = parameters.get("Source", "")
        _publish_events(parameters["ConfigurationSetName"], message_id[1].decode(), source, recipients)
    return response


def _get_notification_attributes(parameters: Mapping[str, str]) -> Response:
    entries = ""
    for name in (value for key, value in parameters.items() if key.startswith("Identities.member.")):
        identity = ses._identities.get(name)
        if identity is None:
            continue
        topics = identity["NotificationTopics"]
        values = {f"{kind}Topic": topics[kind] for kind in _NOTIFICATION_KINDS if topics.get(kind)}
        values["ForwardingEnabled"] = _boolean(identity["FeedbackForwardingEnabled"])
        for kind in _NOTIFICATION_KINDS:
            values[f"HeadersIn{kind}NotificationsEnabled"] = _boolean(identity.get(f"HeadersIn{kind}", False))
        members = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in values.items())
        entries += f"<entry><key>{escape(name)}</key><value>{members}</value></entry>"
    return _xml("GetIdentityNotificationAttributes", f"<NotificationAttributes>{entries}</NotificationAttributes>")


def _set_headers_in_notifications(parameters: Mapping[str, str]) -> Response:
    identity = ses._identities.get(parameters.get("Identity", ""))
    if identity is not None:
        identity[f"HeadersIn{parameters.get('NotificationType', '')}"] = parameters.get("Enabled") == "true"
    return _xml("SetIdentityHeadersInNotificationsEnabled", "")


def _xml(action: str, result: str) -> Response:
    response: Response = ses._xml(OK, f"{action}Response", f"<{action}Result>{result}</{action}Result>")
    return response


def _boolean(value: object) -> str:
    return "true" if value else "false"


async def _answer_version_2(request: Request, original: Original) -> Response:
    call = (request.method, *request.path.removeprefix("/v2/email").strip("/").split("/"))
    data = json.loads(request.body) if request.body else {}
    match call:
        case ("PUT", "identities", identity, "feedback"):
            return _set_forwarding(identity, data)
        case (_, "suppression", "addresses", *address):
            return _answer_suppression_list(request, data, "/".join(address))
        case (method, "import-jobs", *job_id):
            return _begin_job(data) if (method, job_id) == ("POST", []) else _tell_job("/".join(job_id))
        case ("PUT", "account", "suppression"):
            return _set_suppressed_reasons(data)
        case ("PUT", "account", "sending"):
            # PutAccountSendingAttributes, which is missing.
            _account["SendingEnabled"] = bool(data.get("SendingEnabled"))
            return _json({})
    response = await original()
    return _complete(call, data, response) if response[0] == OK else response


def _complete(call: tuple[str, ...], data: Mapping[str, Any], response: Response) -> Response:
    """Do what ministack leaves out after a call that it answered, and return the answer with what it lacks."""
    match call:
        case ("GET", "identities", identity):
            forwarded = ses._identities.get(identity, {}).get("FeedbackForwardingEnabled", True)
            default = {"ConfigurationSetName": _defaults[identity]} if identity in _defaults else {}
            return _json({**json.loads(response[2]), "FeedbackForwardingStatus": forwarded, **default})
        case ("GET", "account"):
            return _json({**json.loads(response[2]), "SuppressionAttributes": _attributes(), **dict(_account.items())})
        case ("POST", "identities"):
            identity = data["EmailIdentity"]
            kind = "EmailAddress" if "@" in identity else "Domain"
            ses._identities[identity] = ses._make_identity(identity, kind)
            if "ConfigurationSetName" in data:
                _defaults[identity] = data["ConfigurationSetName"]
        case ("DELETE", "identities", identity):
            ses._identities.pop(identity, None)
            _defaults.pop(identity, None)
        case ("POST", "configuration-sets"):
            ses._configuration_sets[data["ConfigurationSetName"]] = {"Name": data["ConfigurationSetName"]}
        case ("DELETE", "configuration-sets", name):
            ses._configuration_sets.pop(name, None)
        case ("POST", "outbound-emails"):
            _report_mail(json.loads(response[2])["MessageId"], data)
    return response


def _set_forwarding(identity: str, data: Mapping[str, Any]) -> Response:
    """Answer PutEmailIdentityFeedbackAttributes, which is missing (Amazon SES API v2 Reference)."""
    if identity not in ses._identities:
        return _refuse("NotFoundException", f"Email identity {identity} does not exist.", 404)
    ses._identities[identity]["FeedbackForwardingEnabled"] = bool(data.get("EmailForwardingEnabled"))
    return _json({})


def _answer_suppression_list(request: Request, data: Mapping[str, Any], address: str) -> Response:
    """Answer Put-, Get-, Delete- and ListSuppressedDestination(s), as the Amazon SES API v2 Reference describes them.

    An address keeps its case, and is found by exactly that spelling; only sending ignores case.
    """
    if request.query.get("TenantName") or data.get("TenantName"):
        return _refuse("BadRequestException", "This emulator has no suppression lists of tenants.")
    match request.method, address:
        case "PUT", "":
            return _suppress(data, request.headers.get(_TIME_HEADER))
        case "GET", "":
            return _list_suppressed(request.query)
    if address not in _suppressed:
        return _refuse("NotFoundException", f"Email address {address} does not exist on your suppression list.", 404)
    if request.method == "DELETE":
        del _suppressed[address]
        return _json({})
    return _json({"SuppressedDestination": _suppressed[address]})


def _suppress(data: Mapping[str, Any], at: str | None) -> Response:
    """Put an address on the list. Now, unless the request's header names another time, which AWS does not know.

    By that header, tests make entries that are older than they.
    """
    address, reason = data.get("EmailAddress") or "", data.get("Reason")
    # RFC 5321, section 4.5.3.1.1. What else SES refuses, it does not say.
    if not re.fullmatch(r".{1,64}@[^@\s]+", address):
        return _refuse("BadRequestException", f"Invalid email address {address}.")
    if reason not in _REASONS:
        return _refuse("BadRequestException", f"Value at 'reason' must satisfy enum value set: [{', '.join(_REASONS)}]")
    time = datetime.fromisoformat(at) if at else datetime.now(UTC)
    _suppressed[address] = {"EmailAddress": address, "Reason": reason, "LastUpdateTime": round(time.timestamp(), 3)}
    return _json({})


def _begin_job(data: Mapping[str, Any]) -> Response:
    """Answer CreateImportJob."""

    def apply(action: str, record: Mapping[str, Any]) -> str:
        address = str(record.get("emailAddress") or "")
        if action == "PUT":
            answer = _suppress({"EmailAddress": address, "Reason": record.get("reason")}, None)
            return "" if answer[0] == OK else str(json.loads(answer[2])["message"])
        return "" if _suppressed.pop(address, None) else f"{address} does not exist on your suppression list."

    try:
        return _json({"JobId": ses_jobs.create(data, apply)})
    except ses_jobs.RefusedError as error:
        return _refuse(*error.args)


def _tell_job(job_id: str) -> Response:
    """Answer GetImportJob."""
    job = ses_jobs.get(job_id)
    missing = f"Import job {job_id} does not exist."
    return _refuse("NotFoundException", missing, 404) if job is None else _json(job)


def _list_suppressed(query: Mapping[str, list[str]]) -> Response:
    """Return a page of the entries. Its token names the last of them, so a page misses none if others are deleted."""
    reasons = query.get("Reason", _REASONS)
    size = int(query.get("PageSize", [_MAX_PAGE])[0])
    start, end = (
        datetime.fromisoformat(query[name][0]).timestamp() if name in query else default
        for name, default in (("StartDate", float("-inf")), ("EndDate", float("inf")))
    )
    after = base64.urlsafe_b64decode(query.get("NextToken", [""])[0]).decode()
    found = [
        entry
        for address, entry in sorted(_suppressed.items())
        if address > after and entry["Reason"] in reasons and start < entry["LastUpdateTime"] < end
    ]
    page, more = found[:size], found[size:]
    following = {"NextToken": base64.urlsafe_b64encode(page[-1]["EmailAddress"].encode()).decode()} if more else {}
    return _json({"SuppressedDestinationSummaries": page, **following})


def _attributes() -> Mapping[str, Any]:
    """Return how the account uses its list. An account of after November 2019 uses it for both reasons."""
    found: Mapping[str, Any] = _account.get("SuppressionAttributes", {"SuppressedReasons": list(_REASONS)})
    return found


def _set_suppressed_reasons(data: Mapping[str, Any]) -> Response:
    """Answer PutAccountSuppressionAttributes, of which ministack keeps nothing."""
    _account["SuppressionAttributes"] = {"SuppressedReasons": data.get("SuppressedReasons", [])}
    return _json({})


def _report_mail(message_id: str, data: Mapping[str, Any]) -> None:
    """Report on mail sent with version 2 as ministack does on mail sent with version 1."""
    source = data.get("FromEmailAddress", "")
    recipients = [each for kind in _RECIPIENT_KINDS for each in data.get("Destination", {}).get(kind, [])]
    _notify(message_id, source, recipients)
    if "ConfigurationSetName" in data:
        _publish_events(data["ConfigurationSetName"], message_id, source, recipients)


def _notify(message_id: str, source: str, recipients: Sequence[str]) -> None:
    """Publish what became of mail to the topics of the sender's identity.

    In place of ministack's own, which knows no suppression list.
    """
    found = ses._notification_identity(source)
    if found is None:
        return
    name, identity = found
    mail = _mail(message_id, source, recipients) | {"sourceArn": ses_v2._resource_arn("identity", name)}
    for kind, detail in _outcomes(mail):
        topic = identity.get("NotificationTopics", {}).get(kind)
        if topic:
            ses._publish_notification(topic, {"notificationType": kind, "mail": mail, **detail})


def _publish_events(configuration_set: str, message_id: str, source: str, recipients: Sequence[str]) -> None:
    """Publish what became of mail to the topics of a configuration set; ministack keeps them, and no more.

    Shape: Amazon SES Developer Guide, "Contents of event data published by Amazon SES to Amazon SNS".
    """
    mail = _mail(message_id, source, recipients) | {"tags": {"ses:configuration-set": [configuration_set]}}
    for destination in ses_v2._config_sets.get(configuration_set, {}).get("EventDestinations", {}).values():
        if not destination["Enabled"] or "SnsDestination" not in destination:
            continue
        for kind, detail in _outcomes(mail):
            if kind.upper() in destination["MatchingEventTypes"]:
                event = {"eventType": kind, "mail": mail, **detail}
                ses._publish_notification(destination["SnsDestination"]["TopicArn"], event)


def _mail(message_id: str, source: str, recipients: Sequence[str]) -> dict[str, Any]:
    return {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "source": parseaddr(source)[1],
        "sendingAccountId": ses.get_account_id(),
        "messageId": message_id,
        "destination": [address for recipient in recipients if (address := parseaddr(recipient)[1])],
    }


def _outcomes(mail: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the type and the details of each report that mail causes.

    SES accepts mail to an address on the suppression list, does not send it, and reports a bounce or a complaint, if
    the account uses the list for that reason (Developer Guide, "Using the Amazon SES account-level suppression list").
    """
    for address in mail["destination"]:
        local_part, _, domain = address.partition("@")
        simulated = ses._SIMULATOR_OUTCOMES if domain.lower() == ses._SIMULATOR_DOMAIN else {}
        # Sending, unlike the calls above, ignores case.
        reasons = {entry["Reason"] for listed, entry in _suppressed.items() if listed.lower() == address.lower()}
        used = reasons & set(_attributes()["SuppressedReasons"])
        if "COMPLAINT" in used:
            detail = ses._notification_detail("Complaint", address, mail["timestamp"])
            del detail["complaint"]["userAgent"], detail["complaint"]["complaintFeedbackType"]
            detail["complaint"]["complaintSubType"] = "OnAccountSuppressionList"
            yield "Complaint", detail
        elif used:
            detail = ses._notification_detail("Bounce", address, mail["timestamp"])
            detail["bounce"]["bounceSubType"] = "OnAccountSuppressionList"
            detail["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = _NOT_SENT
            yield "Bounce", detail
        else:
            for kind, subtype in simulated.get(local_part.lower().split("+")[0], (("Delivery", None),)):
                yield kind, ses._notification_detail(kind, address, mail["timestamp"], subtype)
