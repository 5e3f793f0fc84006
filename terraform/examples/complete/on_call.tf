# The topic that alarms notify. Your account may already have one.

resource "aws_sns_topic" "on_call" {
  # checkov:skip=CKV_AWS_26:alarms contain no addresses, and CloudWatch may not use the key alias/aws/sns

  name = "${var.name}-on-call"
  tags = local.tags
}

resource "aws_sns_topic_policy" "on_call" {
  arn    = aws_sns_topic.on_call.arn
  policy = data.aws_iam_policy_document.on_call.json
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "on_call" {
  statement {
    sid       = "AllowCloudWatchPublish"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.on_call.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}
