# The function and its settings; the table and all names. Module function has tests of its own.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "defaults" {
  assert {
    condition = (
      module.function.lambda.handler == "feedback.handler" &&
      module.function.lambda.filename == "../function/healthy-mailing.zip" &&
      module.function.lambda.architectures == tolist(["arm64"]) &&
      module.function.lambda.memory_size == 512 &&
      module.function.lambda.timeout == 30 &&
      module.function.lambda.reserved_concurrent_executions == -1 &&
      module.function.lambda.role == output.role_arn
    )
    error_message = "The function's defaults changed."
  }

  assert {
    condition = module.function.lambda.environment[0].variables == tomap({
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
      module.function.log_group.name == "/aws/lambda/mailing-feedback" &&
      module.function.log_group.retention_in_days == 30
    )
    error_message = "The function's log group must have a retention."
  }
}

run "settings_reach_the_function_and_tags_everything_that_can_have_them" {
  command = plan

  variables {
    package  = { path = "versions.tf" } # any file; nothing runs it
    rules    = { soft_bounce_limit = 3, soft_bounce_window_days = 14, delivery_refresh_days = 7 }
    function = { memory_megabytes = 1024, timeout_seconds = 60, reserved_concurrency = 0, architecture = "x86_64", log_level = "DEBUG", log_retention_days = 365 }
    table    = { expire_days = 365 }
    tags     = { team = "post" }
  }

  assert {
    condition = module.function.lambda.environment[0].variables == tomap({
      TABLE_NAME              = "mailing"
      SOFT_BOUNCE_LIMIT       = "3"
      SOFT_BOUNCE_WINDOW_DAYS = "14"
      DELIVERY_REFRESH_DAYS   = "7"
      EXPIRE_DAYS             = "365"
      LOG_LEVEL               = "DEBUG"
    })
    error_message = "The settings must reach the environment."
  }

  assert {
    condition     = output.rules == var.rules && output.table.expire_days == 365
    error_message = "Module lookup must be told of the same rules, and that addresses expire."
  }

  assert {
    condition = (
      module.function.lambda.filename == "versions.tf" &&
      module.function.lambda.memory_size == 1024 &&
      module.function.lambda.timeout == 60 &&
      module.function.lambda.reserved_concurrent_executions == 0 &&
      module.function.lambda.architectures == tolist(["x86_64"]) &&
      module.function.log_group.retention_in_days == 365
    )
    error_message = "The settings must reach the function and its log group; a reserved concurrency of 0 stops it."
  }

  assert {
    condition = alltrue([
      for tags in [
        aws_sqs_queue.this[0].tags, aws_sqs_queue.dead_letter.tags, aws_dynamodb_table.this[0].tags,
        module.function.lambda.tags, module.function.log_group.tags,
        aws_lambda_event_source_mapping.this[0].tags,
      ] : tags == tomap({ team = "post" })
    ])
    error_message = "A tag is missing somewhere."
  }
}

run "table_is_protected_has_no_stream_and_keeps_all_addresses" {
  command = plan

  assert {
    condition = (
      aws_dynamodb_table.this[0].name == "mailing" &&
      aws_dynamodb_table.this[0].hash_key == "UserId" &&
      aws_dynamodb_table.this[0].range_key == null &&
      aws_dynamodb_table.this[0].billing_mode == "PAY_PER_REQUEST" &&
      aws_dynamodb_table.this[0].deletion_protection_enabled &&
      aws_dynamodb_table.this[0].point_in_time_recovery[0].enabled
    )
    error_message = "The table must be the article's, on demand, protected and restorable."
  }

  assert {
    condition     = { for attribute in aws_dynamodb_table.this[0].attribute : attribute.name => attribute.type } == { UserId = "S", suppressed = "S", updatedAt = "S" }
    error_message = "The table's key attributes are strings."
  }

  assert {
    condition = [
      for index in aws_dynamodb_table.this[0].global_secondary_index : "${index.name} ${index.hash_key} ${index.range_key} ${index.projection_type}"
    ] == ["suppressed-updatedAt suppressed updatedAt ALL"]
    error_message = "The sparse index must list who is not to be mailed, by time."
  }

  assert {
    condition     = !aws_dynamodb_table.this[0].ttl[0].enabled && output.table.expire_days == null
    error_message = "Without expire_days the table must keep all addresses."
  }

  assert {
    condition     = !aws_dynamodb_table.this[0].stream_enabled && output.table.stream_arn == null
    error_message = "A stream that nobody reads must not be there."
  }
}

run "table_can_be_left_unprotected_and_do_without_the_index" {
  command = plan

  variables {
    table = { deletion_protection = false, point_in_time_recovery = false, index = false }
  }

  assert {
    condition     = !aws_dynamodb_table.this[0].deletion_protection_enabled && !aws_dynamodb_table.this[0].point_in_time_recovery[0].enabled
    error_message = "Local runs must be able to destroy the table."
  }

  assert {
    condition     = length(aws_dynamodb_table.this[0].global_secondary_index) == 0 && [for each in aws_dynamodb_table.this[0].attribute : each.name] == ["UserId"]
    error_message = "Only keys may be declared, and without the index there is but one."
  }

  assert {
    condition     = !output.table.index
    error_message = "Module lookup must be told that there is no index."
  }
}

run "addresses_expire" {
  command = plan

  variables {
    table = { expire_days = 30 }
    rules = { delivery_refresh_days = 15 }
  }

  assert {
    condition     = aws_dynamodb_table.this[0].ttl[0].enabled && aws_dynamodb_table.this[0].ttl[0].attribute_name == "expiresAt"
    error_message = "DynamoDB must remove items by the attribute that the function writes."
  }
}

run "deliveries_are_refreshed_too_seldom_to_expire" {
  command = plan

  variables {
    table = { expire_days = 30 }
    rules = { delivery_refresh_days = 16 }
  }

  expect_failures = [output.table]
}
