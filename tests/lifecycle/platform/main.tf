# A platform team's configuration: the root with all modules, and something beside it that all of it waits for.

provider "aws" {}

provider "aws" {
  alias  = "elsewhere"
  region = "eu-west-3"
}

variable "name" { type = string }
variable "release" {
  type    = number
  default = 1
}
variable "function" { type = any }
variable "queue" { type = any }
variable "table" { type = any }
variable "ses" { type = any }
variable "events" {
  type    = bool
  default = false
}

resource "terraform_data" "before" {
  input = var.release
}

module "root" {
  source    = "../../"
  providers = { aws = aws }

  name       = var.name
  function   = var.function
  queue      = var.queue
  table      = var.table
  ses        = var.ses
  lookup     = {}
  changes    = var.events ? {} : null
  monitoring = {}

  additional_topic_arns = [module.topic_elsewhere.arn, module.topic_beside.arn]

  depends_on = [terraform_data.before]
}

module "topic_elsewhere" {
  source    = "../../modules/topic"
  providers = { aws = aws.elsewhere }

  name  = "${var.name}-elsewhere"
  queue = { arn = module.root.queue_arn }
}

module "topic_beside" {
  source = "../../modules/topic"

  name  = "${var.name}-beside"
  queue = { arn = module.root.queue_arn }
}

output "root" {
  value = module.root
}

output "more_topic_arns" {
  value = [module.topic_elsewhere.topic_arn, module.topic_beside.topic_arn]
}
