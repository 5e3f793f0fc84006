# Values that are refused, and the nearest ones that are not. A run takes time, so each refuses one value of several variables.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "too_small_or_short" {
  command = plan

  variables {
    name  = "ab"
    rules = { soft_bounce_limit = 0 }
    queue = { batch_size = 0 }
    table = { name = "ab" }
  }

  expect_failures = [var.name, var.rules, var.queue, var.table]
}

run "too_large_or_long" {
  command = plan

  variables {
    name  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    rules = { soft_bounce_limit = 17 }
    queue = { batch_size = 10001 }
    table = { name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
  }

  expect_failures = [var.name, var.rules, var.queue, var.table]
}

run "not_a_whole_number" {
  command = plan

  variables {
    rules = { soft_bounce_limit = 1.5 }
    queue = { batch_size = 1.5 }
  }

  expect_failures = [var.rules, var.queue]
}

run "times_too_short" {
  command = plan

  variables {
    rules = { soft_bounce_window_days = 0 }
    queue = { batching_window_seconds = -1 }
  }

  expect_failures = [var.rules, var.queue]
}

run "times_too_long" {
  command = plan

  variables {
    rules = { soft_bounce_window_days = 3651 }
    queue = { batching_window_seconds = 301 }
  }

  expect_failures = [var.rules, var.queue]
}

run "other_numbers_too_small" {
  command = plan

  variables {
    rules = { delivery_refresh_days = 0 }
    queue = { max_receive_count = 0 }
  }

  expect_failures = [var.rules, var.queue]
}

run "other_numbers_too_large" {
  command = plan

  variables {
    rules = { delivery_refresh_days = 366 }
    queue = { max_receive_count = 1001 }
  }

  expect_failures = [var.rules, var.queue]
}

run "other_numbers_not_whole" {
  command = plan

  variables {
    rules = { soft_bounce_window_days = 1.5 }
    queue = { max_receive_count = 1.5 }
  }

  expect_failures = [var.rules, var.queue]
}

run "days_not_whole_and_too_little_concurrency" {
  command = plan

  variables {
    rules = { delivery_refresh_days = 1.5 }
    queue = { maximum_concurrency = 1 }
  }

  expect_failures = [var.rules, var.queue]
}

run "too_much_concurrency" {
  command = plan

  variables {
    queue = { maximum_concurrency = 1001 }
  }

  expect_failures = [var.queue]
}

run "batch_over_10_without_a_window" {
  command = plan

  variables {
    queue = { batch_size = 11, batching_window_seconds = 0 }
  }

  expect_failures = [var.queue]
}

run "addresses_that_expire_too_soon" {
  command = plan

  variables {
    table = { expire_days = 29 }
  }

  expect_failures = [var.table]
}

run "addresses_that_expire_too_late" {
  command = plan

  variables {
    table = { expire_days = 3651 }
  }

  expect_failures = [var.table]
}

run "addresses_that_expire_within_a_day" {
  command = plan

  variables {
    table = { expire_days = 30.5 }
  }

  expect_failures = [var.table]
}

run "addresses_that_expire_as_late_as_they_may" {
  command = plan

  variables {
    table = { expire_days = 3650 }
  }
}

run "unknown_words_and_characters" {
  command = plan

  variables {
    name            = "a.b.c"
    delivery        = "http"
    table           = { name = "a/b/c" }
    ses_source_arns = ["*"]
    kms_key_arn     = "alias/aws/sns"
  }

  expect_failures = [var.name, var.delivery, var.table, var.ses_source_arns, var.kms_key_arn]
}

run "wrong_forms" {
  command = plan

  variables {
    name            = "-abc"
    ses_source_arns = ["arn:aws:s3:::bucket"]
    kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:alias/aws/sns"
  }

  expect_failures = [var.name, var.ses_source_arns, var.kms_key_arn]
}

run "key_without_its_arn" {
  command = plan

  variables {
    kms_key_arn = "11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [var.kms_key_arn]
}

run "smallest" {
  command = plan

  variables {
    name     = "abc"
    rules    = { soft_bounce_limit = 1, soft_bounce_window_days = 1, delivery_refresh_days = 1 }
    function = { memory_megabytes = 128, timeout_seconds = 3, reserved_concurrency = 0, log_retention_days = 0 }
    queue    = { batch_size = 1, batching_window_seconds = 0, max_receive_count = 1 }
  }
}

run "largest" {
  command = plan

  variables {
    name            = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    rules           = { soft_bounce_limit = 16, soft_bounce_window_days = 3650, delivery_refresh_days = 365 }
    function        = { memory_megabytes = 10240, timeout_seconds = 900, log_retention_days = 3653 }
    queue           = { batch_size = 10000, batching_window_seconds = 300, max_receive_count = 1000, maximum_concurrency = 1000 }
    kms_key_arn     = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-11112222333344445555666677778888"
    ses_source_arns = ["arn:aws:ses:eu-west-1:123456789012:configuration-set/news"]
  }
}

run "batch_of_10_without_a_window_and_least_concurrency" {
  command = plan

  variables {
    queue = { batch_size = 10, batching_window_seconds = 0, maximum_concurrency = 2 }
  }
}
