locals {
  five_minutes = 300
  hour         = 3600
  day          = 86400

  # Each description says what is wrong and what to do.
  alarms = merge(
    {
      dead-letters = {
        description = "Feedback is in the dead-letter queue ${var.feedback.dead_letter_queue_name}: it is not in the table, and SQS drops it 14 days after it arrived. The function's log says why it failed (lines of level ERROR in ${var.feedback.log_group_name}). Fix the cause, then replay the messages: `scripts/mailing redrive --name ${trimsuffix(var.feedback.dead_letter_queue_name, "-feedback-dead-letter")}`, as the README says under \"When something failed\"."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = var.feedback.dead_letter_queue_name }
        statistic   = "Maximum"
        period      = local.five_minutes
        periods     = 1
        threshold   = 0
      }
      errors = {
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
  )

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
  treat_missing_data  = "notBreaching" # an idle queue or function reports nothing
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

# Lambda reports invocations only where there are any, so that missing data is the very thing to tell.
resource "aws_cloudwatch_metric_alarm" "silence" {
  count = var.silence_hours == 0 ? 0 : 1

  alarm_name          = "${var.name}-silence"
  alarm_description   = "No feedback at all for ${var.silence_hours} hours. If mail was sent, SES does not reach the topic: look whether the identities and configuration sets that send still name it (SES drops a topic that it may not publish to), whether the topic's policy and key let SES publish, and whether the topic has its subscription. If none was, raise silence_hours."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = local.by_function
  statistic           = "Sum"
  period              = local.hour
  evaluation_periods  = var.silence_hours
  datapoints_to_alarm = var.silence_hours
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
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
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
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
