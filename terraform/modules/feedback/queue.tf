# The queue, and the dead-letter queue for everything that keeps failing, with any `delivery`.

locals {
  # Of the function, which AWS refuses to create a second time. SQS and SNS would hand over another stack's queue and topic
  # of the same name.
  queue_name        = coalesce(module.settings.queue.name, module.function.name)
  dead_letter_name  = coalesce(module.settings.queue.dead_letter_name, "${module.function.name}-dead-letter")
  retention_seconds = 14 * 24 * 60 * 60 # SQS's maximum
}

resource "aws_sqs_queue" "this" {
  count = local.has_queue ? 1 : 0

  name                      = local.queue_name
  policy                    = data.aws_iam_policy_document.queue.json
  message_retention_seconds = local.retention_seconds

  # AWS recommends six times the function's timeout, and the batching window on top (AWS Lambda Developer Guide, "Creating
  # and configuring an Amazon SQS event source mapping").
  visibility_timeout_seconds = 6 * module.settings.function.timeout_seconds + module.settings.queue.batching_window_seconds

  kms_master_key_id       = var.kms_key_arn
  sqs_managed_sse_enabled = local.encrypted ? null : true
  tags                    = var.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = module.settings.queue.max_receive_count
  })

  lifecycle {
    # Renaming would replace the queue and lose its messages.
    ignore_changes = [name]

    # This fails if one of the two queues was created after `name` changed.
    postcondition {
      condition     = strcontains(coalesce(aws_sqs_queue.dead_letter.redrive_allow_policy, "allowAll"), "allowAll") || strcontains(coalesce(aws_sqs_queue.dead_letter.redrive_allow_policy, "allowAll"), ":${self.name}\"")
      error_message = "The dead-letter queue ${aws_sqs_queue.dead_letter.name} does not accept messages from the queue ${self.name}. Its redrive_allow_policy is ${coalesce(aws_sqs_queue.dead_letter.redrive_allow_policy, "allowAll")}. Set queue.name to the queue named there, and queue.dead_letter_name to the dead-letter queue."
    }
  }
}

resource "aws_sqs_queue" "dead_letter" {
  name                      = local.dead_letter_name
  policy                    = data.aws_iam_policy_document.queue.json
  message_retention_seconds = local.retention_seconds
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = local.encrypted ? null : true
  tags                      = var.tags

  # Set even without the queue, so that a change of `delivery` does not change this queue.
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["arn:${local.partition}:sqs:${local.scope}:${local.queue_name}"]
  })

  lifecycle {
    # The queue keeps its name, so the policy that names it stays correct.
    ignore_changes = [name, redrive_allow_policy]

    precondition {
      condition     = local.dead_letter_name != local.queue_name
      error_message = "The queue and the dead-letter queue cannot both be called ${local.queue_name}. Set queue.name or queue.dead_letter_name to another name."
    }

    precondition {
      condition     = local.has_queue || length(var.additional_topic_arns) == 0
      error_message = "The additional_topic_arns need the queue. Leave queue.keep at true, or set delivery to \"queue\" or \"both\"."
    }
  }
}

locals {
  # In a queue's policy this means the queue itself, whatever its name. So the policy can be an argument of the queue, which
  # saves the provider's wait of 25 seconds for each change of a separate policy.
  this_queue = "arn:${local.partition}:sqs:${local.scope}:*"
}

# For both queues: topics send feedback to the queue, and what they cannot deliver to the dead-letter queue.
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
