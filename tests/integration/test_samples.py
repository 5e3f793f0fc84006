"""The code that documents give to applications, run as it stands: it never says yes about an address that is blocked.

Applications spell addresses in their own ways. The table's keys are in canonical form.
"""

import io
import json
import re
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import boto3
import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from harness import paths
from healthy_mailing.address import AddressError, canonical, forms
from healthy_mailing.evidence import MarkKind
from support.marks import mark
from support.table import TABLE

from .conftest import DynamoDB, Faults, add
from .lookup_api import start

README, EVENTS, LOOKUP = "README.md", "docs/events.md", "terraform/modules/lookup/README.md"
ADOPT = "terraform/examples/adopt/README.md"

DATA = {"", "hcl", "json", "mermaid", "sh", "text", "yaml"}
"""What else a block of a document may be than code for an application."""

CAPITALS = ["jane@example.com", "Jane@Example.com", "JANE@EXAMPLE.COM"]
"""Spellings of one address that SES takes and a reader must know."""

OTHERS = [
    "Jane <jane@example.com>",
    " jane@example.com",
    "jane@example.com\n",
    "jane@example.com (Jane)",
    "jane@example.com.",
    '"jane"@example.com',
    "jane@exam\N{SOFT HYPHEN}ple.com",
    "jane@\N{FULLWIDTH LATIN SMALL LETTER E}xample.com",
]
"""Spellings of the same address that a reader may refuse."""


def blocks(name: str) -> list[str]:
    """Return the fenced blocks of a document that are code for an application."""
    text = (paths.ROOT / name).read_text(encoding="utf-8")
    fenced = re.findall(r"^ *(`{3,}|~{3,}) *([^\s`]*)[^\n]*\n(.*?)^ *\1", text, re.MULTILINE | re.DOTALL)
    return [code for _, language, code in fenced if language not in DATA]


def sample(name: str) -> dict[str, Any]:
    """Return what the code of a document defines."""
    (block,) = blocks(name)
    scope: dict[str, Any] = {}
    exec(compile(block, name, "exec"), scope)  # noqa: S102  (this project's own)
    return scope


def test_all_code_for_applications_is_run_here() -> None:
    found = [*paths.ROOT.glob("*.md"), *(paths.ROOT / "docs").glob("*.md"), *paths.TERRAFORM.rglob("*.md")]
    documents = [str(path.relative_to(paths.ROOT)) for path in found]
    expected = dict.fromkeys((README, EVENTS, LOOKUP, ADOPT), 1)
    assert {name: len(blocks(name)) for name in documents if blocks(name)} == expected


Asks = Callable[[str, list[str]], list[str]]


@pytest.fixture
def asks(client: DynamoDB, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Asks:
    """What asks the lookup API by the code of its README: for a purpose, about addresses."""
    api = start(client, faults, monkeypatch)

    def post(url: str, data: str, headers: dict[str, str], timeout: float) -> requests.Response:
        assert timeout
        assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
        reply = api("POST", url.removeprefix("https://api.example"), data)
        answer = requests.Response()
        answer.status_code, answer.raw = reply.status, io.BytesIO(json.dumps(reply.body).encode())
        return answer

    monkeypatch.setattr(requests, "post", post)
    may_be_mailed = sample(LOOKUP)["may_be_mailed"]
    return lambda purpose, addresses: may_be_mailed("https://api.example", addresses, purpose)


# What is known, and whether a newsletter and a password reset may be sent.
ANSWERS = """
-                    yes yes
delivery             yes yes
optOut               no  yes
optOut+hardBounce    no  no
optOut+undetermined  no  no
complaint            no  no
undetermined         no  no
"""


@pytest.mark.parametrize("case", ANSWERS.strip().splitlines())
def test_each_tells_newsletter_and_password_reset_apart_in_capitals_too(
    client: DynamoDB, asks: Asks, case: str
) -> None:
    assert TABLE == "mailing"
    known, *answers = case.split()
    newsletter, password_reset = (each == "yes" for each in answers)
    kinds = [] if known == "-" else known.split("+")
    if kinds:
        add(client, *(mark(MarkKind(kind)) for kind in kinds), address="jane@example.com")

    readme = sample(README)
    assert [readme["may_get_newsletter"](each) for each in CAPITALS] == [newsletter] * 3
    assert [readme["may_get_password_reset"](each) for each in CAPITALS] == [password_reset] * 3
    assert not any(readme["may_get_newsletter"](each) for each in OTHERS)
    assert not any(readme["may_get_password_reset"](each) for each in OTHERS)

    spellings = [each for each in [*CAPITALS, *OTHERS] if canonical(each) == "jane@example.com"]
    assert asks("bulk", spellings) == (spellings if newsletter else [])
    assert asks("transactional", spellings) == (spellings if password_reset else [])

    events = sample(EVENTS)
    copy: dict[str, bool] = {}
    if kinds:
        detail = {"address": "jane@example.com", "sequence": "0" * 40, "mayBeMailed": newsletter}
        events["take"]({"detail": detail}, {}, copy)
    assert [events["may_get_newsletter"](each, copy) for each in CAPITALS] == [newsletter] * 3
    assert not any(events["may_get_newsletter"](each, copy) for each in OTHERS)


def test_where_the_lookup_api_refuses_its_code_says_yes_to_nobody(asks: Asks) -> None:
    assert asks("bulk", ["no address", "", "jane@example.com"]) == ["jane@example.com"]
    with pytest.raises(requests.HTTPError):
        asks("bulk", ["jane@example.com"] * 1001)
    with pytest.raises(requests.HTTPError):
        asks("newsletter", ["jane@example.com"])


@pytest.mark.parametrize(
    ("attributes", "is_yes"),
    [
        ({"state": "enable"}, True),
        ({"state": "disable"}, False),
        ({"state": "review"}, False),
        ({"state": 7}, False),
        ({}, False),
    ],
    ids=str,
)
def test_an_item_of_another_program_blocks_unless_it_says_enable(
    client: DynamoDB, attributes: dict[str, Any], is_yes: bool
) -> None:
    del client  # the table is there
    boto3.resource("dynamodb").Table(TABLE).put_item(Item={"UserId": "jane@example.com", **attributes})
    readme = sample(README)
    assert readme["may_get_newsletter"]("Jane@Example.com") is is_yes
    assert readme["may_get_password_reset"]("Jane@Example.com") is is_yes


@pytest.mark.parametrize("old", ["enable", "disable", None])
@pytest.mark.parametrize("new", ["enable", "disable", "review", None])
def test_an_application_of_an_adopted_table_mails_nobody_whom_one_of_two_rows_blocks(
    client: DynamoDB, old: str | None, new: str | None
) -> None:
    """`mailing reassess` may merge them meanwhile."""
    rows = {"Jane@Example.com": old, "jane@example.com": new}
    for key, state in rows.items():
        if state:
            client.put_item(TableName=TABLE, Item={"UserId": {"S": key}, "state": {"S": state}})
    may_be_mailed = sample(ADOPT)["may_be_mailed"]
    assert may_be_mailed("Jane@Example.com") is ({old, new} <= {"enable", None})
    assert may_be_mailed("jane@example.com") is (new in {"enable", None})


SOME = st.text(
    st.sampled_from('aZ0._+-"<>@ ,\\\n\N{KELVIN SIGN}\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}\u00df\u200b\u3002')
)


@given(st.builds("{}@{}.example".format, SOME, SOME) | SOME | st.emails())
@example("Jane@xn--strae-oqa.DE")
@example("\N{KELVIN SIGN}ate@example.com")
def test_what_is_looked_up_is_the_key_of_that_address(text: str) -> None:
    """A yes without an item counts only where the item, were there one, would have been found."""
    with patch.object(boto3, "resource") as resource:
        readme = sample(README)
    get_item = resource().Table().get_item
    get_item.return_value = {}
    is_yes = readme["may_get_newsletter"](text)
    assert is_yes is get_item.called is readme["may_get_password_reset"](text)
    keys = keys_of(text)
    if keys:
        assert [call.kwargs["Key"]["UserId"] for call in get_item.call_args_list] in ([], keys * 2)
        assert not sample(EVENTS)["may_get_newsletter"](text, dict.fromkeys(keys, False))


def keys_of(text: str) -> list[str]:
    """Return the keys that an address's item may have; none if the text is not an address, so there is no item."""
    try:
        return [*forms(text)]
    except AddressError:
        return []
