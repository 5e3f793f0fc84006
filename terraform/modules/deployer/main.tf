# The policies are built from names only, so that you can attach them before you deploy anything.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # Provider 6 deprecates the attributes `name` and `id`, and provider 5 has no `region`. Both have the endpoint, such as
  # ec2.eu-west-1.amazonaws.com.
  region = split(".", data.aws_region.current.endpoint)[1]
  scope  = "${local.region}:${local.account}"

  feedback  = "${var.name}-feedback"
  changes   = "${var.name}-changes"
  functions = [local.feedback, "${var.name}-lookup", local.changes]

  table_arn = "arn:${local.partition}:dynamodb:${local.scope}:table/${coalesce(var.names.table, var.name)}"
  topic_arn = "arn:${local.partition}:sns:${local.scope}:${coalesce(var.names.topic, local.feedback)}"
  queue_arns = [
    for queue in [coalesce(var.names.queue, local.feedback), coalesce(var.names.dead_letter_queue, "${local.feedback}-dead-letter"), "${local.changes}-dead-letter"] :
    "arn:${local.partition}:sqs:${local.scope}:${queue}"
  ]
  bus_arn       = "arn:${local.partition}:events:${local.scope}:event-bus/${local.changes}"
  role_arns     = [for function in local.functions : "arn:${local.partition}:iam::${local.account}:role${var.role_path}${function}"]
  function_arns = [for function in local.functions : "arn:${local.partition}:lambda:${local.scope}:function:${function}"]
  # Those of the functions, and of the API's access logs, /aws/apigateway/NAME-lookup; with and without ":*" at the end
  # (statements.tf). So few patterns keep a policy short enough.
  log_group_arns = [
    for group in ["lambda/${local.feedback}", "*/${var.name}-lookup", "lambda/${local.changes}"] :
    "arn:${local.partition}:logs:${local.scope}:log-group:/aws/${group}*"
  ]
  ses_arns = concat(
    [for identity in var.ses.identities : "arn:${local.partition}:ses:${local.scope}:identity/${identity}"],
    [for set in var.ses.configuration_sets : "arn:${local.partition}:ses:${local.scope}:configuration-set/${set}"],
  )

  # Statements that differ only in actions and resources are merged, to stay below the maximum length of a policy. This
  # allows nothing more: an action applies only to resources of its own service, and all statements of a service name the
  # same resources.
  groups = {
    for purpose, listed in {
      plan  = [for each in local.statements : merge(each, { actions = each.read })]
      apply = [for each in local.statements : merge(each, { actions = concat(each.read, each.write) })]
    } :
    purpose => {
      for each in listed :
      jsonencode([each.condition, contains(each.resources, "*")]) => each... if length(each.actions) > 0
    }
  }

  policies = {
    for purpose, groups in local.groups :
    purpose => jsonencode({
      Version = "2012-10-17"
      Statement = [
        for group in values(groups) : merge(
          {
            Effect   = "Allow"
            Action   = distinct(flatten(group[*].actions))
            Resource = distinct(flatten(group[*].resources))
          },
          { for element, condition in { Condition = group[0].condition } : element => condition if condition != null },
        )
      ]
    })
  }
}
