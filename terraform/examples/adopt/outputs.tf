output "topic_arn" {
  description = "ARN of your topic."
  value       = module.feedback.topic_arn
}

output "table_name" {
  description = "Name of the table."
  value       = module.feedback.table_name
}

output "function_name" {
  description = "Name of the module's function."
  value       = module.feedback.function_name
}

output "queue_url" {
  description = "URL of the queue."
  value       = module.feedback.queue_url
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue. Feedback in it is not in the table."
  value       = module.feedback.dead_letter_queue_url
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = module.feedback.log_group_name
}
