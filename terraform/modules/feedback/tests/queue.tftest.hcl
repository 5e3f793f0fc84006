# Delivery through the queue, the default.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "topic_reaches_the_function_through_the_queue" {
  assert {
    condition = (
      length(aws_sns_topic_subscription.function) == 0 &&
      aws_sns_topic_subscription.queue[0].protocol == "sqs" &&
      aws_sns_topic_subscription.queue[0].endpoint == aws_sqs_queue.this[0].arn &&
      aws_sns_topic_subscription.queue[0].topic_arn == module.topic[0].arn &&
      aws_lambda_event_source_mapping.this[0].enabled &&
      aws_lambda_event_source_mapping.this[0].event_source_arn == aws_sqs_queue.this[0].arn &&
      aws_lambda_event_source_mapping.this[0].function_name == module.function.lambda.arn
    )
    error_message = "The topic is not subscribed by the queue, or the queue is not read by the function."
  }

  assert {
    condition     = aws_sns_topic_subscription.queue[0].raw_message_delivery
    error_message = "The queue must get SES's message itself, not SNS's envelope."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this[0].function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "Without partial batch responses one bad message fails its whole batch."
  }

  assert {
    condition     = length(aws_lambda_permission.this) == 0 && length(aws_lambda_function_event_invoke_config.this) == 0
    error_message = "Nothing may call the function past the queue."
  }

  assert {
    condition     = aws_sns_topic_subscription.queue[0].filter_policy == null
    error_message = "A filter policy drops messages without a trace."
  }

  assert {
    condition     = output.queue_arn == aws_sqs_queue.this[0].arn && output.queue_url == aws_sqs_queue.this[0].url
    error_message = "The outputs must name the queue."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.this[0].batch_size == 1000 &&
      aws_lambda_event_source_mapping.this[0].maximum_batching_window_in_seconds == 5 &&
      length(aws_lambda_event_source_mapping.this[0].scaling_config) == 0
    )
    error_message = "The default batch is up to 1,000 messages or 5 seconds, with no limit on concurrency."
  }

  assert {
    condition     = aws_sqs_queue.this[0].message_retention_seconds == 1209600 && aws_sqs_queue.dead_letter.message_retention_seconds == 1209600
    error_message = "Both queues keep messages for 14 days."
  }
}

run "settings_reach_the_queue_and_the_mapping" {
  command = plan

  variables {
    function = { timeout_seconds = 100, reserved_concurrency = 20 }
    queue    = { batching_window_seconds = 20, maximum_concurrency = 10, enabled = false }
  }

  assert {
    condition     = aws_sqs_queue.this[0].visibility_timeout_seconds == 620
    error_message = "The visibility timeout must be six times the function's timeout plus the batching window."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.this[0].scaling_config[0].maximum_concurrency == 10 &&
      module.function.lambda.reserved_concurrent_executions == 20
    )
    error_message = "The limits must reach the event source mapping and the function."
  }

  assert {
    condition     = !aws_lambda_event_source_mapping.this[0].enabled
    error_message = "Messages must wait in the queue."
  }
}

run "what_keeps_failing_or_cannot_be_delivered_goes_to_the_dead_letter_queue" {
  variables {
    queue = { max_receive_count = 7 }
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this[0].redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn, maxReceiveCount = 7 }
    error_message = "The queue must give a message to the dead-letter queue after max_receive_count tries."
  }

  assert {
    condition     = jsondecode(aws_sns_topic_subscription.queue[0].redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead_letter.arn
    error_message = "SNS must keep what it cannot deliver to the queue."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.dead_letter.redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = ["arn:aws:sqs:eu-west-1:123456789012:mailing-feedback"]
    }
    error_message = "Only the module's own queue may use the dead-letter queue."
  }
}

run "queue_must_not_call_more_often_than_the_function_may_run" {
  command = plan

  variables {
    function = { reserved_concurrency = 5 }
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "queue_may_not_ask_for_more_concurrency_than_the_function_has" {
  command = plan

  variables {
    function = { reserved_concurrency = 5 }
    queue    = { maximum_concurrency = 6 }
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}
