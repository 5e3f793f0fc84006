# The function, its package, its settings and its log; the table and all names.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  package = { path = "versions.tf" } # any file; nothing runs it
}

run "defaults" {
  assert {
    condition = (
      aws_lambda_function.this.handler == "feedback.handler" &&
      aws_lambda_function.this.runtime == "python3.13" &&
      aws_lambda_function.this.architectures == tolist(["arm64"]) &&
      aws_lambda_function.this.memory_size == 512 &&
      aws_lambda_function.this.timeout == 30 &&
      aws_lambda_function.this.reserved_concurrent_executions == -1 &&
      aws_lambda_function.this.role == aws_iam_role.this.arn
    )
    error_message = "The function's defaults changed."
  }

  assert {
    condition = aws_lambda_function.this.environment[0].variables == tomap({
      TABLE_NAME              = "mailing"
      SOFT_BOUNCE_LIMIT       = "5"
      SOFT_BOUNCE_WINDOW_DAYS = "30"
      DELIVERY_REFRESH_DAYS   = "1"
      LOG_LEVEL               = "INFO"
    })
    error_message = "The environment must hold these five settings and nothing else."
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
      aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/mailing-feedback" &&
      aws_cloudwatch_log_group.this.name == "/aws/lambda/mailing-feedback" &&
      aws_cloudwatch_log_group.this.retention_in_days == 30
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
    function = { memory_megabytes = 1024, timeout_seconds = 60, reserved_concurrency = 0, architecture = "x86_64", log_level = "DEBUG", log_retention_days = 365 }
    table    = { name = "people" }
  }

  assert {
    condition = aws_lambda_function.this.environment[0].variables == tomap({
      TABLE_NAME              = "people"
      SOFT_BOUNCE_LIMIT       = "3"
      SOFT_BOUNCE_WINDOW_DAYS = "14"
      DELIVERY_REFRESH_DAYS   = "7"
      LOG_LEVEL               = "DEBUG"
    })
    error_message = "The settings must reach the environment."
  }

  assert {
    condition = (
      aws_lambda_function.this.memory_size == 1024 &&
      aws_lambda_function.this.timeout == 60 &&
      aws_lambda_function.this.reserved_concurrent_executions == 0 &&
      aws_lambda_function.this.architectures == tolist(["x86_64"]) &&
      aws_cloudwatch_log_group.this.retention_in_days == 365
    )
    error_message = "The settings must reach the function and its log group; a reserved concurrency of 0 stops it."
  }
}

run "names_start_with_the_name" {
  command = plan

  variables {
    name = "news"
  }

  assert {
    condition = (
      aws_dynamodb_table.this.name == "news" &&
      aws_sns_topic.this.name == "news-feedback" &&
      aws_sqs_queue.this[0].name == "news-feedback" &&
      aws_sqs_queue.dead_letter.name == "news-feedback-dead-letter" &&
      aws_lambda_function.this.function_name == "news-feedback" &&
      aws_iam_role.this.name == "news-feedback" &&
      aws_cloudwatch_log_group.this.name == "/aws/lambda/news-feedback"
    )
    error_message = "Two copies with different names must not meet."
  }
}

run "table" {
  command = plan

  assert {
    condition = (
      aws_dynamodb_table.this.name == "mailing" &&
      aws_dynamodb_table.this.hash_key == "UserId" &&
      aws_dynamodb_table.this.range_key == null &&
      aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST" &&
      aws_dynamodb_table.this.deletion_protection_enabled &&
      aws_dynamodb_table.this.point_in_time_recovery[0].enabled
    )
    error_message = "The table must be the article's, on demand, protected and restorable."
  }

  assert {
    condition     = { for attribute in aws_dynamodb_table.this.attribute : attribute.name => attribute.type } == { UserId = "S", suppressed = "S", updatedAt = "S" }
    error_message = "The table's key attributes are strings."
  }

  assert {
    condition = [
      for index in aws_dynamodb_table.this.global_secondary_index : "${index.name} ${index.hash_key} ${index.range_key} ${index.projection_type}"
    ] == ["suppressed-updatedAt suppressed updatedAt ALL"]
    error_message = "The sparse index must list who is not to be mailed, by time."
  }
}

run "table_can_be_left_unprotected" {
  command = plan

  variables {
    table = { deletion_protection = false, point_in_time_recovery = false }
  }

  assert {
    condition     = !aws_dynamodb_table.this.deletion_protection_enabled && !aws_dynamodb_table.this.point_in_time_recovery[0].enabled
    error_message = "Local runs must be able to destroy the table."
  }
}

run "table_can_do_without_the_index" {
  command = plan

  variables {
    table = { index = false }
  }

  assert {
    condition     = length(aws_dynamodb_table.this.global_secondary_index) == 0 && [for each in aws_dynamodb_table.this.attribute : each.name] == ["UserId"]
    error_message = "Only keys may be declared, and without the index there is but one."
  }

  assert {
    condition     = !output.table.index
    error_message = "Module lookup must be told that there is no index."
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
        aws_sns_topic.this.tags, aws_sqs_queue.this[0].tags, aws_sqs_queue.dead_letter.tags, aws_dynamodb_table.this.tags,
        aws_lambda_function.this.tags, aws_iam_role.this.tags, aws_cloudwatch_log_group.this.tags,
        aws_lambda_event_source_mapping.this[0].tags,
      ] : tags == tomap({ team = "post" })
    ])
    error_message = "A tag is missing somewhere."
  }
}
