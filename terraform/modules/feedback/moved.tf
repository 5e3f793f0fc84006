# Stacks applied before there was a module `function` keep what it now holds.

moved {
  from = aws_lambda_function.this
  to   = module.function.aws_lambda_function.this
}

moved {
  from = aws_cloudwatch_log_group.this
  to   = module.function.aws_cloudwatch_log_group.this
}

moved {
  from = aws_iam_role.this
  to   = module.function.aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.this
  to   = module.function.aws_iam_role_policy.this
}

# Stacks applied before there was a module `topic`.

moved {
  from = aws_sns_topic.this
  to   = module.topic[0].aws_sns_topic.this
}

moved {
  from = aws_sns_topic_policy.this
  to   = module.topic[0].aws_sns_topic_policy.this
}

# Until there was a subscription for each way, one of this name had either target. It is forgotten, not deleted: SNS gives
# the new one, which is the same to it, the old one's ARN.
removed {
  from = aws_sns_topic_subscription.this

  lifecycle {
    destroy = false
  }
}
