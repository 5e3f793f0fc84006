"""What somebody made by hand after the original article becomes a stack, without loss (examples/adopt)."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from harness import paths
from harness.emulator import Emulator
from harness.stack import apply
from support import ses
from support.deployed import Deployed
from support.eventually import eventually
from support.flowing import publishing
from support.functions import zipped
from support.table import KEY

NAME = "adopted"
BY_HAND = f"{NAME}-by-hand"
# The function of the article, but for its language: each message replaces the rows of its addresses.
ARTICLE = f"""
import json
import boto3
dynamodb = boto3.client("dynamodb")

def handler(event, context):
    message = json.loads(event["Records"][0]["Sns"]["Message"])
    kind = message["notificationType"]
    addresses = {{
        "Bounce": lambda: [each["emailAddress"] for each in message["bounce"]["bouncedRecipients"]],
        "Complaint": lambda: [each["emailAddress"] for each in message["complaint"]["complainedRecipients"]],
        "Delivery": lambda: message["delivery"]["recipients"],
    }}[kind]()
    for address in addresses:
        row = {{
            "{KEY}": address,
            "notificationType": kind,
            "from": message["mail"]["source"],
            "timestamp": message["mail"]["timestamp"],
            "state": "enable" if kind == "Delivery" else "disable",
        }}
        dynamodb.put_item(TableName="{NAME}", Item={{name: {{"S": value}} for name, value in row.items()}})
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}],
}
MAY_WRITE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": f"arn:aws:dynamodb:*:*:table/{NAME}"}],
}


@pytest.fixture(scope="module")
def made_by_hand(embedded: Emulator) -> Iterator[tuple[str, str]]:
    """Table, topic and function, as the article says; Lambda does not call the function again where it fails.

    ARNs of the topic and of the function's subscription.
    """
    embedded.client("dynamodb").create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    )
    sns, iam, client = embedded.client("sns"), embedded.client("iam"), embedded.client("lambda")
    topic = sns.create_topic(Name=f"{NAME}-ses-notifications")["TopicArn"]
    role = iam.create_role(RoleName="by-hand", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="by-hand", PolicyName="lambda_dynamo", PolicyDocument=json.dumps(MAY_WRITE))
    function = client.create_function(
        FunctionName=BY_HAND,
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": zipped(ARTICLE, "index.py")},
    )["FunctionArn"]
    client.get_waiter("function_active_v2").wait(FunctionName=BY_HAND)
    client.put_function_event_invoke_config(FunctionName=BY_HAND, MaximumRetryAttempts=0)
    client.add_permission(
        FunctionName=BY_HAND,
        StatementId="sns",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function, ReturnSubscriptionArn=True)
    yield topic, subscription["SubscriptionArn"]
    iam.delete_role_policy(RoleName="by-hand", PolicyName="lambda_dynamo")
    iam.delete_role(RoleName="by-hand")


def test_it_is_taken_over_with_feedback_flowing_and_nothing_is_lost(
    embedded: Emulator, made_by_hand: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    topic, subscription = made_by_hand
    functions = embedded.client("lambda")
    before, during, between, after = (ses.fresh(name) for name in ("before", "during", "between", "after"))
    spelled = ses.fresh("Old.Reader")
    canonical = spelled.lower()

    def publish(*messages: ses.Json) -> None:
        for message in messages:
            embedded.client("sns").publish(TopicArn=topic, Message=ses.text(message))

    with ExitStack() as afterwards:
        with publishing(embedded, topic) as addresses:
            publish(ses.complaint(before), ses.complaint(spelled))
            before_it = functions.get_function_configuration(FunctionName=BY_HAND)
            variables = {"name": NAME, "table_name": NAME, "topic_arn": topic, "deletion_protection": False}
            stack = apply(embedded, variables, tmp_path_factory.mktemp(NAME), paths.TERRAFORM / "examples" / "adopt")
            afterwards.callback(stack.destroy)
            adopted = Deployed(stack)
            assert (stack.outputs["topic_arn"], stack.outputs["table_name"]) == (topic, NAME)
            subscriptions = adopted.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            assert subscription in {each["SubscriptionArn"] for each in subscriptions}
            assert {each["Protocol"] for each in subscriptions} == {"lambda", "sqs"}
            after_it = functions.get_function_configuration(FunctionName=BY_HAND)
            assert after_it["RevisionId"] == before_it["RevisionId"]
            # It forgets a complaint when a delivery comes, even long after. The queue does not.
            publish(ses.complaint(during))
            eventually(lambda: adopted.states(during), {during: "disable"})
            assert stack.drift() == []
            addresses.wait_for_more(24)  # longer than the queue's batching window
            publish(ses.delivery(during))
            eventually(lambda: adopted.states(during), {during: "enable"})
            assert adopted.states(before, spelled) == {before: "disable", spelled: "disable"}

            # As the README says.
            embedded.client("sns").unsubscribe(SubscriptionArn=subscription)
            functions.delete_function(FunctionName=BY_HAND)
            publish(ses.complaint(between))

            stack.change({"read_queue": True})
            publish(ses.complaint(after), ses.complaint(before), ses.delivery(spelled))
            addresses.wait_for_more(8)
        blocked = (before, during, between, after, canonical, spelled, *addresses)
        eventually(lambda: adopted.states(*blocked), dict.fromkeys(blocked, "disable"))
        assert (adopted.item(canonical) or {})["evidence"].keys() == {"complaint", "delivery"}
        eventually(lambda: "suppressed" in (adopted.item(before) or {}), expected=True)
        assert stack.drift() == []
    assert stack.leftovers() == []
