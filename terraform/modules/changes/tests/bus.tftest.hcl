# Which bus gets the events.

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

run "the_accounts_default_bus_and_a_pattern_of_this_table_for_its_rules" {
  command = plan

  assert {
    condition = (
      length(aws_cloudwatch_event_bus.this) == 0 &&
      output.bus_arn == "arn:aws:events:eu-west-1:123456789012:event-bus/default" &&
      output.bus_name == "default"
    )
    error_message = "Without a choice the events go to the account's default bus, and none is created."
  }

  assert {
    condition = jsondecode(output.event_pattern) == {
      source        = ["healthy-mailing"]
      "detail-type" = ["Address State Changed"]
      resources     = ["arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"]
    }
    error_message = "The pattern must match the events of this table, and no others."
  }

  assert {
    condition = (
      jsondecode(output.event_schema).properties.source.enum == jsondecode(output.event_pattern).source &&
      jsondecode(output.event_schema).properties["detail-type"].enum == jsondecode(output.event_pattern)["detail-type"]
    )
    error_message = "Schema and pattern must be of the same events."
  }
}

run "a_bus_of_its_own_and_the_function_may_use_no_other" {
  command = plan

  variables {
    bus = { create = true }
  }

  assert {
    condition     = output.bus_arn == "arn:aws:events:eu-west-1:123456789012:event-bus/mailing-changes" && output.bus_name == "mailing-changes"
    error_message = "The events must go to the bus that is created."
  }

  assert {
    condition     = [for each in data.aws_iam_policy_document.role.statement : one(each.resources) if each.sid == "AllowPutEvents"] == ["arn:aws:events:eu-west-1:123456789012:event-bus/mailing-changes"]
    error_message = "The function may put events on its own bus, and on no other."
  }
}

run "a_bus_of_another_account" {
  variables {
    bus = { arn = "arn:aws:events:eu-west-1:999999999999:event-bus/company/mail" }
  }

  assert {
    condition = (
      length(aws_cloudwatch_event_bus.this) == 0 &&
      module.function.lambda.environment[0].variables.EVENT_BUS == "arn:aws:events:eu-west-1:999999999999:event-bus/company/mail" &&
      output.bus_name == "company/mail"
    )
    error_message = "The events must go to the bus that is given."
  }
}

run "a_bus_of_another_region_is_refused" {
  command = plan

  variables {
    bus = { arn = "arn:aws:events:us-east-1:123456789012:event-bus/default" }
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}
