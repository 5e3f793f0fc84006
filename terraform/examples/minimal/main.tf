# The smallest configuration: module feedback with its defaults.

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

module "feedback" {
  source = "../../modules/feedback"
}

output "topic_arn" {
  description = "ARN of the topic to point SES at."
  value       = module.feedback.topic_arn
}
