# What comes through the queue, and where everything ends that keeps failing, whichever way it came: the dead-letter queue.

locals {
  queue_name        = coalesce(var.queue.name, local.name)
  retention_seconds = 14 * 24 * 60 * 60 # the longest that SQS keeps a message
}

resource "aws_sqs_queue" "this" {
  count = local.has_queue ? 1 : 0

  name                      = local.queue_name
  policy                    = data.aws_iam_policy_document.queue.json
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

  lifecycle {
    # Messages would be lost with a queue that is replaced to be renamed.
    ignore_changes = [name]

    # One of the two was created again, or for the first time, after `name` had changed.
    postcondition {
      condition     = strcontains(coalesce(aws_sqs_queue.dead_letter.redrive_allow_policy, "allowAll"), "allowAll") || strcontains(coalesce(aws_sqs_queue.dead_letter.redrive_allow_policy, "allowAll"), ":${self.name}\"")
      error_message = "The dead-letter queue ${aws_sqs_queue.dead_letter.name} does not take messages from the queue ${self.name}: ${coalesce(aws_sqs_queue.dead_letter.redrive_allow_policy, "allowAll")}. Set queue.name to the queue that is named there, and queue.dead_letter_name to the dead-letter queue."
    }
  }
}

resource "aws_sqs_queue" "dead_letter" {
  name                      = coalesce(var.queue.dead_letter_name, "${local.name}-dead-letter")
  policy                    = data.aws_iam_policy_document.queue.json
  message_retention_seconds = local.retention_seconds
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = local.encrypted ? null : true
  tags                      = var.tags

  # Also without the queue, so that a change of `delivery` leaves this one as it is.
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["arn:${local.partition}:sqs:${local.scope}:${local.queue_name}"]
  })

  lifecycle {
    # The queue keeps its name, so what was written of it stays right.
    ignore_changes = [name, redrive_allow_policy]

    precondition {
      condition     = local.has_queue || length(var.additional_topic_arns) == 0
      error_message = "The additional_topic_arns send to the queue: leave queue.keep at true, or choose delivery \"queue\" or \"both\"."
    }
  }
}

locals {
  # In a queue's policy: this queue, whatever its name. The policies can be part of the queues themselves then, which saves
  # a wait of the provider's of 25 seconds for each change.
  this_queue = "arn:${local.partition}:sqs:${local.scope}:*"
}

# Of both queues: the topics send feedback to the one, and what they cannot deliver to the other.
data "aws_iam_policy_document" "queue" {
  statement {
    sid       = "AllowSNSSendMessage"
    actions   = ["sqs:SendMessage"]
    resources = [local.this_queue]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = concat([local.topic_resource], var.additional_topic_arns)
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
    resources = [local.this_queue]

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
