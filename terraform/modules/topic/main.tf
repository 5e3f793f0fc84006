data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # Provider 6 deprecates the attributes `name` and `id`, and provider 5 has no `region`. Both have the endpoint, such as
  # ec2.eu-west-1.amazonaws.com.
  region = split(".", data.aws_region.current.endpoint)[1]

  # SES of other accounts may publish too if listed. SES of another region cannot.
  ses_source_arns = length(var.ses_source_arns) > 0 ? var.ses_source_arns : [
    for kind in ["identity", "configuration-set"] : "arn:${local.partition}:ses:${local.region}:${local.account}:${kind}/*"
  ]
  ses_source_accounts = distinct([for arn in local.ses_source_arns : split(":", arn)[4]])

  # Built from the topic's actual name, so that the policy is known at plan time.
  topic_resource = "arn:${local.partition}:sns:${local.region}:${local.account}:${aws_sns_topic.this.name}"
}

resource "aws_sns_topic" "this" {
  name              = var.name
  kms_master_key_id = var.kms_key_arn
  tags              = var.tags

  lifecycle {
    # Renaming would replace the topic, and SES would go on publishing to the old one.
    ignore_changes = [name]
  }
}

resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = data.aws_iam_policy_document.topic.json

  lifecycle {
    precondition {
      condition     = alltrue([for arn in local.ses_source_arns : split(":", arn)[3] == local.region])
      error_message = "Each of ses_source_arns must be in the topic's region, ${local.region}: SES publishes only to topics of its own region. For another region, call module topic there."
    }
  }
}

# IAM principals of this account may still publish if their own policies allow it.
data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "AllowSESPublish"
    actions   = ["sns:Publish"]
    resources = [local.topic_resource]

    principals {
      type        = "Service"
      identifiers = ["ses.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = local.ses_source_accounts
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = local.ses_source_arns
    }
  }

  statement {
    sid       = "DenyInsecureTransport"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [local.topic_resource]

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
