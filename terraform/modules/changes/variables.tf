variable "name" {
  description = "Start of every name: function, role and a bus of its own are called NAME-changes. Choose another for a second copy in the same account and region. What exists keeps its name when you change this."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    # As module feedback has it. A role's and a function's name has at most 64 characters.
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "package" {
  description = "The function's zip, the same as of module feedback: `path`, `s3`, or neither for the zip that comes with the module."
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

variable "feedback" {
  description = "Whose changes become events: `module.feedback` itself, with its variable `stream` set, or an object with the same attributes."
  type = object({
    table = object({                # The DynamoDB table.
      name       = string           # Name of the table.
      arn        = string           # ARN of the table.
      stream_arn = optional(string) # ARN of the table's stream, which has new and old images; null: there is none, and no events.
    })
    kms_key_arn = optional(string) # The customer managed KMS key that encrypts the table, the dead-letter queue and the log group; null: none.
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255}$", var.feedback.table.arn)) && endswith(var.feedback.table.arn, ":table/${var.feedback.table.name}")
    error_message = "The table's arn must be that of a DynamoDB table (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME), and end in the table's name."
  }

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255}/stream/.+$", var.feedback.table.stream_arn))
    error_message = "The table has no stream: set `stream = true` in module feedback."
  }

  validation {
    condition     = var.feedback.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.feedback.kms_key_arn))
    error_message = "The kms_key_arn must be the ARN of a customer managed key (arn:aws:kms:REGION:ACCOUNT:key/ID)."
  }
}

variable "bus" {
  description = "The EventBridge bus that gets the events; by default the account's default bus."
  type = object({
    arn    = optional(string)      # ARN of a bus of this region that exists already, also of another account that lets this one put events; null: not such a one.
    create = optional(bool, false) # Whether to create a bus for these events alone.
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.bus.arn == null || !var.bus.create
    error_message = "Set either bus.arn, for a bus that exists, or bus.create, and not both."
  }

  validation {
    condition     = var.bus.arn == null || can(regex("^arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/[a-zA-Z0-9._/-]{1,256}$", var.bus.arn))
    error_message = "The bus.arn must be the ARN of an EventBridge bus (arn:aws:events:REGION:ACCOUNT:event-bus/NAME)."
  }
}

variable "new_deliveries" {
  description = "Whether a new address that may be mailed is an event too. Nearly all new addresses are such."
  type        = bool
  default     = false
  nullable    = false
}

variable "stream" {
  description = "How the function reads the table's stream. Each setting changes in place."
  type = object({
    enabled                    = optional(bool, true)    # Whether the function reads the stream; false lets changes wait there, up to 24 hours, while you work on what gets the events.
    batch_size                 = optional(number, 100)   # Most changes in one call, 1 to 10000.
    batching_window_seconds    = optional(number, 0)     # How long to gather changes for a call, 0 to 300. More means fewer calls and later events.
    parallelization_factor     = optional(number, 1)     # How many calls at a time read one shard, 1 to 10; changes of one address stay in order.
    maximum_record_age_seconds = optional(number, 21600) # For how long a change is tried before its place in the stream goes to the dead-letter queue, 60 to 72000. The rest of the stream's 24 hours is what you have to bring it back.
    maximum_retry_attempts     = optional(number, -1)    # How often at most it is tried again within that time, 0 to 10000; -1: as often as Lambda does.
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
    # A stream keeps its records for 24 hours: later, the dead-letter queue's messages would point at nothing.
    condition     = var.stream.maximum_record_age_seconds >= 60 && var.stream.maximum_record_age_seconds <= 72000 && floor(var.stream.maximum_record_age_seconds) == var.stream.maximum_record_age_seconds
    error_message = "The maximum_record_age_seconds must be a whole number from 60 to 72000 (20 hours): the stream keeps changes for 24 hours, and you need the rest to bring them back."
  }

  validation {
    condition     = var.stream.maximum_retry_attempts >= -1 && var.stream.maximum_retry_attempts <= 10000 && floor(var.stream.maximum_retry_attempts) == var.stream.maximum_retry_attempts
    error_message = "The maximum_retry_attempts must be a whole number from 0 to 10000, or -1 for no limit of its own."
  }
}

variable "function" {
  description = "The Lambda function."
  type = object({
    memory_megabytes        = optional(number, 256)     # Memory, 128 to 10240; CPU grows with it.
    timeout_seconds         = optional(number, 60)      # How long a call may take, 3 to 900.
    reserved_concurrency    = optional(number)          # Concurrency reserved for the function; null: none.
    architecture            = optional(string, "arm64") # Processor: `arm64` or `x86_64`.
    log_level               = optional(string, "INFO")  # The least severe level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    log_retention_days      = optional(number, 30)      # How many days logs are kept, a number that CloudWatch Logs offers; 0: forever.
    permissions_boundary    = optional(string)          # ARN of the policy that bounds what the role may do; null: none.
    role_path               = optional(string, "/")     # Path of the role, which begins and ends with a slash. A change replaces the role.
    code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null: none.
    tracing                 = optional(bool, false)     # Whether AWS X-Ray records traces of calls.
    vpc = optional(object({                             # The VPC that the function connects to, which needs endpoints for EventBridge and SQS (see README); null: none.
      subnet_ids         = set(string)                  # The subnets' IDs.
      security_group_ids = set(string)                  # The security groups' IDs.
    }))
  })
  default  = {}
  nullable = false
}

variable "tags" {
  description = "Tags for everything that can have them, beside the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
