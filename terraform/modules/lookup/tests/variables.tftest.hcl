# Every value that is refused, and the nearest ones that are not.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  feedback = {
    table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing" }
    rules = {}
  }
}

run "name_too_short" {
  command = plan

  variables {
    name = "ab"
  }

  expect_failures = [var.name]
}

run "name_with_a_dot" {
  command = plan

  variables {
    name = "a.b.c"
  }

  expect_failures = [var.name]
}

run "table_without_index" {
  command = plan

  variables {
    feedback = merge(var.feedback, { table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing", index = false } })
  }

  expect_failures = [var.feedback]
}

run "table_arn_of_something_else" {
  command = plan

  variables {
    feedback = merge(var.feedback, { table = { name = "mailing", arn = "arn:aws:sqs:eu-west-1:123456789012:mailing" } })
  }

  expect_failures = [var.feedback]
}

run "table_arn_of_another_table" {
  command = plan

  variables {
    feedback = merge(var.feedback, { table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/other" } })
  }

  expect_failures = [var.feedback]
}

run "table_arn_of_an_index" {
  command = plan

  variables {
    feedback = merge(var.feedback, { table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/index/a" } })
  }

  expect_failures = [var.feedback]
}

run "soft_bounce_limit_beyond_what_a_record_keeps" {
  command = plan

  variables {
    feedback = merge(var.feedback, { rules = { soft_bounce_limit = 17 } })
  }

  expect_failures = [var.feedback]
}

run "soft_bounce_window_of_nothing" {
  command = plan

  variables {
    feedback = merge(var.feedback, { rules = { soft_bounce_window_days = 0 } })
  }

  expect_failures = [var.feedback]
}

run "delivery_refresh_of_a_part_of_a_day" {
  command = plan

  variables {
    feedback = merge(var.feedback, { rules = { delivery_refresh_days = 0.5 } })
  }

  expect_failures = [var.feedback]
}

run "addresses_that_expire_too_soon" {
  command = plan

  variables {
    feedback = {
      table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing", expire_days = 29 }
      rules = {}
    }
  }

  expect_failures = [var.feedback]
}

run "timeout_longer_than_api_gateway_waits" {
  command = plan

  variables {
    function = { timeout_seconds = 30 }
  }

  expect_failures = [var.function]
}

run "timeout_too_short" {
  command = plan

  variables {
    function = { timeout_seconds = 2 }
  }

  expect_failures = [var.function]
}

run "no_requests_at_all" {
  command = plan

  variables {
    throttling = { requests_per_second = 0 }
  }

  expect_failures = [var.throttling]
}

run "burst_of_a_part" {
  command = plan

  variables {
    throttling = { burst = 1.5 }
  }

  expect_failures = [var.throttling]
}

run "caller_that_is_everybody" {
  command = plan

  variables {
    callers = ["*"]
  }

  expect_failures = [var.callers]
}

run "caller_that_is_a_service" {
  command = plan

  variables {
    callers = ["lambda.amazonaws.com"]
  }

  expect_failures = [var.callers]
}

run "caller_without_account" {
  command = plan

  variables {
    callers = ["arn:aws:iam:::role/sender"]
  }

  expect_failures = [var.callers]
}

run "key_by_alias" {
  command = plan

  variables {
    feedback = merge(var.feedback, { kms_key_arn = "alias/aws/dynamodb" })
  }

  expect_failures = [var.feedback]
}

run "largest_values" {
  command = plan

  variables {
    name     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    feedback = merge(var.feedback, { rules = { soft_bounce_limit = 16, soft_bounce_window_days = 3650, delivery_refresh_days = 365 } })
    function = { memory_megabytes = 10240, timeout_seconds = 29, log_retention_days = 0 }
    callers  = ["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/a/b", "arn:aws-cn:iam::123456789012:role/sender"]
  }
}

run "smallest_values" {
  command = plan

  variables {
    name       = "abc"
    feedback   = merge(var.feedback, { rules = { soft_bounce_limit = 1, soft_bounce_window_days = 1, delivery_refresh_days = 1 } })
    function   = { memory_megabytes = 128, timeout_seconds = 3, log_retention_days = 1 }
    throttling = { requests_per_second = 0.1, burst = 1 }
  }
}
