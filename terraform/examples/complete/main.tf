# Another team's configuration with all modules: feedback into the table, SES pointed at it, the API over it, alarms.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7"
    }
  }
}

provider "aws" {}

locals {
  tags = { service = var.name }
}

module "feedback" {
  source = "../../modules/feedback"

  name     = var.name
  delivery = var.delivery
  table    = { deletion_protection = var.deletion_protection }
  tags     = local.tags
}

module "ses" {
  source = "../../modules/ses"

  name      = var.name
  topic_arn = module.feedback.topic_arn
  tags      = local.tags

  identities = {
    (var.domain) = { create = true }
  }

  configuration_sets = {
    "${var.name}-newsletter" = { create = true }
  }
}

module "lookup" {
  source = "../../modules/lookup"

  name        = var.name
  feedback    = module.feedback
  access_logs = false # see the module's README for what an account needs first
  tags        = local.tags
}

module "monitoring" {
  source = "../../modules/monitoring"

  name            = var.name
  feedback        = module.feedback
  alarm_topic_arn = aws_sns_topic.on_call.arn
  tags            = local.tags
}
