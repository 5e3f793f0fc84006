# Another team's configuration: only the module, everything else as it comes.

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
  description = "Where to point SES."
  value       = module.feedback.topic_arn
}
