variable "name" {
  description = "Prefix of every name: API and function are called NAME-lookup, the role NAME-lookup-REGION. Use another for a second copy in the same account and region."
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
  description = "The table behind the API: `module.feedback`, or an object with the same attributes."
  type = object({
    table = object({                     # The DynamoDB table.
      name        = string               # Name of the table.
      arn         = string               # ARN of the table.
      index       = optional(bool, true) # Whether the table has the index `suppressed-updatedAt`, which the API needs.
      expire_days = optional(number)     # The variable `table.expire_days` of module feedback. An address may expire once its override is removed.
    })
    rules = object({                                 # The variable `rules` of module feedback. Overrides follow the same rules as feedback.
      soft_bounce_limit       = optional(number, 5)  # How many days with a soft bounce disable an address, 1 to 16.
      soft_bounce_window_days = optional(number, 30) # How many days before the newest soft bounce earlier ones still count, 1 to 3650.
      delivery_refresh_days   = optional(number, 1)  # How old the recorded delivery may get before a newer one that changes no state is written, in days, 1 to 365.
    })
    kms_key_arn = optional(string) # ARN of the customer managed KMS key of the table and the API's log groups; null for none.
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255}$", var.feedback.table.arn)) && endswith(var.feedback.table.arn, ":table/${var.feedback.table.name}")
    error_message = "The table's arn must be the ARN of a DynamoDB table (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME) and end with the table's name."
  }

  validation {
    condition     = var.feedback.table.index
    error_message = "The lookup API needs the table's index. Remove `table = { index = false }` from module feedback, or remove this module."
  }

  validation {
    condition = alltrue([
      for days, most in { soft_bounce_limit = 16, soft_bounce_window_days = 3650, delivery_refresh_days = 365 } :
      var.feedback.rules[days] >= 1 && var.feedback.rules[days] <= most && floor(var.feedback.rules[days]) == var.feedback.rules[days]
    ])
    error_message = "The rules must be whole numbers: soft_bounce_limit from 1 to 16, soft_bounce_window_days from 1 to 3650, delivery_refresh_days from 1 to 365."
  }

  validation {
    condition     = coalesce(var.feedback.table.expire_days, 30) >= 30 && coalesce(var.feedback.table.expire_days, 30) <= 3650 && floor(coalesce(var.feedback.table.expire_days, 30)) == coalesce(var.feedback.table.expire_days, 30)
    error_message = "The table's expire_days must be a whole number from 30 to 3650, or null to keep all addresses."
  }

  validation {
    condition     = var.feedback.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.feedback.kms_key_arn))
    error_message = "The kms_key_arn must be the ARN of a customer managed key (arn:aws:kms:REGION:ACCOUNT:key/ID)."
  }
}

variable "function" {
  description = "Settings of the Lambda function. `log_retention_days` also applies to the access logs."
  type = object({
    memory_megabytes        = optional(number, 512)     # Memory in MB, 128 to 10240. CPU grows with it.
    timeout_seconds         = optional(number, 15)      # Timeout in seconds, 3 to 29. API Gateway waits 29 seconds at most.
    reserved_concurrency    = optional(number)          # Reserved concurrency; null for none.
    architecture            = optional(string, "arm64") # Instruction set: `arm64` or `x86_64`.
    log_level               = optional(string, "INFO")  # Lowest level to log: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    log_retention_days      = optional(number, 30)      # How many days to keep logs: a number that CloudWatch Logs supports, or 0 to keep them forever.
    role_name               = optional(string)          # Name of the role when it is created; null for NAME-lookup-REGION.
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

  validation {
    condition     = contains(range(3, 30), var.function.timeout_seconds)
    error_message = "The timeout_seconds must be a whole number from 3 to 29, because API Gateway waits 29 seconds at most."
  }
}

variable "throttling" {
  description = "How many requests API Gateway accepts before it answers 429. The account's own limit applies too."
  type = object({
    requests_per_second = optional(number, 100) # Requests a second, all callers together.
    burst               = optional(number, 200) # How many more requests may arrive at once.
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.throttling.requests_per_second > 0
    error_message = "The requests_per_second must be more than 0."
  }

  validation {
    condition     = var.throttling.burst >= 1 && floor(var.throttling.burst) == var.throttling.burst
    error_message = "The burst must be a whole number of at least 1."
  }
}

variable "callers" {
  description = "ARNs of IAM roles, users or account roots that may call every operation. Callers in other accounts must be listed, and need an IAM policy there too."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.callers : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(root|role/.+|user/.+)$", arn))])
    error_message = "Each of callers must be the ARN of an IAM role or user, or of an account's root (arn:aws:iam::ACCOUNT:root)."
  }
}

variable "access_logs" {
  description = "Whether to log each request, without addresses. Without API Gateway's role in the account (see the README), `apply` fails."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags for every resource that supports them, in addition to the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
