output "bus_arn" {
  description = "ARN of the bus that gets the events."
  value       = local.bus_arn
}

output "bus_name" {
  description = "Name of the bus that gets the events: the `event_bus_name` of your rules, in the bus's account."
  value       = element(split("event-bus/", local.bus_arn), 1)
}

output "event_pattern" {
  description = "Event pattern (JSON) of a rule for every change of this table. Merge a `detail` into it to match fewer."
  value = jsonencode({
    source        = ["healthy-mailing"]
    "detail-type" = ["Address State Changed"]
    resources     = [var.feedback.table.arn]
  })
}

output "event_schema" {
  description = "JSON Schema of the events in the form of EventBridge's schema registry (`JSONSchemaDraft4`)."
  value       = file("${path.module}/address-state-changed.schema.json")
}

output "dead_letter_queue_name" {
  description = "Name of the dead-letter queue."
  value       = aws_sqs_queue.dead_letter.name
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue. Changes in it did not become events."
  value       = aws_sqs_queue.dead_letter.url
}

output "dead_letter_queue_arn" {
  description = "ARN of the dead-letter queue."
  value       = aws_sqs_queue.dead_letter.arn
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
  description = "Policy document (JSON) with the statement that the policy of your KMS key must contain. It depends on nothing that the module creates."
  value       = data.aws_iam_policy_document.key.json
}
