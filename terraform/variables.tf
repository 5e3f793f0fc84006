# The modules give these their types, and validate them. Terraform drops attributes that an object's type does not have, so
# an object is `any` here, and unknown attributes are refused: in the modules where an object is passed on whole, else here.

variable "name" {
  description = "Name of the table and prefix of all other names, such as NAME-feedback. Existing resources keep their names when you change it."
  type        = string
  default     = "mailing"
  nullable    = false
}

variable "package" {
  description = "The functions' zip: a local `path`, an object in `s3`, or neither for the zip that comes with the module."
  type        = any
  default     = {}
  nullable    = false
}

variable "delivery" {
  description = "How feedback reaches the function. `queue`: SQS, in batches; only failed messages are retried. `direct`: SNS, one call a message. `both`: apply it in between when you switch."
  type        = string
  default     = "queue"
  nullable    = false
}

variable "rules" {
  description = "The numbers in the rules that set an address's state."
  type        = any
  default     = {}
  nullable    = false
}

variable "function" {
  description = "Settings of the Lambda function."
  type        = any
  default     = {}
  nullable    = false
}

variable "queue" {
  description = "Settings of the queue between topic and function. They change in place, except the names, which apply only when the queues are created."
  type        = any
  default     = {}
  nullable    = false
}

variable "table" {
  description = "Settings of the DynamoDB table. The lookup API needs `index`, which costs one or two write units for each change of a blocked address (docs/scale.md)."
  type        = any
  default     = {}
  nullable    = false
}

variable "topic" {
  description = "Settings of the SNS topic that SES publishes to."
  type        = any
  default     = {}
  nullable    = false
}

variable "additional_topic_arns" {
  description = "More topics that may send feedback to the queue, from any region or account. Subscribe the queue to each topic where the topic is, with raw message delivery."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of a customer managed KMS key for topic, queues, table and log group; null for each service's own encryption. First add the output `kms_key_policy` to the key's policy."
  type        = string
  default     = null
}

variable "ses_source_arns" {
  description = "ARNs of the SES identities and configuration sets that may publish to the topic: in this region, in any account. Empty for all of this account."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "ses" {
  description = "Points SES at the topic (module ses); null if you do that yourself."
  type        = any
  default     = null

  validation {
    condition     = alltrue([for each in var.ses[*] : length(setsubtract(keys(each), ["identities", "configuration_sets"])) == 0])
    error_message = "Unknown attributes in ses: ${join(", ", flatten([for each in var.ses[*] : setsubtract(keys(each), ["identities", "configuration_sets"])]))}. The README lists those that exist."
  }
}

variable "lookup" {
  description = "The lookup API (module lookup); null for none, `{}` for the defaults."
  type        = any
  default     = null

  validation {
    condition     = alltrue([for each in var.lookup[*] : length(setsubtract(keys(each), ["function", "throttling", "callers", "access_logs"])) == 0])
    error_message = "Unknown attributes in lookup: ${join(", ", flatten([for each in var.lookup[*] : setsubtract(keys(each), ["function", "throttling", "callers", "access_logs"])]))}. The README lists those that exist."
  }
}

variable "changes" {
  description = "An event for each change of state (module changes), and the table's stream; null for none, `{}` for the defaults."
  type        = any
  default     = null

  validation {
    condition     = alltrue([for each in var.changes[*] : length(setsubtract(keys(each), ["bus", "new_deliveries", "stream", "function"])) == 0])
    error_message = "Unknown attributes in changes: ${join(", ", flatten([for each in var.changes[*] : setsubtract(keys(each), ["bus", "new_deliveries", "stream", "function"])]))}. The README lists those that exist."
  }
}

variable "monitoring" {
  description = "Alarms and a dashboard (module monitoring); null for none, `{}` for the defaults."
  type        = any
  default     = null

  validation {
    condition     = alltrue([for each in var.monitoring[*] : length(setsubtract(keys(each), ["alarm_topic_arn", "urgent_alarm_topic_arn", "rates", "silence_hours", "queue_age_seconds"])) == 0])
    error_message = "Unknown attributes in monitoring: ${join(", ", flatten([for each in var.monitoring[*] : setsubtract(keys(each), ["alarm_topic_arn", "urgent_alarm_topic_arn", "rates", "silence_hours", "queue_age_seconds"])]))}. The README lists those that exist."
  }
}

variable "tags" {
  description = "Tags for every resource that supports them, in addition to the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
