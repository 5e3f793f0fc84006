resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_116:it is only called synchronously, and the caller gets the error
  # checkov:skip=CKV_AWS_117:it talks to DynamoDB alone, which a VPC would only put a hop away
  # checkov:skip=CKV_AWS_272:a signing profile is the caller's; Terraform notices a change of the zip by its hash
  # checkov:skip=CKV_AWS_173:the variables are names and numbers, no secrets
  # checkov:skip=CKV_AWS_50:tracing needs permissions on resource *; the log and the metrics tell what happened

  function_name    = local.name
  description      = "Answers the lookup API over the table ${var.table.name}."
  role             = aws_iam_role.this.arn
  handler          = "lookup.handler"
  runtime          = "python3.13"
  architectures    = [var.function.architecture]
  memory_size      = var.function.memory_megabytes
  timeout          = var.function.timeout_seconds
  filename         = var.package.path
  source_code_hash = var.package.path != null ? filebase64sha256(var.package.path) : try(var.package.s3.source_code_hash, null)

  s3_bucket         = try(var.package.s3.bucket, null)
  s3_key            = try(var.package.s3.key, null)
  s3_object_version = try(var.package.s3.object_version, null)

  reserved_concurrent_executions = coalesce(var.function.reserved_concurrency, -1)
  tags                           = var.tags

  environment {
    variables = {
      TABLE_NAME              = var.table.name
      SOFT_BOUNCE_LIMIT       = var.rules.soft_bounce_limit
      SOFT_BOUNCE_WINDOW_DAYS = var.rules.soft_bounce_window_days
      DELIVERY_REFRESH_DAYS   = var.rules.delivery_refresh_days
      LOG_LEVEL               = var.function.log_level
    }
  }

  # The function writes lines of JSON itself.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function.name
  }

  # It may be called as soon as it exists, and must then be allowed to work.
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_lambda_permission" "this" {
  statement_id  = "ApiInvokesFunction"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/${local.stage}/*"
}

resource "aws_cloudwatch_log_group" "function" {
  name              = local.log_group_names.function
  retention_in_days = var.function.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_iam_role" "this" {
  name               = local.name
  description        = "What the function ${local.name} may do."
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = var.tags
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "LambdaRunsTheFunction"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = local.name
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.role.json
}

data "aws_iam_policy_document" "role" {
  statement {
    sid       = "ReadRecords"
    actions   = ["dynamodb:BatchGetItem"]
    resources = [var.table.arn]
  }

  statement {
    sid       = "ListSuppressed"
    actions   = ["dynamodb:Query"]
    resources = ["${var.table.arn}/index/suppressed-updatedAt"]
  }

  statement {
    sid       = "WriteOverrides"
    actions   = ["dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"]
    resources = [var.table.arn]
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_arns.function}:log-stream:*"]
  }

  dynamic "statement" {
    for_each = local.encrypted ? [var.kms_key_arn] : []

    content {
      sid       = "UseKey"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

# What the policy of a customer's key must allow; it names nothing that this module creates.
data "aws_iam_policy_document" "key" {
  statement {
    sid       = "ApiLogsToEncryptedLogGroups"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = ["*"] # in a key policy: this key

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = values(local.log_group_arns)
    }
  }
}
