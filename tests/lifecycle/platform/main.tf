# A platform team's configuration: all modules, and something beside them that they wait for.

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
variable "ses" {
  type    = any
  default = {}
}
variable "events" {
  type    = bool
  default = false
}

resource "terraform_data" "before" {
  input = var.release
}

module "feedback" {
  source = "../../modules/feedback"

  name     = var.name
  function = var.function
  queue    = var.queue
  table    = var.table
  stream   = var.events

  additional_topic_arns = [module.topic_elsewhere.arn, module.topic_beside.arn]

  depends_on = [terraform_data.before]
}

module "topic_elsewhere" {
  source    = "../../modules/topic"
  providers = { aws = aws.elsewhere }

  name  = "${var.name}-elsewhere"
  queue = { arn = module.feedback.queue_arn }
}

module "topic_beside" {
  source = "../../modules/topic"

  name  = "${var.name}-beside"
  queue = { arn = module.feedback.queue_arn }
}

module "ses" {
  source = "../../modules/ses"

  name               = var.name
  topic_arn          = module.feedback.topic_arn
  identities         = try(var.ses.identities, {})
  configuration_sets = try(var.ses.configuration_sets, {})

  depends_on = [terraform_data.before]
}

module "lookup" {
  source = "../../modules/lookup"

  name        = var.name
  feedback    = module.feedback
  access_logs = false

  depends_on = [terraform_data.before]
}

module "changes" {
  source = "../../modules/changes"
  count  = var.events ? 1 : 0

  name     = var.name
  feedback = module.feedback

  depends_on = [terraform_data.before]
}

module "monitoring" {
  source = "../../modules/monitoring"

  name     = var.name
  feedback = module.feedback
  changes  = one(module.changes[*])

  depends_on = [terraform_data.before]
}

output "topic_arn" {
  value = module.feedback.topic_arn
}

output "more_topic_arns" {
  value = [module.topic_elsewhere.topic_arn, module.topic_beside.topic_arn]
}

output "table_name" {
  value = module.feedback.table_name
}

output "queue_url" {
  value = module.feedback.queue_url
}

output "queue_arn" {
  value = module.feedback.queue_arn
}

output "dead_letter_queue_url" {
  value = module.feedback.dead_letter_queue_url
}

output "function_name" {
  value = module.feedback.function_name
}

output "role_arn" {
  value = module.feedback.role_arn
}

output "log_group_name" {
  value = module.feedback.log_group_name
}

output "lookup_endpoint" {
  value = module.lookup.endpoint
}

output "table_arn" {
  value = module.feedback.table_arn
}

output "changes_bus_name" {
  value = one(module.changes[*].bus_name)
}

output "changes_event_pattern" {
  value = one(module.changes[*].event_pattern)
}
