data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  name      = "${var.name}-feedback"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # Provider 6 deprecates the attributes `name` and `id`, provider 5 lacks `region`; the endpoint, such as
  # ec2.eu-west-1.amazonaws.com, tells it in both.
  region = split(".", data.aws_region.current.endpoint)[1]

  queued    = var.delivery == "queue"
  has_queue = local.queued || var.queue.keep
  encrypted = var.kms_key_arn != null

  ses_source_arns = length(var.ses_source_arns) > 0 ? var.ses_source_arns : [
    for kind in ["identity", "configuration-set"] : "arn:${local.partition}:ses:${local.region}:${local.account}:${kind}/*"
  ]

  # Built from names, so that policies are known at plan time, can be part of the queues themselves (each further change of
  # a queue costs the provider a wait of 25 seconds), and depend on nothing that a key for encryption depends on.
  table_name = coalesce(var.table.name, var.name)
  scope      = "${local.region}:${local.account}"
  arns = {
    topic       = "arn:${local.partition}:sns:${local.scope}:${local.name}"
    queue       = "arn:${local.partition}:sqs:${local.scope}:${local.name}"
    dead_letter = "arn:${local.partition}:sqs:${local.scope}:${local.name}-dead-letter"
    function    = "arn:${local.partition}:lambda:${local.scope}:function:${local.name}"
    table       = "arn:${local.partition}:dynamodb:${local.scope}:table/${local.table_name}"
    log_group   = "arn:${local.partition}:logs:${local.scope}:log-group:/aws/lambda/${local.name}"
  }
}
