# Subscribes a queue in another region or account, perhaps one of the same plan whose ARN is not known yet. SNS needs the
# subscription and its dead-letter queue in the topic's region and account.

resource "aws_sns_topic_subscription" "this" {
  count = var.queue == null ? 0 : 1

  topic_arn            = aws_sns_topic.this.arn
  protocol             = "sqs"
  endpoint             = var.queue.arn
  raw_message_delivery = true # deliver SES's message without SNS's envelope
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letter[0].arn })
}

resource "aws_sqs_queue" "dead_letter" {
  count = var.queue == null ? 0 : 1

  name                      = "${var.name}-dead-letter"
  policy                    = data.aws_iam_policy_document.dead_letter.json
  message_retention_seconds = 14 * 24 * 60 * 60 # SQS's maximum
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  tags                      = var.tags

  lifecycle {
    # Renaming would replace the queue and lose its messages.
    ignore_changes = [name]
  }
}

data "aws_iam_policy_document" "dead_letter" {
  statement {
    sid       = "AllowSNSSendMessage"
    actions   = ["sqs:SendMessage"]
    resources = ["arn:${local.partition}:sqs:${local.region}:${local.account}:*"] # this queue, in a queue's policy

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.topic_resource]
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
    resources = ["arn:${local.partition}:sqs:${local.region}:${local.account}:*"]

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
