# A caller with a function for each package, because a run of a test costs far more than a function.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7"
    }
  }
}

variable "packages" {
  description = "The variable `package` of each function, by a name that says what it is."
  type = map(object({
    path = optional(string)
    s3 = optional(object({
      bucket           = string
      key              = string
      object_version   = optional(string)
      source_code_hash = optional(string)
    }))
  }))
}

module "function" {
  source   = "../.."
  for_each = var.packages

  name        = "mailing-feedback"
  description = "Merges feedback."
  handler     = "feedback.handler"
  environment = {}
  policy      = "{}"
  package     = each.value
  function = {
    memory_megabytes     = 512
    timeout_seconds      = 30
    reserved_concurrency = null
    architecture         = "arm64"
    log_level            = "INFO"
    log_retention_days   = 30

    permissions_boundary    = null
    role_path               = "/"
    role_name               = null
    code_signing_config_arn = null
    tracing                 = false
    vpc                     = null
  }
}

output "lambdas" {
  description = "The functions, by the same names."
  value       = { for name, each in module.function : name => each.lambda }
}
