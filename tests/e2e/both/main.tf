# The root, for each way of delivery: one plan and one wait for both.

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

variable "name" { type = string }
variable "function" { type = any }
variable "queue" { type = any }
variable "ses" {
  type    = any # by way of delivery
  default = {}
}

module "queue" {
  source    = "../../"
  providers = { aws = aws } # one for both; each start of it takes seconds

  name       = "${var.name}-queue"
  delivery   = "queue"
  function   = var.function
  queue      = var.queue
  table      = { deletion_protection = false }
  ses        = try(var.ses.queue, null)
  lookup     = {}
  monitoring = {}
  changes    = {}
}

module "direct" {
  source    = "../../"
  providers = { aws = aws }

  name       = "${var.name}-direct"
  delivery   = "direct"
  function   = var.function
  queue      = merge(var.queue, { keep = false })
  table      = { deletion_protection = false }
  ses        = try(var.ses.direct, null)
  lookup     = {}
  monitoring = {}
  changes    = {}
}

output "queue" {
  value = module.queue
}

output "direct" {
  value = module.direct
}
