output "topic_arn" {
  description = "ARN of the topic that SES reports to."
  value       = module.feedback.topic_arn
}

output "table_name" {
  description = "Name of the table."
  value       = module.feedback.table_name
}

output "dkim_tokens" {
  description = "DKIM tokens to publish in the domain's DNS so that SES verifies it (see module ses)."
  value       = { (var.domain) = flatten([for signing in aws_sesv2_email_identity.domain.dkim_signing_attributes : signing.tokens]) }
}

output "configuration_sets" {
  description = "Configuration sets that senders can use, with the event types that SES reports for them."
  value       = module.ses.events
}

output "endpoint" {
  description = "URL of the API."
  value       = module.lookup.endpoint
}

output "complaints_queue_url" {
  description = "URL of the queue with an event for each complaint."
  value       = aws_sqs_queue.complaints.url
}

output "dashboard_name" {
  description = "Name of the dashboard in CloudWatch."
  value       = module.monitoring.dashboard_name
}
