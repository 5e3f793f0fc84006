variable "name" {
  description = "Prefix of the event destinations' name, NAME-feedback. Use the same as for module feedback."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    # The same as in module feedback. The name of an event destination has at most 64 characters.
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "topic_arn" {
  description = "ARN of the topic: the output `topic_arn` of module feedback, which waits for the topic's policy. SES drops a topic that it may not publish to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$", var.topic_arn))
    error_message = "The topic_arn must be the ARN of a standard SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME). SES cannot publish to FIFO topics."
  }
}

variable "identities" {
  description = "Verified domains and addresses that send notifications to the topic, such as `\"example.com\" = {}`."
  type = map(object({
    create           = optional(bool, false) # Whether to create the identity and protect it from being destroyed. With `false` it must exist.
    delivery         = optional(bool, true)  # Whether SES also reports deliveries.
    original_headers = optional(bool, false) # Whether notifications include the headers of the mail.
    email_forwarding = optional(bool)        # Whether SES also forwards bounces and complaints by email; null to leave it as it is (on for a new identity).
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for identity in keys(var.identities) : can(regex("^([^@[:space:]]{1,64}@)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z0-9-]{2,63}$", identity))])
    error_message = "Each key of identities must be a domain (example.com) or an address (news@example.com), with the domain in lower case, and in Punycode if it is not ASCII."
  }
}

variable "configuration_sets" {
  description = "Configuration sets that send events to the topic, by name."
  type = map(object({
    create       = optional(bool, false) # Whether to create the set and protect it from being destroyed. With `false` it must exist.
    delivery     = optional(bool, true)  # Whether SES also reports deliveries.
    subscription = optional(bool, true)  # Whether SES reports changes of recipients' subscription preferences.
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.configuration_sets) : can(regex("^[a-zA-Z0-9_-]{1,64}$", name))])
    error_message = "Each key of configuration_sets must be 1 to 64 letters, digits, hyphens or underscores."
  }
}

variable "tags" {
  description = "Tags for the identities and configuration sets that the module creates, in addition to the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
