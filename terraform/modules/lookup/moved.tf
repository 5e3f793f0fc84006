# For stacks applied before module `function` existed.

moved {
  from = aws_lambda_function.this
  to   = module.function.aws_lambda_function.this
}

moved {
  from = aws_cloudwatch_log_group.function
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

# Earlier releases created the policy only if there were callers.
moved {
  from = aws_api_gateway_rest_api_policy.this[0]
  to   = aws_api_gateway_rest_api_policy.this
}
