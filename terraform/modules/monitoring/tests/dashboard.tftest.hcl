# The dashboard as it is sent to CloudWatch; tests/terraform/test_dashboard.py reads all of it from these runs.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  feedback = {
    function_name          = "mailing-feedback"
    log_group_name         = "/aws/lambda/mailing-feedback"
    dead_letter_queue_name = "mailing-feedback-dead-letter"
    queue_name             = "mailing-feedback"
  }
  lookup = {
    api_name       = "mailing-lookup"
    stage_name     = "v1"
    function_name  = "mailing-lookup"
    log_group_name = "/aws/lambda/mailing-lookup"
  }
  changes = {
    function_name          = "mailing-changes"
    log_group_name         = "/aws/lambda/mailing-changes"
    dead_letter_queue_name = "mailing-changes-dead-letter"
  }
}

run "everything" {
  assert {
    condition     = aws_cloudwatch_dashboard.this.dashboard_name == "mailing-eu-west-1" && output.dashboard_name == "mailing-eu-west-1"
    error_message = "The dashboard must be named after the stack and its region."
  }

  assert {
    condition     = toset(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.alarms) == toset(values(output.alarm_arns))
    error_message = "The dashboard must show every alarm."
  }
}

run "as_little_as_possible" {
  variables {
    feedback = {
      function_name          = "mailing-feedback"
      log_group_name         = "/aws/lambda/mailing-feedback"
      dead_letter_queue_name = "mailing-feedback-dead-letter"
    }
    lookup        = null
    changes       = null
    rates         = { bounce_percent = 0, complaint_percent = 0, reputation = false }
    silence_hours = 0
  }

  assert {
    condition     = !strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "AgeOfOldest") && !strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "HardBounces")
    error_message = "The dashboard must show neither a queue nor rates that there are not."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "Reputation.BounceRate")
    error_message = "What SES itself reports must be shown all the same."
  }
}
