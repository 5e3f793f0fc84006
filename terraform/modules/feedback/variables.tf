variable "name" {
  description = "Name of the table, and start of every other name: topic, queue, function and role are called NAME-feedback. Choose another for a second copy in the same account and region. What exists keeps its name when you change this."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    # A table's name has at least 3 characters. NAME-feedback, a role's and a function's, has at most 64, and
    # NAME-feedback-dead-letter, a queue's, at most 80.
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "package" {
  description = "The function's zip: `path`, `s3`, or neither for the zip that comes with the module."
  type = object({
    path = optional(string)               # Path of a local zip.
    s3 = optional(object({                # A zip in S3, with `object_version`, `source_code_hash` or both: Terraform notices a new zip by them.
      bucket           = string           # Name of the bucket.
      key              = string           # Key of the object.
      object_version   = optional(string) # Version of the object, if the bucket keeps versions.
      source_code_hash = optional(string) # Base64 of the zip's SHA-256.
    }))
  })
  default  = {}
  nullable = false
}

variable "delivery" {
  description = "How feedback gets from the topic to the function: `queue` (SQS between them: batches, retries of exactly what failed), `direct` (one call for each message, as in the original article), or `both`, the way from one to the other: apply `both` in between, and no message is lost. What arrives twice counts once."
  type        = string
  default     = "queue"
  nullable    = false

  validation {
    condition     = contains(["queue", "direct", "both"], var.delivery)
    error_message = "The delivery must be \"queue\", \"direct\" or \"both\"."
  }
}

variable "rules" {
  description = "What the state of an address depends on."
  type = object({
    soft_bounce_limit       = optional(number, 5)  # Days with a soft bounce that disable an address, 1 to 16.
    soft_bounce_window_days = optional(number, 30) # How many days back from the newest soft bounce the others count, 1 to 3650.
    delivery_refresh_days   = optional(number, 1)  # For how many days a delivery that changes no state may go unwritten, 1 to 365; 1 is exact.
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(range(1, 17), var.rules.soft_bounce_limit)
    error_message = "The soft_bounce_limit must be a whole number from 1 to 16, as many days as a record keeps."
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
  description = "The Lambda function."
  type = object({
    memory_megabytes        = optional(number, 512)     # Memory, 128 to 10240; CPU grows with it.
    timeout_seconds         = optional(number, 30)      # How long a call may take, 3 to 900.
    reserved_concurrency    = optional(number)          # Concurrency reserved for the function; null: none.
    architecture            = optional(string, "arm64") # Processor: `arm64` or `x86_64`.
    log_level               = optional(string, "INFO")  # The least severe level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    log_retention_days      = optional(number, 30)      # How many days logs are kept, a number that CloudWatch Logs offers; 0: forever.
    permissions_boundary    = optional(string)          # ARN of the policy that bounds what the role may do; null: none.
    role_path               = optional(string, "/")     # Path of the role, which begins and ends with a slash. A change replaces the role.
    code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null: none.
    tracing                 = optional(bool, false)     # Whether AWS X-Ray records traces of calls.
    vpc = optional(object({                             # The VPC that the function connects to, which needs an endpoint for DynamoDB (see README); null: none.
      subnet_ids         = set(string)                  # The subnets' IDs.
      security_group_ids = set(string)                  # The security groups' IDs.
    }))
  })
  default  = {}
  nullable = false
}

variable "queue" {
  description = "The queue between topic and function. What is set here changes in place, except that the names are used once, when the queues are created."
  type = object({
    name                    = optional(string)       # Name of the queue; null: NAME-feedback.
    dead_letter_name        = optional(string)       # Name of the dead-letter queue; null: NAME-feedback-dead-letter.
    enabled                 = optional(bool, true)   # Whether the function takes messages from the queue; false lets them wait there, up to 14 days, while you work on the table.
    batch_size              = optional(number, 1000) # Most messages in one call, 1 to 10000.
    batching_window_seconds = optional(number, 5)    # How long to gather messages for a call, 0 to 300; at least 1 with a `batch_size` over 10.
    max_receive_count       = optional(number, 5)    # Tries before a message goes to the dead-letter queue, 1 to 1000.
    maximum_concurrency     = optional(number)       # Most calls at a time, 2 to 1000; null: Lambda decides.
    keep                    = optional(bool, true)   # Whether there is a queue with delivery `direct` too, which the function empties. `false` deletes it, with any message in it: for a stack that never had delivery `queue`, or whose queue is empty.
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in [var.queue.name, var.queue.dead_letter_name] : can(regex("^[a-zA-Z0-9_-]{1,80}$", coalesce(name, "none")))])
    error_message = "The queue.name and queue.dead_letter_name must be 1 to 80 letters, digits, hyphens or underscores; SNS needs standard queues."
  }

  validation {
    condition     = var.queue.batch_size >= 1 && var.queue.batch_size <= 10000 && floor(var.queue.batch_size) == var.queue.batch_size
    error_message = "The batch_size must be a whole number from 1 to 10000."
  }

  validation {
    condition     = contains(range(0, 301), var.queue.batching_window_seconds) && (var.queue.batch_size <= 10 || var.queue.batching_window_seconds >= 1)
    error_message = "The batching_window_seconds must be a whole number from 0 to 300, and at least 1 with a batch_size over 10."
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
  description = "The DynamoDB table. The lookup API needs the index. Without it each address that must not be mailed saves one or two write units a change, and the table has no limit of its own to how many may change at once (docs/scale.md)."
  type = object({
    name                   = optional(string)     # Name of the table when it is created; null: the value of `name`. The table keeps it.
    existing               = optional(string)     # Name of a table that exists already, to use instead of creating one; its other settings are then not the module's.
    deletion_protection    = optional(bool, true) # Whether the table is protected from deletion.
    point_in_time_recovery = optional(bool, true) # Whether the table can be restored to any second of the last 35 days.
    index                  = optional(bool, true) # Whether the table has the index `suppressed-updatedAt`, which lists who must not be mailed.
    expire_days            = optional(number)     # How many days after the newest delivery an address of which nothing else is known is removed, 30 to 3650; null: never.
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in [var.table.name, var.table.existing] : can(regex("^[a-zA-Z0-9_.-]{3,255}$", coalesce(name, "mailing")))])
    error_message = "The table's name must be 3 to 255 letters, digits, underscores, dots or hyphens."
  }

  validation {
    # Feedback may wait in the queue and the dead-letter queue for 14 days each.
    condition     = coalesce(var.table.expire_days, 30) >= 30 && coalesce(var.table.expire_days, 30) <= 3650 && floor(coalesce(var.table.expire_days, 30)) == coalesce(var.table.expire_days, 30)
    error_message = "The expire_days must be a whole number from 30 to 3650, or null to keep all addresses."
  }

  validation {
    condition     = var.table.name == null || var.table.existing == null
    error_message = "Set either table.name, for a table to be created, or table.existing, and not both."
  }
}

variable "stream" {
  description = "Whether the table has a stream of its changes, which module changes reads. It goes on and off in place; what nobody has read yet is lost when it goes off."
  type        = bool
  default     = false
  nullable    = false
}

variable "topic" {
  description = "The SNS topic that SES publishes to."
  type = object({
    name = optional(string)      # Name of the topic when it is created; null: NAME-feedback. The topic keeps it.
    existing = optional(object({ # A topic of this account and region that exists already, to use instead of creating one. Its policy must let SES publish.
      arn = string               # ARN of the topic.
    }))
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,256}$", coalesce(var.topic.name, "none")))
    error_message = "The topic.name must be 1 to 256 letters, digits, hyphens or underscores; SES publishes to no FIFO topic."
  }

  validation {
    condition     = var.topic.existing == null || can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$", var.topic.existing.arn))
    error_message = "The topic.existing.arn must be the ARN of a standard SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME); SES publishes to no FIFO topic."
  }
}

variable "additional_topic_arns" {
  description = "Topics in other regions or accounts, or in this one, that may send feedback to the queue as well. Subscribe the queue to them, with raw message delivery, where they are."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.additional_topic_arns : can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$", arn))])
    error_message = "Each of additional_topic_arns must be the ARN of a standard SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)."
  }
}

variable "kms_key_arn" {
  description = "A customer managed KMS key that encrypts topic, queues, table and log group; null: each service's own encryption. Its key policy must hold the statements of the output `kms_key_policy`, before the topic uses it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "The kms_key_arn must be the ARN of a customer managed key (arn:aws:kms:REGION:ACCOUNT:key/ID). An alias such as alias/aws/sns cannot work: SES may not use AWS managed keys, and would publish nothing."
  }
}

variable "ses_source_arns" {
  description = "Which identities and configuration sets of SES may publish to the topic, as ARNs of this region, of this or other accounts; empty: all of this account."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.ses_source_arns : can(regex("^arn:[a-z-]+:ses:[a-z0-9-]+:[0-9]{12}:(identity|configuration-set)/.+$", arn))])
    error_message = "Each of ses_source_arns must be the ARN of an SES identity or configuration set."
  }
}

variable "tags" {
  description = "Tags for everything that can have them, beside the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
