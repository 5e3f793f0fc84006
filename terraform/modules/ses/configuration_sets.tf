# Event publishing, for mail sent with a configuration set.

resource "aws_sesv2_configuration_set" "this" {
  for_each = { for name, settings in var.configuration_sets : name => settings if settings.create }

  configuration_set_name = each.key
  tags                   = var.tags

  lifecycle {
    prevent_destroy = true # SES rejects mail that names a missing set
  }
}

resource "aws_sesv2_configuration_set_event_destination" "this" {
  for_each = var.configuration_sets

  configuration_set_name = each.key
  event_destination_name = "${var.name}-feedback"

  event_destination {
    enabled = true

    # Only the types that the function stores, because each message costs.
    matching_event_types = concat(
      ["BOUNCE", "COMPLAINT"],
      each.value.delivery ? ["DELIVERY"] : [],
      each.value.subscription ? ["SUBSCRIPTION"] : [],
    )

    sns_destination {
      topic_arn = var.topic_arn
    }
  }

  depends_on = [aws_sesv2_configuration_set.this]
}
