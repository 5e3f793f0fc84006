"""What ministack 1.5.33's SNS leaves out when it calls a function: permission, retries, a dead-letter queue."""

import json

from ministack.services import lambda_svc, sns

from harness.emulators.embedded.ministack_gaps import lambda_


def fill() -> None:
    """Call functions as SNS does."""
    sns._deliver_to_lambda = _deliver_to_function


def _deliver_to_function(
    endpoint: str, envelope: str, topic_arn: str, subscription_arn: str, _id: str, message: str, _attributes: object
) -> None:
    """Hand a message to Lambda, which calls the function until it succeeds, or take it to the dead-letter queue.

    SNS does not try again if the function was deleted or does not let the topic call it (Amazon SNS Developer Guide,
    "Amazon SNS dead-letter queues"). ministack calls it once, also without permission, and loses what fails.
    """
    function, config, _ = lambda_svc._get_func_record_for_ref(endpoint)
    if function and lambda_.lets_call(endpoint, "sns.amazonaws.com", topic_arn):
        source = {"EventVersion": "1.0", "EventSubscriptionArn": subscription_arn, "EventSource": "aws:sns"}
        record = lambda_svc._execution_record_for_config(function, config)
        lambda_svc.invoke_async_with_retry(record, {"Records": [{**source, "Sns": json.loads(envelope)}]})
        return
    for subscription in (sns._topic_by_arn_any_scope(topic_arn) or {}).get("subscriptions", []):
        queue = json.loads(subscription["attributes"].get("RedrivePolicy") or "{}").get("deadLetterTargetArn")
        if queue and subscription["arn"] == subscription_arn:
            sns._deliver_to_sqs(queue, envelope, raw=False, raw_message=message, topic_arn=topic_arn)
