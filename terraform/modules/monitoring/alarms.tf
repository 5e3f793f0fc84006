locals {
  five_minutes = 300
  hour         = 3600
  day          = 86400

  # Each description says what is wrong and what to do. An alarm is urgent if the problem costs feedback, addresses or the
  # account within hours. The rest can wait until morning.
  alarms = merge(
    {
      dead-letters = {
        urgent      = true
        description = "Feedback is in the dead-letter queue ${var.feedback.dead_letter_queue_name}: it is not in the table, and SQS deletes it 14 days after it arrived. Lines of level ERROR in the function's log ${var.feedback.log_group_name} say why it failed. Fix the cause, then replay the messages: `mailing redrive --dead-letter-queue ${var.feedback.dead_letter_queue_name}${var.feedback.queue_name == null ? "" : " --queue ${var.feedback.queue_name}"} --function ${var.feedback.function_name}`, as docs/operate.md says under \"Dead letters\"."
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
        description = "The function ${var.feedback.function_name} keeps failing. Its messages are retried, then go to the dead-letter queue. Check its log ${var.feedback.log_group_name} for an exception, a timeout or a missing permission."
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
        description = "Lambda keeps throttling the function ${var.feedback.function_name}: its reserved concurrency or the account's concurrency is used up. Feedback waits and may end in the dead-letter queue. Raise the concurrency, or lower queue.maximum_concurrency if delivery is queue."
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
        description = "Feedback has waited in the queue ${var.feedback.queue_name} for more than ${var.queue_age_seconds} seconds, so addresses that bounced may still be mailed. Check that the function runs (alarms errors and throttles), that its event source mapping is enabled, and that it keeps up (queue.maximum_concurrency)."
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
        description = "The lookup API ${api.api_name} keeps answering with server errors (5XX), so senders cannot ask whom they may mail. Check lines of level ERROR in the log ${api.log_group_name} of its function ${api.function_name}, and whether the function times out or is throttled."
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
        description = "Lambda keeps throttling the function ${api.function_name} of the lookup API: its reserved concurrency or the account's concurrency is used up, and callers get errors. Raise the concurrency, or let senders ask about up to 1,000 addresses in one request (POST /check)."
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
        description = "Changes of state are in the dead-letter queue ${events.dead_letter_queue_name}: readers of events do not know about them. The table's stream keeps a change for 24 hours, so act before then. Lines of level ERROR in the log ${events.log_group_name} say why it failed. Fix the cause, then send the events: `mailing redrive --changes --dead-letter-queue ${events.dead_letter_queue_name} --function ${events.function_name}`, as docs/operate.md says under \"Dead letters\"."
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
        description = "The function ${events.function_name} is more than ${var.queue_age_seconds} seconds behind the table's stream. Events arrive late, and changes older than maximum_record_age_seconds go to the dead-letter queue. Check in its log ${events.log_group_name} that it may put events on the bus and that EventBridge does not throttle it. If it cannot keep up, raise stream.parallelization_factor."
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
        description = "The function ${events.function_name} keeps failing, and later changes wait. Check its log ${events.log_group_name} for an exception, a timeout or a missing permission."
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
        description = "Lambda keeps throttling the function ${events.function_name}: its reserved concurrency or the account's concurrency is used up, and events arrive late. Raise the concurrency."
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

  # SES's own rates, as fractions. At these values SES reviews an account (Amazon SES Developer Guide, "Reputation
  # metrics messages").
  reputation = {
    bounce = {
      metric      = "Reputation.BounceRate"
      line        = 0.05
      description = "SES counts a bounce rate of 5% or more for the whole account in this region. It reviews the account, and may stop all sending from 10%. Stop mailings to old or bought addresses now, and make senders ask the table before they send. The SES console shows the account's status under \"Reputation metrics\"."
    }
    complaint = {
      metric      = "Reputation.ComplaintRate"
      line        = 0.001
      description = "SES counts a complaint rate of 0.1% or more for the whole account in this region. It reviews the account, and may stop all sending from 0.5%. Stop the mailing that recipients complain about now. Check that they asked for it and can unsubscribe. The SES console shows the account's status under \"Reputation metrics\"."
    }
  }

  rates = {
    bounce = {
      description = "More than ${var.rates.bounce_percent}% of a day's recipients bounced permanently. SES reviews an account from 5% and may stop it from 10%. Find the mailing or the source of addresses behind it (top reasons on the dashboard) and stop it. Make senders ask the table before they send."
      counted     = "hard_bounces"
      percent     = var.rates.bounce_percent
    }
    complaint = {
      description = "More than ${var.rates.complaint_percent}% of a day's recipients complained. SES reviews an account from 0.1% and may stop it from 0.5%. Find the mailing behind it and stop it. Check that its recipients asked for it and can unsubscribe."
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

# Lambda reports no data for hours without invocations. The queue serves as a clock: Lambda polls it all the time, so it
# reports data for every hour since it exists. An hour with queue data and without a call is an hour of silence. So the
# first apply raises no alarm, and there is no such alarm without a queue.
resource "aws_cloudwatch_metric_alarm" "silence" {
  count = var.silence_hours == 0 || var.feedback.queue_name == null ? 0 : 1

  alarm_name          = "${var.name}-silence"
  alarm_description   = "No feedback arrived for ${var.silence_hours} hours. If you sent mail, SES does not reach the topic. Check that your identities and configuration sets still name the topic (SES drops a topic that it may not publish to), that the topic's policy and key let SES publish, and that the topic has its subscription. If you sent no mail, raise silence_hours."
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

  # CloudWatch lets an alarm of the same name be written over. A second stack of the same name has failed before.
  depends_on = [var.feedback]
}

# SES's own rates cover all mail of the account in this region, over a period that SES chooses. These rates cover one day
# of the feedback that reaches the table, so they move first.
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
    label       = "${title(each.key)} rate in percent"
    expression  = "IF(recipients >= ${var.rates.minimum_recipients}, 100 * FILL(${each.value.counted}, 0) / recipients, 0)"
    return_data = true
  }
}
