resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_116:what fails to the last is kept by the queue's redrive policy or the on-failure destination
  # checkov:skip=CKV_AWS_117:it talks to DynamoDB alone, which a VPC would only put a hop away
  # checkov:skip=CKV_AWS_272:a signing profile is the caller's; Terraform notices a change of the zip by its hash
  # checkov:skip=CKV_AWS_173:the variables are names and numbers, no secrets
  # checkov:skip=CKV_AWS_50:tracing needs permissions on resource *; the log and the metrics tell what happened

  function_name    = local.name
  description      = "Merges SES feedback into the table ${aws_dynamodb_table.this.name}."
  role             = aws_iam_role.this.arn
  handler          = "feedback.handler"
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
      TABLE_NAME              = aws_dynamodb_table.this.name
      SOFT_BOUNCE_LIMIT       = var.rules.soft_bounce_limit
      SOFT_BOUNCE_WINDOW_DAYS = var.rules.soft_bounce_window_days
      DELIVERY_REFRESH_DAYS   = var.rules.delivery_refresh_days
      LOG_LEVEL               = var.function.log_level
    }
  }

  # The function writes lines of JSON itself.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # It may be called as soon as it exists, and must then be allowed to work.
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group_name
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
    sid       = "MergeRecords"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"]
    resources = [local.arns.table]
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arns.log_group}:log-stream:*"]
  }

  dynamic "statement" {
    for_each = local.has_queue ? [local.arns.queue] : []

    content {
      sid       = "TakeFeedbackFromQueue"
      actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = local.queued ? [] : [local.arns.dead_letter]

    content {
      sid       = "KeepWhatFailedToTheLast"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = local.encrypted ? [var.kms_key_arn] : []

    content {
      sid = "UseKey"
      # Reading the table and the queue decrypts; sending to an encrypted queue asks for a data key as well.
      actions   = local.queued ? ["kms:Decrypt"] : ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}
