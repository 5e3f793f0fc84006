# A function of this project: code from the package, a role and a log group.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  path = var.package.path == null ? "${path.module}/healthy-mailing.zip" : var.package.path

  # Another spelling of the same path would change the plan, so each path gets one spelling. It is relative to Terraform's
  # working folder, because that may be elsewhere on the machine that applies the plan. An absolute path outside the root's
  # folder stays absolute.
  absolute = abspath(local.path)
  here     = split("/", abspath("."))
  there    = split("/", local.absolute)
  shared   = length([for i in range(length(local.here)) : i if startswith(local.absolute, "${join("/", slice(local.here, 0, i + 1))}/")])
  relative = join("/", concat([for folder in slice(local.here, local.shared, length(local.here)) : ".."], slice(local.there, local.shared, length(local.there))))
  outside  = can(regex("^(/|[A-Za-z]:)", local.path)) && local.shared < length(local.here)
  filename = local.outside ? local.absolute : local.relative
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_116:the caller decides on a dead-letter queue; synchronous calls need none
  # checkov:skip=CKV_AWS_117:the caller decides on a VPC; the function only talks to DynamoDB
  # checkov:skip=CKV_AWS_272:the caller decides on code signing; Terraform detects a changed zip by its hash
  # checkov:skip=CKV_AWS_173:the variables are names and numbers, not secrets
  # checkov:skip=CKV_AWS_50:the caller decides on tracing; log and metrics say what happened

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

  # Without this block, tracing would stay on after you turn it off.
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

  # The function writes JSON lines itself.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # The function may be called as soon as it exists, so its role must be ready. Lambda also uses the role's permissions to
  # create the network interfaces in a VPC, and to delete them with the function.
  depends_on = [aws_iam_role_policy.this]

  lifecycle {
    # Here and below, existing resources keep their names. Renaming would replace the function and lose the topic's
    # subscription, and would replace the log group and lose its logs.
    ignore_changes = [function_name]

    # A validation of the variable would prevent `destroy` when the zip is gone, so this is a precondition.
    precondition {
      condition     = var.package.s3 != null || can(filebase64sha256(local.filename))
      error_message = "No zip exists at ${local.filename}. Build it with `make package`, or leave out package.path to use the zip that comes with the module."
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

locals {
  # A role is of the whole account, where a stack of another region may have the same name.
  with_region = "${var.name}-${local.region}"
  role_name   = length(local.with_region) <= 64 ? local.with_region : "${substr(local.with_region, 0, 55)}-${substr(sha256(local.with_region), 0, 8)}"
}

resource "aws_iam_role" "this" {
  name                 = coalesce(var.function.role_name, local.role_name)
  path                 = var.function.role_path
  description          = "What the function of this name may do."
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.function.permissions_boundary
  tags                 = var.tags

  lifecycle {
    ignore_changes = [name]
  }
}

# Keep this as it is: module deployer does not allow a pipeline to change it (iam:UpdateAssumeRolePolicy).
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
  # Provider 6 deprecates the attributes `name` and `id`, and provider 5 has no `region`. Both have the endpoint, such as
  # ec2.eu-west-1.amazonaws.com.
  region    = split(".", data.aws_region.current.endpoint)[1]
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # Like the log group, the function keeps the name that it was created with. (A local, because Terraform defers a data
  # source that refers to a changing resource.)
  function = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${trimprefix(aws_cloudwatch_log_group.this.name, "/aws/lambda/")}"

  # Prefixes of EC2 ARNs. A shared subnet or security group has the owner's account in its ARN.
  ec2        = "arn:${local.partition}:ec2:${local.region}:${local.account}"
  ec2_shared = "arn:${local.partition}:ec2:${local.region}:*"

  # What Lambda needs to connect a function to a VPC (AWS Lambda Developer Guide, "Giving Lambda functions access to
  # resources in an Amazon VPC"), on as few resources as AWS allows. The two Describe actions support no resources (Service
  # Authorization Reference, "Actions, resources, and condition keys for Amazon EC2").
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
      resources = ["${local.ec2}:*/*"] # as the guide says; Lambda rejects a role that names only interfaces
    }
  }
}

# The caller's policy, and what the function's settings need.
data "aws_iam_policy_document" "role" {
  # checkov:skip=CKV_AWS_111:Lambda needs the EC2 actions, and the function's code is denied them; X-Ray supports no resources
  # checkov:skip=CKV_AWS_356:as above

  source_policy_documents = [var.policy]

  dynamic "statement" {
    for_each = local.network

    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }

  # Only Lambda may use them, not the code that runs with the same role (the same guide, "Security best practices").
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

  # The actions support no resources (Service Authorization Reference, "Actions, resources, and condition keys for AWS X-Ray").
  dynamic "statement" {
    for_each = var.function.tracing ? ["*"] : []

    content {
      sid       = "AllowSendTraces"
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = [statement.value]
    }
  }
}
