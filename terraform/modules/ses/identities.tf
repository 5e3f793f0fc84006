# Identity notifications: for all mail from a domain or an address, whichever way it is sent.

locals {
  notifications = merge([
    for identity, settings in var.identities : {
      for kind in concat(["Bounce", "Complaint"], settings.delivery ? ["Delivery"] : []) :
      "${identity}/${kind}" => { identity = identity, kind = kind, original_headers = settings.original_headers }
    }
  ]...)
}

resource "aws_sesv2_email_identity" "this" {
  for_each = { for identity, settings in var.identities : identity => settings if settings.create }

  email_identity = each.key
  tags           = var.tags

  lifecycle {
    # Mail stops with it, and a new one must be verified again. Terraform refuses any plan that would destroy it; the
    # README says how to let it go.
    prevent_destroy = true
  }
}

resource "aws_ses_identity_notification_topic" "this" {
  for_each = local.notifications

  identity                 = each.value.identity
  notification_type        = each.value.kind
  topic_arn                = var.topic_arn
  include_original_headers = each.value.original_headers

  depends_on = [aws_sesv2_email_identity.this]
}

# Only where the caller decides it: when this resource goes away, the provider turns forwarding off, whatever it was.
resource "aws_sesv2_email_identity_feedback_attributes" "this" {
  for_each = { for identity, settings in var.identities : identity => settings if settings.email_forwarding != null }

  email_identity           = each.key
  email_forwarding_enabled = each.value.email_forwarding

  # Email is not turned off before the topic has taken over.
  depends_on = [aws_ses_identity_notification_topic.this]
}
