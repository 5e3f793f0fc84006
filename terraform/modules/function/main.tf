# What every function of this project consists of: the code from the package, a role, a log group.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

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
  # checkov:skip=CKV_AWS_117:a VPC is the caller's choice; the function talks to DynamoDB alone, from where it is
  # checkov:skip=CKV_AWS_272:code signing is the caller's choice; Terraform notices a change of the zip by its hash
  # checkov:skip=CKV_AWS_173:the variables are names and numbers, no secrets
  # checkov:skip=CKV_AWS_50:tracing is the caller's choice; the log and the metrics tell what happened

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
  code_signing_config_arn        = var.function.code_signing_config_arn
  tags                           = var.tags

  environment {
    variables = merge({ for name, value in var.environment : name => value if value != null }, { LOG_LEVEL = var.function.log_level })
  }

  # Without the block, tracing would stay on after it was switched off.
  tracing_config {
    mode = var.function.tracing ? "Active" : "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = var.function.vpc[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  # The function writes lines of JSON itself.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # It may be called as soon as it exists, and must then be allowed to work. Lambda creates the interfaces in a VPC with
  # the role's permissions, and deletes them with those when the function goes.
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
  name                 = var.name
  path                 = var.function.role_path
  description          = "What the function of this name may do."
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.function.permissions_boundary
  tags                 = var.tags

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
  policy = data.aws_iam_policy_document.role.json

  lifecycle {
    ignore_changes = [name]
  }
}

locals {
  # Provider 6 deprecates the attributes `name` and `id`, provider 5 lacks `region`; the endpoint, such as
  # ec2.eu-west-1.amazonaws.com, tells it in both.
  region    = split(".", data.aws_region.current.endpoint)[1]
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # Like the log group, the function keeps the name that it was created with. (By way of a local: a data source that refers
  # to a resource itself is not read before that has changed.)
  function = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${trimprefix(aws_cloudwatch_log_group.this.name, "/aws/lambda/")}"

  # ARNs of EC2 are these and what follows. A subnet or a security group that another account shares belongs to that one.
  ec2        = "arn:${local.partition}:ec2:${local.region}:${local.account}"
  ec2_shared = "arn:${local.partition}:ec2:${local.region}:*"

  # What Lambda needs to connect a function to a VPC (AWS Lambda Developer Guide, "Giving Lambda functions access to
  # resources in an Amazon VPC"), on as little as AWS allows (Service Authorization Reference, "Actions, resources, and
  # condition keys for Amazon EC2": the two that describe know no resource).
  network = var.function.vpc == null ? {} : {
    AllowDescribeNetwork = {
      actions   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
      resources = ["*"]
    }
    AllowCreateNetworkInterfaces = {
      actions = ["ec2:CreateNetworkInterface"]
      resources = concat(
        ["${local.ec2}:network-interface/*"],
        [for id in var.function.vpc.subnet_ids : "${local.ec2_shared}:subnet/${id}"],
        [for id in var.function.vpc.security_group_ids : "${local.ec2_shared}:security-group/${id}"],
      )
    }
    AllowAssignAddresses = {
      actions   = ["ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]
      resources = ["${local.ec2}:network-interface/*"]
    }
    AllowDeleteNetworkInterfaces = {
      actions   = ["ec2:DeleteNetworkInterface"]
      resources = ["${local.ec2}:*/*"] # as the guide says; Lambda refuses a role that names interfaces only
    }
  }
}

# What the caller says, and what the function's own settings need.
data "aws_iam_policy_document" "role" {
  # checkov:skip=CKV_AWS_111:Lambda needs the EC2 actions, which are denied to the function's code; X-Ray knows no resource
  # checkov:skip=CKV_AWS_356:the same

  source_policy_documents = [var.policy]

  dynamic "statement" {
    for_each = local.network

    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }

  # They are for Lambda alone, not for the code that runs with the same role (the same guide, "Security best practices").
  dynamic "statement" {
    for_each = length(local.network) > 0 ? [flatten(values(local.network)[*].actions)] : []

    content {
      sid       = "DenyNetworkToCode"
      effect    = "Deny"
      actions   = statement.value
      resources = ["*"]

      condition {
        test     = "ArnEquals"
        variable = "lambda:SourceFunctionArn"
        values   = [local.function]
      }
    }
  }

  # The actions know no resource (Service Authorization Reference, "Actions, resources, and condition keys for AWS X-Ray").
  dynamic "statement" {
    for_each = var.function.tracing ? ["*"] : []

    content {
      sid       = "AllowSendTraces"
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = [statement.value]
    }
  }
}
