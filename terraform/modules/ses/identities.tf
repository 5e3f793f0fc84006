# Identity notifications, for all mail from a domain or address, however it is sent.

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
    # Without the identity mail stops, and a new one must be verified first. So Terraform rejects any plan that would
    # destroy it. The README says how to make Terraform forget it.
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

# Only where the caller sets it: when this resource is destroyed, the provider turns forwarding off.
resource "aws_sesv2_email_identity_feedback_attributes" "this" {
  for_each = { for identity, settings in var.identities : identity => settings if settings.email_forwarding != null }

  email_identity           = each.key
  email_forwarding_enabled = each.value.email_forwarding

  # The topic must be set before email is turned off.
  depends_on = [aws_ses_identity_notification_topic.this]
}
