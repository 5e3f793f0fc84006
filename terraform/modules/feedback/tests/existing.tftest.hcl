# A table and a topic that others made.

mock_provider "aws" {
  source = "../../tests/mocks"

  mock_data "aws_dynamodb_table" {
    defaults = {
      arn                    = "arn:aws:dynamodb:eu-west-1:123456789012:table/recipients"
      hash_key               = "UserId"
      range_key              = null
      attribute              = [{ name = "UserId", type = "S" }]
      global_secondary_index = []
    }
  }
}

variables {
  table = { existing = "recipients", index = false }
  topic = { existing = { arn = "arn:aws:sns:eu-west-1:123456789012:ses-notifications" } }
}

run "they_are_used_and_none_is_created" {
  assert {
    condition     = length(aws_dynamodb_table.this) == 0 && length(module.topic) == 0
    error_message = "There must be no second table or topic."
  }

  assert {
    condition     = output.table.name == "recipients" && output.table.arn == "arn:aws:dynamodb:eu-west-1:123456789012:table/recipients" && !output.table.index
    error_message = "Module lookup must be told of the existing table."
  }

  assert {
    condition     = module.function.lambda.environment[0].variables.TABLE_NAME == "recipients"
    error_message = "The function must use the existing table."
  }

  assert {
    condition     = aws_sns_topic_subscription.queue[0].topic_arn == var.topic.existing.arn && output.topic_arn == var.topic.existing.arn
    error_message = "The queue must subscribe to the existing topic."
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.queue.statement[0].condition).values) == var.topic.existing.arn
    error_message = "The queues must take messages of the existing topic."
  }

  assert {
    condition     = one([for each in data.aws_iam_policy_document.role.statement : one(each.resources) if each.sid == "AllowReadWriteTable"]) == "arn:aws:dynamodb:eu-west-1:123456789012:table/recipients"
    error_message = "The role must name the existing table."
  }
}

run "a_table_that_lacks_the_index" {
  command = plan

  variables {
    table = { existing = "recipients" }
  }

  expect_failures = [data.aws_dynamodb_table.existing]
}

run "a_table_that_keeps_what_expires" {
  command = plan

  variables {
    table = { existing = "recipients", index = false, expire_days = 365 }
  }

  expect_failures = [data.aws_dynamodb_table.existing]
}

run "more_topics_need_the_queue" {
  command = plan

  variables {
    delivery              = "direct"
    queue                 = { keep = false }
    additional_topic_arns = ["arn:aws:sns:us-east-1:999999999999:feedback"]
  }

  expect_failures = [aws_sqs_queue.dead_letter, terraform_data.delivery]
}

run "a_topic_of_another_region_is_refused" {
  command = plan

  variables {
    topic = { existing = { arn = "arn:aws:sns:us-east-1:123456789012:ses-notifications" } }
  }

  expect_failures = [output.topic_arn]
}
