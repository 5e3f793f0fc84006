# The objects with their types and defaults: module.settings.table, and so on.
module "settings" {
  source = "./settings"

  package  = var.package
  rules    = var.rules
  function = var.function
  queue    = var.queue
  table    = var.table
  topic    = var.topic
}
