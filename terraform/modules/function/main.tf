# What every function of this project consists of: the code from the package, a role, a log group.

locals {
  path = var.package.path == null ? "${path.module}/healthy-mailing.zip" : var.package.path

  # One spelling of each path, since another would change the plan: relative to the folder that Terraform runs in, which
  # may lie elsewhere on the machine that applies the plan. An absolute path to another place stays absolute.
  absolute = abspath(local.path)
  here     = split("/", abspath("."))
  there    = split("/", local.absolute)
  shared   = length([for i in range(length(local.here)) : i if startswith(local.absolute, "${join("/", slice(local.here, 0, i + 1))}/")])
  relative = join("/", concat([for folder in slice(local.here, local.shared, length(local.here)) : ".."], slice(local.there, local.shared, length(local.there))))
  outside  = can(regex("^(/|[A-Za-z]:)", local.path)) && local.shared < length(local.here)
  filename = local.outside ? local.absolute : local.relative
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_116:a dead-letter queue is the caller's choice; what is called synchronously needs none
  # checkov:skip=CKV_AWS_117:it talks to DynamoDB alone, which a VPC would only put a hop away
  # checkov:skip=CKV_AWS_272:a signing profile is the user's choice; Terraform notices a change of the zip by its hash
  # checkov:skip=CKV_AWS_173:the variables are names and numbers, no secrets
  # checkov:skip=CKV_AWS_50:tracing needs permissions on resource *; the log and the metrics tell what happened

  function_name    = var.name
  description      = var.description
  role             = aws_iam_role.this.arn
  handler          = var.handler
  runtime          = "python3.13"
  architectures    = [var.function.architecture]
  memory_size      = var.function.memory_megabytes
  timeout          = var.function.timeout_seconds
  filename         = var.package.s3 == null ? local.filename : null
  source_code_hash = var.package.s3 == null ? try(filebase64sha256(local.filename), null) : var.package.s3.source_code_hash

  s3_bucket         = try(var.package.s3.bucket, null)
  s3_key            = try(var.package.s3.key, null)
  s3_object_version = try(var.package.s3.object_version, null)

  reserved_concurrent_executions = coalesce(var.function.reserved_concurrency, -1)
  tags                           = var.tags

  environment {
    variables = merge(var.environment, { LOG_LEVEL = var.function.log_level })
  }

  # The function writes lines of JSON itself.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # It may be called as soon as it exists, and must then be allowed to work.
  depends_on = [aws_iam_role_policy.this]

  lifecycle {
    # Here and below: what exists keeps its name. A function that is replaced to be renamed takes its topic's subscription
    # with it, and its log group what it has logged.
    ignore_changes = [function_name]

    # Not a validation of the variable, which would keep a stack whose zip is gone from being destroyed.
    precondition {
      condition     = var.package.s3 != null || can(filebase64sha256(local.filename))
      error_message = "There is no zip at ${local.filename}: build it with `make package`, or leave out package.path to take the zip that comes with the module."
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.function.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags

  lifecycle {
    ignore_changes = [name]
  }
}

resource "aws_iam_role" "this" {
  name               = var.name
  description        = "What the function of this name may do."
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = var.tags

  lifecycle {
    ignore_changes = [name]
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "AllowLambdaAssumeRole"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = var.name
  role   = aws_iam_role.this.id
  policy = var.policy

  lifecycle {
    ignore_changes = [name]
  }
}
