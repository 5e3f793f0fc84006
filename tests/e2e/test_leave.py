"""How a stack goes, as docs/change.md says: with its table in two steps, or without it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.emulator import Emulator
from harness.stack import Stack, applied
from harness.terraform import TerraformError
from support import ses
from support.eventually import eventually

from .conftest import QUICK, Deployed
from .test_feedback import fresh

pytestmark = pytest.mark.xdist_group("leave")

TABLE = "module.feedback.aws_dynamodb_table.this[0]"
UNPROTECTED = ("-auto-approve", "-no-color", "-var=table={deletion_protection=false}")


@pytest.fixture
def protected(emulator: Emulator, tmp_path: Path) -> Iterator[Stack]:
    """A stack whose table is protected from deletion, as by default; with one queue, which is quicker."""
    variables = {
        **QUICK,
        "delivery": "direct",
        "queue": {**QUICK["queue"], "keep": False},
        "table": {"deletion_protection": True},
    }
    with applied(emulator, variables, tmp_path) as stack:
        yield stack


def test_a_protected_table_goes_in_a_second_step(protected: Stack) -> None:
    with pytest.raises(TerraformError, match=r"(?i)deletion.?protection"):
        protected.destroy()
    assert protected.leftovers() == [f"table {protected.name}"]

    protected.run("apply", *UNPROTECTED, f"-target={TABLE}")
    assert protected.leftovers() == [f"table {protected.name}"]
    protected.run("destroy", *UNPROTECTED)
    assert protected.leftovers() == []


def test_a_table_that_terraform_forgets_stays(protected: Stack) -> None:
    deployed, address = Deployed(protected), fresh("a")
    deployed.publish(ses.text(ses.complaint(address)))
    eventually(lambda: deployed.states(address), {address: "disable"})

    protected.run("state", "rm", TABLE)
    protected.destroy()
    try:
        assert protected.leftovers() == [f"table {protected.name}"]
        assert deployed.states(address) == {address: "disable"}
        description = deployed.dynamodb.describe_table(TableName=protected.name)["Table"]
        assert description["DeletionProtectionEnabled"]
    finally:
        deployed.dynamodb.update_table(TableName=protected.name, DeletionProtectionEnabled=False)
        deployed.dynamodb.delete_table(TableName=protected.name)
