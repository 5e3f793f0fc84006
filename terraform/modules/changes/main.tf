data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  name      = "${var.name}-changes"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # Provider 6 deprecates the attributes `name` and `id`, and provider 5 has no `region`. Both have the endpoint, such as
  # ec2.eu-west-1.amazonaws.com.
  region    = split(".", data.aws_region.current.endpoint)[1]
  scope     = "${local.region}:${local.account}"
  encrypted = var.feedback.kms_key_arn != null

  # Built from the bus's name, so that policies are known at plan time. The bus keeps the name that it was created with.
  own_bus_name = one(aws_cloudwatch_event_bus.this[*].name)
  bus          = var.bus == null ? { arn = null, create = false } : var.bus
  bus_arn      = local.bus.arn != null ? local.bus.arn : "arn:${local.partition}:events:${local.scope}:event-bus/${local.bus.create ? local.own_bus_name : "default"}"
}

# Rules decide who gets which events. Readers create their rules on this bus.
resource "aws_cloudwatch_event_bus" "this" {
  count = local.bus.create ? 1 : 0

  name = local.name
  tags = var.tags

  lifecycle {
    # Renaming would replace the bus and lose its rules.
    ignore_changes = [name]
  }
}
