"""What API Gateway hands the lookup function for a request.

Shape: Amazon API Gateway Developer Guide, "Lambda proxy integrations in API Gateway", input format for REST APIs. In an
event, parameters of the path stand as in the URL, percent-encoded, and those of the query are decoded.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Json = dict[str, Any]

MODULE = Path(__file__).parents[2] / "terraform" / "modules" / "lookup"
DOCUMENT: Json = yaml.safe_load((MODULE / "openapi.yaml").read_text(encoding="utf-8"))

CALLER = "arn:aws:sts::123456789012:assumed-role/support/dana"


def event(method: str, url: str, body: str | None = None, caller: str | None = CALLER) -> Json:
    """Return the event for a request to a URL, such as ``/addresses/a%40example.com?consistent=true``."""
    split = urlsplit(url)
    resource, parameters = _route(split.path)
    query = parse_qs(split.query, keep_blank_values=True) or None
    return {
        "resource": resource,
        "path": split.path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": query and {name: values[-1] for name, values in query.items()},
        "multiValueQueryStringParameters": query,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcde12345",
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.1", "userArn": caller},
            "path": f"/v1{split.path}",
            "requestId": "00000000-0000-0000-0000-000000000001",
            "resourcePath": resource,
            "stage": "v1",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def _route(path: str) -> tuple[str, dict[str, str]]:
    """Return the resource that a path belongs to and its parameters; the module sends the rest to ``/{proxy+}``."""
    for resource in DOCUMENT["paths"]:
        match = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", resource), path)
        if match:
            return resource, match.groupdict()
    return "/{proxy+}", {"proxy": path.removeprefix("/")}
