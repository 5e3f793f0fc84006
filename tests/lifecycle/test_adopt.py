"""What somebody made by hand after the original article becomes a stack, without loss (examples/adopt)."""

import io
import json
import zipfile
from collections.abc import Iterator

import pytest

from harness import paths
from harness.emulator import Emulator
from harness.stack import apply
from support import ses
from support.deployed import Deployed
from support.eventually import eventually
from support.table import KEY

NAME = "adopted"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}],
}
OLD, SPELLED = ses.fresh("old"), ses.fresh("Old.Reader")


@pytest.fixture(scope="module")
def made_by_hand(embedded: Emulator) -> Iterator[dict[str, str]]:
    """The table, the topic and the function of the article, as the variables of the example name them."""
    dynamodb = embedded.client("dynamodb")
    dynamodb.create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    )
    for key in (OLD, SPELLED):
        old = {
            KEY: key,
            "notificationType": "Complaint",
            "from": "a@example.com",
            "timestamp": "2017-08-02T17:20:00Z",
            "state": "disable",
        }
        dynamodb.put_item(TableName=NAME, Item={name: {"S": value} for name, value in old.items()})
    topic = embedded.client("sns").create_topic(Name=f"{NAME}-ses-notifications")["TopicArn"]
    iam = embedded.client("iam")
    role = iam.create_role(RoleName="by-hand", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): return None")
    function = embedded.client("lambda").create_function(
        FunctionName=f"{NAME}-by-hand",
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": content.getvalue()},
    )
    subscription = embedded.client("sns").subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=function["FunctionArn"], ReturnSubscriptionArn=True
    )
    yield {
        "table_name": NAME,
        "topic_arn": topic,
        "function_name": function["FunctionName"],
        "subscription_arn": subscription["SubscriptionArn"],
    }
    iam.delete_role(RoleName="by-hand")


def test_it_is_taken_over_and_nothing_is_lost(
    embedded: Emulator, made_by_hand: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    variables = {"name": NAME, "deletion_protection": False, **made_by_hand}
    during, after = ses.fresh("during"), ses.fresh("after")

    stack = apply(embedded, variables, tmp_path_factory.mktemp(NAME), paths.TERRAFORM / "examples" / "adopt")
    adopted = Deployed(stack)
    try:
        assert {name: stack.outputs[name] for name in ("topic_arn", "table_name", "function_name")} == {
            name: made_by_hand[name] for name in ("topic_arn", "table_name", "function_name")
        }
        assert (adopted.item(OLD) or {})["state"] == "disable"
        subscriptions = adopted.sns.list_subscriptions_by_topic(TopicArn=stack.outputs["topic_arn"])["Subscriptions"]
        assert made_by_hand["subscription_arn"] in {each["SubscriptionArn"] for each in subscriptions}
        assert {each["Protocol"] for each in subscriptions} == {"lambda", "sqs"}
        adopted.publish(ses.text(ses.complaint(during)))
        eventually(lambda: adopted.states(during), {during: "disable"})
        assert stack.drift() == []

        stack.change({"keep_subscription": False})
        canonical = SPELLED.lower()
        messages = (ses.complaint(after), ses.complaint(OLD), ses.delivery(SPELLED))
        adopted.publish(*map(ses.text, messages))
        blocked = (after, during, OLD, canonical, SPELLED)
        eventually(lambda: adopted.states(*blocked), dict.fromkeys(blocked, "disable"))
        assert (adopted.item(canonical) or {})["evidence"].keys() == {"complaint", "delivery"}
        eventually(lambda: "suppressed" in (adopted.item(OLD) or {}), expected=True)
        assert stack.drift() == []
    finally:
        stack.destroy()
    assert stack.leftovers() == []
