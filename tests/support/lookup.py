"""The lookup API of an applied stack, called as its callers do: with signed HTTP requests."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.deployed import Deployed


@dataclass(frozen=True)
class Answer:
    """What the API answered: status, media type and body, parsed if it is JSON."""

    status: int
    media_type: str
    body: Any


Call = Callable[..., Answer]

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def endpoint_of(deployed: Deployed) -> str:
    """Return the API's URL. The emulators serve all APIs under their own address."""
    address = urllib.parse.urlsplit(deployed.outputs["lookup_endpoint"])
    api, stage = address.netloc.partition(".")[0], address.path
    return f"{deployed.emulator.endpoint_url}/_aws/execute-api/{api}{stage}"


def call_as(deployed: Deployed, credentials: Credentials | None) -> Call:
    """Return a function that sends requests signed by a caller, or unsigned."""
    base = endpoint_of(deployed)

    def call(method: str, path: str, body: object = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        request = AWSRequest(method, base + path, data=data, headers=headers)
        if credentials:
            SigV4Auth(credentials, "execute-api", deployed.emulator.region).add_auth(request)
        signed = urllib.request.Request(  # noqa: S310  (the emulator's own URL)
            base + path, data=data, method=method, headers=dict(request.headers)
        )
        try:
            with OPENER.open(signed, timeout=30) as response:
                return answer(response.status, response)
        except urllib.error.HTTPError as error:
            with error:
                return answer(error.code, error)

    return call


def answer(status: int, response: Any) -> Answer:
    content = response.read().decode()
    media_type = response.headers.get_content_type()
    return Answer(status, media_type, json.loads(content) if media_type.endswith("json") and content else content)


def path_of(address: str) -> str:
    return f"/addresses/{urllib.parse.quote(address, safe='')}"
