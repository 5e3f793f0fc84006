# The smallest and largest values that are accepted. tests/terraform/test_refused.py has those that are not.

mock_provider "aws" {
  source = "../../tests/mocks"
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

run "largest_with_a_visibility_timeout_that_sqs_allows" {
  command = plan

  variables {
    name            = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    rules           = { soft_bounce_limit = 16, soft_bounce_window_days = 3650, delivery_refresh_days = 365 }
    function        = { memory_megabytes = 10240, timeout_seconds = 900, log_retention_days = 3653 }
    queue           = { batch_size = 10000, batching_window_seconds = 300, max_receive_count = 1000, maximum_concurrency = 1000 }
    table           = { expire_days = 3650 }
    kms_key_arn     = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-11112222333344445555666677778888"
    ses_source_arns = ["arn:aws:ses:eu-west-1:123456789012:configuration-set/news"]
  }

  assert {
    condition     = aws_sqs_queue.this[0].visibility_timeout_seconds <= 43200
    error_message = "SQS allows a visibility timeout of at most 12 hours."
  }
}

run "batch_of_10_without_a_window_and_least_concurrency" {
  command = plan

  variables {
    queue = { batch_size = 10, batching_window_seconds = 0, maximum_concurrency = 2 }
  }
}
