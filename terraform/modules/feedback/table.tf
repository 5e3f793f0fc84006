resource "aws_dynamodb_table" "this" {
  # checkov:skip=CKV_AWS_119:a customer's key is optional; DynamoDB always encrypts
  # checkov:skip=CKV_AWS_28:on unless the caller turns it off, which checkov cannot see

  count = local.own_table ? 1 : 0

  name                        = coalesce(module.settings.table.name, var.name)
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "UserId"
  deletion_protection_enabled = module.settings.table.deletion_protection
  stream_enabled              = var.stream
  stream_view_type            = var.stream ? "NEW_AND_OLD_IMAGES" : null
  tags                        = var.tags

  attribute {
    name = "UserId"
    type = "S"
  }

  # DynamoDB allows only key attributes here.
  dynamic "attribute" {
    for_each = module.settings.table.index ? ["suppressed", "updatedAt"] : []

    content {
      name = attribute.value
      type = "S"
    }
  }

  # The index is sparse: only blocked addresses have the attribute `suppressed`. It projects all attributes, so that a list
  # can say why. Provider 6.28 and later warn that `hash_key` and `range_key` of an index are deprecated; their successor
  # `key_schema` does not exist in provider 5.
  dynamic "global_secondary_index" {
    for_each = module.settings.table.index ? ["suppressed-updatedAt"] : []

    content {
      name            = global_secondary_index.value
      hash_key        = "suppressed"
      range_key       = "updatedAt"
      projection_type = "ALL"
    }
  }

  point_in_time_recovery {
    enabled = module.settings.table.point_in_time_recovery
  }

  # Present even if nothing expires: DynamoDB needs the attribute's name to turn it off.
  ttl {
    enabled        = module.settings.table.expire_days != null
    attribute_name = "expiresAt"
  }

  # DynamoDB always encrypts; `enabled = false` means with its own key. The block must stay even then: without it, a
  # customer's key would stay in use after you remove it.
  server_side_encryption {
    enabled     = local.encrypted
    kms_key_arn = var.kms_key_arn
  }

  lifecycle {
    # Renaming would replace the table with an empty one. docs/change.md says how to move to another name.
    ignore_changes = [name]
  }
}

# An existing table, such as the one from the original article.
data "aws_dynamodb_table" "existing" {
  count = local.own_table ? 0 : 1

  name = module.settings.table.existing

  lifecycle {
    postcondition {
      condition     = self.hash_key == "UserId" && coalesce(self.range_key, "none") == "none" && contains([for each in self.attribute : "${each.name} ${each.type}"], "UserId S")
      error_message = "The table ${self.name} must have the partition key UserId (a string) and no sort key. Use another table, or leave out table.existing to create one."
    }

    postcondition {
      condition = !module.settings.table.index || contains([
        for index in self.global_secondary_index : "${index.name} ${index.hash_key} ${index.range_key} ${index.projection_type}"
      ], "suppressed-updatedAt suppressed updatedAt ALL")
      error_message = "The table ${self.name} lacks the index suppressed-updatedAt (partition key suppressed and sort key updatedAt, both strings, with all attributes projected). Add it to the table, or set table.index to false."
    }

    postcondition {
      condition     = module.settings.table.expire_days == null || contains([for each in self.ttl : "${each.attribute_name} ${each.enabled}"], "expiresAt true")
      error_message = "The table ${self.name} does not remove items by the attribute expiresAt. Enable its time to live for that attribute, or leave out table.expire_days."
    }

    postcondition {
      condition     = !var.stream || (self.stream_enabled && self.stream_view_type == "NEW_AND_OLD_IMAGES")
      error_message = "The table ${self.name} has no stream of new and old images. Enable its stream with the view type NEW_AND_OLD_IMAGES, or leave out stream."
    }
  }
}
