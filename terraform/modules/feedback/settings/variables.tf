# Types, defaults and rules of module feedback's objects. Terraform drops attributes that an object's type does not have.
# So module feedback takes these objects as they are, refuses unknown attributes, and hands them over to get their types.

variable "package" {
  description = "The variable `package` of module feedback."
  type = object({
    path = optional(string)               # Path of a local zip.
    s3 = optional(object({                # A zip in S3, with `object_version` or `source_code_hash`: set at least one, so that Terraform notices a new zip.
      bucket           = string           # Name of the bucket.
      key              = string           # Key of the object.
      object_version   = optional(string) # Version of the object, if the bucket is versioned.
      source_code_hash = optional(string) # SHA-256 of the zip, in base64.
    }))
  })
  nullable = false
}

variable "rules" {
  description = "The variable `rules` of module feedback."
  type = object({
    soft_bounce_limit       = optional(number, 5)  # How many days with a soft bounce disable an address, 1 to 16.
    soft_bounce_window_days = optional(number, 30) # How many days before the newest soft bounce earlier ones still count, 1 to 3650.
    delivery_refresh_days   = optional(number, 1)  # How old the recorded delivery may get before a newer one that changes no state is written, in days, 1 to 365.
  })
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
  description = "The variable `function` of module feedback."
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
  nullable = false
}

variable "queue" {
  description = "The variable `queue` of module feedback."
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
  description = "The variable `table` of module feedback."
  type = object({
    name                   = optional(string)     # Name of the table when it is created; null for the value of `name`. The table keeps this name.
    existing               = optional(string)     # Name of an existing table to use instead of creating one. The module does not change its settings.
    deletion_protection    = optional(bool, true) # Whether the table is protected from deletion.
    point_in_time_recovery = optional(bool, true) # Whether you can restore the table to any second of the last 35 days.
    index                  = optional(bool, true) # Whether the table has the index `suppressed-updatedAt`, which lists the addresses not to mail.
    expire_days            = optional(number)     # Remove an address this many days after its newest delivery if nothing else is recorded, 30 to 3650; null for never.
  })
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

variable "topic" {
  description = "The variable `topic` of module feedback."
  type = object({
    name = optional(string)      # Name of the topic when it is created; null for NAME-feedback. The topic keeps this name.
    existing = optional(object({ # An existing topic in this account and region to use instead of creating one. Its policy must let SES publish.
      arn = string               # ARN of the topic.
    }))
  })
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
