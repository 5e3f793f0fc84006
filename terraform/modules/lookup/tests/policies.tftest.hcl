# Who may do what. Each policy is compared whole, so that nothing can be added to it unnoticed.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  feedback = {
    table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing" }
    rules = {}
  }
}

run "function_reads_lists_and_writes_overrides" {
  command = plan

  assert {
    condition = { for each in data.aws_iam_policy_document.role.statement : each.sid => "${join(" ", sort(each.actions))} ${one(each.resources)}" } == {
      AllowReadTable  = "dynamodb:BatchGetItem arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
      AllowQueryIndex = "dynamodb:Query arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/index/suppressed-updatedAt"
      AllowWriteTable = "dynamodb:PartiQLInsert dynamodb:PartiQLUpdate arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
      AllowWriteLogs  = "logs:CreateLogStream logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/mailing-lookup:log-stream:*"
    }
    error_message = "The function may read the table and its index, update items and write its log; nothing else."
  }
}

run "only_this_stage_calls_the_function_and_callers_get_what_they_need" {
  # Only this stage calls the function.

  assert {
    condition = (
      aws_lambda_permission.this.principal == "apigateway.amazonaws.com" &&
      aws_lambda_permission.this.action == "lambda:InvokeFunction" &&
      aws_lambda_permission.this.function_name == module.function.lambda.function_name &&
      aws_lambda_permission.this.source_arn == "arn:aws:execute-api:eu-west-1:123456789012:abcde12345/v1/*"
    )
    error_message = "Only this API's stage may call the function."
  }

  # Callers get what they need.

  assert {
    condition = {
      for name, policy in data.aws_iam_policy_document.caller :
      name => join(" ", [for arn in sort(one(policy.statement).resources) : trimprefix(arn, "arn:aws:execute-api:eu-west-1:123456789012:abcde12345/v1/")])
      } == {
      read     = "GET/addresses GET/addresses/* POST/check"
      override = "DELETE/addresses/*/override PUT/addresses/*/override"
    }
    error_message = "Readers read; only those with the other policy set and remove overrides."
  }

  assert {
    condition     = alltrue([for policy in data.aws_iam_policy_document.caller : one(policy.statement).actions == toset(["execute-api:Invoke"])])
    error_message = "Callers may call the API, and no more."
  }

  assert {
    condition     = keys(output.caller_policies) == ["override", "read"]
    error_message = "Both policies must be given out."
  }

  # Without callers, the policies of the account decide.

  assert {
    condition = (
      aws_api_gateway_rest_api_policy.this.policy == data.aws_iam_policy_document.api.json &&
      one(data.aws_iam_policy_document.api.statement).effect == null &&
      one(one(data.aws_iam_policy_document.api.statement).principals).identifiers == toset(["arn:aws:iam::123456789012:root"])
    )
    error_message = "There must be a policy, which allows the account and with it nobody in particular."
  }

  # A changed API writes its policy again.

  assert {
    condition     = one(data.aws_iam_policy_document.api.statement).sid == "AllowCallersInvoke${substr(sha256(replace(aws_api_gateway_rest_api.this.body, "/\"arn:[^\"]*\"/", "\"URI\"")), 0, 16)}"
    error_message = "Provider 6.48 and later wipe the policy with a changed body, and must be made to write it again."
  }
}

run "named_callers_may_call_this_stage" {
  variables {
    callers = ["arn:aws:iam::210987654321:role/sender"]
  }

  assert {
    condition = (
      aws_api_gateway_rest_api_policy.this.policy == data.aws_iam_policy_document.api.json &&
      one(data.aws_iam_policy_document.api.statement).effect == null &&
      one(data.aws_iam_policy_document.api.statement).actions == toset(["execute-api:Invoke"]) &&
      one(data.aws_iam_policy_document.api.statement).resources == toset(["arn:aws:execute-api:eu-west-1:123456789012:abcde12345/v1/*"]) &&
      flatten([for each in one(data.aws_iam_policy_document.api.statement).principals : [for who in each.identifiers : "${each.type} ${who}"]]) == ["AWS arn:aws:iam::210987654321:role/sender"]
    )
    error_message = "The resource policy must allow the callers this stage, and nobody else."
  }
}

run "nothing_is_encrypted_with_a_key_that_is_not_given" {
  command = plan

  variables {
    access_logs = true
  }

  assert {
    condition     = module.function.log_group.kms_key_id == null && aws_cloudwatch_log_group.access[0].kms_key_id == null
    error_message = "Without a key CloudWatch Logs encrypts by itself."
  }
}

run "key_encrypts_the_logs_and_opens_the_table" {
  command = plan

  variables {
    access_logs = true
    feedback = {
      table       = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing" }
      rules       = {}
      kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    }
  }

  assert {
    condition     = module.function.log_group.kms_key_id == var.feedback.kms_key_arn && aws_cloudwatch_log_group.access[0].kms_key_id == var.feedback.kms_key_arn
    error_message = "A log group is not encrypted with the key."
  }

  assert {
    condition = [
      for each in data.aws_iam_policy_document.role.statement : join(" ", each.actions) if each.resources == toset([var.feedback.kms_key_arn])
    ] == ["kms:Decrypt"]
    error_message = "The role must be able to decrypt, and no more."
  }

  assert {
    condition = (
      one(data.aws_iam_policy_document.key.statement).actions == toset(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]) &&
      one(one(data.aws_iam_policy_document.key.statement).principals).identifiers == toset(["logs.eu-west-1.amazonaws.com"]) &&
      one(one(one(data.aws_iam_policy_document.key.statement).condition).values) == "arn:aws:logs:eu-west-1:123456789012:log-group:*"
    )
    error_message = "CloudWatch Logs of this account must be able to use the key."
  }
}
