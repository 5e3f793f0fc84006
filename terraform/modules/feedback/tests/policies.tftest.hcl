# Who may do what. Each policy is compared whole, so that nothing can be added to it unnoticed.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "everybody_may_do_what_they_must_and_nothing_else" {
  command = plan

  assert {
    condition     = alltrue([for each in data.aws_iam_policy_document.queue.statement : each.resources == toset(["arn:aws:sqs:eu-west-1:123456789012:*"])])
    error_message = "A queue's policy must be for the queue that has it, whatever its name."
  }

  assert {
    condition = (
      length(data.aws_iam_policy_document.queue.statement) == 2 &&
      data.aws_iam_policy_document.queue.statement[0].actions == toset(["sqs:SendMessage"]) &&
      flatten([for each in data.aws_iam_policy_document.queue.statement[0].principals : [for who in each.identifiers : "${each.type} ${who}"]]) == ["Service sns.amazonaws.com"] &&
      [for each in data.aws_iam_policy_document.queue.statement[0].condition : "${each.test} ${each.variable} ${join(",", each.values)}"] == ["ArnEquals aws:SourceArn arn:aws:sns:eu-west-1:123456789012:mailing-feedback"]
    )
    error_message = "Only this topic may send to the queues."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.queue.statement[1].effect == "Deny" &&
      flatten([for each in data.aws_iam_policy_document.queue.statement[1].principals : [for who in each.identifiers : "${each.type} ${who}"]]) == ["AWS *"] &&
      [for each in data.aws_iam_policy_document.queue.statement[1].condition : "${each.test} ${each.variable} ${join(",", each.values)}"] == ["Bool aws:SecureTransport false"] &&
      data.aws_iam_policy_document.queue.statement[1].actions == toset(["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"])
    )
    error_message = "The queues must deny what carries messages without TLS."
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
      for statement in data.aws_iam_policy_document.role.statement : alltrue(concat(
        [for action in statement.actions : !strcontains(action, "*")],
        # The streams of the function's own log group can only be named so.
        [for resource in statement.resources : !strcontains(trimsuffix(resource, ":log-stream:*"), "*")],
      ))
    ])
    error_message = "Every action and every resource of the role must be named."
  }
}

run "key_can_be_limited_to_one_identity_and_more_topics_may_send_to_the_queues" {
  command = plan

  variables {
    ses_source_arns       = ["arn:aws:ses:eu-west-1:999999999999:identity/example.com"]
    additional_topic_arns = ["arn:aws:sns:us-east-1:999999999999:feedback"]
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.key.statement[0].condition : each.variable => join(" ", sort(each.values)) } == {
      "aws:SourceAccount" = "999999999999"
      "aws:SourceArn"     = "arn:aws:ses:eu-west-1:999999999999:identity/example.com"
    }
    error_message = "Only the given identity may use the key, for its own account."
  }

  assert {
    condition     = join(" ", one(data.aws_iam_policy_document.queue.statement[0].condition).values) == "arn:aws:sns:eu-west-1:123456789012:mailing-feedback arn:aws:sns:us-east-1:999999999999:feedback"
    error_message = "The queue must take messages of its own topic and of the others, and of no more."
  }

  assert {
    condition     = contains(one(data.aws_iam_policy_document.key.statement[1].condition).values, "arn:aws:sns:us-east-1:999999999999:feedback")
    error_message = "SNS must be able to use the key for the others too."
  }
}

run "role_without_queue" {
  command = plan

  variables {
    delivery = "direct"
    queue    = { keep = false }
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
    target = data.aws_iam_policy_document.queue
    values = { json = "{\"Id\":\"queue\"}" }
  }

  assert {
    condition = (
      jsondecode(aws_sqs_queue.this[0].policy).Id == "queue" &&
      jsondecode(aws_sqs_queue.dead_letter.policy).Id == "queue"
    )
    error_message = "A policy is not attached to what it is written for."
  }
}
