"""What ministack 1.5.33's SES lacks."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from ministack.services import ses, ses_v2

from harness.emulators.embedded.ministack_gaps.handlers import OK, Original, Request, Response, answer_before

_RECIPIENT_KINDS = ("ToAddresses", "CcAddresses", "BccAddresses")
_NOTIFICATION_KINDS = ("Bounce", "Complaint", "Delivery")


def fill() -> None:
    """Add what is missing to both versions of the API, and make one SES of the two that ministack keeps.

    There, version 1 does not know the identities and configuration sets that version 2 created, and mail sent with
    version 2 causes no notifications.
    """
    answer_before(ses, _answer_version_1)
    answer_before(ses_v2, _answer_version_2)


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
    response = await original()
    if response[0] == OK:
        match call:
            case ("GET", "identities", identity):
                # What is left out of GetEmailIdentity.
                forwarded = ses._identities.get(identity, {}).get("FeedbackForwardingEnabled", True)
                response = ses_v2.json_response({**json.loads(response[2]), "FeedbackForwardingStatus": forwarded})
            case ("POST", "identities"):
                identity = data["EmailIdentity"]
                kind = "EmailAddress" if "@" in identity else "Domain"
                ses._identities[identity] = ses._make_identity(identity, kind)
            case ("DELETE", "identities", identity):
                ses._identities.pop(identity, None)
            case ("POST", "configuration-sets"):
                ses._configuration_sets[data["ConfigurationSetName"]] = {"Name": data["ConfigurationSetName"]}
            case ("DELETE", "configuration-sets", name):
                ses._configuration_sets.pop(name, None)
            case ("POST", "outbound-emails"):
                _report_mail(json.loads(response[2])["MessageId"], data)
    return response


def _set_forwarding(identity: str, data: Mapping[str, Any]) -> Response:
    """Answer PutEmailIdentityFeedbackAttributes, which is missing (Amazon SES API v2 Reference)."""
    response: Response
    if identity in ses._identities:
        ses._identities[identity]["FeedbackForwardingEnabled"] = bool(data.get("EmailForwardingEnabled"))
        response = ses_v2.json_response({})
    else:
        response = ses_v2._json_err("NotFoundException", f"Email identity {identity} does not exist.", 404)
    return response


def _report_mail(message_id: str, data: Mapping[str, Any]) -> None:
    """Report on mail sent with version 2 as ministack does on mail sent with version 1."""
    source = data.get("FromEmailAddress", "")
    recipients = [each for kind in _RECIPIENT_KINDS for each in data.get("Destination", {}).get(kind, [])]
    ses._send_notifications(message_id, source, recipients)
    if "ConfigurationSetName" in data:
        _publish_events(data["ConfigurationSetName"], message_id, source, recipients)


def _publish_events(configuration_set: str, message_id: str, source: str, recipients: list[str]) -> None:
    """Publish what became of mail to the topics of a configuration set; ministack keeps them, and no more.

    Shape: Amazon SES Developer Guide, "Contents of event data published by Amazon SES to Amazon SNS".
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    addresses = [parseaddr(recipient)[1] for recipient in recipients]
    mail = {
        "timestamp": now,
        "source": parseaddr(source)[1],
        "sendingAccountId": ses.get_account_id(),
        "messageId": message_id,
        "destination": addresses,
        "tags": {"ses:configuration-set": [configuration_set]},
    }
    for destination in ses_v2._config_sets.get(configuration_set, {}).get("EventDestinations", {}).values():
        if not destination["Enabled"] or "SnsDestination" not in destination:
            continue
        for address in addresses:
            local_part, _, domain = address.partition("@")
            simulated = ses._SIMULATOR_OUTCOMES if domain.lower() == ses._SIMULATOR_DOMAIN else {}
            for kind, subtype in simulated.get(local_part.lower().split("+")[0], (("Delivery", None),)):
                if kind.upper() in destination["MatchingEventTypes"]:
                    event = {"eventType": kind, "mail": mail, **ses._notification_detail(kind, address, now, subtype)}
                    ses._publish_notification(destination["SnsDestination"]["TopicArn"], event)
