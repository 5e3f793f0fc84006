output "endpoint" {
  description = "URL of the API; `/check` and the other paths follow it."
  value       = aws_api_gateway_stage.this.invoke_url

  # Callers find it allowed to work.
  depends_on = [aws_lambda_permission.this, aws_api_gateway_method_settings.this]
}

output "caller_policies" {
  description = "Policy documents (JSON) for those who call the API: `read` allows lists, records and checks, `override` to set and remove overrides."
  value       = { for purpose, document in data.aws_iam_policy_document.caller : purpose => document.json }
}

output "execution_arn" {
  description = "ARN that IAM policies name the stage by; METHOD/PATH follows it after a slash."
  value       = aws_api_gateway_stage.this.execution_arn
}

output "rest_api_id" {
  description = "ID of the REST API, for a custom domain's base path mapping."
  value       = aws_api_gateway_rest_api.this.id
}

output "stage_arn" {
  description = "ARN of the stage, for a web ACL of AWS WAF."
  value       = aws_api_gateway_stage.this.arn
}

output "api_name" {
  description = "Name of the REST API, which is also the dimension ApiName of its metrics."
  value       = aws_api_gateway_rest_api.this.name
}

output "stage_name" {
  description = "Name of the stage, which is also the dimension Stage of its metrics."
  value       = aws_api_gateway_stage.this.stage_name
}

output "function_name" {
  description = "Name of the function, which is also the dimension FunctionName of its metrics."
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
  description = "Name of the log group with a line for each request; null without access logs."
  value       = one(aws_cloudwatch_log_group.access[*].name)
}

output "kms_key_policy" {
  description = "Policy document (JSON) with the statement that the policy of a customer's key must hold; depends on nothing that the module creates."
  value       = data.aws_iam_policy_document.key.json
}
