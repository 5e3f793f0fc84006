# Who may do what. Each policy is compared whole, so that nothing can be added to it unnoticed.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "everybody_may_do_what_they_must_and_nothing_else" {
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
    condition = { for name, policy in data.aws_iam_policy_document.queue : name => policy.statement[0].resources } == {
      queue       = toset(["arn:aws:sqs:eu-west-1:123456789012:mailing-feedback"])
      dead_letter = toset(["arn:aws:sqs:eu-west-1:123456789012:mailing-feedback-dead-letter"])
    }
    error_message = "Each queue's policy must be for that queue."
  }

  assert {
    condition = alltrue([
      for policy in data.aws_iam_policy_document.queue : (
        length(policy.statement) == 2 &&
        policy.statement[0].actions == toset(["sqs:SendMessage"]) &&
        flatten([for each in policy.statement[0].principals : [for who in each.identifiers : "${each.type} ${who}"]]) == ["Service sns.amazonaws.com"] &&
        [for each in policy.statement[0].condition : "${each.test} ${each.variable} ${join(",", each.values)}"] == ["ArnEquals aws:SourceArn arn:aws:sns:eu-west-1:123456789012:mailing-feedback"]
      )
    ])
    error_message = "Only this topic may send to the queues."
  }

  assert {
    condition = alltrue([
      for statement in concat(
        [data.aws_iam_policy_document.topic.statement[1]],
        [for policy in data.aws_iam_policy_document.queue : policy.statement[1]],
        ) : (
        statement.effect == "Deny" &&
        flatten([for each in statement.principals : [for who in each.identifiers : "${each.type} ${who}"]]) == ["AWS *"] &&
        [for each in statement.condition : "${each.test} ${each.variable} ${join(",", each.values)}"] == ["Bool aws:SecureTransport false"]
      )
    ])
    error_message = "Topic and queues must deny requests without TLS."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.topic.statement[1].actions == toset(["sns:Publish"]) &&
      alltrue([
        for policy in data.aws_iam_policy_document.queue :
        policy.statement[1].actions == toset(["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"])
      ])
    )
    error_message = "What carries messages must be denied without TLS."
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.role.statement : join(",", each.resources) => join(" ", sort(each.actions)) } == {
      "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"                                   = "dynamodb:BatchGetItem dynamodb:PartiQLInsert dynamodb:PartiQLUpdate"
      "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/mailing-feedback:log-stream:*" = "logs:CreateLogStream logs:PutLogEvents"
      "arn:aws:sqs:eu-west-1:123456789012:mailing-feedback"                                     = "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage"
    }
    error_message = "The function may read and write its table, write its log, and take from its queue; nothing else."
  }

  assert {
    condition = alltrue([
      for statement in concat(
        data.aws_iam_policy_document.topic.statement,
        data.aws_iam_policy_document.role.statement,
        flatten([for policy in data.aws_iam_policy_document.queue : policy.statement]),
        ) : alltrue(concat(
          [for action in statement.actions : !strcontains(action, "*")],
          # The streams of the function's own log group can only be named so.
          [for resource in statement.resources : !strcontains(trimsuffix(resource, ":log-stream:*"), "*")],
      ))
    ])
    error_message = "Every action and every resource must be named."
  }
}

run "topic_can_be_limited_to_one_identity" {
  command = plan

  variables {
    ses_source_arns = ["arn:aws:ses:eu-west-1:123456789012:identity/example.com"]
  }

  assert {
    condition = flatten([
      for each in data.aws_iam_policy_document.topic.statement[0].condition : each.values if each.variable == "aws:SourceArn"
    ]) == ["arn:aws:ses:eu-west-1:123456789012:identity/example.com"]
    error_message = "Only the given identity may publish."
  }

  assert {
    condition = flatten([
      for each in data.aws_iam_policy_document.key.statement[0].condition : each.values if each.variable == "aws:SourceArn"
    ]) == ["arn:aws:ses:eu-west-1:123456789012:identity/example.com"]
    error_message = "Only the given identity may use the key."
  }
}

run "role_without_queue" {
  command = plan

  variables {
    delivery = "direct"
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.role.statement : join(",", each.resources) => join(" ", sort(each.actions)) } == {
      "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"                                   = "dynamodb:BatchGetItem dynamodb:PartiQLInsert dynamodb:PartiQLUpdate"
      "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/mailing-feedback:log-stream:*" = "logs:CreateLogStream logs:PutLogEvents"
      "arn:aws:sqs:eu-west-1:123456789012:mailing-feedback-dead-letter"                         = "sqs:SendMessage"
    }
    error_message = "The function may read and write its table, write its log, and send to its dead-letter queue; nothing else."
  }
}

run "policies_are_attached_where_they_belong" {
  override_data {
    target = data.aws_iam_policy_document.topic
    values = { json = "{\"Id\":\"topic\"}" }
  }

  override_data {
    target = data.aws_iam_policy_document.queue["queue"]
    values = { json = "{\"Id\":\"queue\"}" }
  }

  override_data {
    target = data.aws_iam_policy_document.queue["dead_letter"]
    values = { json = "{\"Id\":\"dead_letter\"}" }
  }

  assert {
    condition = (
      jsondecode(aws_sns_topic_policy.this.policy).Id == "topic" &&
      aws_sns_topic_policy.this.arn == aws_sns_topic.this.arn &&
      jsondecode(aws_sqs_queue.this[0].policy).Id == "queue" &&
      jsondecode(aws_sqs_queue.dead_letter.policy).Id == "dead_letter"
    )
    error_message = "A policy is not attached to what it is written for."
  }
}
