# What each variable refuses.

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

run "name_is_short_enough" {
  command = plan

  variables {
    name = "a-name-that-with-its-ending-is-longer-than-a-function-may-be"
  }

  expect_failures = [var.name]
}

run "table_has_a_stream" {
  command = plan

  variables {
    feedback = { table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing" } }
  }

  expect_failures = [var.feedback]
}

run "table_is_named_by_its_arn" {
  command = plan

  variables {
    feedback = {
      table = {
        name       = "people"
        arn        = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
        stream_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/stream/2026-03-10T12:00:00.000"
      }
    }
  }

  expect_failures = [var.feedback]
}

run "key_is_no_alias" {
  command = plan

  variables {
    feedback = {
      table = {
        name       = "mailing"
        arn        = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
        stream_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/stream/2026-03-10T12:00:00.000"
      }
      kms_key_arn = "alias/aws/sqs"
    }
  }

  expect_failures = [var.feedback]
}

run "bus_is_given_or_created" {
  command = plan

  variables {
    bus = { arn = "arn:aws:events:eu-west-1:123456789012:event-bus/company", create = true }
  }

  expect_failures = [var.bus]
}

run "bus_is_named_by_its_arn" {
  command = plan

  variables {
    bus = { arn = "company" }
  }

  expect_failures = [var.bus]
}

run "batch_size_is_what_lambda_takes" {
  command = plan

  variables {
    stream = { batch_size = 10001 }
  }

  expect_failures = [var.stream]
}

run "window_is_what_lambda_takes" {
  command = plan

  variables {
    stream = { batching_window_seconds = 301 }
  }

  expect_failures = [var.stream]
}

run "factor_is_what_lambda_takes" {
  command = plan

  variables {
    stream = { parallelization_factor = 11 }
  }

  expect_failures = [var.stream]
}

run "age_leaves_time_to_bring_changes_back" {
  command = plan

  variables {
    stream = { maximum_record_age_seconds = 86400 }
  }

  expect_failures = [var.stream]
}

run "retries_are_a_number_or_unlimited" {
  command = plan

  variables {
    stream = { maximum_retry_attempts = -2 }
  }

  expect_failures = [var.stream]
}
