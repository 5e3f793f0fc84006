output "topic_arn" {
  description = "ARN of the topic, to use in SES. Known once SES may publish to the topic and the queue is subscribed."
  value       = aws_sns_topic.this.arn

  # SES drops a topic that it may not publish to, so the ARN is known only once the topic's policy allows it.
  depends_on = [aws_sns_topic_policy.this, aws_sns_topic_subscription.this]
}

output "arn" {
  description = "ARN of the topic for `additional_topic_arns` of module feedback. Known before the queue is subscribed, because the queue's policy must allow the topic first."
  value       = aws_sns_topic.this.arn

  # If SES is pointed at this one by mistake, it must not drop the topic.
  depends_on = [aws_sns_topic_policy.this]
}

output "name" {
  description = "Name of the topic."
  value       = aws_sns_topic.this.name
}

output "dead_letter_queue_name" {
  description = "Name of the dead-letter queue for what SNS could not deliver to `queue`; null without `queue`."
  value       = one(aws_sqs_queue.dead_letter[*].name)
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue for what SNS could not deliver to `queue`; null without `queue`."
  value       = one(aws_sqs_queue.dead_letter[*].url)
}
