# The real policies: the module makes them itself, of what the mocks say of account and region.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "by_default_they_name_what_module_feedback_creates_and_nothing_else" {
  assert {
    condition = alltrue([
      for arn in [
        "arn:aws:iam::123456789012:role/mailing-feedback-eu-west-1",
        "arn:aws:lambda:eu-west-1:123456789012:function:mailing-feedback",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing",
        "arn:aws:sns:eu-west-1:123456789012:mailing-feedback",
        "arn:aws:sqs:eu-west-1:123456789012:mailing-feedback",
        "arn:aws:sqs:eu-west-1:123456789012:mailing-feedback-dead-letter",
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/mailing-feedback",
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/mailing-feedback:*",
      ] : contains(flatten(jsondecode(output.apply_policies["1"]).Statement[*].Resource), arn)
    ])
    error_message = "A resource of the default stack is missing."
  }

  assert {
    condition     = keys(output.apply_policies) == ["1"] && keys(output.plan_policies) == ["1"]
    error_message = "Without a reason to split a policy it is one document."
  }

  # Of the modules that are not in use.

  assert {
    condition     = !can(regex("lookup|changes|apigateway|restapis|events:|cloudwatch|dashboard|ses:|ec2:|kms:|s3:|PutFunctionCodeSigningConfig", "${output.apply_policies["1"]}${output.plan_policies["1"]}"))
    error_message = "Nothing of a module or an option that is not used may be allowed."
  }

  assert {
    condition     = !can(regex("lookup|changes|dynamodb:(Query|DescribeStream)|events:|xray:|ec2:|kms:", output.boundary_policy))
    error_message = "The boundary may hold nothing of a module or an option that is not used."
  }

  # A plan only reads.

  assert {
    condition = alltrue([
      for action in flatten(jsondecode(output.plan_policies["1"]).Statement[*].Action) : can(regex("^[a-z]+:(Get|List|Describe)[A-Za-z]+$", action))
    ])
    error_message = "The policy of a plan allows more than to read."
  }

  assert {
    condition     = length(setsubtract(flatten(jsondecode(output.plan_policies["1"]).Statement[*].Action), flatten(jsondecode(output.apply_policies["1"]).Statement[*].Action))) == 0
    error_message = "Who applies must be able to plan."
  }

  # Roles.

  assert {
    condition = [
      for each in jsondecode(output.apply_policies["1"]).Statement : try(each.Condition.StringEquals["iam:PermissionsBoundary"], null)
      if contains(each.Action, "iam:CreateRole") || contains(each.Action, "iam:PutRolePolicy")
    ] == ["arn:aws:iam::123456789012:policy/mailing-boundary"]
    error_message = "What gives a role permissions must ask for a boundary by itself."
  }

  assert {
    condition     = !strcontains(output.apply_policies["1"], "iam:UpdateAssumeRolePolicy")
    error_message = "Nobody may change who can assume a role: the boundary does not limit that."
  }
}

run "a_module_in_use_has_its_statements_and_every_alarm" {
  variables {
    modules = ["lookup", "changes", "monitoring"]
  }

  assert {
    condition = alltrue([
      for arn in [
        "arn:aws:iam::123456789012:role/mailing-lookup-eu-west-1",
        "arn:aws:iam::123456789012:role/mailing-changes-eu-west-1",
        "arn:aws:apigateway:eu-west-1::/restapis/*",
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/apigateway/mailing-lookup:*",
        "arn:aws:sqs:eu-west-1:123456789012:mailing-changes-dead-letter",
        "arn:aws:events:eu-west-1:123456789012:event-bus/mailing-changes",
        "arn:aws:cloudwatch::123456789012:dashboard/mailing-eu-west-1",
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:mailing-changes-age",
      ] : contains(flatten([for document in output.apply_policies : jsondecode(document).Statement[*].Resource]), arn)
    ])
    error_message = "A resource of a module in use is missing."
  }

  assert {
    condition     = contains(flatten([for document in output.plan_policies : jsondecode(document).Statement[*].Action]), "apigateway:GET")
    error_message = "A plan reads the API."
  }

  # The boundary lets events go to the default bus, or one of their own.

  assert {
    condition = [for each in jsondecode(output.boundary_policy).Statement : each.Resource if contains(each.Action, "events:PutEvents")] == [
      ["arn:aws:events:eu-west-1:123456789012:event-bus/mailing-changes", "arn:aws:events:eu-west-1:123456789012:event-bus/default"],
    ]
    error_message = "The function of module changes must be able to put events where it does by default."
  }
}

run "monitoring" {
  module {
    source = "../monitoring"
  }

  variables {
    feedback = { function_name = "f", log_group_name = "l", queue_name = "q", dead_letter_queue_name = "d" }
    lookup   = { function_name = "f", log_group_name = "l", api_name = "a", stage_name = "s" }
    changes  = { function_name = "f", log_group_name = "l", dead_letter_queue_name = "d" }
  }
}

run "the_alarms_are_those_of_module_monitoring" {
  variables {
    modules = ["lookup", "changes", "monitoring"]
  }

  assert {
    condition     = toset(local.alarms) == toset(keys(run.monitoring.alarm_arns))
    error_message = "The module must name the alarms of module monitoring, no more and no fewer."
  }
}

run "no_action_is_a_pattern" {
  variables {
    modules        = ["lookup", "changes", "monitoring"]
    ses            = { identities = ["example.com"], configuration_sets = ["news"] }
    kms_key_arn    = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    package_bucket = "packages/mailing"
    function       = { vpc = true, tracing = true, code_signing_config_arn = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0" }
  }

  assert {
    condition     = !strcontains(join("", flatten([for document in output.apply_policies : jsondecode(document).Statement[*].Action])), "*")
    error_message = "Each action must be named."
  }

  assert {
    condition     = length(setsubtract(["ec2:DescribeVpcs", "kms:CreateGrant", "lambda:PutFunctionCodeSigningConfig", "s3:GetObject"], flatten([for document in output.apply_policies : jsondecode(document).Statement[*].Action]))) == 0
    error_message = "An option that is used lacks its actions."
  }

  assert {
    condition     = contains(flatten([for document in output.apply_policies : jsondecode(document).Statement[*].Resource]), "arn:aws:s3:::packages/mailing/*")
    error_message = "Only packages in the folder that is named may be read."
  }

  assert {
    condition     = length(setsubtract(["ec2:CreateNetworkInterface", "kms:Decrypt", "xray:PutTraceSegments"], flatten(jsondecode(output.boundary_policy).Statement[*].Action))) == 0
    error_message = "The boundary forbids what an option needs."
  }

  # README.md lists these under "What it allows beyond this stack".

  assert {
    condition = {
      for each in flatten([for document in output.apply_policies : jsondecode(document).Statement]) :
      jsonencode(each.Condition) => each.Action... if contains(each.Resource, "*")
      } == {
      jsonencode({ ArnEquals = { "lambda:FunctionArn" = ["arn:aws:lambda:eu-west-1:123456789012:function:mailing-feedback", "arn:aws:lambda:eu-west-1:123456789012:function:mailing-changes"] } }) = [
        ["lambda:CreateEventSourceMapping"],
      ]
      jsonencode({ StringEquals = { "aws:RequestedRegion" = "eu-west-1" } }) = [
        ["sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"],
        ["logs:DescribeLogGroups"],
        ["ses:GetIdentityNotificationAttributes", "ses:SetIdentityHeadersInNotificationsEnabled", "ses:SetIdentityNotificationTopic"],
        ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"],
      ]
    }
    error_message = "An action is allowed on anything that can be limited."
  }

  assert {
    condition = toset([
      for arn in flatten([for document in output.apply_policies : jsondecode(document).Statement[*].Resource]) : arn
      if strcontains(arn, "*") && arn != "*" && !startswith(arn, "arn:aws:logs:")
      ]) == toset([
      "arn:aws:apigateway:eu-west-1::/restapis/*",
      "arn:aws:apigateway:eu-west-1::/tags/*",
      "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*",
      "arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:*",
      "arn:aws:s3:::packages/mailing/*",
    ])
    error_message = "A resource is a pattern that can be limited."
  }
}

run "roles_need_the_boundary" {
  variables {
    modules              = ["lookup", "changes"]
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
    role_path            = "/teams/mail/"
  }

  assert {
    condition = [
      for each in flatten([for document in output.apply_policies : jsondecode(document).Statement]) : each
      if try(each.Condition.StringEquals["iam:PermissionsBoundary"], "") == "arn:aws:iam::123456789012:policy/boundary"
      ] == [{
        Action    = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"]
        Condition = { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::123456789012:policy/boundary" } }
        Effect    = "Allow"
        Resource  = ["arn:aws:iam::123456789012:role/teams/mail/mailing-feedback-eu-west-1", "arn:aws:iam::123456789012:role/teams/mail/mailing-lookup-eu-west-1", "arn:aws:iam::123456789012:role/teams/mail/mailing-changes-eu-west-1"]
    }]
    error_message = "What gives a role permissions must ask for the boundary."
  }

  assert {
    condition     = length([for each in flatten([for document in output.apply_policies : jsondecode(document).Statement]) : each if contains(each.Action, "iam:CreateRole")]) == 1
    error_message = "No other statement may allow it without the boundary."
  }
}

run "without_a_boundary_only_if_you_say_so" {
  variables {
    permissions_boundary = "none"
  }

  assert {
    condition     = !strcontains(output.apply_policies["1"], "PermissionsBoundary") && strcontains(output.apply_policies["1"], "iam:CreateRole")
    error_message = "With \"none\" roles need no boundary."
  }
}

run "with_the_longest_names_and_100_identities_they_are_split_and_allow_the_same" {
  variables {
    name                 = "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqr"
    modules              = ["lookup", "changes", "monitoring"]
    ses                  = { identities = [for number in range(100) : "a-longer-name.${number}@news.marketing.example.com"], configuration_sets = [for number in range(10) : "newsletter-${number}"] }
    permissions_boundary = "arn:aws:iam::123456789012:policy/${join("", [for number in range(51) : "boundaries"])}/${join("", [for number in range(12) : "boundary.."])}"
    role_path            = "/${join("", [for number in range(51) : "a-long-dir"])}/"
    kms_key_arn          = "arn:aws:kms:eu-west-1:123456789012:key/mrk-11112222333344445555666677778888"
    package_bucket       = "packages-of-the-company-in-a-bucket-with-a-name-63-characters-l/mailing"
    function             = { vpc = true, tracing = true, code_signing_config_arn = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0" }
    names = {
      table             = join("", [for number in range(25) : "table-name"])
      topic             = join("", [for number in range(25) : "topic-name"])
      queue             = join("", [for number in range(8) : "queue-name"])
      dead_letter_queue = join("", [for number in range(8) : "dead-queue"])
    }
  }

  assert {
    condition     = alltrue([for document in concat(values(output.apply_policies), values(output.plan_policies), [output.boundary_policy]) : length(document) <= 6144])
    error_message = "A document is longer than IAM takes."
  }

  assert {
    condition     = length(output.apply_policies) > 1 && length(output.apply_policies) <= 10 && length(output.plan_policies) <= 10
    error_message = "IAM lets a role have ten policies."
  }

  # Each action on each resource under each condition.

  assert {
    condition = alltrue([
      for purpose, documents in { apply = output.apply_policies, plan = output.plan_policies } :
      toset(flatten([
        for document in documents : [
          for each in jsondecode(document).Statement :
          [for pair in setproduct(each.Action, each.Resource) : jsonencode([pair, try(each.Condition, null)])]
        ]
        ])) == toset(flatten([
        for each in local.listed[purpose] :
        [for pair in setproduct(each.actions, each.resources) : jsonencode([pair, each.condition])]
      ]))
    ])
    error_message = "Together the documents must allow what the policy would."
  }

  # Of the length that a role's name can have.

  assert {
    condition     = alltrue([for role in local.usual_roles : length(role) == 64 && startswith(role, "${var.name}-")])
    error_message = "A long role name must be shortened."
  }
}

run "a_policy_that_a_role_cannot_have_is_refused" {
  command = plan

  variables {
    ses = { identities = [for number in range(600) : "news${number}.example.com"] }
  }

  expect_failures = [output.apply_policies]
}

run "other_names_and_another_bus_take_the_place_of_the_usual_ones" {
  variables {
    modules = ["lookup", "changes", "monitoring"]
    names   = { table = "suppressed", topic = "ses", queue = "work", dead_letter_queue = "failed", roles = ["mailing-feedback"], dashboard = "mail", rest_api = "abcde12345" }
    bus_arn = "arn:aws:events:eu-west-1:999999999999:event-bus/company"
  }

  assert {
    condition = [
      for arn in flatten([for document in output.apply_policies : jsondecode(document).Statement[*].Resource]) : arn
      if can(regex(":(apigateway|dynamodb|events|sns|sqs):|:dashboard/", arn))
      ] == [
      "arn:aws:dynamodb:eu-west-1:123456789012:table/suppressed",
      "arn:aws:sns:eu-west-1:123456789012:ses",
      "arn:aws:sqs:eu-west-1:123456789012:work",
      "arn:aws:sqs:eu-west-1:123456789012:failed",
      "arn:aws:sqs:eu-west-1:123456789012:mailing-changes-dead-letter",
      "arn:aws:cloudwatch::123456789012:dashboard/mail",
      "arn:aws:apigateway:eu-west-1::/restapis/abcde12345",
      "arn:aws:apigateway:eu-west-1::/restapis/abcde12345/*",
      "arn:aws:apigateway:eu-west-1::/tags/*restapis*abcde12345*",
    ]
    error_message = "The policy must name what is there."
  }

  assert {
    condition     = toset([for arn in flatten([for document in output.apply_policies : jsondecode(document).Statement[*].Resource]) : arn if strcontains(arn, ":role/")]) == toset(["arn:aws:iam::123456789012:role/mailing-feedback"])
    error_message = "The roles are those that you name."
  }

  assert {
    condition     = [for each in jsondecode(output.boundary_policy).Statement : each.Resource if contains(each.Action, "events:PutEvents")] == [["arn:aws:events:eu-west-1:999999999999:event-bus/company"]]
    error_message = "The function of module changes must be able to put events on the bus that is named, and on no other."
  }
}
