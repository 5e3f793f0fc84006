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
  }
}

run "settings" {
  command = plan

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
    error_message = "The environment must hold what the caller gives and the log level, and nothing else."
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
}

run "settings_tags_and_key_reach_everything" {
  command = plan

  variables {
    function = {
      memory_megabytes     = 1024
      timeout_seconds      = 60
      reserved_concurrency = 0
      architecture         = "x86_64"
      log_level            = "DEBUG"
      log_retention_days   = 365
    }
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
}

run "lambda_takes_the_role_and_the_role_may_do_what_the_policy_says" {
  override_data {
    target = data.aws_iam_policy_document.trust
    values = { json = "{\"Id\":\"trust\"}" }
  }

  assert {
    condition = (
      jsondecode(aws_iam_role_policy.this.policy).Id == "role" &&
      aws_iam_role_policy.this.role == aws_iam_role.this.id &&
      jsondecode(aws_iam_role.this.assume_role_policy).Id == "trust" &&
      aws_iam_role.this.name == "mailing-feedback" &&
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
