module "topic" {
  source = "../topic"
  count  = local.own_topic ? 1 : 0

  name            = coalesce(module.settings.topic.name, module.function.name)
  kms_key_arn     = var.kms_key_arn
  ses_source_arns = local.ses_source_arns
  tags            = var.tags
}
