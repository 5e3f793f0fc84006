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
  description = "Whose table the API answers from: `module.feedback` itself, or an object with the same attributes."
  type = object({
    table = object({                     # The DynamoDB table.
      name        = string               # Name of the table.
      arn         = string               # ARN of the table.
      index       = optional(bool, true) # Whether the table has the index `suppressed-updatedAt`, without which there is no API.
      expire_days = optional(number)     # The variable `table.expire_days` of module feedback: what an override lifts may expire again.
    })
    rules = object({                                 # What the state of an address depends on: an override is weighed like feedback.
      soft_bounce_limit       = optional(number, 5)  # Days with a soft bounce that disable an address, 1 to 16.
      soft_bounce_window_days = optional(number, 30) # How many days back from the newest soft bounce the others count, 1 to 3650.
      delivery_refresh_days   = optional(number, 1)  # For how many days a delivery that changes no state may go unwritten, 1 to 365; 1 is exact.
    })
    kms_key_arn = optional(string) # The customer managed KMS key that encrypts the table, and the API's log groups; null: none.
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255}$", var.feedback.table.arn)) && endswith(var.feedback.table.arn, ":table/${var.feedback.table.name}")
    error_message = "The table's arn must be that of a DynamoDB table (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME), and end in the table's name."
  }

  validation {
    condition     = var.feedback.table.index
    error_message = "The lookup API lists addresses by the table's index: leave out `table = { index = false }` of module feedback, or this module."
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
  description = "The Lambda function; the access logs are kept as long as its own."
  type = object({
    memory_megabytes        = optional(number, 512)     # Memory, 128 to 10240; CPU grows with it.
    timeout_seconds         = optional(number, 15)      # How long a call may take, 3 to 29, as long as API Gateway waits.
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

  validation {
    condition     = contains(range(3, 30), var.function.timeout_seconds)
    error_message = "The timeout_seconds must be a whole number from 3 to 29, as long as API Gateway waits."
  }
}

variable "throttling" {
  description = "How many requests there may be, within the account's own limit, before API Gateway answers 429."
  type = object({
    requests_per_second = optional(number, 100) # Most requests a second, over all callers.
    burst               = optional(number, 200) # How many requests may come at once beyond that.
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
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags for everything that can have them, beside the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
