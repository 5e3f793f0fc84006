# What did not become an event: the place in the stream of changes that failed for too long, and whole images that the
# function can't read.

locals {
  # By its name, so that the role's policy is known at plan time.
  dead_letter_resource = "arn:${local.partition}:sqs:${local.scope}:${aws_sqs_queue.dead_letter.name}"
}

resource "aws_sqs_queue" "dead_letter" {
  name                      = "${local.name}-dead-letter"
  policy                    = data.aws_iam_policy_document.queue.json
  message_retention_seconds = 14 * 24 * 60 * 60 # the longest that SQS keeps a message
  kms_master_key_id         = var.feedback.kms_key_arn
  sqs_managed_sse_enabled   = local.encrypted ? null : true
  tags                      = var.tags

  lifecycle {
    # Messages would be lost with a queue that is replaced to be renamed.
    ignore_changes = [name]
  }
}

# The role's own policy lets it send.
data "aws_iam_policy_document" "queue" {
  statement {
    sid    = "DenyInsecureTransport"
    effect = "Deny"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:ReceiveMessage",
      "sqs:SendMessage",
    ]
    # In a queue's policy: this queue, whatever its name.
    resources = ["arn:${local.partition}:sqs:${local.scope}:*"]

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
