"""The lookup API as its callers use it: signed HTTP requests to the stage that Terraform created."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness import paths
from harness.emulator import Emulator
from support import ses
from support.eventually import eventually

from .conftest import Deployed


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


@pytest.fixture(scope="module")
def callers(deployments: Mapping[str, Deployed]) -> Iterator[Mapping[str, Call]]:
    """Callers of the API: a reader, an operator, somebody without any permission, and one who does not sign."""
    deployed = deployments["queue"]
    iam = deployed.emulator.client("iam")
    policies = deployed.outputs["lookup_caller_policies"]
    allowed = {"reader": ["read"], "operator": ["read", "override"], "nobody": []}
    calls: dict[str, Call] = {"unsigned": call_as(deployed, None)}
    users: list[tuple[str, str]] = []
    try:
        for caller, kinds in allowed.items():
            name = f"{caller}-{uuid.uuid4().hex[:8]}"
            iam.create_user(UserName=name)
            for kind in kinds:
                iam.put_user_policy(UserName=name, PolicyName=kind, PolicyDocument=policies[kind])
            key = iam.create_access_key(UserName=name)["AccessKey"]
            users.append((name, key["AccessKeyId"]))
            calls[caller] = call_as(deployed, Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
        yield calls
    finally:
        for name, key_id in users:
            iam.delete_access_key(UserName=name, AccessKeyId=key_id)
            for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
                iam.delete_user_policy(UserName=name, PolicyName=policy)
            iam.delete_user(UserName=name)


def fresh(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:12]}@example.com"


def path_of(address: str) -> str:
    return f"/addresses/{urllib.parse.quote(address, safe='')}"


def test_a_record_is_read_under_any_spelling_of_its_address(queue_mode: Deployed, callers: Mapping[str, Call]) -> None:
    address = fresh("jane+news")
    queue_mode.publish(ses.text(ses.complaint(address)))
    eventually(lambda: queue_mode.states(address), {address: "disable"})

    for spelling in (address, address.upper(), f"Jane <{address}>"):
        found = callers["reader"]("GET", path_of(spelling))
        assert (found.status, found.body["address"], found.body["state"]) == (200, address, "disable")
        assert found.body["reason"] == "complaint:abuse"


def test_who_leaves_a_newsletter_still_gets_the_password_reset(
    queue_mode: Deployed, callers: Mapping[str, Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    left, gone = fresh("left"), fresh("gone")
    queue_mode.publish(ses.text(ses.subscription(left)), ses.text(ses.subscription(gone)), ses.text(ses.bounce(gone)))
    eventually(lambda: queue_mode.states(left, gone), {left: "disable", gone: "disable"})
    eventually(lambda: set((queue_mode.item(gone) or {})["evidence"]), {"optOut", "hardBounce"})

    record = callers["reader"]("GET", path_of(left)).body
    assert (record["state"], record["transactional"], record["reason"]) == ("disable", "enable", "opt-out")
    for purpose, may in (("bulk", [False, False]), ("transactional", [True, False])):
        body = {"addresses": [left, gone], "purpose": purpose}
        answers = callers["reader"]("POST", "/check", body).body["addresses"]
        assert [each["mayBeMailed"] for each in answers] == may
    assert answers[1]["reason"] == "bounce:Permanent/General"

    # And with the code that the module's README gives.
    for name, value in queue_mode.emulator.environment().items():
        monkeypatch.setenv(name, value)
    (block,) = re.findall(
        r"```python\n(.+?)```", (paths.TERRAFORM / "modules" / "lookup" / "README.md").read_text(), re.DOTALL
    )
    code: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), code)  # noqa: S102  (this project's own)
    assert code["may_be_mailed"](endpoint_of(queue_mode), [left, gone]) == []
    assert code["may_be_mailed"](endpoint_of(queue_mode), [left, gone], "transactional") == [left]


def test_an_unknown_address_has_no_record_and_may_be_mailed(callers: Mapping[str, Call]) -> None:
    address = fresh("unknown")
    found = callers["reader"]("GET", path_of(address))
    assert (found.status, found.media_type) == (404, "application/problem+json")

    checked = callers["reader"]("POST", "/check", {"addresses": [address, "no address"]})
    assert checked.status == 200
    unknown, refused = checked.body["addresses"]
    assert (unknown["known"], unknown["mayBeMailed"]) == (False, True)
    assert refused["mayBeMailed"] is False


def test_an_override_is_set_listed_and_removed(emulator: Emulator, callers: Mapping[str, Call]) -> None:
    _needs_callers(emulator)
    address, operator = fresh("called"), callers["operator"]

    made = operator("PUT", f"{path_of(address)}/override", {"state": "disable", "note": "asked by phone"})
    assert (made.status, made.body["state"], made.body["reason"]) == (200, "disable", "operator")
    assert made.body["evidence"]["override"]["note"] == "asked by phone"
    assert ":user/operator-" in made.body["evidence"]["override"]["by"]

    listed = operator("GET", "/addresses?state=disable&limit=1000")
    assert address in [each["address"] for each in listed.body["addresses"]]
    (checked,) = operator("POST", "/check", {"addresses": [address]}).body["addresses"]
    assert checked["mayBeMailed"] is False

    assert operator("DELETE", f"{path_of(address)}/override").status == 204
    assert operator("DELETE", f"{path_of(address)}/override").status == 404
    (checked,) = operator("POST", "/check?consistent=true", {"addresses": [address]}).body["addresses"]
    assert checked["mayBeMailed"] is True


def _needs_callers(emulator: Emulator) -> None:
    if not emulator.enforces_iam:
        pytest.skip(f"API Gateway of {emulator.name} does not tell the function who calls, so overrides are refused")


def test_pages_follow_each_other(emulator: Emulator, callers: Mapping[str, Call]) -> None:
    _needs_callers(emulator)
    operator = callers["operator"]
    addresses = {fresh("page") for _ in range(3)}
    for address in addresses:
        assert operator("PUT", f"{path_of(address)}/override", {"state": "disable"}).status == 200

    seen: list[str] = []
    query = "/addresses?state=disable&limit=1"
    following = query
    while following and not addresses <= set(seen):
        page = operator("GET", following).body
        seen += [each["address"] for each in page["addresses"]]
        following = f"{query}&cursor={page['cursor']}" if "cursor" in page else ""
    assert addresses <= set(seen)
    assert len(seen) == len(set(seen))
    assert operator("GET", f"{query}&cursor=tampered").status == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/addresses", None, 400),
        ("GET", "/addresses?state=enable", None, 400),
        ("GET", "/addresses/no-address", None, 400),
        ("POST", "/check", {"addresses": []}, 400),
        ("POST", "/check", {"addresses": ["a@example.com"], "more": 1}, 400),
    ],
)
def test_bad_input_is_explained(callers: Mapping[str, Call], method: str, path: str, body: object, status: int) -> None:
    found = callers["reader"](method, path, body)
    assert (found.status, found.media_type) == (status, "application/problem+json")
    assert found.body["errors"]


def test_nobody_gets_in_without_permission(deployed: Deployed, callers: Mapping[str, Call]) -> None:
    if not deployed.emulator.enforces_iam:
        pytest.skip(f"{deployed.emulator.name} enforces no IAM permission")
    path = path_of("a@example.com")
    assert callers["unsigned"]("GET", path).status == 403
    assert callers["nobody"]("GET", path).status == 403
    assert callers["reader"]("PUT", f"{path}/override", {"state": "disable"}).status == 403
