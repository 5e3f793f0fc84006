output "lambda" {
  description = "The Lambda function with all its attributes. Known once its role has `policy`."
  value       = aws_lambda_function.this
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "log_group" {
  description = "The function's log group with all its attributes."
  value       = aws_cloudwatch_log_group.this
}
