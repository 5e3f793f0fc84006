output "topic_arn" {
  description = "ARN of the topic, to use in SES. Known once SES may publish to the topic and the queue is subscribed."
  value       = aws_sns_topic.this.arn

  # SES drops a topic that it may not publish to, so the ARN is known only once the topic's policy allows it.
  depends_on = [aws_sns_topic_policy.this, aws_sns_topic_subscription.this]
}

output "arn" {
  description = "ARN of the topic for `additional_topic_arns` of module feedback. The queue's policy must allow the topic before it can subscribe."
  value       = aws_sns_topic.this.arn
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
