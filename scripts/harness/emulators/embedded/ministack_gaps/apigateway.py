"""What ministack 1.5.33's API Gateway lacks."""

import json
import re
from typing import TYPE_CHECKING, Any

from ministack import app
from ministack.services import apigateway_v1

from harness.emulators.embedded.ministack_gaps import lambda_
from harness.emulators.embedded.ministack_gaps.handlers import OK, Original, Request, Response, answer_before

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_CREATED = 201


def fill() -> None:
    """Add PutRestApi, stage variables and permissions of functions; let stages, policies and paths be as on AWS."""
    answer_before(apigateway_v1, _answer)
    _keep_paths_as_in_the_url()
    _deploy_policies()
    _call_functions()
    # Its import skips x-amazon-apigateway-any-method, see below.
    apigateway_v1._OPENAPI_HTTP_METHODS.add("any")


def _deploy_policies() -> None:
    """Let a stage go by the resource policy as it was when its deployment was made; ministack goes by the newest.

    Amazon API Gateway Developer Guide, "Create and attach an API Gateway resource policy to an API": "If you update the
    resource policy after the API is created, you'll need to deploy the API to propagate the changes".
    """
    create: Callable[..., Response] = apigateway_v1._create_deployment
    policy_for: Callable[..., tuple[str, str] | None] = apigateway_v1.rest_api_policy_for_arn
    deployed: dict[tuple[str, str], str] = {}

    def create_deployment(api_id: str, data: dict[str, Any]) -> Response:
        answer = create(api_id, data)
        if answer[0] == _CREATED:
            deployed[api_id, json.loads(answer[2])["id"]] = apigateway_v1._rest_apis[api_id].get("policy") or ""
        return answer

    def rest_api_policy_for_arn(resource_arn: str) -> tuple[str, str] | None:
        found = policy_for(resource_arn)
        if found is None:
            return None
        api_id, stage_name = resource_arn.split(":", 5)[5].split("/")[:2]
        stage = apigateway_v1._stages_v1.get(api_id, {}).get(stage_name, {})
        return deployed.get((api_id, stage.get("deploymentId", "")), found[0]), found[1]

    apigateway_v1._create_deployment = create_deployment
    apigateway_v1.rest_api_policy_for_arn = rest_api_policy_for_arn


def _call_functions() -> None:
    """Let a stage's variables stand in the name of a Lambda function, and call only one that lets the API do so.

    ministack takes the name as it is written, and calls any function. Amazon API Gateway Developer Guide, "Use stage
    variables for a REST API in API Gateway": ``${stageVariables.NAME}``. AWS Lambda Developer Guide, "Invoking a Lambda
    function using an Amazon API Gateway endpoint": without the permission, the API answers 500.
    """
    invoke: Callable[..., Awaitable[Response]] = apigateway_v1._invoke_lambda_proxy_v1
    refuse: Callable[..., Response] = apigateway_v1._gw_error

    async def invoke_lambda_proxy(  # noqa: PLR0913, PLR0917  (ministack calls it so)
        integration: dict[str, Any],
        api_id: str,
        stage_name: str,
        stage: dict[str, Any],
        resource: dict[str, Any],
        path: str,
        method: str,
        *rest: object,
        **named: object,
    ) -> Response:
        variables = stage.get("variables") or {}
        uri = re.sub(r"\$\{stageVariables\.(\w+)\}", lambda found: variables.get(found[1], ""), integration["uri"])
        function = apigateway_v1._extract_lambda_ref_from_integration_uri(uri)
        region, account = named["owner_region"], named["owner_account_id"]
        source = f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage_name}/{method}{resource['path']}"
        if not lambda_.lets_call(function, "apigateway.amazonaws.com", source):
            return refuse("API_CONFIGURATION_ERROR", "Internal server error")
        integration = {**integration, "uri": uri}
        return await invoke(integration, api_id, stage_name, stage, resource, path, method, *rest, **named)

    apigateway_v1._invoke_lambda_proxy_v1 = invoke_lambda_proxy


def _keep_paths_as_in_the_url() -> None:
    """Let the path of a call reach its API percent-encoded; ministack decodes it, so that ``%2F`` parts two segments.

    The guide does not say what is right. On AWS, ``{ID}`` in the path of a REST API takes ``my-id%2F100`` and hands it
    over as it is (aws/aws-sam-cli, issue 3524).
    """
    handle: Callable[..., Awaitable[Response | None]] = app._handle_execute_api_request

    async def handle_execute_api_request(
        host: str, path: str, *rest: object, raw_path: str | None = None, **named: object
    ) -> Response | None:
        return await handle(host, raw_path or path, *rest, raw_path=raw_path, **named)

    app._handle_execute_api_request = handle_execute_api_request


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
        # Mode overwrite: what the document does not hold is gone, the resource policy too.
        apigateway_v1._rest_apis[api_id].pop("policy", None)
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
