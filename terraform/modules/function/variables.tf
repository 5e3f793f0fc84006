variable "name" {
  description = "Name of the function and of its role's policy. The log group is /aws/lambda/NAME, the role NAME-REGION."
  type        = string
  nullable    = false
}

variable "description" {
  description = "What the function does, in one sentence."
  type        = string
  nullable    = false
}

variable "handler" {
  description = "Entry point in the package: MODULE.FUNCTION."
  type        = string
  nullable    = false
}

variable "package" {
  description = "The functions' zip: a local `path`, an object in `s3`, or neither for the zip beside this file."
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

  validation {
    condition     = var.package.path == null || var.package.s3 == null
    error_message = "Set package.path or package.s3, not both."
  }

  validation {
    condition     = var.package.s3 == null || try(var.package.s3.object_version, null) != null || try(var.package.s3.source_code_hash, null) != null
    error_message = "Set object_version or source_code_hash in package.s3. Without them Terraform does not notice a new object."
  }
}

variable "function" {
  description = "Settings of the function. The modules that call this one set the defaults."
  type = object({
    memory_megabytes        = number   # Memory in MB, 128 to 10240. CPU grows with it.
    timeout_seconds         = number   # Timeout in seconds, 3 to 900.
    reserved_concurrency    = number   # Reserved concurrency; null for none.
    architecture            = string   # Instruction set: `arm64` or `x86_64`.
    log_level               = string   # Lowest level to log: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    log_retention_days      = number   # How many days to keep logs: a number that CloudWatch Logs supports, or 0 to keep them forever.
    role_name               = string   # Name of the role when it is created; null for NAME-REGION, which is cut if it is too long.
    permissions_boundary    = string   # ARN of the role's permissions boundary; null for none.
    role_path               = string   # Path of the role; it must begin and end with a slash. A change replaces the role.
    code_signing_config_arn = string   # ARN of the code signing configuration that the zip must satisfy; null for none.
    tracing                 = bool     # Whether AWS X-Ray traces calls.
    vpc = object({                     # VPC to connect the function to; null for none. It needs an endpoint for DynamoDB (see the README).
      subnet_ids         = set(string) # IDs of the subnets.
      security_group_ids = set(string) # IDs of the security groups.
    })
  })
  nullable = false

  validation {
    condition     = var.function.memory_megabytes >= 128 && var.function.memory_megabytes <= 10240 && floor(var.function.memory_megabytes) == var.function.memory_megabytes
    error_message = "The memory_megabytes must be a whole number from 128 to 10240."
  }

  validation {
    condition     = contains(range(3, 901), var.function.timeout_seconds)
    error_message = "The timeout_seconds must be a whole number from 3 to 900."
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
    error_message = "The log_retention_days must be a number of days that CloudWatch Logs supports: 0 (forever), 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }

  validation {
    condition     = var.function.permissions_boundary == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.function.permissions_boundary))
    error_message = "The permissions_boundary must be the ARN of an IAM policy (arn:aws:iam::ACCOUNT:policy/NAME)."
  }

  validation {
    # AWS Identity and Access Management API Reference, CreateRole
    condition     = can(regex("^[a-zA-Z0-9_+=,.@-]{1,64}$", coalesce(var.function.role_name, "none")))
    error_message = "The role_name must be 1 to 64 letters, digits or characters of _+=,.@-"
  }

  validation {
    # As above
    condition     = can(regex("^(/|/[!-~]{1,510}/)$", var.function.role_path))
    error_message = "The role_path must begin and end with a slash, such as \"/mail/\", and have at most 512 characters."
  }

  validation {
    condition     = var.function.code_signing_config_arn == null || can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:code-signing-config:csc-[a-z0-9]{17}$", var.function.code_signing_config_arn))
    error_message = "The code_signing_config_arn must be the ARN of a code signing configuration (arn:aws:lambda:REGION:ACCOUNT:code-signing-config:csc-ID)."
  }

  validation {
    condition     = var.function.vpc == null || try(length(var.function.vpc.subnet_ids) > 0 && alltrue([for id in var.function.vpc.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))]), false)
    error_message = "The vpc.subnet_ids must name at least one subnet, each by its ID (subnet-…)."
  }

  validation {
    condition     = var.function.vpc == null || try(length(var.function.vpc.security_group_ids) > 0 && alltrue([for id in var.function.vpc.security_group_ids : can(regex("^sg-[0-9a-f]+$", id))]), false)
    error_message = "The vpc.security_group_ids must name at least one security group, each by its ID (sg-…)."
  }
}

variable "environment" {
  description = "Environment variables of the function, besides LOG_LEVEL. Null values are left out."
  type        = map(string)
  nullable    = false
}

variable "policy" {
  description = "Policy document (JSON) of the role: everything that the function's code may do."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of a customer managed KMS key for the log group; null for CloudWatch Logs' own encryption."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for every resource that supports them, in addition to the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
