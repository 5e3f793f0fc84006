resource "aws_dynamodb_table" "this" {
  # checkov:skip=CKV_AWS_119:a key of the customer's is an option; DynamoDB encrypts in any case
  # checkov:skip=CKV_AWS_28:on unless the caller switches it off, which checkov cannot tell

  name                        = local.table_name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "UserId"
  deletion_protection_enabled = var.table.deletion_protection
  tags                        = var.tags

  attribute {
    name = "UserId"
    type = "S"
  }

  # Only keys may be declared.
  dynamic "attribute" {
    for_each = var.table.index ? ["suppressed", "updatedAt"] : []

    content {
      name = attribute.value
      type = "S"
    }
  }

  # Sparse: only addresses that are not to be mailed have the attribute `suppressed`. All attributes, because whoever
  # lists them wants to know why. Provider 6.28 and later warn that an index's `hash_key` and `range_key` are deprecated:
  # what replaces them, `key_schema`, does not exist in provider 5.
  dynamic "global_secondary_index" {
    for_each = var.table.index ? ["suppressed-updatedAt"] : []

    content {
      name            = global_secondary_index.value
      hash_key        = "suppressed"
      range_key       = "updatedAt"
      projection_type = "ALL"
    }
  }

  point_in_time_recovery {
    enabled = var.table.point_in_time_recovery
  }

  # Also where nothing expires: to switch it off, DynamoDB must be told of the attribute.
  ttl {
    enabled        = var.table.expire_days != null
    attribute_name = "expiresAt"
  }

  # DynamoDB always encrypts; `enabled = false` means with a key of its own. Were the block left out then, a customer's key
  # would stay in use after it was taken away.
  server_side_encryption {
    enabled     = local.encrypted
    kms_key_arn = var.kms_key_arn
  }

  lifecycle {
    # The delivery that the item holds may be so many days older than the newest.
    precondition {
      condition     = var.table.expire_days == null || coalesce(var.table.expire_days, 0) >= 2 * var.rules.delivery_refresh_days
      error_message = "The table.expire_days must be at least twice rules.delivery_refresh_days."
    }
  }
}
