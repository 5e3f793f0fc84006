# The function and its settings; all names. Module function has tests of its own.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  feedback = {
    table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing" }
    rules = {}
  }
}

run "defaults_and_nothing_is_traced" {
  command = plan

  assert {
    condition = (
      module.function.lambda.handler == "lookup.handler" &&
      module.function.lambda.filename == "../function/healthy-mailing.zip" &&
      module.function.lambda.architectures == tolist(["arm64"]) &&
      module.function.lambda.memory_size == 512 &&
      module.function.lambda.timeout == 15 &&
      module.function.lambda.reserved_concurrent_executions == -1
    )
    error_message = "The function's defaults changed."
  }

  assert {
    condition = (
      module.function.log_group.name == "/aws/lambda/mailing-lookup" &&
      module.function.log_group.retention_in_days == 30
    )
    error_message = "The function's log group must have a retention."
  }

  assert {
    condition     = !aws_api_gateway_stage.this.xray_tracing_enabled && module.function.lambda.tracing_config[0].mode == "PassThrough"
    error_message = "Tracing must be off by default."
  }
}

run "settings_reach_the_function_and_requests_are_traced_from_the_api_on" {
  command = plan

  variables {
    access_logs = true
    package     = { path = "versions.tf" } # any file; nothing runs it
    function    = { memory_megabytes = 1024, timeout_seconds = 29, reserved_concurrency = 0, architecture = "x86_64", log_level = "DEBUG", log_retention_days = 365, tracing = true }
    feedback = {
      table = { name = "people", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/people", expire_days = 365 }
      rules = { soft_bounce_limit = 3, soft_bounce_window_days = 14, delivery_refresh_days = 7 }
    }
  }

  assert {
    condition = module.function.lambda.environment[0].variables == tomap({
      TABLE_NAME              = "people"
      SOFT_BOUNCE_LIMIT       = "3"
      SOFT_BOUNCE_WINDOW_DAYS = "14"
      DELIVERY_REFRESH_DAYS   = "7"
      EXPIRE_DAYS             = "365"
      LOG_LEVEL               = "DEBUG"
    })
    error_message = "The environment must hold these six settings and nothing else."
  }

  assert {
    condition = (
      module.function.lambda.filename == "versions.tf" &&
      module.function.lambda.memory_size == 1024 &&
      module.function.lambda.timeout == 29 &&
      module.function.lambda.reserved_concurrent_executions == 0 &&
      module.function.lambda.architectures == tolist(["x86_64"]) &&
      module.function.log_group.retention_in_days == 365 &&
      aws_cloudwatch_log_group.access[0].retention_in_days == 365
    )
    error_message = "The settings must reach the function and the log groups; a reserved concurrency of 0 stops it."
  }

  assert {
    condition     = aws_api_gateway_stage.this.xray_tracing_enabled && module.function.lambda.tracing_config[0].mode == "Active"
    error_message = "Both the stage and the function must be traced."
  }
}

run "names_start_with_the_name_and_tags_are_on_everything_that_can_have_them" {
  command = plan

  variables {
    access_logs = true
    name        = "news"
    tags        = { team = "post" }
  }

  assert {
    condition = (
      aws_api_gateway_rest_api.this.name == "news-lookup" &&
      module.function.lambda.function_name == "news-lookup" &&
      module.function.log_group.name == "/aws/lambda/news-lookup" &&
      aws_cloudwatch_log_group.access[0].name == "/aws/apigateway/news-lookup"
    )
    error_message = "Two copies with different names must not meet."
  }

  assert {
    condition = alltrue([
      for tags in [
        aws_api_gateway_rest_api.this.tags, aws_api_gateway_stage.this.tags, module.function.lambda.tags,
        module.function.log_group.tags, aws_cloudwatch_log_group.access[0].tags,
      ] : tags == tomap({ team = "post" })
    ])
    error_message = "A tag is missing somewhere."
  }
}
