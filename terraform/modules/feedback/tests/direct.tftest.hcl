# Delivery straight from the topic to the function, as in the original article.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  delivery = "direct"
  queue    = { keep = false }
}

run "topic_calls_the_function_and_nothing_is_lost_when_it_fails" {
  assert {
    condition = (
      length(aws_sns_topic_subscription.queue) == 0 &&
      aws_sns_topic_subscription.function[0].protocol == "lambda" &&
      aws_sns_topic_subscription.function[0].endpoint == module.function.lambda.arn &&
      aws_sns_topic_subscription.function[0].topic_arn == module.topic[0].arn &&
      aws_sns_topic_subscription.function[0].raw_message_delivery == null
    )
    error_message = "The function must subscribe to the topic; SNS offers no raw delivery to Lambda."
  }

  assert {
    condition     = length(aws_sqs_queue.this) == 0 && length(aws_lambda_event_source_mapping.this) == 0
    error_message = "There must be no queue that nobody reads."
  }

  assert {
    condition     = output.queue_arn == null && output.queue_url == null
    error_message = "The outputs must say that there is no queue."
  }

  assert {
    condition = (
      aws_lambda_permission.this[0].principal == "sns.amazonaws.com" &&
      aws_lambda_permission.this[0].action == "lambda:InvokeFunction" &&
      aws_lambda_permission.this[0].source_arn == module.topic[0].arn &&
      aws_lambda_permission.this[0].function_name == module.function.lambda.function_name
    )
    error_message = "The permission must be for this topic and this function."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.this[0].maximum_retry_attempts == 2 &&
      aws_lambda_function_event_invoke_config.this[0].maximum_event_age_in_seconds == 21600 &&
      aws_lambda_function_event_invoke_config.this[0].destination_config[0].on_failure[0].destination == aws_sqs_queue.dead_letter.arn
    )
    error_message = "Lambda must retry twice and then send the event to the dead-letter queue."
  }

  assert {
    condition     = jsondecode(aws_sns_topic_subscription.function[0].redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead_letter.arn
    error_message = "SNS must keep what it cannot hand over to Lambda."
  }
}
