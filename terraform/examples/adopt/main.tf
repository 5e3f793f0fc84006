# Takes over what you made by hand after the original article. Terraform changes the table, topic, function and
# subscription in place and replaces none of them. README.md has the steps.

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

import {
  to = module.feedback.aws_dynamodb_table.this[0]
  id = var.table_name
}

import {
  to = module.feedback.module.topic[0].aws_sns_topic.this
  id = var.topic_arn
}

import {
  to = module.feedback.module.function.aws_lambda_function.this
  id = var.function_name
}

import {
  for_each = var.keep_subscription ? toset([var.subscription_arn]) : toset([])
  to       = module.feedback.aws_sns_topic_subscription.function[0]
  id       = each.value
}

module "feedback" {
  source = "../../modules/feedback"

  name     = var.name
  delivery = var.keep_subscription ? "both" : "queue"
  table    = { deletion_protection = var.deletion_protection }
}
