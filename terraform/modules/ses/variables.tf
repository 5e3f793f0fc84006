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
  description = "Verified domains and addresses whose notifications go to the topic, by themselves: `\"example.com\" = {}`."
  type = map(object({
    create           = optional(bool, false) # Whether to create the identity, which is then protected from being destroyed; otherwise it must exist.
    delivery         = optional(bool, true)  # Whether deliveries are reported besides bounces and complaints.
    original_headers = optional(bool, false) # Whether notifications hold the mail's headers.
    email_forwarding = optional(bool)        # Whether bounces and complaints are also forwarded by email; null: stays as it is, which is on for a new identity.
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for identity in keys(var.identities) : can(regex("^([^@[:space:]]{1,64}@)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z0-9-]{2,63}$", identity))])
    error_message = "Each key of identities must be a domain (example.com) or an address (news@example.com), with the domain in lower case and beyond ASCII in Punycode."
  }
}

variable "configuration_sets" {
  description = "Configuration sets whose events go to the topic, by name."
  type = map(object({
    create       = optional(bool, false) # Whether to create the set, which is then protected from being destroyed; otherwise it must exist.
    delivery     = optional(bool, true)  # Whether deliveries are reported besides bounces and complaints.
    subscription = optional(bool, true)  # Whether recipients' subscription preferences are reported.
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
