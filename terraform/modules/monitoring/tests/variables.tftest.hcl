# The smallest and largest values that are accepted. tests/terraform/test_refused.py has those that are not.

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
}

run "smallest" {
  command = plan

  variables {
    name              = "abc"
    rates             = { bounce_percent = 0.01, complaint_percent = 0.01, minimum_recipients = 1 }
    silence_hours     = 1
    queue_age_seconds = 60
  }
}

run "largest" {
  command = plan

  variables {
    silence_hours     = 168 # times an hour: the seven days that CloudWatch looks back
    queue_age_seconds = 1209599
  }
}
