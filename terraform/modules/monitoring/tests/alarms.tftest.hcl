# Which alarms there are, what they watch and whom they tell.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name = "other"
  feedback = {
    function_name          = "other-feedback"
    log_group_name         = "/aws/lambda/other-feedback"
    dead_letter_queue_name = "other-feedback-dead-letter"
    queue_name             = "other-feedback"
  }
}

run "every_problem_has_an_alarm_that_says_what_to_do" {
  variables {
    alarm_topic_arn = "arn:aws:sns:eu-west-1:123456789012:on-call"
    tags            = { team = "mail" }
  }

  assert {
    condition     = join(" ", keys(output.alarm_arns)) == "bounce-rate complaint-rate dead-letters errors queue-age silence throttles"
    error_message = "An alarm is missing."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.rate), aws_cloudwatch_metric_alarm.silence) :
      length(alarm.alarm_description) > 100 && length(alarm.alarm_description) <= 1024 && # CloudWatch's limit
      startswith(alarm.alarm_name, "other-") && alarm.tags == var.tags &&
      alarm.alarm_actions == toset([var.alarm_topic_arn]) && alarm.ok_actions == toset([var.alarm_topic_arn])
    ])
    error_message = "Each alarm must say what to do, and tell the topic when it goes off and when it is over."
  }

  assert {
    condition = {
      for problem, alarm in aws_cloudwatch_metric_alarm.this :
      problem => "${alarm.statistic} of ${alarm.metric_name} of ${one(values(alarm.dimensions))} over ${alarm.threshold}, ${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} times ${alarm.period} s"
      } == {
      dead-letters = "Maximum of ApproximateNumberOfMessagesVisible of other-feedback-dead-letter over 0, 1 of 1 times 300 s"
      queue-age    = "Maximum of ApproximateAgeOfOldestMessage of other-feedback over 900, 1 of 1 times 300 s"
      errors       = "Sum of Errors of other-feedback over 0, 2 of 3 times 300 s"
      throttles    = "Sum of Throttles of other-feedback over 0, 2 of 3 times 300 s"
    }
    error_message = "An alarm watches something else."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      alarm.comparison_operator == "GreaterThanThreshold" && alarm.treat_missing_data == "notBreaching"
    ])
    error_message = "What is idle reports nothing, and that is no problem."
  }
}

run "silence_is_a_day_without_a_call" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.silence[0].metric_name == "Invocations" &&
      aws_cloudwatch_metric_alarm.silence[0].dimensions == tomap({ FunctionName = "other-feedback" }) &&
      aws_cloudwatch_metric_alarm.silence[0].comparison_operator == "LessThanThreshold" &&
      aws_cloudwatch_metric_alarm.silence[0].threshold == 1 &&
      aws_cloudwatch_metric_alarm.silence[0].period == 3600 &&
      aws_cloudwatch_metric_alarm.silence[0].evaluation_periods == 24 &&
      aws_cloudwatch_metric_alarm.silence[0].datapoints_to_alarm == 24 &&
      aws_cloudwatch_metric_alarm.silence[0].treat_missing_data == "breaching"
    )
    error_message = "A function that is never called reports nothing, and exactly that must set the alarm off."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.silence[0].alarm_actions) == 0
    error_message = "Without a topic alarms only show."
  }
}

run "rates_are_of_recipients_by_the_day" {
  command = plan

  variables {
    rates = { complaint_percent = 0.05, minimum_recipients = 200 }
  }

  assert {
    condition     = { for rate, alarm in aws_cloudwatch_metric_alarm.rate : rate => "${alarm.comparison_operator} ${alarm.threshold}" } == { bounce = "GreaterThanThreshold 5", complaint = "GreaterThanThreshold 0.05" }
    error_message = "The thresholds must be the ones asked for, else those from which SES reviews an account."
  }

  assert {
    condition = { for rate, alarm in aws_cloudwatch_metric_alarm.rate : rate => [for query in alarm.metric_query : query.expression if query.return_data == true] } == {
      bounce    = ["IF(recipients >= 200, 100 * FILL(hard_bounces, 0) / recipients, 0)"]
      complaint = ["IF(recipients >= 200, 100 * FILL(complaints, 0) / recipients, 0)"]
    }
    error_message = "Days with too few recipients must not count."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.rate :
      one([for query in alarm.metric_query : query.expression if query.id == "recipients"]) == "FILL(hard_bounces, 0) + FILL(deliveries, 0)" &&
      alltrue([for metric in flatten([for query in alarm.metric_query : query.metric]) : metric.period == 86400 && metric.stat == "Sum" && metric.namespace == "HealthyMailing" && metric.dimensions == tomap({ FunctionName = "other-feedback" })])
    ])
    error_message = "All must be counted by the day, of the recipients that SES reported on."
  }

  assert {
    condition = { for rate, alarm in aws_cloudwatch_metric_alarm.rate : rate => join(" ", sort([for metric in flatten([for query in alarm.metric_query : query.metric]) : metric.metric_name])) } == {
      bounce    = "Deliveries HardBounces"
      complaint = "Complaints Deliveries HardBounces"
    }
    error_message = "A metric that an alarm does not need costs all the same."
  }
}

run "alarms_can_be_left_out" {
  command = plan

  variables {
    feedback = {
      function_name          = "other-feedback"
      log_group_name         = "/aws/lambda/other-feedback"
      dead_letter_queue_name = "other-feedback-dead-letter"
    }
    rates         = { bounce_percent = 0, complaint_percent = 0 }
    silence_hours = 0
  }

  assert {
    condition     = join(" ", sort(keys(aws_cloudwatch_metric_alarm.this))) == "dead-letters errors throttles"
    error_message = "Without a queue there is no age to watch."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.rate) == 0 && length(aws_cloudwatch_metric_alarm.silence) == 0
    error_message = "Zero must switch an alarm off."
  }
}
