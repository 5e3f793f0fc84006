# Who may publish, and what a queue elsewhere adds.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "ses_of_this_account_may_publish_and_nobody_without_tls" {
  command = plan

  assert {
    condition     = length(data.aws_iam_policy_document.topic.statement) == 2
    error_message = "The topic's policy allows SES and denies plain text, and that is all."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.topic.statement[0].actions == toset(["sns:Publish"]) &&
      data.aws_iam_policy_document.topic.statement[0].resources == toset(["arn:aws:sns:eu-west-1:123456789012:mailing-feedback"]) &&
      flatten([for each in data.aws_iam_policy_document.topic.statement[0].principals : [for who in each.identifiers : "${each.type} ${who}"]]) == ["Service ses.amazonaws.com"]
    )
    error_message = "Only SES may publish."
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.topic.statement[0].condition : "${each.test} ${each.variable}" => join(" ", sort(each.values)) } == {
      "StringEquals aws:SourceAccount" = "123456789012"
      "ArnLike aws:SourceArn"          = "arn:aws:ses:eu-west-1:123456789012:configuration-set/* arn:aws:ses:eu-west-1:123456789012:identity/*"
    }
    error_message = "SES may publish for this account's identities and configuration sets only."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.topic.statement[1].effect == "Deny" &&
      data.aws_iam_policy_document.topic.statement[1].actions == toset(["sns:Publish"]) &&
      data.aws_iam_policy_document.topic.statement[1].resources == toset(["arn:aws:sns:eu-west-1:123456789012:mailing-feedback"]) &&
      flatten([for each in data.aws_iam_policy_document.topic.statement[1].principals : [for who in each.identifiers : "${each.type} ${who}"]]) == ["AWS *"] &&
      [for each in data.aws_iam_policy_document.topic.statement[1].condition : "${each.test} ${each.variable} ${join(",", each.values)}"] == ["Bool aws:SecureTransport false"]
    )
    error_message = "The topic must deny messages without TLS."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.this) == 0 && length(aws_sqs_queue.dead_letter) == 0 && output.dead_letter_queue_url == null
    error_message = "Without a queue elsewhere there is nothing but the topic."
  }
}

run "policy_is_attached" {
  override_data {
    target = data.aws_iam_policy_document.topic
    values = { json = "{\"Id\":\"topic\"}" }
  }

  assert {
    condition     = jsondecode(aws_sns_topic_policy.this.policy).Id == "topic" && aws_sns_topic_policy.this.arn == aws_sns_topic.this.arn
    error_message = "The topic has another policy."
  }
}

run "ses_of_another_account_may_publish_if_it_is_named" {
  command = plan

  variables {
    ses_source_arns = ["arn:aws:ses:eu-west-1:999999999999:identity/example.com"]
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.topic.statement[0].condition : each.variable => join(" ", sort(each.values)) } == {
      "aws:SourceAccount" = "999999999999"
      "aws:SourceArn"     = "arn:aws:ses:eu-west-1:999999999999:identity/example.com"
    }
    error_message = "Only the given identity may publish, for its own account."
  }
}

run "ses_of_another_region_cannot_publish_and_is_refused" {
  command = plan

  variables {
    ses_source_arns = ["arn:aws:ses:eu-west-3:123456789012:identity/example.com"]
  }

  expect_failures = [aws_sns_topic_policy.this]
}

run "a_queue_elsewhere_subscribes" {
  variables {
    queue = { arn = "arn:aws:sqs:eu-central-1:999999999999:mailing-feedback" }
  }

  assert {
    condition = (
      aws_sns_topic_subscription.this[0].protocol == "sqs" &&
      aws_sns_topic_subscription.this[0].endpoint == var.queue.arn &&
      aws_sns_topic_subscription.this[0].topic_arn == aws_sns_topic.this.arn &&
      aws_sns_topic_subscription.this[0].raw_message_delivery &&
      jsondecode(aws_sns_topic_subscription.this[0].redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead_letter[0].arn
    )
    error_message = "The queue must get SES's messages as they are; what cannot be delivered must be kept."
  }

  assert {
    condition     = aws_sqs_queue.dead_letter[0].name == "mailing-feedback-dead-letter" && aws_sqs_queue.dead_letter[0].message_retention_seconds == 1209600 && aws_sqs_queue.dead_letter[0].sqs_managed_sse_enabled
    error_message = "The dead-letter queue must keep messages for 14 days, encrypted."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.dead_letter.statement[0].actions == toset(["sqs:SendMessage"]) &&
      one(one(data.aws_iam_policy_document.dead_letter.statement[0].condition).values) == "arn:aws:sns:eu-west-1:123456789012:mailing-feedback" &&
      data.aws_iam_policy_document.dead_letter.statement[1].effect == "Deny"
    )
    error_message = "Only the topic may send to the dead-letter queue, and nobody without TLS."
  }
}

run "a_key_encrypts_topic_and_queue" {
  command = plan

  variables {
    queue       = { arn = "arn:aws:sqs:eu-central-1:999999999999:mailing-feedback" }
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dead_letter[0].kms_master_key_id == var.kms_key_arn
    error_message = "Topic and dead-letter queue must be encrypted with the key."
  }
}
