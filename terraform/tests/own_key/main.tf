# A caller that creates the key and the modules together: the key's policy needs the modules, the modules need the key.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "key" {
  source_policy_documents = [module.feedback.kms_key_policy, module.lookup.kms_key_policy]

  statement {
    sid       = "EnableIAMUserPermissions"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_kms_key" "this" {
  description         = "Encrypts feedback and logs."
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.key.json
}

module "feedback" {
  source = "../../modules/feedback"

  kms_key_arn = aws_kms_key.this.arn
}

module "lookup" {
  source = "../../modules/lookup"

  feedback = module.feedback
}
