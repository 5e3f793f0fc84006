# With and without a key of the customer's.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "services_encrypt_by_themselves_and_the_keys_policy_lets_ses_sns_and_logs_use_one" {
  command = plan

  assert {
    condition = (
      aws_sqs_queue.this[0].sqs_managed_sse_enabled && aws_sqs_queue.dead_letter.sqs_managed_sse_enabled &&
      module.function.log_group.kms_key_id == null &&
      !aws_dynamodb_table.this[0].server_side_encryption[0].enabled
    )
    error_message = "Without a key the queues use SQS's own encryption, the table DynamoDB's."
  }

  assert {
    condition     = !anytrue([for each in data.aws_iam_policy_document.role.statement : anytrue([for action in each.actions : startswith(action, "kms:")])])
    error_message = "The role needs no key."
  }

  assert {
    condition = [
      for each in data.aws_iam_policy_document.key.statement : "${one(one(each.principals).identifiers)}: ${join(" ", sort(each.actions))}"
      ] == [
      "ses.amazonaws.com: kms:Decrypt kms:GenerateDataKey",
      "sns.amazonaws.com: kms:Decrypt kms:GenerateDataKey",
      "logs.eu-west-1.amazonaws.com: kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:ReEncryptFrom kms:ReEncryptTo",
    ]
    error_message = "SES, SNS and CloudWatch Logs must be able to use the key."
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.key.statement :
      { for each in statement.condition : each.variable => join(" ", sort(each.values)) }
      ] == [
      {
        "aws:SourceAccount" = "123456789012"
        "aws:SourceArn"     = "arn:aws:ses:eu-west-1:123456789012:configuration-set/* arn:aws:ses:eu-west-1:123456789012:identity/*"
      },
      { "aws:SourceArn" = "arn:aws:sns:eu-west-1:123456789012:*" },
      { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:eu-west-1:123456789012:log-group:*" },
    ]
    error_message = "They may use the key for this account only."
  }
}

run "key_encrypts_everything" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = alltrue([
      for key in [
        aws_sqs_queue.this[0].kms_master_key_id, aws_sqs_queue.dead_letter.kms_master_key_id,
        aws_dynamodb_table.this[0].server_side_encryption[0].kms_key_arn, module.function.log_group.kms_key_id,
      ] : key == var.kms_key_arn
    ])
    error_message = "Something is not encrypted with the key."
  }

  assert {
    condition     = output.kms_key_arn == var.kms_key_arn
    error_message = "Module lookup must be told of the key."
  }

  assert {
    condition = one([
      for each in data.aws_iam_policy_document.role.statement : each.actions if contains(each.resources, var.kms_key_arn)
    ]) == toset(["kms:Decrypt"])
    error_message = "The role must be able to decrypt, and no more."
  }
}

run "direct_mode_writes_to_an_encrypted_queue" {
  command = plan

  variables {
    delivery    = "direct"
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = one([
      for each in data.aws_iam_policy_document.role.statement : each.actions if contains(each.resources, var.kms_key_arn)
    ]) == toset(["kms:Decrypt", "kms:GenerateDataKey"])
    error_message = "Lambda sends what failed to the encrypted dead-letter queue with the function's role."
  }
}
