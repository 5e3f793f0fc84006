output "topic_arn" {
  description = "ARN of the topic, to use in SES's notifications or event destinations."
  value       = local.topic_arn

  # SES drops a topic that it may not publish to, so the ARN is known only once the topic's policy allows it.
  depends_on = [module.topic, aws_sns_topic_subscription.queue, aws_sns_topic_subscription.function]

  precondition {
    condition     = split(":", local.topic_resource)[3] == local.region
    error_message = "The topic.existing.arn must be in this region, ${local.region}: SES publishes only to topics of its own region. For a topic in another region, use additional_topic_arns."
  }
}

output "queue_url" {
  description = "URL of the queue; null with delivery `direct` and `queue.keep = false`."
  value       = one(aws_sqs_queue.this[*].url)
}

output "queue_arn" {
  description = "ARN of the queue; null with delivery `direct` and `queue.keep = false`."
  value       = one(aws_sqs_queue.this[*].arn)
}

output "queue_name" {
  description = "Name of the queue; null with delivery `direct` and `queue.keep = false`."
  value       = one(aws_sqs_queue.this[*].name)
}

output "dead_letter_queue_name" {
  description = "Name of the dead-letter queue."
  value       = aws_sqs_queue.dead_letter.name
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue. Feedback in it is not in the table."
  value       = aws_sqs_queue.dead_letter.url
}

output "dead_letter_queue_arn" {
  description = "ARN of the dead-letter queue."
  value       = aws_sqs_queue.dead_letter.arn
}

output "table_name" {
  description = "Name of the table."
  value       = local.table_name
}

output "table_arn" {
  description = "ARN of the table."
  value       = local.table_arn
}

output "table" {
  description = "Name and ARN of the table, whether it has the index, when addresses expire, and the ARN of its stream. Modules lookup and changes read it."
  value = {
    name        = local.table_name
    arn         = local.table_arn
    index       = module.settings.table.index
    expire_days = module.settings.table.expire_days
    stream_arn  = var.stream ? local.stream_arn : null
  }

  # The recorded delivery may be delivery_refresh_days older than the newest one.
  precondition {
    condition     = module.settings.table.expire_days == null || coalesce(module.settings.table.expire_days, 0) >= 2 * module.settings.rules.delivery_refresh_days
    error_message = "Set table.expire_days to at least twice rules.delivery_refresh_days."
  }
}

output "rules" {
  description = "The variable `rules` with its defaults. Module lookup reads it."
  value       = module.settings.rules
}

output "kms_key_arn" {
  description = "The variable `kms_key_arn`. Module lookup reads it."
  value       = var.kms_key_arn
}

output "function_name" {
  description = "Name of the function, and the dimension FunctionName of its metrics."
  value       = module.function.lambda.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = module.function.lambda.arn
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = module.function.role_arn
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = module.function.log_group.name
}

output "kms_key_policy" {
  description = "Policy document (JSON) with the statements that the policy of your KMS key must contain. It depends on nothing that the module creates."
  value       = data.aws_iam_policy_document.key.json
}
