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

  uses_lookup     = contains(var.modules, "lookup")
  uses_changes    = contains(var.modules, "changes")
  uses_monitoring = contains(var.modules, "monitoring")

  feedback  = "${var.name}-feedback"
  lookup    = "${var.name}-lookup"
  changes   = "${var.name}-changes"
  functions = concat([local.feedback], local.uses_lookup ? [local.lookup] : [], local.uses_changes ? [local.changes] : [])

  # A role's name has at most 64 characters; module function shortens a longer one in the same way.
  usual_roles = [
    for role in formatlist("%s-${local.region}", local.functions) :
    length(role) <= 64 ? role : "${substr(role, 0, 55)}-${substr(sha256(role), 0, 8)}"
  ]
  role_arns = [
    for role in var.names.roles == null ? local.usual_roles : tolist(var.names.roles) :
    "arn:${local.partition}:iam::${local.account}:role${var.role_path}${role}"
  ]
  function_arns = [for function in local.functions : "arn:${local.partition}:lambda:${local.scope}:function:${function}"]
  # Lambda chooses the ID.
  mapping_arn = "arn:${local.partition}:lambda:${local.scope}:event-source-mapping:*"

  table_arn       = "arn:${local.partition}:dynamodb:${local.scope}:table/${coalesce(var.names.table, var.name)}"
  topic_arn       = "arn:${local.partition}:sns:${local.scope}:${coalesce(var.names.topic, local.feedback)}"
  queue_arn       = "arn:${local.partition}:sqs:${local.scope}:${coalesce(var.names.queue, local.feedback)}"
  dead_letter_arn = "arn:${local.partition}:sqs:${local.scope}:${coalesce(var.names.dead_letter_queue, "${local.feedback}-dead-letter")}"

  changes_dead_letter_arn = "arn:${local.partition}:sqs:${local.scope}:${local.changes}-dead-letter"
  bus_arn                 = "arn:${local.partition}:events:${local.scope}:event-bus/${local.changes}"

  log_group_arns = [
    for group in concat([for function in local.functions : "lambda/${function}"], local.uses_lookup ? ["apigateway/${local.lookup}"] : []) :
    "arn:${local.partition}:logs:${local.scope}:log-group:/aws/${group}"
  ]

  alarm_arn = "arn:${local.partition}:cloudwatch:${local.scope}:alarm"
  alarms = concat(
    [
      "bounce-rate", "complaint-rate", "dead-letters", "errors", "queue-age", "reputation-bounce", "reputation-complaint",
      "silence", "throttles",
    ],
    local.uses_lookup ? ["lookup-errors", "lookup-throttles"] : [],
    local.uses_changes ? ["changes-age", "changes-dead-letters", "changes-errors", "changes-throttles"] : [],
  )

  ses_arns = concat(
    [for identity in var.ses.identities : "arn:${local.partition}:ses:${local.scope}:identity/${identity}"],
    [for set in var.ses.configuration_sets : "arn:${local.partition}:ses:${local.scope}:configuration-set/${set}"],
  )

  # By default the one that examples/pipeline makes.
  boundary_arn = var.permissions_boundary == "none" ? null : coalesce(
    var.permissions_boundary, "arn:${local.partition}:iam::${local.account}:policy/${var.name}-boundary",
  )
}
