output "topic_arn" {
  description = "ARN of the topic, to use in SES's notifications or event destinations."
  value       = module.feedback.topic_arn
}

output "queue_url" {
  description = "URL of the queue; null with delivery `direct` and `queue.keep = false`."
  value       = module.feedback.queue_url
}

output "queue_arn" {
  description = "ARN of the queue; null with delivery `direct` and `queue.keep = false`."
  value       = module.feedback.queue_arn
}

output "queue_name" {
  description = "Name of the queue; null with delivery `direct` and `queue.keep = false`."
  value       = module.feedback.queue_name
}

output "dead_letter_queue_name" {
  description = "Name of the dead-letter queue."
  value       = module.feedback.dead_letter_queue_name
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue. Feedback in it is not in the table."
  value       = module.feedback.dead_letter_queue_url
}

output "dead_letter_queue_arn" {
  description = "ARN of the dead-letter queue."
  value       = module.feedback.dead_letter_queue_arn
}

output "table_name" {
  description = "Name of the table."
  value       = module.feedback.table_name
}

output "table_arn" {
  description = "ARN of the table."
  value       = module.feedback.table_arn
}

output "function_name" {
  description = "Name of the function, and the dimension FunctionName of its metrics."
  value       = module.feedback.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = module.feedback.function_arn
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = module.feedback.role_arn
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = module.feedback.log_group_name
}

output "kms_key_policy" {
  description = "Policy document (JSON) with the statements that the policy of your KMS key must contain. It depends on nothing that the module creates."
  value       = data.aws_iam_policy_document.key.json
}

output "dkim_tokens" {
  description = "DKIM tokens of each domain that the module created, by domain; empty without the variable `ses`."
  value       = try(module.ses[0].dkim_tokens, {})
}

output "lookup_endpoint" {
  description = "URL of the lookup API; null without the variable `lookup`."
  value       = one(module.lookup[*].endpoint)
}

output "lookup_caller_policies" {
  description = "Policy documents (JSON) for callers of the lookup API, `read` and `override`; null without the variable `lookup`."
  value       = one(module.lookup[*].caller_policies)
}

output "lookup_rest_api_id" {
  description = "ID of the lookup API, for the base path mapping of a custom domain; null without the variable `lookup`."
  value       = one(module.lookup[*].rest_api_id)
}

output "lookup_stage_arn" {
  description = "ARN of the lookup API's stage, for an AWS WAF web ACL; null without the variable `lookup`."
  value       = one(module.lookup[*].stage_arn)
}

output "changes_bus_arn" {
  description = "ARN of the bus that gets the events; null without the variable `changes`."
  value       = one(module.changes[*].bus_arn)
}

output "changes_bus_name" {
  description = "Name of the bus that gets the events: the `event_bus_name` of your rules; null without the variable `changes`."
  value       = one(module.changes[*].bus_name)
}

output "changes_event_pattern" {
  description = "Event pattern (JSON) of a rule for every change of this table; null without the variable `changes`."
  value       = one(module.changes[*].event_pattern)
}

output "changes_dead_letter_queue_name" {
  description = "Name of the dead-letter queue of changes that did not become events; null without the variable `changes`."
  value       = one(module.changes[*].dead_letter_queue_name)
}

output "changes_dead_letter_queue_url" {
  description = "URL of that queue; null without the variable `changes`."
  value       = one(module.changes[*].dead_letter_queue_url)
}

output "changes_function_name" {
  description = "Name of the function that sends the events; null without the variable `changes`."
  value       = one(module.changes[*].function_name)
}

output "changes_role_arn" {
  description = "ARN of that function's role; null without the variable `changes`."
  value       = one(module.changes[*].role_arn)
}

output "changes_log_group_name" {
  description = "Name of that function's log group; null without the variable `changes`."
  value       = one(module.changes[*].log_group_name)
}

output "dashboard_name" {
  description = "Name of the dashboard; null without the variable `monitoring`."
  value       = one(module.monitoring[*].dashboard_name)
}
