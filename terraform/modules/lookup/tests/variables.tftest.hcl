# The smallest and largest values that are accepted. tests/terraform/test_refused.py has those that are not.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  feedback = {
    table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing" }
    rules = {}
  }
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
