# Takes over the table and the topic that you made by hand after the original article, and puts the queue and the module's
# own function beside your function, which it does not touch. README.md has the steps.

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

module "feedback" {
  source = "../../modules/feedback"

  name  = var.name
  table = { deletion_protection = var.deletion_protection }

  # Your function replaces whole rows. So the module's function begins once yours is gone, with all that waited.
  queue = { enabled = var.read_queue }
}
