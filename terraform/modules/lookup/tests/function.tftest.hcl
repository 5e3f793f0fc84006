# The function, its package, its settings and its log; all names.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  package = { path = "versions.tf" } # any file; nothing runs it
  table   = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing" }
}

run "defaults" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this.handler == "lookup.handler" &&
      aws_lambda_function.this.runtime == "python3.13" &&
      aws_lambda_function.this.architectures == tolist(["arm64"]) &&
      aws_lambda_function.this.memory_size == 512 &&
      aws_lambda_function.this.timeout == 15 &&
      aws_lambda_function.this.reserved_concurrent_executions == -1
    )
    error_message = "The function's defaults changed."
  }

  assert {
    condition = (
      aws_lambda_function.this.filename == "versions.tf" &&
      aws_lambda_function.this.source_code_hash == filebase64sha256("versions.tf") &&
      aws_lambda_function.this.s3_bucket == null
    )
    error_message = "A local package must be uploaded, and again when its content changes."
  }

  assert {
    condition = (
      aws_lambda_function.this.logging_config[0].log_format == "Text" &&
      aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/mailing-lookup" &&
      aws_cloudwatch_log_group.function.name == "/aws/lambda/mailing-lookup" &&
      aws_cloudwatch_log_group.function.retention_in_days == 30
    )
    error_message = "The function must write its own JSON lines to a log group with a retention."
  }
}

run "package_from_s3" {
  command = plan

  variables {
    package = { s3 = { bucket = "releases", key = "mailing.zip", object_version = "v7", source_code_hash = "aGFzaA==" } }
  }

  assert {
    condition = (
      aws_lambda_function.this.filename == null &&
      aws_lambda_function.this.s3_bucket == "releases" &&
      aws_lambda_function.this.s3_key == "mailing.zip" &&
      aws_lambda_function.this.s3_object_version == "v7" &&
      aws_lambda_function.this.source_code_hash == "aGFzaA=="
    )
    error_message = "The function must come from the S3 object."
  }
}

run "settings_reach_the_function" {
  command = plan

  variables {
    rules    = { soft_bounce_limit = 3, soft_bounce_window_days = 14, delivery_refresh_days = 7 }
    function = { memory_megabytes = 1024, timeout_seconds = 29, reserved_concurrency = 0, architecture = "x86_64", log_level = "DEBUG", log_retention_days = 365 }
    table    = { name = "people", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/people" }
  }

  assert {
    condition = aws_lambda_function.this.environment[0].variables == tomap({
      TABLE_NAME              = "people"
      SOFT_BOUNCE_LIMIT       = "3"
      SOFT_BOUNCE_WINDOW_DAYS = "14"
      DELIVERY_REFRESH_DAYS   = "7"
      LOG_LEVEL               = "DEBUG"
    })
    error_message = "The environment must hold these five settings and nothing else."
  }

  assert {
    condition = (
      aws_lambda_function.this.memory_size == 1024 &&
      aws_lambda_function.this.timeout == 29 &&
      aws_lambda_function.this.reserved_concurrent_executions == 0 &&
      aws_lambda_function.this.architectures == tolist(["x86_64"]) &&
      aws_cloudwatch_log_group.function.retention_in_days == 365 &&
      aws_cloudwatch_log_group.access[0].retention_in_days == 365
    )
    error_message = "The settings must reach the function and the log groups; a reserved concurrency of 0 stops it."
  }
}

run "names_start_with_the_name" {
  command = plan

  variables {
    name = "news"
  }

  assert {
    condition = (
      aws_api_gateway_rest_api.this.name == "news-lookup" &&
      aws_lambda_function.this.function_name == "news-lookup" &&
      aws_iam_role.this.name == "news-lookup" &&
      aws_cloudwatch_log_group.function.name == "/aws/lambda/news-lookup" &&
      aws_cloudwatch_log_group.access[0].name == "/aws/apigateway/news-lookup"
    )
    error_message = "Two copies with different names must not meet."
  }
}

run "tags_are_on_everything_that_can_have_them" {
  command = plan

  variables {
    tags = { team = "post" }
  }

  assert {
    condition = alltrue([
      for tags in [
        aws_api_gateway_rest_api.this.tags, aws_api_gateway_stage.this.tags, aws_lambda_function.this.tags, aws_iam_role.this.tags,
        aws_cloudwatch_log_group.function.tags, aws_cloudwatch_log_group.access[0].tags,
      ] : tags == tomap({ team = "post" })
    ])
    error_message = "A tag is missing somewhere."
  }
}
