"""Two gaps of ministack 1.5.33's API Gateway."""

import json
import re
from typing import Any

from ministack.services import apigateway_v1

from harness.emulators.embedded.ministack_gaps.handlers import OK, Original, Request, Response, answer_before


def fill() -> None:
    """Add PutRestApi, and let stages read back as they are on AWS."""
    answer_before(apigateway_v1, _answer)
    # Its import skips x-amazon-apigateway-any-method, see below.
    apigateway_v1._OPENAPI_HTTP_METHODS.add("any")


async def _answer(request: Request, original: Original) -> Response:
    api = re.fullmatch("/restapis/([^/]+)", request.path)
    if request.method == "PUT" and api:
        return _put_rest_api(api[1], json.loads(request.body))
    status, headers, body = await original()
    if status == OK and body and re.fullmatch("/restapis/[^/]+/stages/[^/]+", request.path):
        stage = json.loads(body)
        # Without access logs, AWS leaves it out. Terraform takes {} for settings that it did not make.
        if stage.get("accessLogSettings") == {}:
            del stage["accessLogSettings"]
            body = json.dumps(stage).encode()
    return status, headers, body


def _put_rest_api(api_id: str, document: dict[str, Any]) -> Response:
    """Answer PutRestApi, which Terraform calls in mode ``overwrite`` for the ``body`` of ``aws_api_gateway_rest_api``.

    Shapes as in the Amazon API Gateway API Reference. ministack's own import, which only its CloudFormation uses, does
    most of the work.
    """
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
    found: Response = apigateway_v1._get_rest_api(api_id)
    return found
