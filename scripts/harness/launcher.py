"""Start the embedded emulator, ministack, in this process: the child process behind :mod:`harness.embedded`.

    python -I launcher.py FOLDER

It listens on a free loopback port that it binds itself (so nobody can take the port in between), prints that port on
standard output once it answers, and logs to standard error. It ends on SIGTERM and SIGINT, and when its standard input
closes: that is how it notices that the harness died, even by ``kill -9``. A line ``detach`` on standard input makes it
independent of the harness. When it ends it takes the Lambda workers and FOLDER with it.

It also adds what ministack 1.5.33 lacks; each such place names the version.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]

_OK = 200
_RECIPIENT_KINDS = ("ToAddresses", "CcAddresses", "BccAddresses")
_NOTIFICATION_KINDS = ("Bounce", "Complaint", "Delivery")
_SHUTDOWN_SECONDS = 1.0  # for requests under way; nobody needs an answer from an emulator that goes away


def main() -> None:
    """Serve until told to stop."""
    folder = sys.argv[1]
    listener = socket.create_server(("127.0.0.1", 0))
    # ministack reads these when it is imported, hence the imports inside functions.
    os.environ["GATEWAY_PORT"] = str(listener.getsockname()[1])
    os.environ["TMPDIR"] = folder
    try:
        asyncio.run(_serve(listener, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        sys.stderr.flush()
        # Not a plain return: ministack's queue pollers and a handler that is still busy would keep the interpreter.
        os._exit(0)


async def _serve(listener: socket.socket, folder: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(target=_watch_parent, daemon=True).start()

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app
    from ministack.core import lambda_runtime

    _add_notification_attributes()
    _join_versions_of_ses()
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.graceful_timeout = _SHUTDOWN_SECONDS
    config.keep_alive_timeout = 75
    config.accesslog = None
    try:
        front = _front(app.app, listener.getsockname()[1], folder, stop)
        await serve(cast("Any", front), config, shutdown_trigger=stop.wait)
    finally:
        # ministack 1.5.33 kills its workers on a reset but not when it ends.
        await asyncio.to_thread(lambda_runtime.reset)


def _watch_parent() -> None:
    if sys.stdin.readline().strip() != "detach":
        os.kill(os.getpid(), signal.SIGTERM)


def _front(application: Application, port: int, folder: str, stop: asyncio.Event) -> Application:
    """Wrap ministack: report the port when it is ready, count loopback as TLS, answer the harness."""
    control_path = f"/_harness/{Path(folder).parent.name}"

    async def front(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await application(scope, receive, _reporting(send, port))
        elif scope["path"] == control_path:
            # GET says who this is, DELETE ends it: a process id may belong to somebody else by then.
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": folder.encode()})
            if scope["method"] == "DELETE":
                stop.set()
        else:
            # ministack 1.5.33 serves plain HTTP, and with AUTH=true enforces policies that deny it
            # (aws:SecureTransport). It counts an "https" scope as TLS; loopback carries nothing that needs it.
            await application({**scope, "scheme": "https"}, receive, send)

    return front


def _reporting(send: Send, port: int) -> Send:
    async def reporting(message: Message) -> None:
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            # The socket listens already, so whoever connects from now on is served.
            print(port, flush=True)
            # Nobody reads standard output after this line; a later print must not meet a closed pipe.
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    return reporting


def _add_notification_attributes() -> None:
    """Add two SES v1 actions that ministack 1.5.33 lacks.

    Terraform's ``aws_ses_identity_notification_topic`` calls both. Shapes as in the Amazon SES API Reference, version
    2010-12-01: GetIdentityNotificationAttributes and SetIdentityHeadersInNotificationsEnabled.
    """
    from ministack.services import ses

    actions: dict[str, Callable[[dict[str, str]], Response]] = {
        "GetIdentityNotificationAttributes": _get_notification_attributes,
        "SetIdentityHeadersInNotificationsEnabled": _set_headers_in_notifications,
    }
    original = ses.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        parameters = {name: values[0] for name, values in query.items() if values}
        parameters.update(parse_qsl(body.decode(errors="replace")))
        action = actions.get(parameters.get("Action", ""))
        if action is not None:
            return action(parameters)
        response = cast("Response", await original(method, path, headers, body, query))
        message_id = re.search(rb"<MessageId>([^<]+)</MessageId>", response[2])
        if message_id is not None and "ConfigurationSetName" in parameters:
            starts = tuple(f"Destination.{kind}.member." for kind in _RECIPIENT_KINDS)
            recipients = [value for key, value in parameters.items() if key.startswith(starts)]
            source = parameters.get("Source", "")
            _publish_events(parameters["ConfigurationSetName"], message_id[1].decode(), source, recipients)
        return response

    ses.handle_request = handle_request


def _get_notification_attributes(parameters: dict[str, str]) -> Response:
    from ministack.services import ses

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
    return _answer("GetIdentityNotificationAttributes", f"<NotificationAttributes>{entries}</NotificationAttributes>")


def _set_headers_in_notifications(parameters: dict[str, str]) -> Response:
    from ministack.services import ses

    identity = ses._identities.get(parameters.get("Identity", ""))
    if identity is not None:
        identity[f"HeadersIn{parameters.get('NotificationType', '')}"] = parameters.get("Enabled") == "true"
    return _answer("SetIdentityHeadersInNotificationsEnabled", "")


def _answer(action: str, result: str) -> Response:
    from ministack.services import ses

    answer = ses._xml(200, f"{action}Response", f"<{action}Result>{result}</{action}Result>")
    return cast("Response", answer)


def _boolean(value: object) -> str:
    return "true" if value else "false"


def _join_versions_of_ses() -> None:
    """Make one SES of the two that ministack 1.5.33 keeps, one for each version of the API.

    There, version 1 does not know the identities and configuration sets that version 2 created, and mail sent with
    version 2 causes no notifications; here they are shared, as on AWS.
    """
    from ministack.services import ses, ses_v2

    original: Handler = ses_v2.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        call = (method, *path.removeprefix("/v2/email").strip("/").split("/"))
        data = json.loads(body) if body else {}
        match call:
            case ("PUT", "identities", identity, "feedback"):
                return _set_forwarding(identity, data)
        response = await original(method, path, headers, body, query)
        if response[0] == _OK:
            match call:
                case ("GET", "identities", identity):
                    return _with_forwarding(identity, response)
                case ("POST", "identities"):
                    identity = data["EmailIdentity"]
                    ses._identities[identity] = ses._make_identity(
                        identity, "EmailAddress" if "@" in identity else "Domain"
                    )
                case ("DELETE", "identities", identity):
                    ses._identities.pop(identity, None)
                case ("POST", "configuration-sets"):
                    ses._configuration_sets[data["ConfigurationSetName"]] = {"Name": data["ConfigurationSetName"]}
                case ("DELETE", "configuration-sets", name):
                    ses._configuration_sets.pop(name, None)
                case ("POST", "outbound-emails"):
                    _report_mail(json.loads(response[2])["MessageId"], data)
        return response

    ses_v2.handle_request = handle_request


def _set_forwarding(identity: str, data: Mapping[str, Any]) -> Response:
    """Answer PutEmailIdentityFeedbackAttributes, which ministack 1.5.33 lacks (Amazon SES API v2 Reference)."""
    from ministack.services import ses, ses_v2

    if identity not in ses._identities:
        return cast(
            "Response", ses_v2._json_err("NotFoundException", f"Email identity {identity} does not exist.", 404)
        )
    ses._identities[identity]["FeedbackForwardingEnabled"] = bool(data.get("EmailForwardingEnabled"))
    return cast("Response", ses_v2.json_response({}))


def _with_forwarding(identity: str, response: Response) -> Response:
    """Add what ministack 1.5.33 leaves out of GetEmailIdentity."""
    from ministack.services import ses, ses_v2

    forwarded = ses._identities.get(identity, {}).get("FeedbackForwardingEnabled", True)
    answer = {**json.loads(response[2]), "FeedbackForwardingStatus": forwarded}
    return cast("Response", ses_v2.json_response(answer))


def _report_mail(message_id: str, data: Mapping[str, Any]) -> None:
    """Report on mail sent with version 2 as ministack does on mail sent with version 1."""
    from ministack.services import ses

    source = data.get("FromEmailAddress", "")
    recipients = [each for kind in _RECIPIENT_KINDS for each in data.get("Destination", {}).get(kind, [])]
    ses._send_notifications(message_id, source, recipients)
    if "ConfigurationSetName" in data:
        _publish_events(data["ConfigurationSetName"], message_id, source, recipients)


def _publish_events(configuration_set: str, message_id: str, source: str, recipients: list[str]) -> None:
    """Publish what became of mail to the topics of a configuration set; ministack 1.5.33 keeps them, and no more.

    Shape: Amazon SES Developer Guide, "Contents of event data published by Amazon SES to Amazon SNS".
    """
    from ministack.services import ses, ses_v2

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


if __name__ == "__main__":
    main()
