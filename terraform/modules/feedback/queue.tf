# Queue mode: topic -> queue -> function. In both modes, what fails to the last ends in the dead-letter queue.

locals {
  retention_seconds = 14 * 24 * 60 * 60 # the longest that SQS keeps a message
}

resource "aws_sqs_queue" "this" {
  count = local.has_queue ? 1 : 0

  name                      = local.name
  policy                    = data.aws_iam_policy_document.queue["queue"].json
  message_retention_seconds = local.retention_seconds

  # AWS recommends six times the function's timeout, and the batching window on top (AWS Lambda Developer Guide, "Creating
  # and configuring an Amazon SQS event source mapping").
  visibility_timeout_seconds = 6 * var.function.timeout_seconds + var.queue.batching_window_seconds

  kms_master_key_id       = var.kms_key_arn
  sqs_managed_sse_enabled = local.encrypted ? null : true
  tags                    = var.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = var.queue.max_receive_count
  })
}

resource "aws_sqs_queue" "dead_letter" {
  name                      = "${local.name}-dead-letter"
  policy                    = data.aws_iam_policy_document.queue["dead_letter"].json
  message_retention_seconds = local.retention_seconds
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = local.encrypted ? null : true
  tags                      = var.tags

  # Also without the queue, so that a change of `delivery` leaves this one as it is.
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.arns.queue]
  })
}

# The topic sends feedback to the queue, and to the dead-letter queue what it cannot deliver.
data "aws_iam_policy_document" "queue" {
  for_each = { for queue in ["queue", "dead_letter"] : queue => local.arns[queue] }

  statement {
    sid       = "AllowSNSSendMessage"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.arns.topic]
    }
  }

  statement {
    sid    = "DenyInsecureTransport"
    effect = "Deny"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:ReceiveMessage",
      "sqs:SendMessage",
    ]
    resources = [each.value]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
