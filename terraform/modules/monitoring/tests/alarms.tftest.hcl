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
  lookup = {
    api_name       = "other-lookup"
    stage_name     = "v1"
    function_name  = "other-lookup"
    log_group_name = "/aws/lambda/other-lookup"
  }
  changes = {
    function_name          = "other-changes"
    log_group_name         = "/aws/lambda/other-changes"
    dead_letter_queue_name = "other-changes-dead-letter"
  }
}

run "every_problem_has_an_alarm_that_says_what_to_do" {
  variables {
    alarm_topic_arn = "arn:aws:sns:eu-west-1:123456789012:on-call"
    tags            = { team = "mail" }
  }

  assert {
    condition     = join(" ", keys(output.alarm_arns)) == "bounce-rate changes-age changes-dead-letters changes-errors changes-throttles complaint-rate dead-letters errors lookup-errors lookup-throttles queue-age reputation-bounce reputation-complaint silence throttles"
    error_message = "An alarm is missing."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.rate), values(aws_cloudwatch_metric_alarm.reputation), aws_cloudwatch_metric_alarm.silence) :
      length(alarm.alarm_description) > 100 && length(alarm.alarm_description) <= 1024 && # CloudWatch's limit
      startswith(alarm.alarm_name, "other-") && alarm.tags == var.tags &&
      alarm.alarm_actions == toset([var.alarm_topic_arn]) && alarm.ok_actions == toset([var.alarm_topic_arn])
    ])
    error_message = "Each alarm must say what to do, and tell the topic when it goes off and when it is over."
  }

  assert {
    condition = {
      for problem, alarm in aws_cloudwatch_metric_alarm.this :
      problem => "${alarm.statistic} of ${alarm.metric_name} of ${join(" ", values(alarm.dimensions))} over ${alarm.threshold}, ${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} times ${alarm.period} s"
      } == {
      dead-letters = "Maximum of ApproximateNumberOfMessagesVisible of other-feedback-dead-letter over 0, 1 of 1 times 300 s"
      queue-age    = "Maximum of ApproximateAgeOfOldestMessage of other-feedback over 900, 1 of 1 times 300 s"
      errors       = "Sum of Errors of other-feedback over 0, 2 of 3 times 300 s"
      throttles    = "Sum of Throttles of other-feedback over 0, 2 of 3 times 300 s"

      lookup-errors    = "Sum of 5XXError of other-lookup v1 over 0, 2 of 3 times 300 s"
      lookup-throttles = "Sum of Throttles of other-lookup over 0, 2 of 3 times 300 s"

      changes-dead-letters = "Maximum of ApproximateNumberOfMessagesVisible of other-changes-dead-letter over 0, 1 of 1 times 300 s"
      changes-age          = "Maximum of IteratorAge of other-changes over 900000, 1 of 1 times 300 s"
      changes-errors       = "Sum of Errors of other-changes over 0, 2 of 3 times 300 s"
      changes-throttles    = "Sum of Throttles of other-changes over 0, 2 of 3 times 300 s"
    }
    error_message = "An alarm watches something else."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      alarm.comparison_operator == "GreaterThanThreshold" && alarm.treat_missing_data == "notBreaching"
    ])
    error_message = "An idle resource reports nothing, and must raise no alarm."
  }
}

run "urgent_alarms_tell_a_topic_of_their_own" {
  variables {
    alarm_topic_arn        = "arn:aws:sns:eu-west-1:123456789012:mail-team"
    urgent_alarm_topic_arn = "arn:aws:sns:eu-west-1:123456789012:on-call"
  }

  assert {
    condition = {
      for topic in [var.urgent_alarm_topic_arn, var.alarm_topic_arn] : topic => join(" ", sort([
        for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.rate), values(aws_cloudwatch_metric_alarm.reputation), aws_cloudwatch_metric_alarm.silence) :
        trimprefix(alarm.alarm_name, "other-") if alarm.alarm_actions == toset([topic]) && alarm.ok_actions == toset([topic])
      ]))
      } == {
      (var.urgent_alarm_topic_arn) = "changes-age changes-dead-letters dead-letters lookup-errors queue-age reputation-bounce reputation-complaint"
      (var.alarm_topic_arn)        = "bounce-rate changes-errors changes-throttles complaint-rate errors lookup-throttles silence throttles"
    }
    error_message = "Lost feedback, an API that fails and SES's review are urgent; all else can wait."
  }
}

run "only_urgent_alarms_tell_anybody" {
  command = plan

  variables {
    urgent_alarm_topic_arn = "arn:aws:sns:eu-west-1:123456789012:on-call"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["dead-letters"].alarm_actions == toset([var.urgent_alarm_topic_arn]) &&
      length(aws_cloudwatch_metric_alarm.this["errors"].alarm_actions) == 0
    )
    error_message = "Without a topic for all alarms the others only show."
  }
}

run "reputation_is_watched_at_the_lines_of_ses_and_a_day_without_a_call_is_silence" {
  command = plan

  assert {
    condition = {
      for rate, alarm in aws_cloudwatch_metric_alarm.reputation :
      rate => "${alarm.namespace} ${alarm.metric_name} ${alarm.comparison_operator} ${alarm.threshold} ${alarm.treat_missing_data}" if length(coalesce(alarm.dimensions, {})) == 0
      } == {
      bounce    = "AWS/SES Reputation.BounceRate GreaterThanOrEqualToThreshold 0.05 notBreaching"
      complaint = "AWS/SES Reputation.ComplaintRate GreaterThanOrEqualToThreshold 0.001 notBreaching"
    }
    error_message = "SES reports fractions of the whole account, and reviews it from 5 % and 0.1 %."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.silence[0].comparison_operator == "LessThanThreshold" &&
      aws_cloudwatch_metric_alarm.silence[0].threshold == 1 &&
      aws_cloudwatch_metric_alarm.silence[0].evaluation_periods == 24 &&
      aws_cloudwatch_metric_alarm.silence[0].datapoints_to_alarm == 24 &&
      aws_cloudwatch_metric_alarm.silence[0].treat_missing_data == "notBreaching"
    )
    error_message = "Hours before the first apply must not count as silence, or the first apply raises the alarm."
  }

  assert {
    condition     = [for query in aws_cloudwatch_metric_alarm.silence[0].metric_query : query.expression if query.return_data == true] == ["IF(clock >= 0, FILL(invocations, 0))"]
    error_message = "An hour must count as silence only where the queue reports and the function was not called."
  }

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.silence[0].metric_query :
      query.id => "${one(query.metric).stat} of ${one(query.metric).metric_name} of ${one(values(one(query.metric).dimensions))}, ${one(query.metric).period} s" if length(query.metric) > 0
      } == {
      clock       = "Maximum of ApproximateNumberOfMessagesVisible of other-feedback, 3600 s"
      invocations = "Sum of Invocations of other-feedback, 3600 s"
    }
    error_message = "The queue is the clock, and the function's calls are what is missed."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.silence[0].alarm_actions) == 0
    error_message = "Without a topic alarms only show."
  }
}

run "without_a_queue_nothing_tells_silence_from_a_stack_that_is_new" {
  command = plan

  variables {
    feedback = {
      function_name          = "other-feedback"
      log_group_name         = "/aws/lambda/other-feedback"
      dead_letter_queue_name = "other-feedback-dead-letter"
    }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.silence) == 0
    error_message = "Without a clock the alarm would go off with the first apply."
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
    lookup        = null
    changes       = null
    rates         = { bounce_percent = 0, complaint_percent = 0, reputation = false }
    silence_hours = 0
  }

  assert {
    condition     = join(" ", sort(keys(aws_cloudwatch_metric_alarm.this))) == "dead-letters errors throttles"
    error_message = "Without a queue there is no age to watch."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.rate) == 0 && length(aws_cloudwatch_metric_alarm.reputation) == 0 && length(aws_cloudwatch_metric_alarm.silence) == 0
    error_message = "Zero must switch an alarm off."
  }
}
