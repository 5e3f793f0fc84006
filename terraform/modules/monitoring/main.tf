data "aws_region" "current" {}

locals {
  # Provider 6 deprecates the attributes `name` and `id`, and provider 5 has no `region`. Both have the endpoint, such as
  # ec2.eu-west-1.amazonaws.com.
  region = split(".", data.aws_region.current.endpoint)[1]

  namespace   = "HealthyMailing" # the function's metrics
  by_function = { FunctionName = var.feedback.function_name }

  # The topics that alarms notify.
  actions        = compact([var.alarm_topic_arn])
  urgent_actions = compact([var.urgent_alarm_topic_arn == null ? var.alarm_topic_arn : var.urgent_alarm_topic_arn])
}
