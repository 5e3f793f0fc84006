# Values that are refused, and the nearest ones that are not.

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

run "too_small_or_no_name" {
  command = plan

  variables {
    name = "ab"
    feedback = {
      function_name          = "arn:aws:lambda:eu-west-1:123456789012:function:mailing-feedback"
      log_group_name         = "/aws/lambda/mailing-feedback"
      dead_letter_queue_name = "https://sqs.eu-west-1.amazonaws.com/123456789012/mailing-feedback-dead-letter"
    }
    alarm_topic_arn   = "on-call"
    rates             = { bounce_percent = -1 }
    silence_hours     = -1
    queue_age_seconds = 59
  }

  expect_failures = [var.name, var.feedback, var.alarm_topic_arn, var.rates, var.silence_hours, var.queue_age_seconds]
}

run "too_large" {
  command = plan

  variables {
    alarm_topic_arn   = "arn:aws:sns:eu-west-1:123456789012:on-call.fifo"
    rates             = { complaint_percent = 100 }
    silence_hours     = 169
    queue_age_seconds = 1209600
  }

  expect_failures = [var.alarm_topic_arn, var.rates, var.silence_hours, var.queue_age_seconds]
}

run "not_a_whole_number" {
  command = plan

  variables {
    rates             = { minimum_recipients = 0.5 }
    silence_hours     = 1.5
    queue_age_seconds = 60.5
  }

  expect_failures = [var.rates, var.silence_hours, var.queue_age_seconds]
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
