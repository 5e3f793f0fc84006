# The deployable root: `terraform apply` with the credentials and region of the environment.
# SES wiring, the lookup API and monitoring become modules of their own beside this one.

provider "aws" {}

locals {
  built   = { path = "${path.root}/../build/healthy-mailing.zip", s3 = null }
  package = var.package.path == null && var.package.s3 == null ? local.built : var.package
}

module "feedback" {
  source = "./modules/feedback"

  name            = var.name
  package         = local.package
  delivery        = var.delivery
  rules           = var.rules
  function        = var.function
  queue           = var.queue
  table           = var.table
  kms_key_arn     = var.kms_key_arn
  ses_source_arns = var.ses_source_arns
  tags            = var.tags
}
