variable "name" {
  description = "Start of every name: API, function and role are called NAME-lookup. Choose another for a second copy in the same account and region."
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
  description = "The functions' zip, as `make package` builds it, the same as of module feedback: `path` of a local file, or `s3`, an object that was uploaded. With `s3`, a change is noticed by `object_version` or `source_code_hash` (base64 of the zip's SHA-256)."
  type = object({
    path = optional(string)
    s3 = optional(object({
      bucket           = string
      key              = string
      object_version   = optional(string)
      source_code_hash = optional(string)
    }))
  })
  nullable = false

  validation {
    condition     = (var.package.path == null) != (var.package.s3 == null)
    error_message = "The package must have either path or s3, and not both."
  }

  validation {
    condition     = var.package.path == null || can(filebase64sha256(var.package.path))
    error_message = "There is no file at package.path: build it with `make package`."
  }
}

variable "table" {
  description = "The DynamoDB table: the output `table` of module feedback, or name and ARN of one with the same key and index."
  type = object({
    name  = string
    arn   = string
    index = optional(bool, true)
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255}$", var.table.arn)) && endswith(var.table.arn, ":table/${var.table.name}")
    error_message = "The table's arn must be that of a DynamoDB table (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME), and end in the table's name."
  }

  validation {
    condition     = var.table.index
    error_message = "The lookup API lists addresses by the table's index: leave out `table = { index = false }` of module feedback, or this module."
  }
}

variable "rules" {
  description = "What the state of an address depends on; give the same as to module feedback, or an override is weighed by other numbers than feedback."
  type = object({
    soft_bounce_limit       = optional(number, 5)
    soft_bounce_window_days = optional(number, 30)
    delivery_refresh_days   = optional(number, 1)
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
  description = "The Lambda function: memory (its CPU grows with it), timeout, concurrency reserved for it (null: none), processor, how much it logs (DEBUG, INFO, WARNING, ERROR) and for how many days its logs and the access logs are kept (0: for ever)."
  type = object({
    memory_megabytes     = optional(number, 512)
    timeout_seconds      = optional(number, 15)
    reserved_concurrency = optional(number)
    architecture         = optional(string, "arm64")
    log_level            = optional(string, "INFO")
    log_retention_days   = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.function.memory_megabytes >= 128 && var.function.memory_megabytes <= 10240 && floor(var.function.memory_megabytes) == var.function.memory_megabytes
    error_message = "The memory_megabytes must be a whole number from 128 to 10240."
  }

  validation {
    condition     = contains(range(3, 30), var.function.timeout_seconds)
    error_message = "The timeout_seconds must be a whole number from 3 to 29, as long as API Gateway waits."
  }

  validation {
    condition     = coalesce(var.function.reserved_concurrency, 0) >= 0 && floor(coalesce(var.function.reserved_concurrency, 0)) == coalesce(var.function.reserved_concurrency, 0)
    error_message = "The reserved_concurrency must be a whole number, or null to reserve none."
  }

  validation {
    condition     = contains(["arm64", "x86_64"], var.function.architecture)
    error_message = "The architecture must be \"arm64\" or \"x86_64\"."
  }

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.function.log_level)
    error_message = "The log_level must be DEBUG, INFO, WARNING or ERROR."
  }

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.function.log_retention_days)
    error_message = "The log_retention_days must be a number of days that CloudWatch Logs offers: 0 (for ever), 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "throttling" {
  description = "Most requests a second over all callers, and how many beyond that at once, before API Gateway answers 429. Within the account's own limit."
  type = object({
    requests_per_second = optional(number, 100)
    burst               = optional(number, 200)
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
  description = "IAM principals (ARNs of roles, users or accounts' roots) that the API's resource policy lets call every operation. Needed for those of other accounts, whose own policies must allow it as well; those of this account may call what their own policies allow, listed here or not."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.callers : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(root|role/.+|user/.+)$", arn))])
    error_message = "Each of the callers must be the ARN of an IAM role or user, or of an account's root (arn:aws:iam::ACCOUNT:root)."
  }
}

variable "access_logs" {
  description = "Whether the stage logs each request, without addresses. API Gateway needs a role for that, set once for each account and region, which this module does not touch (see README): without it, `apply` fails."
  type        = bool
  default     = true
  nullable    = false
}

variable "kms_key_arn" {
  description = "The customer managed KMS key that encrypts the table, and is to encrypt the log groups; null: there is none. Its key policy must hold the statement of the output `kms_key_policy`."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "The kms_key_arn must be the ARN of a customer managed key (arn:aws:kms:REGION:ACCOUNT:key/ID)."
  }
}

variable "tags" {
  description = "Tags for everything that can have them, beside the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
