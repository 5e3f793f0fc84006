# From the topic to the function: through the queue, directly, or both. A subscription for each way, so that a change
# between them, by way of `both`, adds the new one and only then takes away the old one. No filter policy: SNS drops a body
# that it cannot parse, unseen.

locals {
  # For what SNS cannot hand over: it does not retry errors such as a queue that was deleted (Amazon SNS Developer Guide,
  # "Amazon SNS dead-letter queues"). What the function fails at, the queue redrives, or Lambda sends to the on-failure
  # destination.
  subscription_redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letter.arn })
}

# No create_before_destroy, here or on what these depend on: it would spread to all of that, whose names are fixed, and SNS
# answers a second Subscribe with the ARN of the first, which is then removed. And no endpoint from a data source, which is
# unknown where the module has a `depends_on`.
resource "aws_sns_topic_subscription" "queue" {
  count = local.to_queue ? 1 : 0

  topic_arn            = local.topic_arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.this[0].arn
  raw_message_delivery = true
  redrive_policy       = local.subscription_redrive_policy

  # A message is handed over once it can be taken from there.
  depends_on = [aws_lambda_event_source_mapping.this]
}

resource "aws_sns_topic_subscription" "function" {
  count = local.to_function ? 1 : 0

  topic_arn      = local.topic_arn
  protocol       = "lambda"
  endpoint       = module.function.lambda.arn
  redrive_policy = local.subscription_redrive_policy

  depends_on = [aws_lambda_permission.this, aws_lambda_function_event_invoke_config.this]
}

resource "aws_lambda_event_source_mapping" "this" {
  count = local.has_queue ? 1 : 0

  event_source_arn                   = aws_sqs_queue.this[0].arn
  function_name                      = module.function.lambda.arn
  enabled                            = var.queue.enabled
  batch_size                         = var.queue.batch_size
  maximum_batching_window_in_seconds = var.queue.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = var.tags

  dynamic "scaling_config" {
    for_each = var.queue.maximum_concurrency == null ? [] : [var.queue.maximum_concurrency]

    content {
      maximum_concurrency = scaling_config.value
    }
  }

  lifecycle {
    # Lambda would throttle its own polling, and a throttled message comes a try closer to the dead-letter queue.
    precondition {
      condition     = var.function.reserved_concurrency == null || coalesce(var.queue.maximum_concurrency, 0) <= coalesce(var.function.reserved_concurrency, 0)
      error_message = "The queue.maximum_concurrency must not be more than function.reserved_concurrency."
    }
  }
}

resource "aws_lambda_permission" "this" {
  count = local.to_function ? 1 : 0

  statement_id  = "TopicInvokesFunction" # another would replace the permission of a live stack
  action        = "lambda:InvokeFunction"
  function_name = module.function.lambda.function_name
  principal     = "sns.amazonaws.com"
  source_arn    = local.topic_arn
}

resource "aws_lambda_function_event_invoke_config" "this" {
  count = local.to_function ? 1 : 0

  function_name                = module.function.lambda.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600 # six hours, the longest there is

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letter.arn
    }
  }
}
