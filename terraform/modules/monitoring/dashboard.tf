# What you look at first: what is wrong, whether the rates are near the limits, what changed and why, and whether
# everything runs. Positions and sizes are in CloudWatch's grid of 24 columns.

locals {
  rate_widgets = {
    bounce    = { title = "Bounce rate (%)", counted = "hard_bounces", alarm = var.rates.bounce_percent, reputation = "Reputation.BounceRate", stop = 10 }
    complaint = { title = "Complaint rate (%)", counted = "complaints", alarm = var.rates.complaint_percent, reputation = "Reputation.ComplaintRate", stop = 0.5 }
  }

  widgets = concat(
    [
      {
        type = "alarm", x = 0, y = 0, width = 24, height = 3
        properties = {
          title = "Alarms"
          alarms = concat(
            [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn],
            [for alarm in aws_cloudwatch_metric_alarm.rate : alarm.arn],
            [for alarm in aws_cloudwatch_metric_alarm.reputation : alarm.arn],
            aws_cloudwatch_metric_alarm.silence[*].arn,
          )
        }
      },
    ],
    [
      for index, rate in values(local.rate_widgets) : {
        type = "metric", x = 12 * index, y = 3, width = 12, height = 6
        properties = {
          title  = rate.title
          region = local.region
          view   = "timeSeries"
          stat   = "Sum"
          period = local.day
          yAxis  = { left = { min = 0, showUnits = false } }
          annotations = {
            horizontal = concat(
              rate.alarm == 0 ? [] : [{ label = "alarm", value = rate.alarm }],
              [{ label = "SES may stop sending", value = rate.stop }],
            )
          }
          metrics = concat(
            # Without deliveries a rate would count bounces only.
            [
              for metric in concat(
                [for id, metric in local.counted : concat([local.namespace, metric], local.function_dimension, [{ id = id, visible = false }])],
                [[{ id = "recipients", expression = local.recipients, visible = false }]],
                [[{ id = "rate", expression = "100 * FILL(${rate.counted}, 0) / recipients", label = "of this stack's feedback, by day" }]],
              ) : metric if rate.alarm > 0
            ],
            [
              ["AWS/SES", rate.reputation, { id = "reputation", stat = "Maximum", period = local.hour, visible = false }],
              [{ id = "percent", expression = "100 * reputation", label = "of the whole account, as SES counts" }],
            ],
          )
        }
      }
    ],
    [
      for index, chart in local.charts : {
        type = "metric", x = 8 * (index % 3), y = floor(index / 3) * 6 + 9, width = 8, height = 6
        properties = {
          title   = chart.title
          region  = local.region
          view    = "timeSeries"
          stacked = try(chart.stacked, false)
          stat    = "Sum"
          period  = local.hour
          yAxis   = { left = { min = 0, showUnits = false } }
          metrics = chart.metrics
        }
      }
    ],
    [
      for index, query in local.log_queries : {
        type = "log", x = 12 * index, y = 9 + 6 * ceil(length(local.charts) / 3), width = 12, height = 6
        properties = {
          title  = query.title
          region = local.region
          view   = "table"
          query  = "SOURCE '${var.feedback.log_group_name}' | ${query.query}"
        }
      }
    ],
  )

  function_dimension = ["FunctionName", var.feedback.function_name]

  # Three to a row.
  charts = concat(local.feedback_charts, flatten([
    for events in var.changes[*] : [
      {
        title = "Events: calls of the function"
        metrics = [
          for metric in ["Invocations", "Errors", "Throttles"] :
          ["AWS/Lambda", metric, "FunctionName", events.function_name, { label = lower(metric) }]
        ]
      },
      {
        title = "Events: age of the oldest change (ms)"
        metrics = [
          ["AWS/Lambda", "IteratorAge", "FunctionName", events.function_name, { label = "oldest", stat = "Maximum" }],
          ["AWS/Lambda", "Duration", "FunctionName", events.function_name, { label = "slowest call", stat = "Maximum" }],
        ]
      },
      {
        title   = "Events: dead letters"
        metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", events.dead_letter_queue_name, { label = "dead-letter queue", stat = "Maximum" }]]
      },
    ]
  ]))

  feedback_charts = [
    {
      title   = "Feedback by type (messages)"
      stacked = true
      metrics = [
        for kind in ["Delivery", "Bounce", "Complaint", "Subscription"] :
        concat([local.namespace, "Feedback${kind}"], local.function_dimension, [{ label = kind }])
      ]
    },
    {
      title   = "Changes of state (addresses)"
      stacked = true
      metrics = [
        for state in ["Enable", "Disable", "Review"] :
        concat([local.namespace, "StateTo${state}"], local.function_dimension, [{ label = "to ${lower(state)}" }])
      ]
    },
    {
      title = "Results of processing"
      metrics = [
        for metric, label in { Written = "addresses written", Unchanged = "addresses unchanged", Conflicts = "writes retried after a conflict", Failed = "addresses to be retried", Malformed = "messages that are not SES feedback" } :
        concat([local.namespace, metric], local.function_dimension, [{ label = label }])
      ]
    },
    {
      title = "Messages waiting"
      metrics = concat(
        var.feedback.queue_name == null ? [] : [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.feedback.queue_name, { label = "queue", stat = "Maximum" }]],
        var.feedback.queue_name == null ? [] : [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.feedback.queue_name, { label = "oldest in the queue (s)", stat = "Maximum", yAxis = "right" }]],
        [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.feedback.dead_letter_queue_name, { label = "dead-letter queue", stat = "Maximum" }]],
      )
    },
    {
      title = "Function: calls"
      metrics = [
        for metric in ["Invocations", "Errors", "Throttles"] :
        concat(["AWS/Lambda", metric], local.function_dimension, [{ label = lower(metric) }])
      ]
    },
    {
      title = "Function: duration (ms) and concurrency"
      metrics = [
        concat(["AWS/Lambda", "Duration"], local.function_dimension, [{ label = "median", stat = "p50" }]),
        concat(["AWS/Lambda", "Duration"], local.function_dimension, [{ label = "slowest", stat = "Maximum" }]),
        concat(["AWS/Lambda", "ConcurrentExecutions"], local.function_dimension, [{ label = "concurrent executions", stat = "Maximum", yAxis = "right" }]),
      ]
    },
  ]

  log_queries = [
    {
      title = "Top reasons for disabling or reviewing addresses"
      query = "filter message = 'state changed' and after != 'enable' | stats count(*) as addresses by reason | sort addresses desc | limit 10"
    },
    {
      title = "Latest errors"
      query = "filter level = 'ERROR' or @message like /Task timed out/ | sort @timestamp desc | display @timestamp, message, problem, messageId, @message | limit 20"
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  # A dashboard is of the whole account, where a stack of another region may have the same name.
  dashboard_name = "${var.name}-${local.region}"
  dashboard_body = jsonencode({ start = "-P7D", periodOverride = "inherit", widgets = local.widgets })

  lifecycle {
    ignore_changes = [dashboard_name]
  }
}
