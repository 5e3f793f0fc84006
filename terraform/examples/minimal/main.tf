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

variable "package_path" {
  description = "Path of the zip that `make package` builds."
  type        = string
  default     = "../../../build/healthy-mailing.zip"
  nullable    = false

  validation {
    condition     = endswith(var.package_path, ".zip")
    error_message = "The package_path must name a .zip file."
  }
}

module "feedback" {
  source = "../../modules/feedback"

  package = { path = var.package_path }
}

output "topic_arn" {
  description = "Where to point SES."
  value       = module.feedback.topic_arn
}
