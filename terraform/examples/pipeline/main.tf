# An administrator applies this once. It gives a pipeline its roles, their policies and a place for the state. README.md
# has the commands.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.81, < 7" # from 5.81 on an OIDC provider needs no thumbprint
    }
  }
}

provider "aws" {
  default_tags {
    tags = var.tags
  }
}

module "deployer" {
  source = "../../modules/deployer"

  # Add what else your root uses: a customer's key, names of existing resources, a package in S3, options of the functions.
  # By default the functions' roles need the boundary below.
  name    = var.name
  modules = var.modules
  ses     = var.ses
}

locals {
  roles = toset(["plan", "apply"])

  # Each role gets all documents of its policy, such as apply-1 and apply-2.
  documents = merge([
    for purpose, documents in { plan = module.deployer.plan_policies, apply = module.deployer.apply_policies } : {
      for number, document in documents : "${purpose}-${number}" => { purpose = purpose, document = document }
    }
  ]...)
}

resource "aws_iam_policy" "boundary" {
  name        = "${var.name}-boundary"
  description = "The most that a function of ${var.name} may do."
  policy      = module.deployer.boundary_policy
}

resource "aws_iam_policy" "this" {
  for_each = local.documents

  name        = "${var.name}-${each.key}"
  description = "What the pipeline may do when it deploys ${var.name}: ${each.key}."
  policy      = each.value.document
}

resource "aws_iam_role" "this" {
  for_each = local.roles

  name                 = "${var.name}-${each.key}"
  path                 = var.role_path
  description          = "What the pipeline does when it deploys ${var.name}: ${each.key}."
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  permissions_boundary = var.role_permissions_boundary
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.documents

  role       = aws_iam_role.this[each.value.purpose].name
  policy_arn = aws_iam_policy.this[each.key].arn
}

resource "aws_iam_role_policy" "state" {
  for_each = local.roles

  name   = "state"
  role   = aws_iam_role.this[each.key].name
  policy = data.aws_iam_policy_document.state[each.key].json
}
