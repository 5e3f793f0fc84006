variable "name" {
  description = "Prefix of the names that may be deployed, NAME-feedback, NAME-lookup and NAME-changes: the `name` of module feedback. For an existing stack, use the name that it was created with."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "modules" {
  description = "Which of the modules `lookup`, `changes` and `monitoring` you deploy with module feedback. The policies allow nothing for the others."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.modules, ["lookup", "changes", "monitoring"])) == 0
    error_message = "Each of modules must be \"lookup\", \"changes\" or \"monitoring\". Module feedback is always included, and module ses follows from ses."
  }
}

variable "names" {
  description = "Names that do not follow from `name`: those you set in the modules, those of existing resources, and the ID of the lookup API."
  type = object({
    table             = optional(string)      # Name of the table; null for the value of `name`.
    topic             = optional(string)      # Name of the topic; null for NAME-feedback.
    queue             = optional(string)      # Name of the queue; null for NAME-feedback.
    dead_letter_queue = optional(string)      # Name of the dead-letter queue; null for NAME-feedback-dead-letter.
    roles             = optional(set(string)) # Names of all functions' roles; null for NAME-feedback-REGION, NAME-lookup-REGION and NAME-changes-REGION.
    dashboard         = optional(string)      # Name of the dashboard; null for NAME-REGION.
    rest_api          = optional(string)      # ID of the lookup API, once it exists; null to allow every REST API of the region.
  })
  default  = {}
  nullable = false

  validation {
    condition     = try(length(var.names.roles) > 0, true)
    error_message = "The names.roles must be at least one name, or null for the usual ones."
  }

  validation {
    condition     = alltrue([for name in concat([for key, name in var.names : name if key != "roles"], var.names.roles == null ? [] : tolist(var.names.roles)) : can(regex("^[a-zA-Z0-9_+=,.@-]{1,256}$", coalesce(name, "mailing")))])
    error_message = "Each of names must be a name, not an ARN or a pattern: 1 to 256 letters, digits or characters of _+=,.@-"
  }
}

variable "ses" {
  description = "What module ses configures: the keys of its variables with the same names."
  type = object({
    identities         = optional(set(string), []) # Domains and addresses. The policy also allows creating them.
    configuration_sets = optional(set(string), []) # Names of configuration sets. The policy also allows creating them.
  })
  default  = {}
  nullable = false
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary that every role must have; null for the policy NAME-boundary of this account. No role can be created without it, and nobody can remove it. With `none`, roles can get any permission, so the pipeline effectively has every permission of the account."
  type        = string
  default     = null

  validation {
    condition     = coalesce(var.permissions_boundary, "none") == "none" || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "The permissions_boundary must be the ARN of an IAM policy (arn:aws:iam::ACCOUNT:policy/NAME), or \"none\" to let the pipeline give roles every permission."
  }
}

variable "role_path" {
  description = "Path of the functions' roles, as in `function.role_path` of the modules."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.role_path)) && length(var.role_path) <= 512
    error_message = "The role_path must begin and end with a slash, such as /teams/mail/, and have at most 512 characters."
  }
}

variable "kms_key_arn" {
  description = "ARN of the customer managed KMS key of topic, queues, table and log groups; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "The kms_key_arn must be the ARN of a customer managed key (arn:aws:kms:REGION:ACCOUNT:key/ID)."
  }
}

variable "bus_arn" {
  description = "ARN of module changes' bus (its variable `bus.arn`); null for the default bus, or one that the module creates."
  type        = string
  default     = null

  validation {
    condition     = var.bus_arn == null || can(regex("^arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/[a-zA-Z0-9._/-]{1,256}$", var.bus_arn))
    error_message = "The bus_arn must be the ARN of an EventBridge bus (arn:aws:events:REGION:ACCOUNT:event-bus/NAME)."
  }
}

variable "package_bucket" {
  description = "Name of the bucket in `package.s3`, or BUCKET/PREFIX for the objects in one folder of it; null if the zip is a local file."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[a-zA-Z0-9/._-]*[a-zA-Z0-9._-])?$", coalesce(var.package_bucket, "mailing")))
    error_message = "The package_bucket must be the name of an S3 bucket (3 to 63 lower-case letters, digits, dots or hyphens), or BUCKET/PREFIX without a slash at the end."
  }
}

variable "function" {
  description = "Which options of the modules' variable `function` you use."
  type = object({
    code_signing_config_arn = optional(string)      # ARN of the code signing configuration; null for none.
    tracing                 = optional(bool, false) # Whether AWS X-Ray traces calls.
    vpc                     = optional(bool, false) # Whether the functions connect to a VPC.
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.function.code_signing_config_arn == null || can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:code-signing-config:csc-[a-z0-9]{17}$", var.function.code_signing_config_arn))
    error_message = "The code_signing_config_arn must be the ARN of a code signing configuration (arn:aws:lambda:REGION:ACCOUNT:code-signing-config:csc-ID)."
  }
}
