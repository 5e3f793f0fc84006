output "topic_arn" {
  description = "ARN of the topic, to point SES at. Known once SES may publish to it and the queue subscribes to it."
  value       = aws_sns_topic.this.arn

  # SES removes the setting when it may not publish, so nobody learns of the topic before its policy allows it.
  depends_on = [aws_sns_topic_policy.this, aws_sns_topic_subscription.this]
}

output "arn" {
  description = "ARN of the topic for `additional_topic_arns` of module feedback: the queue there must allow the topic before it can subscribe to it."
  value       = aws_sns_topic.this.arn
}

output "name" {
  description = "Name of the topic."
  value       = aws_sns_topic.this.name
}

output "dead_letter_queue_name" {
  description = "Name of the queue for what SNS could not deliver to the queue elsewhere; null without `queue`."
  value       = one(aws_sqs_queue.dead_letter[*].name)
}

output "dead_letter_queue_url" {
  description = "URL of the queue for what SNS could not deliver to the queue elsewhere; null without `queue`."
  value       = one(aws_sqs_queue.dead_letter[*].url)
}
