# The real policies: the module makes them itself, of what the mocks say of account and region.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "defaults_name_what_the_modules_create_a_plan_only_reads_and_options_are_off" {
  # They name what module feedback creates.

  assert {
    condition = alltrue([
      for arn in [
        "arn:aws:iam::123456789012:role/mailing-feedback",
        "arn:aws:iam::123456789012:role/mailing-lookup",
        "arn:aws:lambda:eu-west-1:123456789012:function:mailing-feedback",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing",
        "arn:aws:sns:eu-west-1:123456789012:mailing-feedback",
        "arn:aws:sqs:eu-west-1:123456789012:mailing-feedback-dead-letter",
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/mailing-changes*",
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/*/mailing-lookup*",
        "arn:aws:sqs:eu-west-1:123456789012:mailing-changes-dead-letter",
        "arn:aws:events:eu-west-1:123456789012:event-bus/mailing-changes",
      ] : contains(flatten(jsondecode(output.apply_policy).Statement[*].Resource), arn)
    ])
    error_message = "A resource of the default stack is missing."
  }

  # A plan only reads.

  assert {
    condition = alltrue([
      for action in flatten(jsondecode(output.plan_policy).Statement[*].Action) :
      action == "apigateway:GET" || can(regex("^[a-z]+:(Get|List|Describe)[A-Za-z]+$", action))
    ])
    error_message = "The policy of a plan allows more than to read."
  }

  assert {
    condition     = length(setsubtract(flatten(jsondecode(output.plan_policy).Statement[*].Action), flatten(jsondecode(output.apply_policy).Statement[*].Action))) == 0
    error_message = "Who applies must be able to plan."
  }

  # Options are off unless used.

  assert {
    condition     = length([for action in flatten(jsondecode(output.apply_policy).Statement[*].Action) : action if can(regex("^(ec2|kms|s3|ses):|PermissionsBoundary$|^lambda:(Put|Delete)FunctionCodeSigningConfig$", action))]) == 0
    error_message = "Nothing of an option that is not used may be allowed."
  }

  # The boundary lets events go to the default bus, or one of their own.

  assert {
    condition = [for each in jsondecode(output.boundary_policy).Statement : each.Resource if contains(each.Action, "events:PutEvents")] == [
      ["arn:aws:events:eu-west-1:123456789012:event-bus/mailing-changes", "arn:aws:events:eu-west-1:123456789012:event-bus/default"],
    ]
    error_message = "The function of module changes must be able to put events where it does by default."
  }
}

run "no_action_is_a_pattern" {
  variables {
    ses            = { identities = ["example.com"], configuration_sets = ["news"] }
    kms_key_arn    = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    package_bucket = "packages"
    function       = { vpc = true, tracing = true, code_signing_config_arn = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0" }
  }

  assert {
    condition     = alltrue([for action in flatten(jsondecode(output.apply_policy).Statement[*].Action) : !strcontains(action, "*")])
    error_message = "Each action must be named."
  }

  assert {
    condition     = length(setsubtract(["ec2:DescribeVpcs", "kms:CreateGrant", "lambda:PutFunctionCodeSigningConfig", "s3:GetObject"], flatten(jsondecode(output.apply_policy).Statement[*].Action))) == 0
    error_message = "An option that is used lacks its actions."
  }

  assert {
    condition     = length(setsubtract(["ec2:CreateNetworkInterface", "kms:Decrypt", "xray:PutTraceSegments"], flatten(jsondecode(output.boundary_policy).Statement[*].Action))) == 0
    error_message = "The boundary forbids what an option needs."
  }
}

run "on_anything_only_what_aws_cannot_limit" {
  variables {
    ses = { identities = ["example.com"] }
  }

  assert {
    condition = toset(flatten([for each in jsondecode(output.apply_policy).Statement : each.Action if contains(each.Resource, "*") && !can(each.Condition)])) == toset([
      "cloudwatch:DescribeAlarms",
      "lambda:GetEventSourceMapping",
      "logs:DescribeLogGroups",
      "ses:GetIdentityNotificationAttributes",
      "ses:SetIdentityHeadersInNotificationsEnabled",
      "ses:SetIdentityNotificationTopic",
      "sns:GetSubscriptionAttributes",
      "sns:SetSubscriptionAttributes",
      "sns:Unsubscribe",
    ])
    error_message = "An action is allowed on anything that can be limited."
  }
}

run "roles_need_the_boundary" {
  variables {
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
    role_path            = "/teams/mail/"
  }

  assert {
    condition = [
      for each in jsondecode(output.apply_policy).Statement : each
      if try(each.Condition.StringEquals["iam:PermissionsBoundary"], "") == "arn:aws:iam::123456789012:policy/boundary"
      ] == [{
        Action    = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"]
        Condition = { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::123456789012:policy/boundary" } }
        Effect    = "Allow"
        Resource  = ["arn:aws:iam::123456789012:role/teams/mail/mailing-feedback", "arn:aws:iam::123456789012:role/teams/mail/mailing-lookup", "arn:aws:iam::123456789012:role/teams/mail/mailing-changes"]
    }]
    error_message = "What gives a role permissions must ask for the boundary."
  }

  assert {
    condition     = length([for each in jsondecode(output.apply_policy).Statement : each if contains(each.Action, "iam:CreateRole")]) == 1
    error_message = "No other statement may allow it without the boundary."
  }
}

run "a_name_of_30_characters_fits_with_everything_on" {
  variables {
    name                 = "abcdefghijklmnopqrstuvwxyz1234"
    ses                  = { identities = ["news.example.com"], configuration_sets = ["newsletter"] }
    permissions_boundary = "arn:aws:iam::123456789012:policy/mailing-boundary"
    kms_key_arn          = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    package_bucket       = "packages-of-the-company"
  }

  assert {
    condition     = length(output.apply_policy) <= 6144
    error_message = "The policy does not fit."
  }
}

run "a_policy_that_iam_would_refuse_is_refused" {
  command = plan

  variables {
    ses = { identities = [for number in range(40) : "news${number}.example.com"] }
  }

  expect_failures = [output.apply_policy]
}

run "other_names_and_another_bus_take_the_place_of_the_usual_ones" {
  variables {
    names   = { table = "suppressed", topic = "ses", queue = "work", dead_letter_queue = "failed" }
    bus_arn = "arn:aws:events:eu-west-1:999999999999:event-bus/company"
  }

  assert {
    condition = [
      for arn in flatten(jsondecode(output.apply_policy).Statement[*].Resource) : arn if can(regex(":(dynamodb|sns|sqs):", arn))
      ] == [
      "arn:aws:dynamodb:eu-west-1:123456789012:table/suppressed",
      "arn:aws:sns:eu-west-1:123456789012:ses",
      "arn:aws:sqs:eu-west-1:123456789012:work",
      "arn:aws:sqs:eu-west-1:123456789012:failed",
      "arn:aws:sqs:eu-west-1:123456789012:mailing-changes-dead-letter",
    ]
    error_message = "The policy must name what is there."
  }

  assert {
    condition     = [for each in jsondecode(output.boundary_policy).Statement : each.Resource if contains(each.Action, "events:PutEvents")] == [["arn:aws:events:eu-west-1:999999999999:event-bus/company"]]
    error_message = "The function of module changes must be able to put events on the bus that is named, and on no other."
  }
}
