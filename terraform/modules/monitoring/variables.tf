variable "name" {
  description = "Prefix of every name: alarms are called NAME-PROBLEM, the dashboard NAME-REGION. Use the same as for module feedback."
  type        = string
  default     = "mailing"
  nullable    = false

  validation {
    # The same as in module feedback.
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{2,53}$", var.name))
    error_message = "The name must be 3 to 54 letters, digits, hyphens or underscores, and begin with a letter or digit."
  }
}

variable "feedback" {
  description = "What to watch: `module.feedback`, or an object with the same attributes."
  type = object({
    function_name          = string           # Name of the function.
    log_group_name         = string           # Name of the function's log group.
    dead_letter_queue_name = string           # Name of the dead-letter queue.
    queue_name             = optional(string) # Name of the queue; null if there is none.
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.feedback.function_name)) && can(regex("^[a-zA-Z0-9_./#-]{1,512}$", var.feedback.log_group_name))
    error_message = "Use the names of a Lambda function and a log group in feedback, not their ARNs."
  }

  validation {
    condition     = alltrue([for name in [var.feedback.dead_letter_queue_name, coalesce(var.feedback.queue_name, "none")] : can(regex("^[a-zA-Z0-9_-]{1,80}$", name))])
    error_message = "Use the names of SQS queues in feedback, not their URLs or ARNs."
  }
}

variable "alarm_topic_arn" {
  description = "ARN of the SNS topic that alarms notify when they go off and end; null for none. The README says what its policy must allow. Do not use module feedback's topic."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_topic_arn == null || can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$", var.alarm_topic_arn))
    error_message = "The alarm_topic_arn must be the ARN of a standard SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)."
  }
}

variable "urgent_alarm_topic_arn" {
  description = "ARN of the SNS topic that urgent alarms notify instead (the README lists them); null for `alarm_topic_arn`."
  type        = string
  default     = null

  validation {
    condition     = var.urgent_alarm_topic_arn == null || can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$", var.urgent_alarm_topic_arn))
    error_message = "The urgent_alarm_topic_arn must be the ARN of a standard SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)."
  }
}

variable "lookup" {
  description = "The lookup API to watch: `module.lookup`, or an object with the same attributes; null for none."
  type = object({
    api_name       = string # Name of the REST API.
    stage_name     = string # Name of the stage.
    function_name  = string # Name of the function.
    log_group_name = string # Name of the function's log group.
  })
  default = null

  validation {
    condition     = alltrue([for api in var.lookup[*] : can(regex("^[a-zA-Z0-9_-]{1,64}$", api.function_name)) && can(regex("^[a-zA-Z0-9_./#-]{1,512}$", api.log_group_name))])
    error_message = "Use the names of a Lambda function and a log group in lookup, not their ARNs."
  }
}

variable "changes" {
  description = "The function that sends events, to watch: `module.changes`, or an object with the same attributes; null for none."
  type = object({
    function_name          = string # Name of the function.
    log_group_name         = string # Name of the function's log group.
    dead_letter_queue_name = string # Name of the dead-letter queue.
  })
  default = null

  validation {
    condition     = alltrue([for events in var.changes[*] : can(regex("^[a-zA-Z0-9_-]{1,64}$", events.function_name)) && can(regex("^[a-zA-Z0-9_./#-]{1,512}$", events.log_group_name)) && can(regex("^[a-zA-Z0-9_-]{1,80}$", events.dead_letter_queue_name))])
    error_message = "Use the names of a Lambda function, a log group and an SQS queue in changes, not their ARNs or URLs."
  }
}

variable "rates" {
  description = "Daily rates above which an alarm goes off. At the defaults SES reviews an account. Set both percentages to 0 if SES does not report deliveries."
  type = object({
    bounce_percent     = optional(number, 5)    # Permanent bounces, in percent of a day's recipients; 0 for no alarm.
    complaint_percent  = optional(number, 0.1)  # Complaints, in percent of a day's recipients; 0 for no alarm.
    minimum_recipients = optional(number, 1000) # How many recipients a day needs for its rates to count.
    reputation         = optional(bool, true)   # Whether alarms watch SES's own rates for the whole account in this region. One copy in a region is enough.
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for percent in [var.rates.bounce_percent, var.rates.complaint_percent] : percent >= 0 && percent < 100])
    error_message = "The bounce_percent and the complaint_percent must be at least 0 (no alarm) and less than 100."
  }

  validation {
    condition     = var.rates.minimum_recipients >= 1 && floor(var.rates.minimum_recipients) == var.rates.minimum_recipients
    error_message = "The minimum_recipients must be a whole number of at least 1."
  }
}

variable "silence_hours" {
  description = "Hours without any feedback after which an alarm goes off; 0 for no alarm. Use more than the longest pause between your mailings. It needs the queue."
  type        = number
  default     = 24
  nullable    = false

  validation {
    # CloudWatch looks back seven days at most.
    condition     = contains(range(0, 169), var.silence_hours)
    error_message = "The silence_hours must be a whole number from 1 to 168, or 0 for no alarm."
  }
}

variable "queue_age_seconds" {
  description = "Age in seconds of the oldest message in the queue, and of the oldest change in the table's stream, above which an alarm goes off."
  type        = number
  default     = 900
  nullable    = false

  validation {
    # SQS keeps a message for 14 days.
    condition     = var.queue_age_seconds >= 60 && var.queue_age_seconds < 1209600 && floor(var.queue_age_seconds) == var.queue_age_seconds
    error_message = "The queue_age_seconds must be a whole number from 60 to 1209599."
  }
}

variable "tags" {
  description = "Tags for the alarms, in addition to the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
