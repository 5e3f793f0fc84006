# Changes that did not become events: the stream positions of changes that failed for too long, and complete images that
# the function cannot read.

locals {
  # Built from the queue's name, so that the role's policy is known at plan time.
  dead_letter_resource = "arn:${local.partition}:sqs:${local.scope}:${aws_sqs_queue.dead_letter.name}"
}

resource "aws_sqs_queue" "dead_letter" {
  name                      = "${module.function.name}-dead-letter" # after the function: see module feedback
  policy                    = data.aws_iam_policy_document.queue.json
  message_retention_seconds = 14 * 24 * 60 * 60 # SQS's maximum
  kms_master_key_id         = var.feedback.kms_key_arn
  sqs_managed_sse_enabled   = local.encrypted ? null : true
  tags                      = var.tags

  lifecycle {
    # Renaming would replace the queue and lose its messages.
    ignore_changes = [name]
  }
}

# The role's policy allows sending.
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
    # In a queue's policy this means the queue itself, whatever its name.
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
