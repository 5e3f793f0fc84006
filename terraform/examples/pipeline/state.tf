# The bucket for the state: versioned, encrypted, private, TLS only. Terraform locks the state with an object beside it.

locals {
  state_key = "${var.name}.tfstate"
}

resource "aws_s3_bucket" "state" {
  # checkov:skip=CKV_AWS_18:CloudTrail can record who reads the state
  # checkov:skip=CKV_AWS_144:`terraform import` can rebuild the state; the account decides on a copy
  # checkov:skip=CKV_AWS_145:S3's own key encrypts the state, which contains no secrets
  # checkov:skip=CKV2_AWS_61:a state is a few kB, and old versions serve as backups
  # checkov:skip=CKV2_AWS_62:nobody needs to know that the state changed

  bucket = coalesce(var.state_bucket, "${var.name}-state-${data.aws_caller_identity.current.account_id}")
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = data.aws_iam_policy_document.bucket.json

  # S3 rejects two of these changes at once.
  depends_on = [aws_s3_bucket_public_access_block.state]
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "DenyInsecureTransport"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]

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

# Terraform's documentation of the backend "s3" lists these. A plan takes the lock too, but does not write the state.
data "aws_iam_policy_document" "state" {
  for_each = local.roles

  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.state.arn]
  }

  statement {
    actions   = each.key == "apply" ? ["s3:GetObject", "s3:PutObject"] : ["s3:GetObject"]
    resources = ["${aws_s3_bucket.state.arn}/${local.state_key}"]
  }

  statement {
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.state.arn}/${local.state_key}.tflock"]
  }
}
