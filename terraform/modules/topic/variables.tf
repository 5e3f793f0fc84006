variable "name" {
  description = "Name of the topic when it is created. The topic keeps it."
  type        = string
  default     = "mailing-feedback"
  nullable    = false

  validation {
    # The dead-letter queue's name, at most 80 characters, has 12 more.
    condition     = can(regex("^[a-zA-Z0-9_-]{1,68}$", var.name))
    error_message = "The name must be 1 to 68 letters, digits, hyphens or underscores; SES publishes to no FIFO topic."
  }
}

variable "queue" {
  description = "A queue in another region or account that subscribes to the topic: `{ arn = module.feedback.queue_arn }`, where `additional_topic_arns` of module feedback must name this topic. Null: nothing subscribes here."
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
  description = "A customer managed KMS key of the topic's region that encrypts topic and dead-letter queue; null: each service's own encryption. Its key policy must let SES and SNS use it."
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
