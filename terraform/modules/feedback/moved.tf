# For stacks applied before module `function` existed.

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

# For stacks applied before module `topic` existed.

moved {
  from = aws_sns_topic.this
  to   = module.topic[0].aws_sns_topic.this
}

moved {
  from = aws_sns_topic_policy.this
  to   = module.topic[0].aws_sns_topic_policy.this
}

# Earlier releases had one subscription of this name for either target. Terraform forgets it and does not delete it: SNS
# sees the new one as the same subscription and gives it the same ARN.
removed {
  from = aws_sns_topic_subscription.this

  lifecycle {
    destroy = false
  }
}
