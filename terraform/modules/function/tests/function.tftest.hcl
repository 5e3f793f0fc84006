# The function, its settings, its role and its log.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name        = "mailing-feedback"
  description = "Merges feedback."
  handler     = "feedback.handler"
  environment = { TABLE_NAME = "mailing" }
  policy      = "{\"Id\":\"role\"}"
  function = {
    memory_megabytes     = 512
    timeout_seconds      = 30
    reserved_concurrency = null
    architecture         = "arm64"
    log_level            = "INFO"
    log_retention_days   = 30

    permissions_boundary    = null
    role_path               = "/"
    role_name               = null
    code_signing_config_arn = null
    tracing                 = false
    vpc                     = null
  }
}

run "settings_and_nothing_that_was_not_asked_for" {
  command = plan

  variables {
    environment = { TABLE_NAME = "mailing", EXPIRE_DAYS = null }
  }

  assert {
    condition = (
      aws_lambda_function.this.function_name == "mailing-feedback" &&
      aws_lambda_function.this.description == "Merges feedback." &&
      aws_lambda_function.this.handler == "feedback.handler" &&
      aws_lambda_function.this.runtime == "python3.13" &&
      aws_lambda_function.this.architectures == tolist(["arm64"]) &&
      aws_lambda_function.this.memory_size == 512 &&
      aws_lambda_function.this.timeout == 30 &&
      aws_lambda_function.this.reserved_concurrent_executions == -1
    )
    error_message = "The function must be what the caller says."
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap({ TABLE_NAME = "mailing", LOG_LEVEL = "INFO" })
    error_message = "The environment must hold what the caller gives and the log level, and nothing else: what is null is left to the function's default."
  }

  assert {
    condition = (
      aws_lambda_function.this.logging_config[0].log_format == "Text" &&
      aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/mailing-feedback" &&
      aws_cloudwatch_log_group.this.name == "/aws/lambda/mailing-feedback" &&
      aws_cloudwatch_log_group.this.retention_in_days == 30 &&
      aws_cloudwatch_log_group.this.kms_key_id == null
    )
    error_message = "The function must write its own JSON lines to a log group with a retention."
  }

  assert {
    condition     = length(data.aws_iam_policy_document.role.statement) == 0
    error_message = "Only what is switched on needs permissions."
  }

  assert {
    condition = (
      aws_iam_role.this.path == "/" &&
      aws_iam_role.this.permissions_boundary == null &&
      aws_lambda_function.this.code_signing_config_arn == null &&
      aws_lambda_function.this.tracing_config[0].mode == "PassThrough" &&
      length(aws_lambda_function.this.vpc_config) == 0
    )
    error_message = "By default there is no boundary, path, code signing, tracing or VPC."
  }
}

run "settings_tags_key_boundary_path_and_code_signing_reach_everything" {
  command = plan

  variables {
    function = merge(var.function, {
      memory_megabytes     = 1024
      timeout_seconds      = 60
      reserved_concurrency = 0
      architecture         = "x86_64"
      log_level            = "DEBUG"
      log_retention_days   = 365

      permissions_boundary    = "arn:aws:iam::123456789012:policy/team/boundary"
      role_path               = "/team/mail/"
      role_name               = "mail-reader"
      code_signing_config_arn = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0f6c334abcdea4d8b"
    })
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    tags        = { team = "post" }
  }

  assert {
    condition = (
      aws_lambda_function.this.memory_size == 1024 &&
      aws_lambda_function.this.timeout == 60 &&
      aws_lambda_function.this.reserved_concurrent_executions == 0 &&
      aws_lambda_function.this.architectures == tolist(["x86_64"]) &&
      aws_lambda_function.this.environment[0].variables.LOG_LEVEL == "DEBUG" &&
      aws_cloudwatch_log_group.this.retention_in_days == 365
    )
    error_message = "The settings must reach the function and its log group; a reserved concurrency of 0 stops it."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    error_message = "The log group must be encrypted with the key."
  }

  assert {
    condition = alltrue([
      for tags in [aws_lambda_function.this.tags, aws_iam_role.this.tags, aws_cloudwatch_log_group.this.tags] : tags == var.tags
    ])
    error_message = "A tag is missing somewhere."
  }

  assert {
    condition = (
      aws_iam_role.this.name == "mail-reader" &&
      aws_iam_role.this.path == "/team/mail/" &&
      aws_iam_role.this.permissions_boundary == "arn:aws:iam::123456789012:policy/team/boundary" &&
      aws_lambda_function.this.code_signing_config_arn == var.function.code_signing_config_arn
    )
    error_message = "What the company demands must reach the role and the function."
  }

  assert {
    condition     = length(data.aws_iam_policy_document.role.statement) == 0
    error_message = "None of it needs permissions."
  }
}

run "lambda_takes_the_role_and_the_role_may_do_what_the_policy_says" {
  override_data {
    target = data.aws_iam_policy_document.trust
    values = { json = "{\"Id\":\"trust\"}" }
  }

  override_data {
    target = data.aws_iam_policy_document.role
    values = { json = "{\"Id\":\"role with more\"}" }
  }

  assert {
    condition = (
      jsondecode(aws_iam_role_policy.this.policy).Id == "role with more" &&
      data.aws_iam_policy_document.role.source_policy_documents == tolist([var.policy]) &&
      aws_iam_role_policy.this.role == aws_iam_role.this.id &&
      jsondecode(aws_iam_role.this.assume_role_policy).Id == "trust" &&
      aws_iam_role.this.name == "mailing-feedback-eu-west-1" &&
      aws_lambda_function.this.role == aws_iam_role.this.arn
    )
    error_message = "A policy is not attached to what it is written for."
  }

  assert {
    condition = (
      length(data.aws_iam_policy_document.trust.statement) == 1 &&
      data.aws_iam_policy_document.trust.statement[0].actions == toset(["sts:AssumeRole"]) &&
      flatten([for each in data.aws_iam_policy_document.trust.statement[0].principals : [for who in each.identifiers : "${each.type} ${who}"]]) == ["Service lambda.amazonaws.com"]
    )
    error_message = "Only Lambda may take the role."
  }

  assert {
    condition = (
      output.lambda.arn == aws_lambda_function.this.arn &&
      output.role_arn == aws_iam_role.this.arn &&
      output.log_group.name == aws_cloudwatch_log_group.this.name
    )
    error_message = "The outputs must name the function, its role and its log group."
  }
}

run "tracing" {
  command = plan

  variables {
    function = merge(var.function, { tracing = true })
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "Tracing must be on."
  }

  assert {
    condition = [
      for each in data.aws_iam_policy_document.role.statement : "${each.sid}: ${join(" ", sort(each.actions))} on ${join(" ", each.resources)}"
    ] == ["AllowSendTraces: xray:PutTelemetryRecords xray:PutTraceSegments on *"]
    error_message = "The role must be able to send traces, and no more."
  }
}

run "vpc" {
  command = plan

  variables {
    function = merge(var.function, { vpc = { subnet_ids = ["subnet-0a", "subnet-0b"], security_group_ids = ["sg-0c"] } })
  }

  assert {
    condition = (
      aws_lambda_function.this.vpc_config[0].subnet_ids == toset(["subnet-0a", "subnet-0b"]) &&
      aws_lambda_function.this.vpc_config[0].security_group_ids == toset(["sg-0c"])
    )
    error_message = "The function must be connected to the subnets, with the security groups."
  }

  assert {
    condition = {
      for each in data.aws_iam_policy_document.role.statement :
      each.sid => "${join(" ", sort(each.actions))} on ${join(" ", sort(each.resources))}" if each.effect != "Deny"
      } == {
      AllowDescribeNetwork         = "ec2:DescribeNetworkInterfaces ec2:DescribeSubnets on *"
      AllowCreateNetworkInterfaces = "ec2:CreateNetworkInterface on arn:aws:ec2:eu-west-1:*:security-group/sg-0c arn:aws:ec2:eu-west-1:*:subnet/subnet-0a arn:aws:ec2:eu-west-1:*:subnet/subnet-0b arn:aws:ec2:eu-west-1:123456789012:network-interface/*"
      AllowAssignAddresses         = "ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses on arn:aws:ec2:eu-west-1:123456789012:network-interface/*"
      AllowDeleteNetworkInterfaces = "ec2:DeleteNetworkInterface on arn:aws:ec2:eu-west-1:123456789012:*/*"
    }
    error_message = "The role must be able to connect the function to these subnets, and no more."
  }

  assert {
    condition = [
      for each in data.aws_iam_policy_document.role.statement :
      "${join(" ", sort(each.actions))} on ${join(" ", each.resources)} if ${one(each.condition).test} ${one(each.condition).variable} ${join(" ", one(each.condition).values)}" if each.effect == "Deny"
      ] == [
      "ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses on * if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-west-1:123456789012:function:mailing-feedback"
    ]
    error_message = "The function's own code must not use what is meant for Lambda."
  }
}
