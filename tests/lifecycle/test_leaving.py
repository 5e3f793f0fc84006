"""How a stack goes, and how its table stays (docs/change.md)."""

from pathlib import Path

import pytest

from harness.emulator import Emulator
from harness.stack import Stack, apply
from harness.terraform import TerraformError
from support.deployed import Deployed
from support.events import complained

TABLE = "module.feedback.aws_dynamodb_table.this[0]"


def applied_with_a_row(
    emulator: Emulator, folder: Path, *, protected: bool, topic: str | None = None
) -> tuple[Stack, str]:
    """Return a stack that has taken in a complaint, and whose."""
    variables = {
        "delivery": "direct",
        "queue": {"keep": False},  # quicker
        "table": {"deletion_protection": protected},
        "topic": {"existing": {"arn": topic} if topic else None},
    }
    stack = apply(emulator, variables, folder)
    return stack, complained(Deployed(stack), "a")


@pytest.mark.xdist_group("leaving protected")
def test_a_protected_table_outlives_destroy_until_it_is_told_to_go(embedded: Emulator, tmp_path: Path) -> None:
    stack, address = applied_with_a_row(embedded, tmp_path, protected=True)

    with pytest.raises(TerraformError, match=r"(?i)deletion protection"):
        stack.destroy()
    assert stack.leftovers() == [f"table {stack.outputs['table_name']}"]
    assert Deployed(stack).states(address) == {address: "disable"}

    # If that was a mistake: another apply brings everything back.
    stack.change({})
    complained(Deployed(stack), "b")
    assert Deployed(stack).states(address) == {address: "disable"}

    stack.change({"table": {"deletion_protection": False}}, target=TABLE)
    stack.destroy()
    assert stack.leftovers() == []


def test_what_is_not_terraforms_stays(embedded: Emulator, tmp_path: Path) -> None:
    """A table that it was told to forget, and a topic that was there before."""
    topics = embedded.client("sns")
    topic = topics.create_topic(Name="there-before")["TopicArn"]
    stack, address = applied_with_a_row(embedded, tmp_path, protected=False, topic=topic)
    assert stack.outputs["topic_arn"] == topic
    assert stack.drift() == []

    stack.run("state", "rm", TABLE)
    stack.destroy()

    assert stack.leftovers() == [f"table {stack.outputs['table_name']}"]
    assert Deployed(stack).states(address) == {address: "disable"}
    assert topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    topics.delete_topic(TopicArn=topic)
    embedded.client("dynamodb").delete_table(TableName=stack.outputs["table_name"])
