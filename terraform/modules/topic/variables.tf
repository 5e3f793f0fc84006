variable "name" {
  description = "Name of the topic when it is created. The topic keeps this name."
  type        = string
  default     = "mailing-feedback"
  nullable    = false

  validation {
    # The dead-letter queue's name, NAME-dead-letter, has at most 80 characters.
    condition     = can(regex("^[a-zA-Z0-9_-]{1,68}$", var.name))
    error_message = "The name must be 1 to 68 letters, digits, hyphens or underscores. SES cannot publish to FIFO topics."
  }
}

variable "queue" {
  description = "A queue in another region or account to subscribe, as in the README; null for none. Its module must list this topic in `additional_topic_arns`."
  type = object({
    arn = string # ARN of the queue.
  })
  default = null

  validation {
    condition     = var.queue == null || can(regex("^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,80}$", var.queue.arn))
    error_message = "The queue.arn must be the ARN of a standard SQS queue (arn:aws:sqs:REGION:ACCOUNT:NAME)."
  }
}

variable "kms_key_arn" {
  description = "ARN of a customer managed KMS key in the topic's region; null for each service's own encryption. The key's policy must let SES and SNS use it."
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
