variable "name" {
  description = "Name of the table and prefix of all other names."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "domain" {
  description = "The domain that you send mail from."
  type        = string
  default     = "example.com"
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9-]{1,63}[.])+[a-z0-9-]{2,63}$", var.domain))
    error_message = "The domain must be a domain name in lower case, such as example.com."
  }
}

variable "delivery" {
  description = "How feedback reaches the function: `queue` or `direct`."
  type        = string
  default     = "queue"
  nullable    = false

  validation {
    condition     = contains(["queue", "direct"], var.delivery)
    error_message = "The delivery must be \"queue\" or \"direct\"."
  }
}

variable "deletion_protection" {
  description = "Whether the table is protected from deletion."
  type        = bool
  default     = true
  nullable    = false
}
