module "function" {
  source = "../function"

  name        = local.name
  description = "Sends changes of state in the table ${var.feedback.table.name} to EventBridge."
  handler     = "changes.handler"
  package     = var.package
  function    = var.function
  policy      = data.aws_iam_policy_document.role.json
  kms_key_arn = var.feedback.kms_key_arn
  tags        = var.tags

  environment = {
    TABLE_ARN             = var.feedback.table.arn
    EVENT_BUS             = local.bus_arn
    NEW_DELIVERIES        = var.new_deliveries
    DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead_letter.url
  }
}

resource "aws_lambda_event_source_mapping" "this" {
  event_source_arn                   = var.feedback.table.stream_arn
  function_name                      = module.function.lambda.arn
  enabled                            = var.stream.enabled
  starting_position                  = "TRIM_HORIZON" # LATEST may miss what changes while the mapping is made
  batch_size                         = var.stream.batch_size
  maximum_batching_window_in_seconds = var.stream.batching_window_seconds
  parallelization_factor             = var.stream.parallelization_factor
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = var.tags

  # A batch at which the function fails as a whole, such as by a time-out, is split in two, until a single change is left.
  bisect_batch_on_function_error = true

  # A change that keeps failing holds up those behind it in its shard, so that they stay in order, until it is this old.
  # Then its place in the stream goes to the dead-letter queue.
  maximum_record_age_in_seconds = var.stream.maximum_record_age_seconds
  maximum_retry_attempts        = var.stream.maximum_retry_attempts

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead_letter.arn
    }
  }

  lifecycle {
    precondition {
      condition     = var.bus.arn == null || try(split(":", var.bus.arn)[3], "") == local.region
      error_message = "The bus.arn must name a bus of this region, ${local.region}: the function can't send to others. Forward events to another region with a rule."
    }
  }
}

data "aws_iam_policy_document" "role" {
  # AWS Lambda Developer Guide, "Process DynamoDB records with Lambda".
  statement {
    sid       = "AllowReadStream"
    actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    resources = [var.feedback.table.stream_arn]
  }

  # Lambda asks for it, and it can't be limited to one stream of a table.
  statement {
    sid       = "AllowListStreams"
    actions   = ["dynamodb:ListStreams"]
    resources = ["${var.feedback.table.arn}/stream/*"]
  }

  statement {
    sid       = "AllowPutEvents"
    actions   = ["events:PutEvents"]
    resources = [local.bus_arn]
  }

  # Of Lambda, for what it gives up; of the function, for what it can't read.
  statement {
    sid       = "AllowSendToDeadLetterQueue"
    actions   = ["sqs:SendMessage"]
    resources = [local.dead_letter_resource]
  }

  statement {
    sid       = "AllowWriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${local.partition}:logs:${local.scope}:log-group:${module.function.log_group.name}:log-stream:*"]
  }

  dynamic "statement" {
    for_each = local.encrypted ? [var.feedback.kms_key_arn] : []

    content {
      sid = "AllowUseKMSKey"
      # Reading the stream decrypts; sending to an encrypted queue asks for a data key as well.
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

# What the policy of a customer's key must allow. It names nothing that this module creates, and no names, which need not
# be those that `name` would give today.
data "aws_iam_policy_document" "key" {
  statement {
    sid       = "AllowChangesLogsUseKMSKey"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = ["*"] # in a key policy: this key

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${local.partition}:logs:${local.scope}:log-group:*"]
    }
  }
}
