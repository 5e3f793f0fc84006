# The function, and how it reads the stream. Module function has tests of its own.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  feedback = {
    table = {
      name       = "mailing"
      arn        = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
      stream_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/stream/2026-03-10T12:00:00.000"
    }
  }
}

run "defaults_read_the_stream_from_its_beginning_and_keep_what_fails" {
  override_resource {
    target = aws_sqs_queue.dead_letter
    values = { arn = "arn:aws:sqs:eu-west-1:123456789012:mailing-changes-dead-letter", url = "https://sqs.eu-west-1.amazonaws.com/123456789012/mailing-changes-dead-letter" }
  }

  assert {
    condition = (
      module.function.lambda.handler == "changes.handler" &&
      module.function.lambda.filename == "../function/healthy-mailing.zip" &&
      module.function.lambda.architectures == tolist(["arm64"]) &&
      module.function.lambda.memory_size == 256 &&
      module.function.lambda.timeout == 60 &&
      module.function.lambda.reserved_concurrent_executions == -1
    )
    error_message = "The function's defaults changed."
  }

  assert {
    condition = module.function.lambda.environment[0].variables == tomap({
      TABLE_ARN             = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
      EVENT_BUS             = "arn:aws:events:eu-west-1:123456789012:event-bus/default"
      NEW_DELIVERIES        = "false"
      DEAD_LETTER_QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/mailing-changes-dead-letter"
      LOG_LEVEL             = "INFO"
    })
    error_message = "The environment must hold these five settings and nothing else."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.this.event_source_arn == var.feedback.table.stream_arn &&
      aws_lambda_event_source_mapping.this.function_name == module.function.lambda.arn &&
      aws_lambda_event_source_mapping.this.enabled &&
      aws_lambda_event_source_mapping.this.starting_position == "TRIM_HORIZON" &&
      aws_lambda_event_source_mapping.this.function_response_types == toset(["ReportBatchItemFailures"])
    )
    error_message = "A change could be lost: between the table's stream and the mapping, or where a part of a batch fails."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.this.bisect_batch_on_function_error &&
      aws_lambda_event_source_mapping.this.maximum_record_age_in_seconds == 21600 &&
      aws_lambda_event_source_mapping.this.maximum_retry_attempts == -1 &&
      aws_lambda_event_source_mapping.this.batch_size == 100 &&
      aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds == 0 &&
      aws_lambda_event_source_mapping.this.parallelization_factor == 1
    )
    error_message = "The defaults of how the stream is read changed."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this.destination_config[0].on_failure[0].destination_arn == aws_sqs_queue.dead_letter.arn
    error_message = "What Lambda gives up must be in the dead-letter queue."
  }

  assert {
    condition     = aws_sqs_queue.dead_letter.message_retention_seconds == 1209600 && aws_sqs_queue.dead_letter.sqs_managed_sse_enabled
    error_message = "SQS keeps messages for 14 days at most, and encrypts them."
  }
}

run "settings_reach_the_function_and_the_mapping" {
  variables {
    package        = { path = "versions.tf" } # any file; nothing runs it
    function       = { memory_megabytes = 1024, timeout_seconds = 29, reserved_concurrency = 3, architecture = "x86_64", log_level = "DEBUG", log_retention_days = 365 }
    new_deliveries = true
    stream = { # the largest values
      enabled                    = false
      batch_size                 = 10000
      batching_window_seconds    = 300
      parallelization_factor     = 10
      maximum_record_age_seconds = 72000
      maximum_retry_attempts     = 10000
    }
  }

  assert {
    condition = (
      module.function.lambda.filename == "versions.tf" &&
      module.function.lambda.memory_size == 1024 &&
      module.function.lambda.timeout == 29 &&
      module.function.lambda.reserved_concurrent_executions == 3 &&
      module.function.lambda.architectures == tolist(["x86_64"]) &&
      module.function.log_group.retention_in_days == 365
    )
    error_message = "The settings must reach the function and the log group."
  }

  assert {
    condition = (
      !aws_lambda_event_source_mapping.this.enabled &&
      aws_lambda_event_source_mapping.this.batch_size == 10000 &&
      aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds == 300 &&
      aws_lambda_event_source_mapping.this.parallelization_factor == 10 &&
      aws_lambda_event_source_mapping.this.maximum_record_age_in_seconds == 72000 &&
      aws_lambda_event_source_mapping.this.maximum_retry_attempts == 10000
    )
    error_message = "The settings must reach the mapping."
  }

  assert {
    condition     = module.function.lambda.environment[0].variables.NEW_DELIVERIES == "true"
    error_message = "The function must be told."
  }
}
