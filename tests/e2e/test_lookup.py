"""The lookup API as its callers use it: signed HTTP requests to the stage that Terraform created."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from harness import paths
from support import ses
from support.deployed import Deployed
from support.eventually import eventually
from support.iam import user
from support.lookup import Call, call_as, endpoint_of, path_of


@pytest.fixture(scope="module")
def callers(deployments: Mapping[str, Deployed]) -> Iterator[Mapping[str, Call]]:
    """Callers of the API: a reader, an operator, somebody without any permission, and one who does not sign."""
    deployed = deployments["queue"]
    policies = {kind: json.loads(each) for kind, each in deployed.outputs["lookup_caller_policies"].items()}
    read, override = policies["read"]["Statement"], policies["override"]["Statement"]
    allowed = {"reader": read, "operator": [*read, *override], "nobody": []}
    with ExitStack() as users:
        calls: dict[str, Call] = {"unsigned": call_as(deployed, None)}
        for caller, statements in allowed.items():
            session = users.enter_context(user(deployed.emulator, *statements))
            calls[caller] = call_as(deployed, session.get_credentials())
        yield calls


def test_a_record_is_read_under_any_spelling_of_its_address(queue_mode: Deployed, callers: Mapping[str, Call]) -> None:
    address = ses.fresh("jane+news/1")
    queue_mode.publish(ses.text(ses.complaint(address)))
    eventually(lambda: queue_mode.states(address), {address: "disable"})

    for spelling in (address, address.upper(), f"Jane <{address}>"):
        found = callers["reader"]("GET", path_of(spelling))
        assert (found.status, found.body["address"], found.body["state"]) == (200, address, "disable")
        assert found.body["reason"] == "complaint:abuse"


def test_who_leaves_a_newsletter_still_gets_the_password_reset(
    queue_mode: Deployed, callers: Mapping[str, Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    left, gone = ses.fresh("left"), ses.fresh("gone")
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
    address = ses.fresh("unknown")
    found = callers["reader"]("GET", path_of(address))
    assert (found.status, found.media_type) == (404, "application/problem+json")
    assert callers["reader"]("GET", f"/addresses/a/{address}").status == 400, "a slash that is not encoded"

    checked = callers["reader"]("POST", "/check", {"addresses": [address, "no address"]})
    assert checked.status == 200
    unknown, refused = checked.body["addresses"]
    assert (unknown["known"], unknown["mayBeMailed"]) == (False, True)
    assert refused["mayBeMailed"] is False


# Elsewhere API Gateway does not tell the function who calls, so overrides are refused.
@pytest.mark.needs("enforces_iam")
def test_an_override_is_set_listed_and_removed(callers: Mapping[str, Call]) -> None:
    address, operator = ses.fresh("called/by"), callers["operator"]

    made = operator("PUT", f"{path_of(address)}/override", {"state": "disable", "note": "asked by phone"})
    assert (made.status, made.body["state"], made.body["reason"]) == (200, "disable", "operator")
    assert made.body["evidence"]["override"]["note"] == "asked by phone"
    assert ":user/user-" in made.body["evidence"]["override"]["by"]

    listed = operator("GET", "/addresses?state=disable&limit=1000")
    assert address in [each["address"] for each in listed.body["addresses"]]
    (checked,) = operator("POST", "/check", {"addresses": [address]}).body["addresses"]
    assert checked["mayBeMailed"] is False

    assert operator("DELETE", f"{path_of(address)}/override").status == 204
    assert operator("DELETE", f"{path_of(address)}/override").status == 404
    (checked,) = operator("POST", "/check?consistent=true", {"addresses": [address]}).body["addresses"]
    assert checked["mayBeMailed"] is True


@pytest.mark.needs("enforces_iam")
def test_nobody_gets_in_without_permission(callers: Mapping[str, Call]) -> None:
    path = path_of("a@example.com")
    assert callers["unsigned"]("GET", path).status == 403
    assert callers["nobody"]("GET", path).status == 403
    assert callers["reader"]("PUT", f"{path}/override", {"state": "disable"}).status == 403
