data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  name      = "${var.name}-lookup"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  encrypted = var.kms_key_arn != null

  # Names, not attributes, so that the policies that use these ARNs need not wait for what they name.
  log_group_names = {
    function = "/aws/lambda/${local.name}"
    access   = "/aws/apigateway/${local.name}"
  }
  log_group_arns = {
    for purpose, name in local.log_group_names :
    purpose => "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${name}"
  }
}
