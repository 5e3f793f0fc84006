data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  name      = "${var.name}-feedback"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # Provider 6 deprecates the attributes `name` and `id`, and provider 5 has no `region`. Both have the endpoint, such as
  # ec2.eu-west-1.amazonaws.com.
  region = split(".", data.aws_region.current.endpoint)[1]

  to_queue    = contains(["queue", "both"], var.delivery)
  to_function = contains(["direct", "both"], var.delivery)
  has_queue   = local.to_queue || module.settings.queue.keep
  encrypted   = var.kms_key_arn != null

  own_topic = module.settings.topic.existing == null
  topic_arn = local.own_topic ? one(module.topic[*].arn) : module.settings.topic.existing.arn

  own_table  = module.settings.table.existing == null
  table_name = local.own_table ? one(aws_dynamodb_table.this[*].name) : module.settings.table.existing
  table_arn  = local.own_table ? one(aws_dynamodb_table.this[*].arn) : one(data.aws_dynamodb_table.existing[*].arn)
  stream_arn = local.own_table ? one(aws_dynamodb_table.this[*].stream_arn) : one(data.aws_dynamodb_table.existing[*].stream_arn)

  # For the key policy. Module topic computes the same for the topic's policy.
  ses_source_arns = length(var.ses_source_arns) > 0 ? var.ses_source_arns : [
    for kind in ["identity", "configuration-set"] : "arn:${local.partition}:ses:${local.region}:${local.account}:${kind}/*"
  ]
  ses_source_accounts = distinct([for arn in local.ses_source_arns : split(":", arn)[4]])

  # ARNs for policies, built from the resources' actual names (which do not follow `name` once they exist), so policies are
  # known at plan time. Do not use these ARNs in arguments that force replacement: a `depends_on` on the whole module makes
  # data sources, and so these ARNs, unknown.
  scope                = "${local.region}:${local.account}"
  topic_resource       = local.own_topic ? "arn:${local.partition}:sns:${local.scope}:${one(module.topic[*].name)}" : module.settings.topic.existing.arn
  queue_resource       = local.has_queue ? "arn:${local.partition}:sqs:${local.scope}:${one(aws_sqs_queue.this[*].name)}" : null
  dead_letter_resource = "arn:${local.partition}:sqs:${local.scope}:${aws_sqs_queue.dead_letter.name}"
  table_resource       = "arn:${local.partition}:dynamodb:${local.scope}:table/${local.table_name}"
  log_group_resource   = "arn:${local.partition}:logs:${local.scope}:log-group:${module.function.log_group.name}"
}
