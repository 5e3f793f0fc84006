output "identity_arns" {
  description = "ARN of each identity that was created, by identity."
  value       = { for identity, created in aws_sesv2_email_identity.this : identity => created.arn }
}

output "dkim_tokens" {
  description = "The three DKIM tokens of each domain that was created, by domain. SES verifies a domain by a CNAME record for each token: TOKEN._domainkey.DOMAIN with the value TOKEN.dkim.amazonses.com (some regions have another zone, which the SES console shows)."
  value = {
    for identity, created in aws_sesv2_email_identity.this :
    identity => try(created.dkim_signing_attributes[0].tokens, []) if !strcontains(identity, "@")
  }
}

output "configuration_set_arns" {
  description = "ARN of each configuration set that was created, by name."
  value       = { for name, created in aws_sesv2_configuration_set.this : name => created.arn }
}

output "notifications" {
  description = "What each identity reports to the topic: lists of Bounce, Complaint and Delivery, by identity. Known once SES has accepted the setting."
  value = {
    for identity in keys(var.identities) :
    identity => sort([for each in values(aws_ses_identity_notification_topic.this) : each.notification_type if each.identity == identity])
  }
}

output "events" {
  description = "What each configuration set reports to the topic: lists of event types such as BOUNCE, by configuration set. Known once SES has accepted the setting."
  value = {
    for name, each in aws_sesv2_configuration_set_event_destination.this :
    name => sort(each.event_destination[0].matching_event_types)
  }
}
