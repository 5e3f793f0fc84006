data "aws_region" "current" {}

locals {
  # Provider 6 deprecates the attributes `name` and `id`, provider 5 lacks `region`; the endpoint, such as
  # ec2.eu-west-1.amazonaws.com, tells it in both.
  region = split(".", data.aws_region.current.endpoint)[1]

  namespace   = "HealthyMailing" # where the function writes its metrics
  by_function = { FunctionName = var.feedback.function_name }

  # Whom alarms tell.
  actions        = compact([var.alarm_topic_arn])
  urgent_actions = compact([var.urgent_alarm_topic_arn == null ? var.alarm_topic_arn : var.urgent_alarm_topic_arn])
}
