# The modules validate these.

variable "name" {
  description = "Name of the table and prefix of all other names, such as NAME-feedback. Existing resources keep their names when you change it."
  type        = string
  default     = "mailing"
  nullable    = false
}

variable "package" {
  description = "The functions' zip: a local `path`, an object in `s3`, or neither for the zip that comes with the module."
  type = object({
    path = optional(string)               # Path of a local zip.
    s3 = optional(object({                # A zip in S3, with `object_version` or `source_code_hash`: set at least one, so that Terraform notices a new zip.
      bucket           = string           # Name of the bucket.
      key              = string           # Key of the object.
      object_version   = optional(string) # Version of the object, if the bucket is versioned.
      source_code_hash = optional(string) # SHA-256 of the zip, in base64.
    }))
  })
  default  = {}
  nullable = false
}

variable "delivery" {
  description = "How feedback reaches the function. `queue`: SQS, in batches; only failed messages are retried. `direct`: SNS, one call a message. `both`: apply it in between when you switch."
  type        = string
  default     = "queue"
  nullable    = false
}

variable "rules" {
  description = "The numbers in the rules that set an address's state."
  type = object({
    soft_bounce_limit       = optional(number, 5)  # How many days with a soft bounce disable an address, 1 to 16.
    soft_bounce_window_days = optional(number, 30) # How many days before the newest soft bounce earlier ones still count, 1 to 3650.
    delivery_refresh_days   = optional(number, 1)  # How old the recorded delivery may get before a newer one that changes no state is written, in days, 1 to 365.
  })
  default  = {}
  nullable = false
}

variable "function" {
  description = "Settings of the Lambda function."
  type = object({
    memory_megabytes        = optional(number, 512)     # Memory in MB, 128 to 10240. CPU grows with it.
    timeout_seconds         = optional(number, 30)      # Timeout in seconds, 3 to 900.
    reserved_concurrency    = optional(number)          # Reserved concurrency; null for none.
    architecture            = optional(string, "arm64") # Instruction set: `arm64` or `x86_64`.
    log_level               = optional(string, "INFO")  # Lowest level to log: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    log_retention_days      = optional(number, 30)      # How many days to keep logs: a number that CloudWatch Logs supports, or 0 to keep them forever.
    role_name               = optional(string)          # Name of the role when it is created; null for NAME-feedback-REGION.
    permissions_boundary    = optional(string)          # ARN of the role's permissions boundary; null for none.
    role_path               = optional(string, "/")     # Path of the role; it must begin and end with a slash. A change replaces the role.
    code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null for none.
    tracing                 = optional(bool, false)     # Whether AWS X-Ray traces calls.
    vpc = optional(object({                             # VPC to connect the function to; null for none. It needs an endpoint for DynamoDB (see the README).
      subnet_ids         = set(string)                  # IDs of the subnets.
      security_group_ids = set(string)                  # IDs of the security groups.
    }))
  })
  default  = {}
  nullable = false
}

variable "queue" {
  description = "Settings of the queue between topic and function. They change in place, except the names, which apply only when the queues are created."
  type = object({
    name                    = optional(string)       # Name of the queue; null for NAME-feedback.
    dead_letter_name        = optional(string)       # Name of the dead-letter queue; null for NAME-feedback-dead-letter.
    enabled                 = optional(bool, true)   # Whether the function reads the queue. With `false`, messages wait up to 14 days while you work on the table.
    batch_size              = optional(number, 1000) # Maximum number of messages in one call, 1 to 10000.
    batching_window_seconds = optional(number, 5)    # How many seconds to collect messages for a call, 0 to 300; at least 1 if `batch_size` is over 10.
    max_receive_count       = optional(number, 5)    # How often to try a message before it goes to the dead-letter queue, 1 to 1000.
    maximum_concurrency     = optional(number)       # Maximum number of calls at a time, 2 to 1000; null to let Lambda decide.
    keep                    = optional(bool, true)   # Whether to keep the queue with delivery `direct`; the function still reads it. `false` deletes the queue and any message in it.
  })
  default  = {}
  nullable = false
}

variable "table" {
  description = "Settings of the DynamoDB table. The lookup API needs `index`, which costs one or two write units for each change of a blocked address (docs/scale.md)."
  type = object({
    name                   = optional(string)     # Name of the table when it is created; null for the value of `name`. The table keeps this name.
    existing               = optional(string)     # Name of an existing table to use instead of creating one. The module does not change its settings.
    deletion_protection    = optional(bool, true) # Whether the table is protected from deletion.
    point_in_time_recovery = optional(bool, true) # Whether you can restore the table to any second of the last 35 days.
    index                  = optional(bool, true) # Whether the table has the index `suppressed-updatedAt`, which lists the addresses not to mail.
    expire_days            = optional(number)     # Remove an address this many days after its newest delivery if nothing else is recorded, 30 to 3650; null for never.
  })
  default  = {}
  nullable = false
}

variable "topic" {
  description = "Settings of the SNS topic that SES publishes to."
  type = object({
    name = optional(string)      # Name of the topic when it is created; null for NAME-feedback. The topic keeps this name.
    existing = optional(object({ # An existing topic in this account and region to use instead of creating one. Its policy must let SES publish.
      arn = string               # ARN of the topic.
    }))
  })
  default  = {}
  nullable = false
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
  type = object({
    identities = optional(map(object({         # Verified domains and addresses that send notifications to the topic, such as `"example.com" = {}`.
      create           = optional(bool, false) # Whether to create the identity and protect it from being destroyed. With `false` it must exist.
      delivery         = optional(bool, true)  # Whether SES also reports deliveries.
      original_headers = optional(bool, false) # Whether notifications include the headers of the mail.
      email_forwarding = optional(bool)        # Whether SES also forwards bounces and complaints by email; null to leave it as it is (on for a new identity).
    })), {})
    configuration_sets = optional(map(object({ # Configuration sets that send events to the topic, by name.
      create       = optional(bool, false)     # Whether to create the set and protect it from being destroyed. With `false` it must exist.
      delivery     = optional(bool, true)      # Whether SES also reports deliveries.
      subscription = optional(bool, true)      # Whether SES reports changes of recipients' subscription preferences.
    })), {})
  })
  default = null
}

variable "lookup" {
  description = "The lookup API (module lookup); null for none, `{}` for the defaults."
  type = object({
    function = optional(object({                          # Settings of the Lambda function.
      memory_megabytes        = optional(number, 512)     # Memory in MB, 128 to 10240. CPU grows with it.
      timeout_seconds         = optional(number, 15)      # Timeout in seconds, 3 to 29. API Gateway waits 29 seconds at most.
      reserved_concurrency    = optional(number)          # Reserved concurrency; null for none.
      architecture            = optional(string, "arm64") # Instruction set: `arm64` or `x86_64`.
      log_level               = optional(string, "INFO")  # Lowest level to log: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
      log_retention_days      = optional(number, 30)      # How many days to keep logs: a number that CloudWatch Logs supports, or 0 to keep them forever.
      role_name               = optional(string)          # Name of the role when it is created; null for NAME-lookup-REGION.
      permissions_boundary    = optional(string)          # ARN of the role's permissions boundary; null for none.
      role_path               = optional(string, "/")     # Path of the role; it must begin and end with a slash. A change replaces the role.
      code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null for none.
      tracing                 = optional(bool, false)     # Whether AWS X-Ray traces calls.
      vpc = optional(object({                             # VPC to connect the function to; null for none. It needs an endpoint for DynamoDB (see the README).
        subnet_ids         = set(string)                  # IDs of the subnets.
        security_group_ids = set(string)                  # IDs of the security groups.
      }))
    }), {})
    throttling = optional(object({                # How many requests API Gateway accepts before it answers 429.
      requests_per_second = optional(number, 100) # Requests a second, all callers together.
      burst               = optional(number, 200) # How many more requests may arrive at once.
    }), {})
    callers     = optional(set(string), []) # ARNs of IAM principals in other accounts that may call every operation.
    access_logs = optional(bool, false)     # Whether to log each request. This needs a role in the account (see the module's README).
  })
  default = null
}

variable "changes" {
  description = "An event for each change of state (module changes), and the table's stream; null for none, `{}` for the defaults."
  type = object({
    bus = optional(object({          # The EventBridge bus that gets the events. By default the account's default bus.
      arn    = optional(string)      # ARN of an existing bus in this region, in this account or one that lets it put events; null for none.
      create = optional(bool, false) # Whether to create a bus for these events.
    }), {})
    new_deliveries = optional(bool, false)                 # Whether a new address that may be mailed is an event too. Nearly all new addresses are.
    stream = optional(object({                             # How the function reads the table's stream. All settings change in place.
      enabled                    = optional(bool, true)    # Whether the function reads the stream. With `false`, changes wait up to 24 hours while you work on the events' readers.
      batch_size                 = optional(number, 100)   # Maximum number of changes in one call, 1 to 10000.
      batching_window_seconds    = optional(number, 0)     # How many seconds to collect changes for a call, 0 to 300. More means fewer calls and later events.
      parallelization_factor     = optional(number, 1)     # How many calls at a time read one shard, 1 to 10. Changes of one address stay in order.
      maximum_record_age_seconds = optional(number, 21600) # How many seconds to try a change before its position goes to the dead-letter queue, 60 to 72000. You can replay it for the rest of 24 hours.
      maximum_retry_attempts     = optional(number, -1)    # Maximum number of retries within that time, 0 to 10000; -1 for no limit.
    }), {})
    function = optional(object({                          # Settings of the Lambda function.
      memory_megabytes        = optional(number, 256)     # Memory in MB, 128 to 10240. CPU grows with it.
      timeout_seconds         = optional(number, 60)      # Timeout in seconds, 3 to 900.
      reserved_concurrency    = optional(number)          # Reserved concurrency; null for none.
      architecture            = optional(string, "arm64") # Instruction set: `arm64` or `x86_64`.
      log_level               = optional(string, "INFO")  # Lowest level to log: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
      log_retention_days      = optional(number, 30)      # How many days to keep logs: a number that CloudWatch Logs supports, or 0 to keep them forever.
      role_name               = optional(string)          # Name of the role when it is created; null for NAME-changes-REGION.
      permissions_boundary    = optional(string)          # ARN of the role's permissions boundary; null for none.
      role_path               = optional(string, "/")     # Path of the role; it must begin and end with a slash. A change replaces the role.
      code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null for none.
      tracing                 = optional(bool, false)     # Whether AWS X-Ray traces calls.
      vpc = optional(object({                             # VPC to connect the function to; null for none. It needs endpoints for EventBridge and SQS (see the README).
        subnet_ids         = set(string)                  # IDs of the subnets.
        security_group_ids = set(string)                  # IDs of the security groups.
      }))
    }), {})
  })
  default = null
}

variable "monitoring" {
  description = "Alarms and a dashboard (module monitoring); null for none, `{}` for the defaults."
  type = object({
    alarm_topic_arn        = optional(string)     # ARN of the SNS topic that alarms notify; null to notify no topic.
    urgent_alarm_topic_arn = optional(string)     # ARN of the SNS topic that urgent alarms notify instead; null for `alarm_topic_arn`.
    rates = optional(object({                     # Daily bounce and complaint rates above which an alarm goes off.
      bounce_percent     = optional(number, 5)    # Permanent bounces, in percent of a day's recipients; 0 for no alarm.
      complaint_percent  = optional(number, 0.1)  # Complaints, in percent of a day's recipients; 0 for no alarm.
      minimum_recipients = optional(number, 1000) # How many recipients a day needs for its rates to count.
      reputation         = optional(bool, true)   # Whether alarms watch SES's own rates for the whole account in this region. One copy in a region is enough.
    }), {})
    silence_hours     = optional(number, 24)  # Hours without any feedback after which an alarm goes off; 0 for no alarm.
    queue_age_seconds = optional(number, 900) # Age in seconds of the oldest message in the queue, and of the oldest change in the table's stream, above which an alarm goes off.
  })
  default = null
}

variable "tags" {
  description = "Tags for every resource that supports them, in addition to the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
