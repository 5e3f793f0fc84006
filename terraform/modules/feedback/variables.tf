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
  type = object({
    path = optional(string)               # Path of a local zip.
    s3 = optional(object({                # A zip in S3, with `object_version` or `source_code_hash`: set at least one, so that Terraform notices a new zip.
      bucket           = string           # Name of the bucket.
      key              = string           # Key of the object.
      object_version   = optional(string) # Version of the object, if the bucket is versioned.
      source_code_hash = optional(string) # SHA-256 of the zip, in base64.
    }))
  })
  default  = {}
  nullable = false
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
  type = object({
    soft_bounce_limit       = optional(number, 5)  # How many days with a soft bounce disable an address, 1 to 16.
    soft_bounce_window_days = optional(number, 30) # How many days before the newest soft bounce earlier ones still count, 1 to 3650.
    delivery_refresh_days   = optional(number, 1)  # How old the recorded delivery may get before a newer one that changes no state is written, in days, 1 to 365.
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(range(1, 17), var.rules.soft_bounce_limit)
    error_message = "The soft_bounce_limit must be a whole number from 1 to 16, because a record keeps 16 days of soft bounces."
  }

  validation {
    condition     = var.rules.soft_bounce_window_days >= 1 && var.rules.soft_bounce_window_days <= 3650 && floor(var.rules.soft_bounce_window_days) == var.rules.soft_bounce_window_days
    error_message = "The soft_bounce_window_days must be a whole number from 1 to 3650."
  }

  validation {
    condition     = contains(range(1, 366), var.rules.delivery_refresh_days)
    error_message = "The delivery_refresh_days must be a whole number from 1 to 365."
  }
}

variable "function" {
  description = "Settings of the Lambda function."
  type = object({
    memory_megabytes        = optional(number, 512)     # Memory in MB, 128 to 10240. CPU grows with it.
    timeout_seconds         = optional(number, 30)      # Timeout in seconds, 3 to 900.
    reserved_concurrency    = optional(number)          # Reserved concurrency; null for none.
    architecture            = optional(string, "arm64") # Instruction set: `arm64` or `x86_64`.
    log_level               = optional(string, "INFO")  # Lowest level to log: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    log_retention_days      = optional(number, 30)      # How many days to keep logs: a number that CloudWatch Logs supports, or 0 to keep them forever.
    role_name               = optional(string)          # Name of the role when it is created; null for NAME-feedback-REGION.
    permissions_boundary    = optional(string)          # ARN of the role's permissions boundary; null for none.
    role_path               = optional(string, "/")     # Path of the role; it must begin and end with a slash. A change replaces the role.
    code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null for none.
    tracing                 = optional(bool, false)     # Whether AWS X-Ray traces calls.
    vpc = optional(object({                             # VPC to connect the function to; null for none. It needs an endpoint for DynamoDB (see the README).
      subnet_ids         = set(string)                  # IDs of the subnets.
      security_group_ids = set(string)                  # IDs of the security groups.
    }))
  })
  default  = {}
  nullable = false
}

variable "queue" {
  description = "Settings of the queue between topic and function. They change in place, except the names, which apply only when the queues are created."
  type = object({
    name                    = optional(string)       # Name of the queue; null for NAME-feedback.
    dead_letter_name        = optional(string)       # Name of the dead-letter queue; null for NAME-feedback-dead-letter.
    enabled                 = optional(bool, true)   # Whether the function reads the queue. With `false`, messages wait up to 14 days while you work on the table.
    batch_size              = optional(number, 1000) # Maximum number of messages in one call, 1 to 10000.
    batching_window_seconds = optional(number, 5)    # How many seconds to collect messages for a call, 0 to 300; at least 1 if `batch_size` is over 10.
    max_receive_count       = optional(number, 5)    # How often to try a message before it goes to the dead-letter queue, 1 to 1000.
    maximum_concurrency     = optional(number)       # Maximum number of calls at a time, 2 to 1000; null to let Lambda decide.
    keep                    = optional(bool, true)   # Whether to keep the queue with delivery `direct`; the function still reads it. `false` deletes the queue and any message in it.
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in [var.queue.name, var.queue.dead_letter_name] : can(regex("^[a-zA-Z0-9_-]{1,80}$", coalesce(name, "none")))])
    error_message = "The queue.name and queue.dead_letter_name must be 1 to 80 letters, digits, hyphens or underscores. FIFO queues are not supported."
  }

  validation {
    condition     = var.queue.batch_size >= 1 && var.queue.batch_size <= 10000 && floor(var.queue.batch_size) == var.queue.batch_size
    error_message = "The batch_size must be a whole number from 1 to 10000."
  }

  validation {
    condition     = contains(range(0, 301), var.queue.batching_window_seconds) && (var.queue.batch_size <= 10 || var.queue.batching_window_seconds >= 1)
    error_message = "The batching_window_seconds must be a whole number from 0 to 300, and at least 1 if batch_size is over 10."
  }

  validation {
    condition     = contains(range(1, 1001), var.queue.max_receive_count)
    error_message = "The max_receive_count must be a whole number from 1 to 1000."
  }

  validation {
    condition     = contains(range(2, 1001), coalesce(var.queue.maximum_concurrency, 2))
    error_message = "The maximum_concurrency must be a whole number from 2 to 1000, or null for no limit."
  }
}

variable "table" {
  description = "Settings of the DynamoDB table. The lookup API needs `index`, which costs one or two write units for each change of a blocked address (docs/scale.md)."
  type = object({
    name                   = optional(string)     # Name of the table when it is created; null for the value of `name`. The table keeps this name.
    existing               = optional(string)     # Name of an existing table to use instead of creating one. The module does not change its settings.
    deletion_protection    = optional(bool, true) # Whether the table is protected from deletion.
    point_in_time_recovery = optional(bool, true) # Whether you can restore the table to any second of the last 35 days.
    index                  = optional(bool, true) # Whether the table has the index `suppressed-updatedAt`, which lists the addresses not to mail.
    expire_days            = optional(number)     # Remove an address this many days after its newest delivery if nothing else is recorded, 30 to 3650; null for never.
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in [var.table.name, var.table.existing] : can(regex("^[a-zA-Z0-9_.-]{3,255}$", coalesce(name, "mailing")))])
    error_message = "The table's name must be 3 to 255 letters, digits, underscores, dots or hyphens."
  }

  validation {
    # Feedback can wait 14 days in each of the two queues.
    condition     = coalesce(var.table.expire_days, 30) >= 30 && coalesce(var.table.expire_days, 30) <= 3650 && floor(coalesce(var.table.expire_days, 30)) == coalesce(var.table.expire_days, 30)
    error_message = "The expire_days must be a whole number from 30 to 3650, or null to keep all addresses."
  }

  validation {
    condition     = var.table.name == null || var.table.existing == null
    error_message = "Set table.name (for a new table) or table.existing, not both."
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
  type = object({
    name = optional(string)      # Name of the topic when it is created; null for NAME-feedback. The topic keeps this name.
    existing = optional(object({ # An existing topic in this account and region to use instead of creating one. Its policy must let SES publish.
      arn = string               # ARN of the topic.
    }))
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,256}$", coalesce(var.topic.name, "none")))
    error_message = "The topic.name must be 1 to 256 letters, digits, hyphens or underscores. SES cannot publish to FIFO topics."
  }

  validation {
    condition     = var.topic.existing == null || can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$", var.topic.existing.arn))
    error_message = "The topic.existing.arn must be the ARN of a standard SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME). SES cannot publish to FIFO topics."
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
