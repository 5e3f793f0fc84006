output "identity_arns" {
  description = "ARN of each identity that the module created, by identity."
  value       = { for identity, created in aws_sesv2_email_identity.this : identity => created.arn }
}

output "dkim_tokens" {
  description = "The three DKIM tokens of each domain that the module created, by domain. The README says how to publish them in DNS."
  value = {
    for identity, created in aws_sesv2_email_identity.this :
    identity => try(created.dkim_signing_attributes[0].tokens, []) if !strcontains(identity, "@")
  }
}

output "configuration_set_arns" {
  description = "ARN of each configuration set that the module created, by name."
  value       = { for name, created in aws_sesv2_configuration_set.this : name => created.arn }
}

output "notifications" {
  description = "What each identity reports to the topic: a list of Bounce, Complaint and Delivery, by identity. Known once SES accepted the setting."
  value = {
    for identity in keys(var.identities) :
    identity => sort([for each in values(aws_ses_identity_notification_topic.this) : each.notification_type if each.identity == identity])
  }
}

output "events" {
  description = "What each configuration set reports to the topic: a list of event types such as BOUNCE, by name. Known once SES accepted the setting."
  value = {
    for name, each in aws_sesv2_configuration_set_event_destination.this :
    name => sort(each.event_destination[0].matching_event_types)
  }
}
