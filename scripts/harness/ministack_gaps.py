"""What ministack 1.5.33, the embedded emulator, lacks and this project needs, added to it in its own process.

Each place says what is missing. With another version of ministack, look at each again.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any, cast
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from ministack.core import iam_actions, lambda_runtime
from ministack.services import apigateway_v1, cloudwatch, lambda_svc, ses, ses_v2

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]

_OK = 200
_RECIPIENT_KINDS = ("ToAddresses", "CcAddresses", "BccAddresses")
_NOTIFICATION_KINDS = ("Bounce", "Complaint", "Delivery")


def fill() -> None:
    """Add all of it; once, before ministack serves."""
    _add_notification_attributes()
    _join_versions_of_ses()
    _authorize_statements()
    _add_put_rest_api()
    _leave_out_empty_access_logs()
    _read_alarms_back_whole()
    _run_functions_as_they_are_configured()


def _add_notification_attributes() -> None:
    """Add two SES v1 actions that ministack 1.5.33 lacks.

    Terraform's ``aws_ses_identity_notification_topic`` calls both. Shapes as in the Amazon SES API Reference, version
    2010-12-01: GetIdentityNotificationAttributes and SetIdentityHeadersInNotificationsEnabled.
    """
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
    identity = ses._identities.get(parameters.get("Identity", ""))
    if identity is not None:
        identity[f"HeadersIn{parameters.get('NotificationType', '')}"] = parameters.get("Enabled") == "true"
    return _answer("SetIdentityHeadersInNotificationsEnabled", "")


def _answer(action: str, result: str) -> Response:
    answer = ses._xml(200, f"{action}Response", f"<{action}Result>{result}</{action}Result>")
    return cast("Response", answer)


def _boolean(value: object) -> str:
    return "true" if value else "false"


def _join_versions_of_ses() -> None:
    """Make one SES of the two that ministack 1.5.33 keeps, one for each version of the API.

    There, version 1 does not know the identities and configuration sets that version 2 created, and mail sent with
    version 2 causes no notifications; here they are shared, as on AWS.
    """
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
    if identity not in ses._identities:
        return cast(
            "Response", ses_v2._json_err("NotFoundException", f"Email identity {identity} does not exist.", 404)
        )
    ses._identities[identity]["FeedbackForwardingEnabled"] = bool(data.get("EmailForwardingEnabled"))
    return cast("Response", ses_v2.json_response({}))


def _with_forwarding(identity: str, response: Response) -> Response:
    """Add what ministack 1.5.33 leaves out of GetEmailIdentity."""
    forwarded = ses._identities.get(identity, {}).get("FeedbackForwardingEnabled", True)
    answer = {**json.loads(response[2]), "FeedbackForwardingStatus": forwarded}
    return cast("Response", ses_v2.json_response(answer))


def _report_mail(message_id: str, data: Mapping[str, Any]) -> None:
    """Report on mail sent with version 2 as ministack does on mail sent with version 1."""
    source = data.get("FromEmailAddress", "")
    recipients = [each for kind in _RECIPIENT_KINDS for each in data.get("Destination", {}).get(kind, [])]
    ses._send_notifications(message_id, source, recipients)
    if "ConfigurationSetName" in data:
        _publish_events(data["ConfigurationSetName"], message_id, source, recipients)


def _publish_events(configuration_set: str, message_id: str, source: str, recipients: list[str]) -> None:
    """Publish what became of mail to the topics of a configuration set; ministack 1.5.33 keeps them, and no more.

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


def _authorize_statements() -> None:
    """Authorize each statement of a BatchExecuteStatement as what it does to its table.

    ministack 1.5.33 asks for ``dynamodb:BatchExecuteStatement``, which IAM does not know. Actions as in the Amazon
    DynamoDB Developer Guide, "IAM security policies with PartiQL for DynamoDB".
    """
    actions = {
        "DELETE": "PartiQLDelete",
        "INSERT": "PartiQLInsert",
        "SELECT": "PartiQLSelect",
        "UPDATE": "PartiQLUpdate",
    }
    original = iam_actions.dynamodb_transaction_checks

    def checks(iam_action: str, body: bytes, region: str, account_id: str) -> list[tuple[str, str]]:
        if iam_action != "dynamodb:BatchExecuteStatement":
            return cast("list[tuple[str, str]]", original(iam_action, body, region, account_id))
        found = []
        for each in json.loads(body)["Statements"]:
            match = re.match(r'(DELETE|INSERT|SELECT|UPDATE)\b[^"]*"([^"]+)"', each["Statement"], re.IGNORECASE)
            # What it does not know is refused: no policy allows the operation itself.
            action, table = (actions[match[1].upper()], match[2]) if match else ("BatchExecuteStatement", "*")
            found.append((f"dynamodb:{action}", f"arn:aws:dynamodb:{region}:{account_id}:table/{table}"))
        return found

    iam_actions.dynamodb_transaction_checks = checks


def _add_put_rest_api() -> None:
    """Add the action PutRestApi of API Gateway, which ministack 1.5.33 lacks.

    Terraform calls it, in mode ``overwrite``, for the ``body`` of an ``aws_api_gateway_rest_api``. Shapes as in the
    Amazon API Gateway API Reference. ministack's own import, which only its CloudFormation uses, does most of the work.
    """
    original = apigateway_v1.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        match = re.fullmatch("/restapis/([^/]+)", path)
        if method == "PUT" and match:
            return _put_rest_api(match[1], json.loads(body))
        return cast("Response", await original(method, path, headers, body, query))

    apigateway_v1.handle_request = handle_request
    # Its import skips x-amazon-apigateway-any-method, see below.
    apigateway_v1._OPENAPI_HTTP_METHODS.add("any")


def _put_rest_api(api_id: str, document: dict[str, Any]) -> Response:
    resources = apigateway_v1._resources.get(api_id)
    if resources is not None:
        root = next(resource for resource in resources.values() if resource["path"] == "/")
        apigateway_v1._resources[api_id] = {root["id"]: {**root, "resourceMethods": {}}}
        schemes = apigateway_v1._import_security_schemes(api_id, document)
        for path, item in document["paths"].items():
            methods = {"any" if key == "x-amazon-apigateway-any-method" else key: value for key, value in item.items()}
            apigateway_v1._import_path_item(api_id, path, methods, schemes)
        for kind, answer in document.get("x-amazon-apigateway-gateway-responses", {}).items():
            apigateway_v1._put_gateway_response(api_id, kind, answer)
    return cast("Response", apigateway_v1._get_rest_api(api_id))


def _leave_out_empty_access_logs() -> None:
    """Leave ``accessLogSettings`` out of a stage without access logs, as AWS does.

    ministack 1.5.33 says ``{}``, which Terraform takes for settings that it did not make.
    """
    original = apigateway_v1.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        status, answer_headers, answer = cast("Response", await original(method, path, headers, body, query))
        if status == _OK and re.fullmatch("/restapis/[^/]+/stages/[^/]+", path) and answer:
            stage = json.loads(answer)
            if stage.get("accessLogSettings") == {}:
                del stage["accessLogSettings"]
                answer = json.dumps(stage).encode()
        return status, answer_headers, answer

    apigateway_v1.handle_request = handle_request


def _read_alarms_back_whole() -> None:
    """Let DescribeAlarms return alarms as they were put; ministack 1.5.33 leaves out half of their fields in XML.

    In the query protocol, a request names a field by its path in the answer, such as ``Dimensions.member.1.Name``.
    """
    put, describe = cloudwatch._put_metric_alarm, cloudwatch._describe_alarms
    fields: dict[str, dict[str, Any]] = {}

    def put_metric_alarm(params: dict[str, list[str]], *rest: object) -> Response:
        answer = cast("Response", put(params, *rest))
        if answer[0] == _OK and "AlarmName" in params:
            given = {path: values[0] for path, values in params.items() if values}
            fields[given["AlarmName"]] = _tree(
                {path: text for path, text in given.items() if path.partition(".")[0] not in _NOT_IN_ALARM}
            )
        return answer

    def describe_alarms(params: dict[str, list[str]], *rest: object) -> Response:
        status, headers, body = cast("Response", describe(params, *rest))
        names = re.findall(rb"<AlarmName>([^<]*)</AlarmName>", body)
        members = ""
        for name in (each.decode() for each in names if each.decode() in fields):
            alarm = cloudwatch._alarms[name]
            state = {key: str(alarm[key]) for key in ("AlarmArn", "StateValue", "StateReason")}
            members += f"<member>{_xml({**fields[name], **state})}</member>"
        found = f"<MetricAlarms>{members}</MetricAlarms>".encode()
        return status, headers, re.sub(rb"<MetricAlarms>.*</MetricAlarms>", lambda _: found, body, flags=re.DOTALL)

    cloudwatch._put_metric_alarm = put_metric_alarm
    cloudwatch._describe_alarms = describe_alarms


_NOT_IN_ALARM = frozenset({"Action", "Version", "Tags"})


def _tree(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return fields by dotted path as nested objects."""
    tree: dict[str, Any] = {}
    for path, text in fields.items():
        *parents, name = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = text
    return tree


def _xml(node: str | Mapping[str, Any]) -> str:
    if isinstance(node, str):
        return escape(node)
    if "member" in node:
        ordered = sorted(node["member"].items(), key=lambda each: int(each[0]))
        return "".join(f"<member>{_xml(value)}</member>" for _, value in ordered)
    return "".join(f"<{name}>{_xml(value)}</{name}>" for name, value in node.items())


def _run_functions_as_they_are_configured() -> None:
    """Let no call be served by a process that was started for an earlier configuration of its function.

    When a function's configuration changes, ministack 1.5.33 ends its processes. But a call that read the old one
    before that, such as a retry of an asynchronous call, starts a process with it afterwards, which later calls get.
    """
    original = lambda_runtime.acquire_worker

    def acquire_worker(
        func_name: str,
        config: dict[str, Any],
        code_zip: bytes,
        qualifier: str = "$LATEST",
        max_concurrency: int | None = None,
    ) -> tuple[Any, str]:
        key = lambda_runtime._worker_key(func_name, config, qualifier)
        with lambda_runtime._lock:
            workers = lambda_runtime._workers.get(key, [])
            wanted = config.get("Environment")
            outdated = [each for each in workers if not each.in_use and each.config.get("Environment") != wanted]
            for each in outdated:
                workers.remove(each)
        lambda_runtime.kill_workers(outdated)
        return cast("tuple[Any, str]", original(func_name, config, code_zip, qualifier, max_concurrency))

    # The second is the name by which ministack's Lambda calls it.
    lambda_runtime.acquire_worker = lambda_svc.acquire_worker = acquire_worker
