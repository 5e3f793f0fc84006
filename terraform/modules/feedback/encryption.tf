# What the policy of a customer's key must allow. It refers to nothing that this module creates, so you can create the key
# with it before the topic uses the key. It contains no names either: existing resources may have other names than `name`
# gives today.

data "aws_iam_policy_document" "key" {
  statement {
    sid       = "AllowSESUseKMSKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"] # this key, in a key policy

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
    sid       = "AllowSNSUseKMSKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"] # this key, in a key policy

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = distinct(concat(["arn:${local.partition}:sns:${local.scope}:*"], module.settings.topic.existing == null ? [] : [module.settings.topic.existing.arn], var.additional_topic_arns))
    }
  }

  statement {
    sid       = "AllowFeedbackLogsUseKMSKey"
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
