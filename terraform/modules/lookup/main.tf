data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  name      = "${var.name}-lookup"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # Provider 6 deprecates the attributes `name` and `id`, and provider 5 has no `region`. Both have the endpoint, such as
  # ec2.eu-west-1.amazonaws.com.
  region = split(".", data.aws_region.current.endpoint)[1]
}
