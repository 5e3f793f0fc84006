# What everything is called. Nothing is applied here: what exists keeps its name.

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

run "names_start_with_the_name_and_tags_are_on_everything_that_can_have_them" {
  command = plan

  variables {
    name = "news"
    bus  = { create = true }
    tags = { team = "post" }
  }

  assert {
    condition = (
      module.function.lambda.function_name == "news-changes" &&
      module.function.log_group.name == "/aws/lambda/news-changes" &&
      aws_sqs_queue.dead_letter.name == "news-changes-dead-letter" &&
      aws_cloudwatch_event_bus.this[0].name == "news-changes"
    )
    error_message = "Two copies with different names must not meet."
  }

  assert {
    condition = alltrue([
      for tags in [
        aws_cloudwatch_event_bus.this[0].tags, aws_lambda_event_source_mapping.this.tags, aws_sqs_queue.dead_letter.tags,
        module.function.lambda.tags, module.function.log_group.tags,
      ] : tags == tomap({ team = "post" })
    ])
    error_message = "A tag is missing somewhere."
  }
}
