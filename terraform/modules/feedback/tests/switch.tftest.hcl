# A change of `delivery` keeps what holds data. A mocked resource gets new random values when its address changes; that a
# changed name makes a new resource is something that mocks do not know.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "queue" {}

run "not_in_one_step" {
  command = plan

  variables {
    delivery = "direct"
  }

  expect_failures = [terraform_data.delivery]
}

run "both" {
  variables {
    delivery = "both"
  }

  assert {
    condition     = aws_sns_topic_subscription.queue[0].protocol == "sqs" && aws_sns_topic_subscription.function[0].protocol == "lambda"
    error_message = "On the way between the modes, the topic must reach both."
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.this) == 1 && length(aws_lambda_permission.this) == 1
    error_message = "Both ways must end in the function."
  }
}

run "direct_keeps_the_queue" {
  variables {
    delivery = "direct"
  }

  assert {
    condition     = output.table_arn == run.queue.table_arn
    error_message = "The table was replaced."
  }

  assert {
    condition     = output.dead_letter_queue_url == run.queue.dead_letter_queue_url
    error_message = "The dead-letter queue was replaced."
  }

  assert {
    condition = (
      aws_dynamodb_table.this[0].name == "mailing" &&
      aws_sqs_queue.dead_letter.name == "mailing-feedback-dead-letter" &&
      module.topic[0].name == "mailing-feedback"
    )
    error_message = "Table, dead-letter queue and topic must have the same names in both modes."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.queue) == 0 && aws_sns_topic_subscription.function[0].protocol == "lambda"
    error_message = "With delivery direct, the topic must call the function, and only that."
  }

  assert {
    condition     = length(aws_sqs_queue.this) == 1 && length(aws_lambda_event_source_mapping.this) == 1
    error_message = "A change of delivery must not delete the queue, which the function must go on to empty."
  }
}

run "the_queue_goes_when_it_is_told_to" {
  variables {
    delivery = "direct"
    queue    = { keep = false }
  }

  assert {
    condition     = length(aws_sqs_queue.this) == 0 && length(aws_lambda_event_source_mapping.this) == 0
    error_message = "With queue.keep = false there must be no queue."
  }
}

run "not_back_in_one_step" {
  command = plan

  expect_failures = [terraform_data.delivery]
}

run "both_again" {
  variables {
    delivery = "both"
  }
}

run "queue_again" {
  assert {
    condition     = output.table_arn == run.queue.table_arn && output.dead_letter_queue_url == run.queue.dead_letter_queue_url
    error_message = "The table or the dead-letter queue was replaced."
  }

  assert {
    condition     = output.queue_url != run.queue.queue_url
    error_message = "This test cannot tell new resources from old ones."
  }
}
