variable "name" {
  description = "Prefix of every name: function and a new bus are called NAME-changes, the role NAME-changes-REGION. Existing resources keep their names when you change it."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    # The same as in module feedback. The names of roles and functions have at most 64 characters.
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "package" {
  description = "The function's zip: a local `path`, an object in `s3`, or neither for the zip that comes with the module. Use the same as module feedback."
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

variable "feedback" {
  description = "The table whose changes become events: `module.feedback` with `stream = true`, or an object with the same attributes."
  type = object({
    table = object({                # The DynamoDB table.
      name       = string           # Name of the table.
      arn        = string           # ARN of the table.
      stream_arn = optional(string) # ARN of the table's stream with new and old images; null if there is none.
    })
    kms_key_arn = optional(string) # ARN of the customer managed KMS key of table, dead-letter queue and log group; null for none.
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255}$", var.feedback.table.arn)) && endswith(var.feedback.table.arn, ":table/${var.feedback.table.name}")
    error_message = "The table's arn must be the ARN of a DynamoDB table (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME) and end with the table's name."
  }

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255}/stream/.+$", var.feedback.table.stream_arn))
    error_message = "The table has no stream. Set `stream = true` in module feedback."
  }

  validation {
    condition     = var.feedback.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.feedback.kms_key_arn))
    error_message = "The kms_key_arn must be the ARN of a customer managed key (arn:aws:kms:REGION:ACCOUNT:key/ID)."
  }
}

variable "bus" {
  description = "The EventBridge bus that gets the events: set `arn` or `create`. null for the account's default bus."
  type = object({
    arn    = optional(string)      # ARN of an existing bus in this region, in this account or one that lets it put events; null for none.
    create = optional(bool, false) # Whether to create a bus for these events.
  })
  default = null

  # Terraform ignores unknown attributes. So a misspelled one must not mean the default bus.
  validation {
    condition     = alltrue([for bus in var.bus[*] : (bus.arn == null) == bus.create])
    error_message = "Set bus.arn (for an existing bus) or bus.create = true (for a new one). For the default bus leave out bus."
  }

  validation {
    condition     = try(var.bus.arn, null) == null || can(regex("^arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/[a-zA-Z0-9._/-]{1,256}$", var.bus.arn))
    error_message = "The bus.arn must be the ARN of an EventBridge bus (arn:aws:events:REGION:ACCOUNT:event-bus/NAME)."
  }
}

variable "new_deliveries" {
  description = "Whether a new address that may be mailed is an event too. Nearly all new addresses are."
  type        = bool
  default     = false
  nullable    = false
}

variable "stream" {
  description = "How the function reads the table's stream. All settings change in place."
  type = object({
    enabled                    = optional(bool, true)    # Whether the function reads the stream. With `false`, changes wait up to 24 hours while you work on the events' readers.
    batch_size                 = optional(number, 100)   # Maximum number of changes in one call, 1 to 10000.
    batching_window_seconds    = optional(number, 0)     # How many seconds to collect changes for a call, 0 to 300. More means fewer calls and later events.
    parallelization_factor     = optional(number, 1)     # How many calls at a time read one shard, 1 to 10. Changes of one address stay in order.
    maximum_record_age_seconds = optional(number, 21600) # How many seconds to try a change before its position goes to the dead-letter queue, 60 to 72000. You can replay it for the rest of 24 hours.
    maximum_retry_attempts     = optional(number, -1)    # Maximum number of retries within that time, 0 to 10000; -1 for no limit.
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.stream.batch_size >= 1 && var.stream.batch_size <= 10000 && floor(var.stream.batch_size) == var.stream.batch_size
    error_message = "The batch_size must be a whole number from 1 to 10000."
  }

  validation {
    condition     = contains(range(0, 301), var.stream.batching_window_seconds)
    error_message = "The batching_window_seconds must be a whole number from 0 to 300."
  }

  validation {
    condition     = contains(range(1, 11), var.stream.parallelization_factor)
    error_message = "The parallelization_factor must be a whole number from 1 to 10."
  }

  validation {
    # A stream keeps its records for 24 hours. After that, the dead-letter queue's messages would point at nothing.
    condition     = var.stream.maximum_record_age_seconds >= 60 && var.stream.maximum_record_age_seconds <= 72000 && floor(var.stream.maximum_record_age_seconds) == var.stream.maximum_record_age_seconds
    error_message = "The maximum_record_age_seconds must be a whole number from 60 to 72000 (20 hours). The stream keeps changes for 24 hours, and you need the rest to replay them."
  }

  validation {
    condition     = var.stream.maximum_retry_attempts >= -1 && var.stream.maximum_retry_attempts <= 10000 && floor(var.stream.maximum_retry_attempts) == var.stream.maximum_retry_attempts
    error_message = "The maximum_retry_attempts must be a whole number from 0 to 10000, or -1 for no limit."
  }
}

variable "function" {
  description = "Settings of the Lambda function."
  type = object({
    memory_megabytes        = optional(number, 256)     # Memory in MB, 128 to 10240. CPU grows with it.
    timeout_seconds         = optional(number, 60)      # Timeout in seconds, 3 to 900.
    reserved_concurrency    = optional(number)          # Reserved concurrency; null for none.
    architecture            = optional(string, "arm64") # Instruction set: `arm64` or `x86_64`.
    log_level               = optional(string, "INFO")  # Lowest level to log: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    log_retention_days      = optional(number, 30)      # How many days to keep logs: a number that CloudWatch Logs supports, or 0 to keep them forever.
    role_name               = optional(string)          # Name of the role when it is created; null for NAME-changes-REGION.
    permissions_boundary    = optional(string)          # ARN of the role's permissions boundary; null for none.
    role_path               = optional(string, "/")     # Path of the role; it must begin and end with a slash. A change replaces the role.
    code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null for none.
    tracing                 = optional(bool, false)     # Whether AWS X-Ray traces calls.
    vpc = optional(object({                             # VPC to connect the function to; null for none. It needs endpoints for EventBridge and SQS (see the README).
      subnet_ids         = set(string)                  # IDs of the subnets.
      security_group_ids = set(string)                  # IDs of the security groups.
    }))
  })
  default  = {}
  nullable = false
}

variable "tags" {
  description = "Tags for every resource that supports them, in addition to the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
