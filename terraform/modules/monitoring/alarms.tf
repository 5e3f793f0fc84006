locals {
  five_minutes = 300
  hour         = 3600
  day          = 86400

  # Each description says what is wrong and what to do. Urgent is what costs feedback, addresses or the account within
  # hours; the rest can wait for the morning.
  alarms = merge(
    {
      dead-letters = {
        urgent      = true
        description = "Feedback is in the dead-letter queue ${var.feedback.dead_letter_queue_name}: it is not in the table, and SQS drops it 14 days after it arrived. The function's log says why it failed (lines of level ERROR in ${var.feedback.log_group_name}). Fix the cause, then replay the messages: `mailing redrive --dead-letter-queue ${var.feedback.dead_letter_queue_name}${var.feedback.queue_name == null ? "" : " --queue ${var.feedback.queue_name}"} --function ${var.feedback.function_name}`, as docs/operate.md says under \"Dead letters\"."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = var.feedback.dead_letter_queue_name }
        statistic   = "Maximum"
        period      = local.five_minutes
        periods     = 1
        threshold   = 0
      }
      errors = {
        urgent      = false
        description = "The function ${var.feedback.function_name} fails again and again; what it fails at is tried again and in the end goes to the dead-letter queue. Look at its log ${var.feedback.log_group_name}: an exception of its own, a time-out, or a permission that is missing."
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = local.by_function
        statistic   = "Sum"
        period      = local.five_minutes
        periods     = 3
        threshold   = 0
      }
      throttles = {
        urgent      = false
        description = "Lambda keeps refusing to run the function ${var.feedback.function_name}: its reserved concurrency or the account's is used up. Feedback waits and may end in the dead-letter queue. Raise the concurrency, or with delivery queue lower queue.maximum_concurrency."
        namespace   = "AWS/Lambda"
        metric      = "Throttles"
        dimensions  = local.by_function
        statistic   = "Sum"
        period      = local.five_minutes
        periods     = 3
        threshold   = 0
      }
    },
    var.feedback.queue_name == null ? {} : {
      queue-age = {
        urgent      = true
        description = "Feedback has waited in the queue ${var.feedback.queue_name} for more than ${var.queue_age_seconds} seconds: addresses that bounced may still be mailed. See whether the function runs (errors, throttles), whether its event source mapping is enabled, and whether it keeps up (queue.maximum_concurrency)."
        namespace   = "AWS/SQS"
        metric      = "ApproximateAgeOfOldestMessage"
        dimensions  = { QueueName = var.feedback.queue_name }
        statistic   = "Maximum"
        period      = local.five_minutes
        periods     = 1
        threshold   = var.queue_age_seconds
      }
    },
    local.lookup_alarms,
    local.changes_alarms,
  )

  lookup_alarms = merge([
    for api in var.lookup[*] : {
      lookup-errors = {
        urgent      = true
        description = "The lookup API ${api.api_name} keeps answering with errors of its own (5XX): senders cannot ask whom they may mail. Look at the log ${api.log_group_name} of its function ${api.function_name} (lines of level ERROR), and whether the function times out or is throttled."
        namespace   = "AWS/ApiGateway"
        metric      = "5XXError"
        dimensions  = { ApiName = api.api_name, Stage = api.stage_name }
        statistic   = "Sum"
        period      = local.five_minutes
        periods     = 3
        threshold   = 0
      }
      lookup-throttles = {
        urgent      = false
        description = "Lambda keeps refusing to run the function ${api.function_name} of the lookup API: its reserved concurrency or the account's is used up, and callers get errors. Raise the concurrency, or let senders ask for up to 1,000 addresses at once (POST /check)."
        namespace   = "AWS/Lambda"
        metric      = "Throttles"
        dimensions  = { FunctionName = api.function_name }
        statistic   = "Sum"
        period      = local.five_minutes
        periods     = 3
        threshold   = 0
      }
    }
  ]...)

  changes_alarms = merge([
    for events in var.changes[*] : {
      changes-dead-letters = {
        urgent      = true
        description = "Changes of state are in the dead-letter queue ${events.dead_letter_queue_name}: those who get events do not know of them. The table's stream keeps what a message points at for 24 hours from the change. The log ${events.log_group_name} says why it failed (lines of level ERROR). Fix the cause, then tell them: `mailing redrive --changes --dead-letter-queue ${events.dead_letter_queue_name} --function ${events.function_name}`, as docs/operate.md says under \"Dead letters\"."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = events.dead_letter_queue_name }
        statistic   = "Maximum"
        period      = local.five_minutes
        periods     = 1
        threshold   = 0
      }
      changes-age = {
        urgent      = true
        description = "The function ${events.function_name} is more than ${var.queue_age_seconds} seconds behind the table's stream: events come late, and changes older than its maximum_record_age_seconds go to the dead-letter queue. See its log ${events.log_group_name}: may it put events on the bus, does EventBridge throttle it, does it keep up (raise stream.parallelization_factor)?"
        namespace   = "AWS/Lambda"
        metric      = "IteratorAge"
        dimensions  = { FunctionName = events.function_name }
        statistic   = "Maximum"
        period      = local.five_minutes
        periods     = 1
        threshold   = 1000 * var.queue_age_seconds # milliseconds
      }
      changes-errors = {
        urgent      = false
        description = "The function ${events.function_name} fails again and again, and the changes behind wait. Look at its log ${events.log_group_name}: an exception of its own, a time-out, or a permission that is missing."
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = events.function_name }
        statistic   = "Sum"
        period      = local.five_minutes
        periods     = 3
        threshold   = 0
      }
      changes-throttles = {
        urgent      = false
        description = "Lambda keeps refusing to run the function ${events.function_name}: its reserved concurrency or the account's is used up, and events come late. Raise the concurrency."
        namespace   = "AWS/Lambda"
        metric      = "Throttles"
        dimensions  = { FunctionName = events.function_name }
        statistic   = "Sum"
        period      = local.five_minutes
        periods     = 3
        threshold   = 0
      }
    }
  ]...)

  # SES's own rates, as fractions. The lines are those from which SES reviews an account (Amazon SES Developer Guide,
  # "Reputation metrics messages").
  reputation = {
    bounce = {
      metric      = "Reputation.BounceRate"
      line        = 0.05
      description = "SES counts a bounce rate of 5 % or more for the whole account in this region: it reviews the account, and from 10 % it may stop all sending. Stop the mailings to old or bought addresses now, and let senders ask the table before they send. The SES console shows the account's status under \"Reputation metrics\"."
    }
    complaint = {
      metric      = "Reputation.ComplaintRate"
      line        = 0.001
      description = "SES counts a complaint rate of 0.1 % or more for the whole account in this region: it reviews the account, and from 0.5 % it may stop all sending. Stop the mailing that recipients complain of now, and see that they asked for it and can unsubscribe. The SES console shows the account's status under \"Reputation metrics\"."
    }
  }

  rates = {
    bounce = {
      description = "More than ${var.rates.bounce_percent} % of a day's recipients bounced permanently; from 5 % SES reviews the account, from 10 % it may stop it. Find the mailing or the source of addresses behind it (dashboard ${var.name}, top reasons), stop it, and let senders ask the table before they send."
      counted     = "hard_bounces"
      percent     = var.rates.bounce_percent
    }
    complaint = {
      description = "More than ${var.rates.complaint_percent} % of a day's recipients complained; from 0.1 % SES reviews the account, from 0.5 % it may stop it. Find the mailing behind it, stop it, and see that its recipients asked for it and can unsubscribe."
      counted     = "complaints"
      percent     = var.rates.complaint_percent
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = ceil(each.value.periods / 2) # most of them
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching" # an idle queue, function or API reports nothing
  alarm_actions       = each.value.urgent ? local.urgent_actions : local.actions
  ok_actions          = each.value.urgent ? local.urgent_actions : local.actions
  tags                = var.tags
}

# Lambda reports invocations only where there are any. The queue, which Lambda polls all the time, tells that time passes,
# from the moment that it exists: only an hour with it and without a call is an hour of silence. So the first apply raises
# no alarm, and without a queue there is none.
resource "aws_cloudwatch_metric_alarm" "silence" {
  count = var.silence_hours == 0 || var.feedback.queue_name == null ? 0 : 1

  alarm_name          = "${var.name}-silence"
  alarm_description   = "No feedback at all for ${var.silence_hours} hours. If mail was sent, SES does not reach the topic: look whether the identities and configuration sets that send still name it (SES drops a topic that it may not publish to), whether the topic's policy and key let SES publish, and whether the topic has its subscription. If none was, raise silence_hours."
  evaluation_periods  = var.silence_hours
  datapoints_to_alarm = var.silence_hours
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching" # hours before the queue
  alarm_actions       = local.actions
  ok_actions          = local.actions
  tags                = var.tags

  dynamic "metric_query" {
    for_each = {
      invocations = { namespace = "AWS/Lambda", metric = "Invocations", stat = "Sum", dimensions = local.by_function }
      clock       = { namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", stat = "Maximum", dimensions = { QueueName = var.feedback.queue_name } }
    }

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.stat
        period      = local.hour
      }
    }
  }

  metric_query {
    id          = "calls"
    label       = "Calls of the function"
    expression  = "IF(clock >= 0, FILL(invocations, 0))"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "reputation" {
  for_each = { for name, rate in local.reputation : name => rate if var.rates.reputation }

  alarm_name          = "${var.name}-reputation-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/SES"
  metric_name         = each.value.metric
  statistic           = "Maximum"
  period              = local.hour
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.line
  treat_missing_data  = "notBreaching" # SES reports nothing for an account without bounces and complaints
  alarm_actions       = local.urgent_actions
  ok_actions          = local.urgent_actions
  tags                = var.tags
}

# SES's own rates are of all mail of the account in this region, over a period that it chooses; these are of the feedback
# that reaches the table, over a day, and so move first.
resource "aws_cloudwatch_metric_alarm" "rate" {
  for_each = { for name, rate in local.rates : name => rate if rate.percent > 0 }

  alarm_name          = "${var.name}-${each.key}-rate"
  alarm_description   = each.value.description
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.percent
  treat_missing_data  = "notBreaching" # nothing was sent
  alarm_actions       = local.actions
  ok_actions          = local.actions
  tags                = var.tags

  dynamic "metric_query" {
    for_each = { for id, metric in local.counted : id => metric if contains(["hard_bounces", "deliveries", each.value.counted], id) }

    content {
      id = metric_query.key

      metric {
        namespace   = local.namespace
        metric_name = metric_query.value
        dimensions  = local.by_function
        stat        = "Sum"
        period      = local.day
      }
    }
  }

  metric_query {
    id         = "recipients"
    label      = "Recipients"
    expression = local.recipients
  }

  metric_query {
    id          = "rate"
    label       = "${title(each.key)} rate in per cent"
    expression  = "IF(recipients >= ${var.rates.minimum_recipients}, 100 * FILL(${each.value.counted}, 0) / recipients, 0)"
    return_data = true
  }
}
