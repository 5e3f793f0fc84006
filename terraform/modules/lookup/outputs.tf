output "endpoint" {
  description = "URL of the API; append `/check` or another path."
  value       = aws_api_gateway_stage.this.invoke_url

  # The URL is known once the API may call the function.
  depends_on = [aws_lambda_permission.this, aws_api_gateway_method_settings.this]
}

output "caller_policies" {
  description = "Policy documents (JSON) for callers: `read` allows checks, records and lists; `override` allows setting and removing overrides."
  value       = { for purpose, document in data.aws_iam_policy_document.caller : purpose => document.json }
}

output "execution_arn" {
  description = "ARN of the stage in IAM policies; append /METHOD/PATH."
  value       = aws_api_gateway_stage.this.execution_arn
}

output "rest_api_id" {
  description = "ID of the REST API, for the base path mapping of a custom domain."
  value       = aws_api_gateway_rest_api.this.id
}

output "stage_arn" {
  description = "ARN of the stage, for an AWS WAF web ACL."
  value       = aws_api_gateway_stage.this.arn
}

output "api_name" {
  description = "Name of the REST API, and the dimension ApiName of its metrics."
  value       = aws_api_gateway_rest_api.this.name
}

output "stage_name" {
  description = "Name of the stage, and the dimension Stage of its metrics."
  value       = aws_api_gateway_stage.this.stage_name
}

output "function_name" {
  description = "Name of the function, and the dimension FunctionName of its metrics."
  value       = module.function.lambda.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = module.function.lambda.arn
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = module.function.role_arn
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = module.function.log_group.name
}

output "access_log_group_name" {
  description = "Name of the access log's log group; null without access logs."
  value       = one(aws_cloudwatch_log_group.access[*].name)
}

output "kms_key_policy" {
  description = "Policy document (JSON) with the statement that the policy of your KMS key must contain. It depends on nothing that the module creates."
  value       = data.aws_iam_policy_document.key.json
}
