output "alarm_arns" {
  description = "ARN of each alarm, by what it is about: `dead-letters`, `errors`, `throttles`, `queue-age`, `lookup-errors`, `lookup-throttles`, `changes-dead-letters`, `changes-age`, `changes-errors`, `changes-throttles`, `reputation-bounce`, `reputation-complaint`, `bounce-rate`, `complaint-rate` and `silence`, as far as they exist."
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
