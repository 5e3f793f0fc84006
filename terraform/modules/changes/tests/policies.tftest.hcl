# Who may do what. Each policy is compared whole, so that nothing can be added to it unnoticed.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  feedback = {
    table = {
      name       = "mailing"
      arn        = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
      stream_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/stream/2026-03-10T12:00:00.000"
    }
  }
}

run "function_reads_this_stream_and_puts_events_on_this_bus" {
  command = plan

  assert {
    condition = { for each in data.aws_iam_policy_document.role.statement : each.sid => "${join(" ", sort(each.actions))} ${one(each.resources)}" } == {
      AllowReadStream            = "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/stream/2026-03-10T12:00:00.000"
      AllowListStreams           = "dynamodb:ListStreams arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/stream/*"
      AllowPutEvents             = "events:PutEvents arn:aws:events:eu-west-1:123456789012:event-bus/default"
      AllowSendToDeadLetterQueue = "sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:mailing-changes-dead-letter"
      AllowWriteLogs             = "logs:CreateLogStream logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/mailing-changes:log-stream:*"
    }
    error_message = "The function may read the table's stream, put events on its bus, send to its dead-letter queue and write its log; nothing else."
  }
}

run "a_key_encrypts_queue_and_log_and_the_function_and_its_log_may_use_it" {
  command = plan

  variables {
    feedback = {
      table = {
        name       = "mailing"
        arn        = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
        stream_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/stream/2026-03-10T12:00:00.000"
      }
      kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    }
  }

  assert {
    condition     = [for each in data.aws_iam_policy_document.role.statement : "${join(" ", sort(each.actions))} ${one(each.resources)}" if each.sid == "AllowUseKMSKey"] == ["kms:Decrypt kms:GenerateDataKey arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"]
    error_message = "Reading the stream decrypts; sending to the queue asks for a data key as well."
  }

  assert {
    condition = (
      flatten([for each in data.aws_iam_policy_document.key.statement[0].principals : [for who in each.identifiers : "${each.type} ${who}"]]) == ["Service logs.eu-west-1.amazonaws.com"] &&
      [for each in data.aws_iam_policy_document.key.statement[0].condition : "${each.test} ${each.variable} ${join(",", each.values)}"] == ["ArnLike kms:EncryptionContext:aws:logs:arn arn:aws:logs:eu-west-1:123456789012:log-group:*"]
    )
    error_message = "CloudWatch Logs must be able to use the key, for log groups of this account and region alone."
  }

  assert {
    condition = (
      aws_sqs_queue.dead_letter.kms_master_key_id == "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" &&
      module.function.log_group.kms_key_id == "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    )
    error_message = "The key must be used wherever addresses are stored."
  }
}

run "nobody_else_gets_at_the_dead_letters" {
  override_data {
    target = data.aws_iam_policy_document.queue
    values = { json = "{\"Id\":\"queue\"}" }
  }

  assert {
    condition = (
      length(data.aws_iam_policy_document.queue.statement) == 1 &&
      data.aws_iam_policy_document.queue.statement[0].effect == "Deny" &&
      [for each in data.aws_iam_policy_document.queue.statement[0].condition : "${each.test} ${each.variable} ${join(",", each.values)}"] == ["Bool aws:SecureTransport false"] &&
      jsondecode(aws_sqs_queue.dead_letter.policy).Id == "queue"
    )
    error_message = "The queue's policy lets nobody in, and denies what carries messages without TLS."
  }
}
