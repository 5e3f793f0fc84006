"""The function against the API's document: requests that it allows, and others, and every answer held against it.

schemathesis makes the requests and judges the answers; API Gateway's part is played by ``support.gateway``.
"""

import json
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from healthy_mailing.evidence import MADE_BY_PEOPLE, MarkKind, State, bounces_cleared, evidence_of, override
from support.gateway import DOCUMENT
from support.marks import mark
from support.table import TABLE

from .conftest import DynamoDB, Faults, write
from .lookup_api import Api, start

# Signatures are API Gateway's to check.
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT | {"security": []})
OPERATIONS = [
    SCHEMA[path][method.upper()]
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if method != "parameters"
]
CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

KNOWN = [
    "complained@example.com",
    "Fine <FINE+tag@example.com>",
    "decided@example.com",
    "cleared@example.com",
    "odd@example.com",
]
ADDRESSES = st.sampled_from([*KNOWN, '"a %2F/b"@example.com', "jürgen@bücher.example", "new@example.com"])


@pytest.fixture
def api(client: DynamoDB, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API over a table with evidence of every kind."""
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    feedback = [mark(kind) for kind in MarkKind if kind not in MADE_BY_PEOPLE]
    decision = override(State.DISABLE, "2026-03-01T12:00:00.000Z", "dana")
    cleared = bounces_cleared("2026-03-02T12:00:00.000Z", "dana", "an outage")
    write(
        client,
        {
            "complained@example.com": evidence_of(feedback),
            "fine+tag@example.com": evidence_of([mark(MarkKind.DELIVERY)]),
            "decided@example.com": evidence_of([decision]),
            "cleared@example.com": evidence_of([mark(MarkKind.HARD_BOUNCE), cleared]),
        },
    )
    client.put_item(TableName=TABLE, Item={"UserId": {"S": "odd@example.com"}, "segment": {"S": "gold"}})
    return start(client, faults, monkeypatch)


def send(api: Api, case: "Case[Any]") -> Response:
    """Send a request of schemathesis and return what it makes of the answer."""
    sent = case.as_transport_kwargs(base_url="http://api")
    fields = ("method", "url", "params", "headers", "json", "data")
    request = requests.Request(**{name: sent[name] for name in fields if name in sent}).prepare()
    body = request.body.decode(errors="replace") if isinstance(request.body, bytes) else request.body
    reply = api(request.method or "", request.path_url, body)
    content = b"" if reply.body is None else json.dumps(reply.body).encode()
    headers = {name: [value] for name, value in reply.headers.items()}
    return Response(reply.status, headers, content, request, elapsed=0, verify=False)


def place(case: "Case[Any]", address: str) -> None:
    """Put an address into a request where it takes one."""
    if "address" in case.path_parameters:
        case.path_parameters["address"] = quote(address, safe="")
    body: Any = case.body
    if isinstance(body, dict) and "addresses" in body:
        body["addresses"] = [address, *body["addresses"]][:1000]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_what_the_document_allows_is_answered_as_it_says(api: Api, operation: Any) -> None:
    @settings(suppress_health_check=list(HealthCheck), max_examples=settings().max_examples // 2)  # a request each
    @given(case=operation.as_strategy(), address=st.none() | ADDRESSES)
    def run(case: "Case[Any]", address: str | None) -> None:
        if address is not None:
            place(case, address)
        response = send(api, case)
        case.validate_response(response, checks=CONFORMANCE)
        # Any text passes for an address or a cursor in the document; whether it is one, the function finds out.
        if address not in {None, "odd@example.com"} and "cursor" not in case.query:
            assert response.status_code in {200, 204, 404}, response.text

    run()


# An address is any text to the document, so those that take nothing else cannot be asked wrongly.
@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.query or each.body], ids=lambda each: each.label
)
def test_what_the_document_does_not_allow_is_refused(api: Api, operation: Any) -> None:
    @settings(suppress_health_check=list(HealthCheck), max_examples=settings().max_examples // 2)  # a request each
    @given(case=operation.as_strategy(GenerationMode.NEGATIVE, path_parameters={"address": "fine%40example.com"}))
    def run(case: "Case[Any]") -> None:
        case.validate_response(send(api, case), checks=[*CONFORMANCE, negative_data_rejection])

    run()
