# The root, for each way of delivery: one plan and one wait for both.

provider "aws" {}

variable "name" { type = string }
variable "function" { type = any }
variable "queue" { type = any }
variable "ses" {
  type    = any # by way of delivery
  default = {}
}

module "root" {
  source    = "../../"
  providers = { aws = aws } # one for both; each start of it takes seconds
  for_each = {
    queue  = var.queue
    direct = merge(var.queue, { keep = false })
  }

  name       = "${var.name}-${each.key}"
  delivery   = each.key
  function   = var.function
  queue      = each.value
  table      = { deletion_protection = false }
  ses        = try(var.ses[each.key], null)
  lookup     = {}
  monitoring = {}
  changes    = {}
}

output "all" {
  value = module.root
}
