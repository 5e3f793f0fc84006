variable "name" {
  description = "Start of the name of the event destinations, which are called NAME-feedback. Give the same as to module feedback."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    # As module feedback has it. An event destination's name has at most 64 characters.
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "topic_arn" {
  description = "ARN of the topic that takes the feedback: the output `topic_arn` of module feedback, which waits for the topic's policy. SES drops the setting for a topic that it may not publish to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$", var.topic_arn))
    error_message = "The topic_arn must be the ARN of a standard SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME); SES publishes to no FIFO topic."
  }
}

variable "identities" {
  description = "Verified domains and addresses, by themselves (`\"example.com\" = {}`), whose notifications go to the topic: whether to create the identity (else it exists already), whether deliveries are reported besides bounces and complaints, whether notifications hold the mail's headers, and whether bounces and complaints are also forwarded by email (null: stays as it is, which is on for a new identity)."
  type = map(object({
    create           = optional(bool, false)
    delivery         = optional(bool, true)
    original_headers = optional(bool, false)
    email_forwarding = optional(bool)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for identity in keys(var.identities) : can(regex("^([^@[:space:]]{1,64}@)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z0-9-]{2,63}$", identity))])
    error_message = "Each key of identities must be a domain (example.com) or an address (news@example.com), with the domain in lower case and beyond ASCII in Punycode."
  }
}

variable "configuration_sets" {
  description = "Configuration sets, by name, whose events go to the topic: whether to create the set (else it exists already), whether deliveries are reported besides bounces and complaints, and whether recipients' subscription preferences are."
  type = map(object({
    create       = optional(bool, false)
    delivery     = optional(bool, true)
    subscription = optional(bool, true)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.configuration_sets) : can(regex("^[a-zA-Z0-9_-]{1,64}$", name))])
    error_message = "Each key of configuration_sets must be 1 to 64 letters, digits, hyphens or underscores."
  }
}

variable "tags" {
  description = "Tags for the identities and configuration sets that are created, beside the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
