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
  starting_position                  = "TRIM_HORIZON" # LATEST may miss changes while the mapping is created
  batch_size                         = var.stream.batch_size
  maximum_batching_window_in_seconds = var.stream.batching_window_seconds
  parallelization_factor             = var.stream.parallelization_factor
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = var.tags

  # If the function fails on a whole batch, for example by a timeout, Lambda splits the batch until one change is left.
  bisect_batch_on_function_error = true

  # A change that keeps failing blocks those behind it in its shard, so that they stay in order, until it is this old.
  # Then its position in the stream goes to the dead-letter queue.
  maximum_record_age_in_seconds = var.stream.maximum_record_age_seconds
  maximum_retry_attempts        = var.stream.maximum_retry_attempts

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead_letter.arn
    }
  }

  lifecycle {
    precondition {
      condition     = local.bus.arn == null || try(split(":", local.bus.arn)[3], "") == local.region
      error_message = "The bus.arn must name a bus in this region, ${local.region}, because the function cannot send to other regions. Forward events to another region with a rule."
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

  # Lambda needs this action, and it cannot be limited to one stream of a table.
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

  # Lambda sends what it gives up on, and the function sends what it cannot read.
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
      # Reading the stream needs Decrypt. Sending to an encrypted queue also needs a data key.
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

# What the policy of a customer's key must allow. It refers to nothing that this module creates, and contains no names:
# existing resources may have other names than `name` gives today.
data "aws_iam_policy_document" "key" {
  statement {
    sid       = "AllowChangesLogsUseKMSKey"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = ["*"] # this key, in a key policy

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
