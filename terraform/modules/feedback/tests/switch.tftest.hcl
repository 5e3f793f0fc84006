# A change of `delivery` keeps what holds data. A mocked resource gets new random values when its address changes; that a
# changed name makes a new resource is something that mocks do not know.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "queue" {}

run "direct" {
  variables {
    delivery = "direct"
  }

  assert {
    condition     = output.table_arn == run.queue.table_arn
    error_message = "The table was created anew."
  }

  assert {
    condition     = output.dead_letter_queue_url == run.queue.dead_letter_queue_url
    error_message = "The dead-letter queue was created anew."
  }

  assert {
    condition = (
      aws_dynamodb_table.this.name == "mailing" &&
      aws_sqs_queue.dead_letter.name == "mailing-feedback-dead-letter" &&
      aws_sns_topic.this.name == "mailing-feedback"
    )
    error_message = "Table, dead-letter queue and topic must have the same names in both modes."
  }
}

run "direct_with_the_queue_kept" {
  variables {
    delivery = "direct"
    queue    = { keep = true }
  }

  assert {
    condition     = aws_sns_topic_subscription.this.protocol == "lambda"
    error_message = "With delivery direct, the topic must call the function."
  }

  assert {
    condition     = length(aws_sqs_queue.this) == 1 && length(aws_lambda_event_source_mapping.this) == 1
    error_message = "A queue that is kept must still be emptied by the function."
  }
}

run "queue_again" {
  assert {
    condition     = output.table_arn == run.queue.table_arn && output.dead_letter_queue_url == run.queue.dead_letter_queue_url
    error_message = "The table or the dead-letter queue was created anew."
  }

  assert {
    condition     = output.queue_url != run.queue.queue_url
    error_message = "This test cannot tell new resources from old ones."
  }
}
