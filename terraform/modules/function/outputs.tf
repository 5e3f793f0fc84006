output "name" {
  description = "The name that the function was created with. Name what belongs to the function after it, if AWS would hand over an existing resource of that name instead of refusing to create it (a topic, a queue): the name is known once role and log group exist, and AWS creates none of these twice."
  value       = trimprefix(aws_cloudwatch_log_group.this.name, "/aws/lambda/")

  depends_on = [aws_iam_role.this]
}

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
