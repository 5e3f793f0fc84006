output "alarm_arns" {
  description = "ARN of each alarm that exists, by its name without NAME-: such as `dead-letters` or `bounce-rate`."
  value = merge(
    { for problem, alarm in aws_cloudwatch_metric_alarm.this : problem => alarm.arn },
    { for rate, alarm in aws_cloudwatch_metric_alarm.rate : "${rate}-rate" => alarm.arn },
    { for rate, alarm in aws_cloudwatch_metric_alarm.reputation : "reputation-${rate}" => alarm.arn },
    { for alarm in aws_cloudwatch_metric_alarm.silence : "silence" => alarm.arn },
  )
}

output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
