# Names are used once, when something is created.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  package = { path = "versions.tf" } # any file; nothing runs it
  queue   = { name = "feedback", dead_letter_name = "feedback-failed" }
  topic   = { name = "ses-notifications" }
  table   = { name = "recipients" }
}

run "names_start_with_the_name" {
  command = plan

  variables {
    queue = {}
    topic = {}
    table = {}
    name  = "news"
  }

  assert {
    condition = (
      aws_dynamodb_table.this[0].name == "news" &&
      module.topic[0].name == "news-feedback" &&
      aws_sqs_queue.this[0].name == "news-feedback" &&
      aws_sqs_queue.dead_letter.name == "news-feedback-dead-letter" &&
      module.function.lambda.function_name == "news-feedback" &&
      module.function.log_group.name == "/aws/lambda/news-feedback"
    )
    error_message = "Two copies with different names must not meet."
  }
}

run "names_of_ones_own" {
  assert {
    condition = {
      queue       = output.queue_name
      dead_letter = output.dead_letter_queue_name
      topic       = module.topic[0].name
      table       = output.table_name
      function    = output.function_name
      log_group   = output.log_group_name
      } == {
      queue       = "feedback"
      dead_letter = "feedback-failed"
      topic       = "ses-notifications"
      table       = "recipients"
      function    = "mailing-feedback"
      log_group   = "/aws/lambda/mailing-feedback"
    }
    error_message = "The names must be those that are given."
  }

  assert {
    condition     = one(jsondecode(aws_sqs_queue.dead_letter.redrive_allow_policy).sourceQueueArns) == "arn:aws:sqs:eu-west-1:123456789012:feedback"
    error_message = "The dead-letter queue must take messages from the queue of that name."
  }
}

run "other_names_later_change_nothing" {
  variables {
    name  = "other"
    queue = { name = "other", dead_letter_name = "other-failed" }
    topic = { name = "other" }
    table = { name = "other" }
  }

  assert {
    condition = alltrue([
      output.queue_name == run.names_of_ones_own.queue_name,
      output.queue_url == run.names_of_ones_own.queue_url,
      output.dead_letter_queue_url == run.names_of_ones_own.dead_letter_queue_url,
      output.topic_arn == run.names_of_ones_own.topic_arn,
      output.table_name == run.names_of_ones_own.table_name,
      output.function_name == run.names_of_ones_own.function_name,
      output.log_group_name == run.names_of_ones_own.log_group_name,
    ])
    error_message = "What exists must keep its name."
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.role.statement : each.sid => join(",", each.resources) } == {
      AllowReadWriteTable   = "arn:aws:dynamodb:eu-west-1:123456789012:table/recipients"
      AllowWriteLogs        = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/mailing-feedback:log-stream:*"
      AllowReceiveFromQueue = "arn:aws:sqs:eu-west-1:123456789012:feedback"
    }
    error_message = "The role must name what there is, not what there would be by the new names."
  }
}

run "both_queues_cannot_have_one_name" {
  command = plan

  variables {
    queue = { name = "other", dead_letter_name = "other" }
  }

  expect_failures = [aws_sqs_queue.dead_letter]
}
