"""The code that the README gives to applications, on items of every kind."""

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from harness import paths
from healthy_mailing.evidence import MarkKind, Rules, evidence_of
from healthy_mailing.table import Table
from support.table import TABLE

from .test_lookup import mark

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.mark.parametrize(
    ("kinds", "newsletter", "password_reset"),
    [
        ([], True, True),
        ([MarkKind.DELIVERY], True, True),
        ([MarkKind.OPT_OUT], False, True),
        ([MarkKind.OPT_OUT, MarkKind.HARD_BOUNCE], False, False),
        ([MarkKind.OPT_OUT, MarkKind.UNDETERMINED], False, False),
        ([MarkKind.COMPLAINT], False, False),
        ([MarkKind.UNDETERMINED], False, False),
    ],
    ids=str,
)
def test_the_readme_s_code_tells_newsletter_and_password_reset_apart(
    client: "DynamoDBClient",
    kinds: list[MarkKind],
    newsletter: bool,  # noqa: FBT001  (a table's column)
    password_reset: bool,  # noqa: FBT001  (a table's column)
) -> None:
    assert TABLE == "mailing"
    if kinds:
        evidence = evidence_of(mark(kind) for kind in kinds)
        Table(client, TABLE, Rules()).add({"jane@example.com": evidence}, time.monotonic() + 600)

    (block,) = re.findall(r"```python\n(.+?)```", (paths.ROOT / "README.md").read_text(), re.DOTALL)
    code: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), code)  # noqa: S102  (this project's own)

    assert code["may_get_newsletter"]("jane@example.com") is newsletter
    assert code["may_get_password_reset"]("jane@example.com") is password_reset
