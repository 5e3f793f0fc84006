# A configuration with all modules: feedback to the table, SES pointed at it, the lookup API, events and alarms.

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
  stream   = true # for module changes
  tags     = local.tags
}

# You may already manage these elsewhere. Destroying this example destroys them.
resource "aws_sesv2_email_identity" "domain" {
  email_identity = var.domain
  tags           = local.tags
}

resource "aws_sesv2_configuration_set" "newsletter" {
  configuration_set_name = "${var.name}-newsletter"
  tags                   = local.tags
}

module "ses" {
  source = "../../modules/ses"

  name      = var.name
  topic_arn = module.feedback.topic_arn
  tags      = local.tags

  identities = {
    (aws_sesv2_email_identity.domain.email_identity) = {}
  }

  configuration_sets = {
    (aws_sesv2_configuration_set.newsletter.configuration_set_name) = {}
  }
}

module "lookup" {
  source = "../../modules/lookup"

  name     = var.name
  feedback = module.feedback
  tags     = local.tags
}

module "changes" {
  source = "../../modules/changes"

  name     = var.name
  feedback = module.feedback
  tags     = local.tags
}

module "monitoring" {
  source = "../../modules/monitoring"

  name            = var.name
  feedback        = module.feedback
  lookup          = module.lookup
  changes         = module.changes
  alarm_topic_arn = aws_sns_topic.on_call.arn
  tags            = local.tags
}
