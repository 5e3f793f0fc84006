variable "name" {
  description = "Prefix of the names of new resources, such as the queue NAME-feedback. Existing resources keep their names."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "table_name" {
  description = "Name of your table. Its partition key must be UserId (a string)."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.table_name))
    error_message = "The table_name must be 3 to 255 letters, digits, underscores, dots or hyphens."
  }
}

variable "topic_arn" {
  description = "ARN of your topic (`ses-notifications` in the article)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$", var.topic_arn))
    error_message = "The topic_arn must be the ARN of a standard SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)."
  }
}

variable "read_queue" {
  description = "Whether the module's function reads the queue. Set it to true once your function is deleted; until then, feedback waits up to 14 days."
  type        = bool
  default     = false
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the table is protected from deletion."
  type        = bool
  default     = true
  nullable    = false
}
