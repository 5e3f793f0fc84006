"""What ``mailing doctor`` looks at between SES and the function: topic, subscriptions, queues."""

import json
import shlex
from collections.abc import Mapping

from healthy_mailing_cli.doctor.examination import (
    APPLY,
    SIMULATE,
    Examination,
    Finding,
    Findings,
    ok,
    problem,
    unknown,
    warning,
)
from healthy_mailing_cli.doctor.policies import lets
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.stack import name_in, sent_for


def look_at_topic(seen: Examination) -> Findings:
    """See whether the topic exists, with a key that SES can use."""
    name = name_in(seen.stack.topic)
    try:
        seen.topic = seen.sns.get_topic_attributes(TopicArn=seen.stack.topic)["Attributes"]
    except seen.sns.exceptions.NotFoundException:
        yield seen.missing("topic", name, "--name, --topic, --region")
        return
    key = seen.topic.get("KmsMasterKeyId", "")
    if key == "alias/aws/sns":
        yield problem(f"{name} is encrypted with {key}, which SES can't use.", "Use a key of your own (kms_key_arn).")
    else:
        encrypted = f", encrypted with {key}; the policy of that key is not looked at" if key else ""
        yield ok(f"The topic {name} exists{encrypted}.")


def look_at_topic_policy(seen: Examination) -> Findings:
    """See whether SES may publish for each identity and configuration set that reports here."""
    if seen.topic is None:
        return
    # Where nothing reports any more, perhaps because SES dropped it, one that might report will do.
    sources = seen.sources or seen.found or [seen.place.arn("ses", "identity/example.com")]
    policy, topic = seen.topic.get("Policy"), seen.stack.topic
    answers = {each: lets(policy, "ses.amazonaws.com", "sns:Publish", topic, sent_for(each)) for each in sources}
    refused = [each for each, may in answers.items() if may is False]
    if refused and (seen.sources or len(refused) == len(answers)):
        yield problem(
            f"SES may not publish for {', '.join(refused)}: the feedback is lost, and SES drops the setting.",
            f"{APPLY} Then see whether the identities still have their topics.",
        )
    elif True not in answers.values() or (seen.sources and None in answers.values()):
        yield unknown("Whether SES may publish: the policy says what is not understood here.", *SIMULATE)
    else:
        yield ok("SES may publish.")


def look_at_subscriptions(seen: Examination) -> Findings:
    """See where the topic hands feedback over."""
    if seen.topic is None:
        return
    ours = {seen.stack.queue: "queue", seen.stack.function: "function"}
    pages = seen.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=seen.stack.topic)
    found = [each for page in pages for each in page["Subscriptions"] if each["Endpoint"] in ours]
    seen.to_queue = any(each["Endpoint"] == seen.stack.queue for each in found)
    seen.to_function = any(each["Endpoint"] == seen.stack.function for each in found)
    for each in found:
        yield _subscription(seen, f"{ours[each['Endpoint']]} {name_in(each['Endpoint'])}", each["SubscriptionArn"])
    if not found:
        yield problem(
            f"The topic goes neither to the queue {name_in(seen.stack.queue)} nor to the function "
            f"{name_in(seen.stack.function)}: feedback is lost.",
            APPLY,
        )


def _subscription(seen: Examination, target: str, arn: str) -> Finding:
    if not arn.startswith("arn:"):
        return problem(f"The subscription of the {target} is not confirmed.", APPLY)
    attributes = seen.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    if attributes.get("FilterPolicy", "{}") != "{}":
        return problem(
            f"The subscription of the {target} has a filter policy: SNS drops what does not match it.",
            "Take the filter policy away:",
            f"aws sns set-subscription-attributes --subscription-arn {arn} --attribute-name FilterPolicy "
            "--attribute-value '{}'",
        )
    if "RedrivePolicy" not in attributes:
        return warning(
            f"The subscription of the {target} has no dead-letter queue: what SNS can't hand over is lost.", APPLY
        )
    return ok(f"The topic {name_in(seen.stack.topic)} goes to the {target}.")


def look_at_queue(seen: Examination) -> Findings:
    """See whether the queue is there, and moves what keeps failing."""
    name = name_in(seen.stack.queue)
    seen.queue = seen.attributes_of(name)
    if seen.queue is None:
        if seen.to_function and not seen.to_queue:
            yield ok("There is no queue: the topic calls the function.")
        else:
            yield seen.missing("queue", name, "--name, --queue")
        return
    target = json.loads(seen.queue.get("RedrivePolicy") or "{}").get("deadLetterTargetArn")
    if target != seen.stack.dead_letter_queue:
        yield problem(
            f"{name} does not move what keeps failing to {name_in(seen.stack.dead_letter_queue)}.",
            f"{APPLY} If the dead-letter queue is called otherwise: --dead-letter-queue.",
        )
    else:
        waiting, taken = (int(seen.queue[f"ApproximateNumberOfMessages{each}"]) for each in ("", "NotVisible"))
        yield ok(
            f"The queue {name}: waiting, about {output.counted(waiting, 'message')}; in the function, {taken:,}. What "
            f"keeps failing goes to {name_in(target)}."
        )


def look_at_queue_policy(seen: Examination) -> Findings:
    """See whether the topic may send to the queue."""
    if seen.queue is not None:
        yield _may_send(seen, seen.stack.queue, seen.queue)


def _may_send(seen: Examination, queue: str, attributes: Mapping[str, str]) -> Finding:
    sender = sent_for(seen.stack.topic)
    may = lets(attributes.get("Policy"), "sns.amazonaws.com", "sqs:SendMessage", queue, sender)
    if may is None:
        return unknown(
            f"Whether the topic may send to {name_in(queue)}: the policy says what is not understood here.", *SIMULATE
        )
    if not may:
        return problem(f"The topic may not send to {name_in(queue)}: its policy does not allow it.", APPLY)
    return ok(f"The topic may send to {name_in(queue)}.")


def look_at_dead_letters(seen: Examination) -> Findings:
    """See whether the dead-letter queue is there, is empty, and takes what others send to it."""
    stack = seen.stack
    name, queue, function = (name_in(each) for each in (stack.dead_letter_queue, stack.queue, stack.function))
    attributes = seen.attributes_of(name)
    if attributes is None:
        yield seen.missing("dead-letter queue", name, "--dead-letter-queue")
        return
    allowed = json.loads(attributes.get("RedriveAllowPolicy") or "{}")
    takes = allowed.get("redrivePermission", "allowAll") == "allowAll" or stack.queue in allowed.get(
        "sourceQueueArns", []
    )
    count = sum(int(attributes[f"ApproximateNumberOfMessages{each}"]) for each in ("", "NotVisible", "Delayed"))
    if seen.queue is not None and not takes:
        yield problem(
            f"{name} takes nothing from {queue}.",
            "Set queue.name and queue.dead_letter_name to what the queues are called, and apply.",
        )
    elif count:
        names = ("--dead-letter-queue", name, "--queue", queue, "--function", function)
        yield problem(
            f"{name} holds about {output.counted(count, 'message')}: feedback that is not in the table.",
            f"The log /aws/lambda/{function} says why. Look at them, fix the cause, then bring them back:",
            shlex.join(["mailing", "redrive", "--save", "-", *names]),
            shlex.join(["mailing", "redrive", *names]),
        )
    else:
        yield ok(f"The dead-letter queue {name} is empty.")
    policy = _may_send(seen, stack.dead_letter_queue, attributes)
    if policy.remedy:
        yield policy
