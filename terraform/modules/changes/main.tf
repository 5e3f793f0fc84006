data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  name      = "${var.name}-changes"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # Provider 6 deprecates the attributes `name` and `id`, provider 5 lacks `region`; the endpoint, such as
  # ec2.eu-west-1.amazonaws.com, tells it in both.
  region    = split(".", data.aws_region.current.endpoint)[1]
  scope     = "${local.region}:${local.account}"
  encrypted = var.feedback.kms_key_arn != null

  # By its name, so that policies are known at plan time; the bus keeps the name that it was created with.
  own_bus_name = one(aws_cloudwatch_event_bus.this[*].name)
  bus_arn      = var.bus.arn != null ? var.bus.arn : "arn:${local.partition}:events:${local.scope}:event-bus/${var.bus.create ? local.own_bus_name : "default"}"
}

# Rules decide who gets which events; those who want events create them, on this bus.
resource "aws_cloudwatch_event_bus" "this" {
  count = var.bus.create ? 1 : 0

  name = local.name
  tags = var.tags

  lifecycle {
    # A bus that is replaced to be renamed loses its rules.
    ignore_changes = [name]
  }
}
