module "function" {
  source = "../function"

  name        = local.name
  description = "Merges SES feedback into the table ${local.table_name}."
  handler     = "feedback.handler"
  package     = module.settings.package
  function    = module.settings.function
  policy      = data.aws_iam_policy_document.role.json
  kms_key_arn = var.kms_key_arn
  tags        = var.tags

  environment = {
    TABLE_NAME              = local.table_name
    SOFT_BOUNCE_LIMIT       = module.settings.rules.soft_bounce_limit
    SOFT_BOUNCE_WINDOW_DAYS = module.settings.rules.soft_bounce_window_days
    DELIVERY_REFRESH_DAYS   = module.settings.rules.delivery_refresh_days
    EXPIRE_DAYS             = module.settings.table.expire_days
  }
}

data "aws_iam_policy_document" "role" {
  statement {
    sid       = "AllowReadWriteTable"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"]
    resources = [local.table_resource]
  }

  statement {
    sid       = "AllowWriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_resource}:log-stream:*"]
  }

  dynamic "statement" {
    for_each = local.has_queue ? [local.queue_resource] : []

    content {
      sid       = "AllowReceiveFromQueue"
      actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = local.to_function ? [local.dead_letter_resource] : []

    content {
      sid       = "AllowSendToDeadLetterQueue"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = local.encrypted ? [var.kms_key_arn] : []

    content {
      sid = "AllowUseKMSKey"
      # Reading the table or the queue needs Decrypt. Sending to an encrypted queue also needs a data key.
      actions   = local.to_function ? ["kms:Decrypt", "kms:GenerateDataKey"] : ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}
