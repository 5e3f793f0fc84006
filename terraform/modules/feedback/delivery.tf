# From the topic to the function: through the queue, directly, or both. Each way has its own subscription, so a change by
# way of `both` adds the new one before it removes the old one. There is no filter policy, because SNS silently drops a
# body that it cannot parse.

locals {
  # For messages that SNS cannot deliver. It does not retry errors such as a deleted queue (Amazon SNS Developer Guide,
  # "Amazon SNS dead-letter queues"). Messages that the function fails on are redriven by the queue, or sent to the
  # on-failure destination by Lambda.
  subscription_redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letter.arn })
}

# Terraform can't add the new way before it removes the old one in the same apply, so what comes in between would be lost.
# The second resource keeps the `delivery` of the last apply, unless `both` comes or goes.
resource "terraform_data" "both" {
  input = var.delivery == "both"
}

resource "terraform_data" "delivery" {
  input = var.delivery

  lifecycle {
    ignore_changes       = [input]
    replace_triggered_by = [terraform_data.both]

    postcondition {
      condition     = self.output == var.delivery
      error_message = "A change of delivery from \"${self.output}\" to \"${var.delivery}\" in one step would lose the feedback that comes meanwhile. Apply delivery = \"both\" first."
    }
  }
}

# Do not set create_before_destroy here or on anything these depend on. It would spread to resources with fixed names, and
# SNS answers a second Subscribe with the ARN of the first subscription, which Terraform then removes. Do not take the
# endpoint from a data source either: it is unknown where the module has a `depends_on`.
resource "aws_sns_topic_subscription" "queue" {
  count = local.to_queue ? 1 : 0

  topic_arn            = local.topic_arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.this[0].arn
  raw_message_delivery = true
  redrive_policy       = local.subscription_redrive_policy

  # SNS delivers to the queue only once the function reads it.
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
  enabled                            = module.settings.queue.enabled
  batch_size                         = module.settings.queue.batch_size
  maximum_batching_window_in_seconds = module.settings.queue.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = var.tags

  dynamic "scaling_config" {
    for_each = module.settings.queue.maximum_concurrency == null ? [] : [module.settings.queue.maximum_concurrency]

    content {
      maximum_concurrency = scaling_config.value
    }
  }

  lifecycle {
    # Lambda begins with five calls at a time if nothing limits it (AWS Lambda Developer Guide, "Configuring scaling behavior
    # for SQS event source mappings"). A reserved concurrency of 0 stops the function.
    precondition {
      condition     = coalesce(module.settings.function.reserved_concurrency, 0) == 0 || coalesce(module.settings.queue.maximum_concurrency, 1001) <= coalesce(module.settings.function.reserved_concurrency, 0)
      error_message = "Set queue.maximum_concurrency to at most function.reserved_concurrency, which must then be at least 2. Otherwise Lambda throttles its own calls, and each throttled message uses up one of its tries."
    }
  }
}

# AWS deletes permissions and invoke settings with their function. A new function has the same name, so they would stay as
# they are in Terraform's state, unless its ARN, which is unknown until it exists, replaces them.
resource "terraform_data" "function" {
  input = module.function.lambda.arn
}

resource "aws_lambda_permission" "this" {
  count = local.to_function ? 1 : 0

  statement_id  = "TopicInvokesFunction" # a change would replace the permission of a live stack
  action        = "lambda:InvokeFunction"
  function_name = module.function.lambda.function_name
  principal     = "sns.amazonaws.com"
  source_arn    = local.topic_arn

  lifecycle {
    replace_triggered_by = [terraform_data.function]
  }
}

resource "aws_lambda_function_event_invoke_config" "this" {
  count = local.to_function ? 1 : 0

  function_name                = module.function.lambda.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600 # six hours, the maximum

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letter.arn
    }
  }

  lifecycle {
    replace_triggered_by = [terraform_data.function]
  }
}
