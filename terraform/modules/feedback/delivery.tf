# From the topic to the function, in either mode. No filter policy: SNS drops a body that it cannot parse, unseen.

resource "aws_sns_topic_subscription" "this" {
  topic_arn            = aws_sns_topic.this.arn
  protocol             = local.queued ? "sqs" : "lambda"
  endpoint             = local.queued ? local.arns.queue : local.arns.function
  raw_message_delivery = local.queued

  # For what SNS cannot hand over: it does not retry errors such as a queue that was deleted (Amazon SNS Developer Guide,
  # "Amazon SNS dead-letter queues"). What the function fails at, the queue redrives, or Lambda sends to the on-failure
  # destination.
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letter.arn })

  depends_on = [aws_sqs_queue.this, module.function, aws_lambda_permission.this]

  lifecycle {
    # SNS drops what is published while nobody subscribes, as would be the case between the old mode and the new one.
    create_before_destroy = true
  }
}

resource "aws_lambda_event_source_mapping" "this" {
  count = local.has_queue ? 1 : 0

  event_source_arn                   = aws_sqs_queue.this[0].arn
  function_name                      = module.function.lambda.arn
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
  count = local.queued ? 0 : 1

  statement_id  = "TopicInvokesFunction" # another would replace the permission of a live stack
  action        = "lambda:InvokeFunction"
  function_name = module.function.lambda.function_name
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.this.arn
}

resource "aws_lambda_function_event_invoke_config" "this" {
  count = local.queued ? 0 : 1

  function_name                = module.function.lambda.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600 # six hours, the longest there is

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letter.arn
    }
  }
}
