variable "name" {
  description = "Name of the table and prefix of all other names, such as NAME-feedback. Existing resources keep their names when you change it."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    # A table's name needs 3 characters. NAME-feedback (role and function) has at most 64 characters,
    # NAME-feedback-dead-letter (queue) at most 80.
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "package" {
  description = "The function's zip: a local `path`, an object in `s3`, or neither for the zip that comes with the module."
  type        = any # the object in settings/variables.tf
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.package), ["path", "s3"])) == 0
    error_message = "Unknown attributes in package: ${join(", ", setsubtract(keys(var.package), ["path", "s3"]))}. The README lists those that exist."
  }
}

variable "delivery" {
  description = "How feedback reaches the function. `queue`: SQS, in batches; only failed messages are retried. `direct`: SNS, one call a message. `both`: apply it in between when you switch."
  type        = string
  default     = "queue"
  nullable    = false

  validation {
    condition     = contains(["queue", "direct", "both"], var.delivery)
    error_message = "The delivery must be \"queue\", \"direct\" or \"both\"."
  }
}

variable "rules" {
  description = "The numbers in the rules that set an address's state."
  type        = any # the object in settings/variables.tf
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.rules), ["soft_bounce_limit", "soft_bounce_window_days", "delivery_refresh_days"])) == 0
    error_message = "Unknown attributes in rules: ${join(", ", setsubtract(keys(var.rules), ["soft_bounce_limit", "soft_bounce_window_days", "delivery_refresh_days"]))}. The README lists those that exist."
  }
}

variable "function" {
  description = "Settings of the Lambda function."
  type        = any # the object in settings/variables.tf
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.function), ["memory_megabytes", "timeout_seconds", "reserved_concurrency", "architecture", "log_level", "log_retention_days", "role_name", "permissions_boundary", "role_path", "code_signing_config_arn", "tracing", "vpc"])) == 0
    error_message = "Unknown attributes in function: ${join(", ", setsubtract(keys(var.function), ["memory_megabytes", "timeout_seconds", "reserved_concurrency", "architecture", "log_level", "log_retention_days", "role_name", "permissions_boundary", "role_path", "code_signing_config_arn", "tracing", "vpc"]))}. The README lists those that exist."
  }
}

variable "queue" {
  description = "Settings of the queue between topic and function. They change in place, except the names, which apply only when the queues are created."
  type        = any # the object in settings/variables.tf
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.queue), ["name", "dead_letter_name", "enabled", "batch_size", "batching_window_seconds", "max_receive_count", "maximum_concurrency", "keep"])) == 0
    error_message = "Unknown attributes in queue: ${join(", ", setsubtract(keys(var.queue), ["name", "dead_letter_name", "enabled", "batch_size", "batching_window_seconds", "max_receive_count", "maximum_concurrency", "keep"]))}. The README lists those that exist."
  }
}

variable "table" {
  description = "Settings of the DynamoDB table. The lookup API needs `index`, which costs one or two write units for each change of a blocked address (docs/scale.md)."
  type        = any # the object in settings/variables.tf
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.table), ["name", "existing", "deletion_protection", "point_in_time_recovery", "index", "expire_days"])) == 0
    error_message = "Unknown attributes in table: ${join(", ", setsubtract(keys(var.table), ["name", "existing", "deletion_protection", "point_in_time_recovery", "index", "expire_days"]))}. The README lists those that exist."
  }
}

variable "stream" {
  description = "Whether the table has a stream, which module changes reads. You can turn it on and off in place. Turning it off loses unread changes."
  type        = bool
  default     = false
  nullable    = false
}

variable "topic" {
  description = "Settings of the SNS topic that SES publishes to."
  type        = any # the object in settings/variables.tf
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.topic), ["name", "existing"])) == 0
    error_message = "Unknown attributes in topic: ${join(", ", setsubtract(keys(var.topic), ["name", "existing"]))}. The README lists those that exist."
  }
}

variable "additional_topic_arns" {
  description = "More topics that may send feedback to the queue, from any region or account. Subscribe the queue to each topic where the topic is, with raw message delivery."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.additional_topic_arns : can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$", arn))])
    error_message = "Each of additional_topic_arns must be the ARN of a standard SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)."
  }
}

variable "kms_key_arn" {
  description = "ARN of a customer managed KMS key for topic, queues, table and log group; null for each service's own encryption. First add the output `kms_key_policy` to the key's policy."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "The kms_key_arn must be the ARN of a customer managed key (arn:aws:kms:REGION:ACCOUNT:key/ID). An alias such as alias/aws/sns does not work, because SES cannot use AWS managed keys."
  }
}

variable "ses_source_arns" {
  description = "ARNs of the SES identities and configuration sets that may publish to the topic: in this region, in any account. Empty for all of this account."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.ses_source_arns : can(regex("^arn:[a-z-]+:ses:[a-z0-9-]+:[0-9]{12}:(identity|configuration-set)/.+$", arn))])
    error_message = "Each of ses_source_arns must be the ARN of an SES identity or configuration set."
  }
}

variable "tags" {
  description = "Tags for every resource that supports them, in addition to the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
