# The deployable root: `terraform apply` uses the credentials and region of your environment.
# SES wiring, the lookup API, events and monitoring are off until you set their variables.

provider "aws" {}

module "feedback" {
  source = "./modules/feedback"

  name                  = var.name
  package               = var.package
  delivery              = var.delivery
  rules                 = var.rules
  function              = var.function
  queue                 = var.queue
  table                 = var.table
  stream                = var.changes != null
  topic                 = var.topic
  additional_topic_arns = var.additional_topic_arns
  kms_key_arn           = var.kms_key_arn
  ses_source_arns       = var.ses_source_arns
  tags                  = var.tags
}

module "ses" {
  source = "./modules/ses"
  count  = var.ses == null ? 0 : 1

  name               = var.name
  topic_arn          = module.feedback.topic_arn
  identities         = lookup(var.ses, "identities", null)
  configuration_sets = lookup(var.ses, "configuration_sets", null)
  tags               = var.tags
}

module "lookup" {
  source = "./modules/lookup"
  count  = var.lookup == null ? 0 : 1

  name        = var.name
  package     = var.package
  function    = lookup(var.lookup, "function", null)
  throttling  = lookup(var.lookup, "throttling", null)
  callers     = lookup(var.lookup, "callers", null)
  access_logs = lookup(var.lookup, "access_logs", null)
  tags        = var.tags

  # Not the whole module: it would wait for the queue, which takes a minute.
  feedback = {
    table       = module.feedback.table
    rules       = module.feedback.rules
    kms_key_arn = module.feedback.kms_key_arn
  }
}

module "changes" {
  source = "./modules/changes"
  count  = var.changes == null ? 0 : 1

  name           = var.name
  package        = var.package
  bus            = lookup(var.changes, "bus", null)
  new_deliveries = lookup(var.changes, "new_deliveries", null)
  stream         = lookup(var.changes, "stream", null)
  function       = lookup(var.changes, "function", null)
  tags           = var.tags

  feedback = {
    table       = module.feedback.table
    kms_key_arn = module.feedback.kms_key_arn
  }
}

data "aws_iam_policy_document" "key" {
  source_policy_documents = concat([module.feedback.kms_key_policy], module.lookup[*].kms_key_policy, module.changes[*].kms_key_policy)
}

module "monitoring" {
  source = "./modules/monitoring"
  count  = var.monitoring == null ? 0 : 1

  name                   = var.name
  feedback               = module.feedback
  lookup                 = one(module.lookup[*])
  changes                = one(module.changes[*])
  alarm_topic_arn        = lookup(var.monitoring, "alarm_topic_arn", null)
  urgent_alarm_topic_arn = lookup(var.monitoring, "urgent_alarm_topic_arn", null)
  rates                  = lookup(var.monitoring, "rates", null)
  silence_hours          = lookup(var.monitoring, "silence_hours", null)
  queue_age_seconds      = lookup(var.monitoring, "queue_age_seconds", null)
  tags                   = var.tags
}
