# Passed on to the modules, which validate them.

variable "name" {
  description = "Name of the table, and start of every other name: topic, queue, function and role are called NAME-feedback. Choose another for a second copy in the same account and region."
  type        = string
  default     = "mailing"
  nullable    = false
}

variable "package" {
  description = "The function's zip: `path` of a local file, or `s3`, an object that was uploaded; neither: `build/healthy-mailing.zip` of this project, as `make package` builds it."
  type = object({
    path = optional(string)
    s3 = optional(object({
      bucket           = string
      key              = string
      object_version   = optional(string)
      source_code_hash = optional(string)
    }))
  })
  default  = {}
  nullable = false
}

variable "delivery" {
  description = "How feedback gets from the topic to the function: `queue` (SQS between them: batches, retries of exactly what failed) or `direct` (one call for each message, as in the original article)."
  type        = string
  default     = "queue"
  nullable    = false
}

variable "rules" {
  description = "What the state of an address depends on: days with a soft bounce that disable it, how many days back they count, and for how many days a delivery that changes no state may go unwritten (1 is exact)."
  type = object({
    soft_bounce_limit       = optional(number, 5)
    soft_bounce_window_days = optional(number, 30)
    delivery_refresh_days   = optional(number, 1)
  })
  default  = {}
  nullable = false
}

variable "function" {
  description = "The Lambda function: memory (its CPU grows with it), timeout, concurrency reserved for it (null: none), processor, how much it logs (DEBUG, INFO, WARNING, ERROR) and for how many days logs are kept (0: for ever)."
  type = object({
    memory_megabytes     = optional(number, 512)
    timeout_seconds      = optional(number, 30)
    reserved_concurrency = optional(number)
    architecture         = optional(string, "arm64")
    log_level            = optional(string, "INFO")
    log_retention_days   = optional(number, 30)
  })
  default  = {}
  nullable = false
}

variable "queue" {
  description = "With delivery `queue`: most messages of one call, how long to gather them, tries before a message goes to the dead-letter queue, and most calls at a time (null: as Lambda sees fit). `keep`: with delivery `direct`, the queue stays and is emptied; set it for the change from `queue` to `direct`."
  type = object({
    batch_size              = optional(number, 1000)
    batching_window_seconds = optional(number, 5)
    max_receive_count       = optional(number, 5)
    maximum_concurrency     = optional(number)
    keep                    = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "table" {
  description = "The DynamoDB table: its name (null: the value of `name`), whether it is protected from deletion and can be restored to any second of the last 35 days, and whether it has the index `suppressed-updatedAt`, which lists who must not be mailed. The lookup API needs the index; without it each such address saves one or two write units a change, and the table has no limit of its own to how many may change at once (docs/scale.md)."
  type = object({
    name                   = optional(string)
    deletion_protection    = optional(bool, true)
    point_in_time_recovery = optional(bool, true)
    index                  = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "kms_key_arn" {
  description = "A customer managed KMS key that encrypts topic, queues, table and log group; null: each service's own encryption. Its key policy must hold the statements of the output `kms_key_policy`, before the topic uses it."
  type        = string
  default     = null
}

variable "ses_source_arns" {
  description = "Which identities and configuration sets of SES may publish to the topic, as ARNs; empty: all of this account in this region."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "ses" {
  description = "Points SES at the topic (module ses): identities and configuration sets, by name, as that module takes them; null: SES is pointed at it by other means."
  type = object({
    identities = optional(map(object({
      create           = optional(bool, false)
      delivery         = optional(bool, true)
      original_headers = optional(bool, false)
      email_forwarding = optional(bool)
    })), {})
    configuration_sets = optional(map(object({
      create       = optional(bool, false)
      delivery     = optional(bool, true)
      subscription = optional(bool, true)
    })), {})
  })
  default = null
}

variable "lookup" {
  description = "The API over the table (module lookup): its function, throttling, callers and access logs, as that module takes them; null: no API, `{}`: the API as it comes."
  type = object({
    function = optional(object({
      memory_megabytes     = optional(number, 512)
      timeout_seconds      = optional(number, 15)
      reserved_concurrency = optional(number)
      architecture         = optional(string, "arm64")
      log_level            = optional(string, "INFO")
      log_retention_days   = optional(number, 30)
    }), {})
    throttling = optional(object({
      requests_per_second = optional(number, 100)
      burst               = optional(number, 200)
    }), {})
    callers     = optional(set(string), [])
    access_logs = optional(bool, true)
  })
  default = null
}

variable "monitoring" {
  description = "Alarms and a dashboard (module monitoring): topic for alarms, rates, silence and queue age, as that module takes them; null: none, `{}`: as they come."
  type = object({
    alarm_topic_arn = optional(string)
    rates = optional(object({
      bounce_percent     = optional(number, 5)
      complaint_percent  = optional(number, 0.1)
      minimum_recipients = optional(number, 1000)
    }), {})
    silence_hours     = optional(number, 24)
    queue_age_seconds = optional(number, 900)
  })
  default = null
}

variable "tags" {
  description = "Tags for everything that can have them, beside the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
