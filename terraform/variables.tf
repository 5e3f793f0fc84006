# Passed on to the modules, which validate them.

variable "name" {
  description = "Name of the table, and start of every other name: topic, queue, function and role are called NAME-feedback. Choose another for a second copy in the same account and region. What exists keeps its name when you change this."
  type        = string
  default     = "mailing"
  nullable    = false
}

variable "package" {
  description = "The functions' zip: `path`, `s3`, or neither for the zip that comes with the module."
  type = object({
    path = optional(string)               # Path of a local zip.
    s3 = optional(object({                # A zip in S3, with `object_version`, `source_code_hash` or both: Terraform notices a new zip by them.
      bucket           = string           # Name of the bucket.
      key              = string           # Key of the object.
      object_version   = optional(string) # Version of the object, if the bucket keeps versions.
      source_code_hash = optional(string) # Base64 of the zip's SHA-256.
    }))
  })
  default  = {}
  nullable = false
}

variable "delivery" {
  description = "How feedback gets from the topic to the function: `queue` (SQS between them: batches, retries of exactly what failed), `direct` (one call for each message, as in the original article), or `both`, the way from one to the other: apply `both` in between, and no message is lost. What arrives twice counts once."
  type        = string
  default     = "queue"
  nullable    = false
}

variable "rules" {
  description = "What the state of an address depends on."
  type = object({
    soft_bounce_limit       = optional(number, 5)  # Days with a soft bounce that disable an address, 1 to 16.
    soft_bounce_window_days = optional(number, 30) # How many days back from the newest soft bounce the others count, 1 to 3650.
    delivery_refresh_days   = optional(number, 1)  # For how many days a delivery that changes no state may go unwritten, 1 to 365; 1 is exact.
  })
  default  = {}
  nullable = false
}

variable "function" {
  description = "The Lambda function."
  type = object({
    memory_megabytes        = optional(number, 512)     # Memory, 128 to 10240; CPU grows with it.
    timeout_seconds         = optional(number, 30)      # How long a call may take, 3 to 900.
    reserved_concurrency    = optional(number)          # Concurrency reserved for the function; null: none.
    architecture            = optional(string, "arm64") # Processor: `arm64` or `x86_64`.
    log_level               = optional(string, "INFO")  # The least severe level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    log_retention_days      = optional(number, 30)      # How many days logs are kept, a number that CloudWatch Logs offers; 0: forever.
    permissions_boundary    = optional(string)          # ARN of the policy that bounds what the role may do; null: none.
    role_path               = optional(string, "/")     # Path of the role, which begins and ends with a slash. A change replaces the role.
    code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null: none.
    tracing                 = optional(bool, false)     # Whether AWS X-Ray records traces of calls.
    vpc = optional(object({                             # The VPC that the function connects to, which needs an endpoint for DynamoDB (see README); null: none.
      subnet_ids         = set(string)                  # The subnets' IDs.
      security_group_ids = set(string)                  # The security groups' IDs.
    }))
  })
  default  = {}
  nullable = false
}

variable "queue" {
  description = "The queue between topic and function. What is set here changes in place, except that the names are used once, when the queues are created."
  type = object({
    name                    = optional(string)       # Name of the queue; null: NAME-feedback.
    dead_letter_name        = optional(string)       # Name of the dead-letter queue; null: NAME-feedback-dead-letter.
    enabled                 = optional(bool, true)   # Whether the function takes messages from the queue; false lets them wait there, up to 14 days, while you work on the table.
    batch_size              = optional(number, 1000) # Most messages in one call, 1 to 10000.
    batching_window_seconds = optional(number, 5)    # How long to gather messages for a call, 0 to 300; at least 1 with a `batch_size` over 10.
    max_receive_count       = optional(number, 5)    # Tries before a message goes to the dead-letter queue, 1 to 1000.
    maximum_concurrency     = optional(number)       # Most calls at a time, 2 to 1000; null: Lambda decides.
    keep                    = optional(bool, true)   # Whether there is a queue with delivery `direct` too, which the function empties. `false` deletes it, with any message in it: for a stack that never had delivery `queue`, or whose queue is empty.
  })
  default  = {}
  nullable = false
}

variable "table" {
  description = "The DynamoDB table. The lookup API needs the index. Without it each address that must not be mailed saves one or two write units a change, and the table has no limit of its own to how many may change at once (docs/scale.md)."
  type = object({
    name                   = optional(string)     # Name of the table when it is created; null: the value of `name`. The table keeps it.
    existing               = optional(string)     # Name of a table that exists already, to use instead of creating one; its other settings are then not the module's.
    deletion_protection    = optional(bool, true) # Whether the table is protected from deletion.
    point_in_time_recovery = optional(bool, true) # Whether the table can be restored to any second of the last 35 days.
    index                  = optional(bool, true) # Whether the table has the index `suppressed-updatedAt`, which lists who must not be mailed.
    expire_days            = optional(number)     # How many days after the newest delivery an address of which nothing else is known is removed, 30 to 3650; null: never.
  })
  default  = {}
  nullable = false
}

variable "topic" {
  description = "The SNS topic that SES publishes to."
  type = object({
    name = optional(string)      # Name of the topic when it is created; null: NAME-feedback. The topic keeps it.
    existing = optional(object({ # A topic of this account and region that exists already, to use instead of creating one. Its policy must let SES publish.
      arn = string               # ARN of the topic.
    }))
  })
  default  = {}
  nullable = false
}

variable "additional_topic_arns" {
  description = "Topics in other regions or accounts, or in this one, that may send feedback to the queue as well. Subscribe the queue to them, with raw message delivery, where they are."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "kms_key_arn" {
  description = "A customer managed KMS key that encrypts topic, queues, table and log group; null: each service's own encryption. Its key policy must hold the statements of the output `kms_key_policy`, before the topic uses it."
  type        = string
  default     = null
}

variable "ses_source_arns" {
  description = "Which identities and configuration sets of SES may publish to the topic, as ARNs of this region, of this or other accounts; empty: all of this account."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "ses" {
  description = "Points SES at the topic (module ses); null: SES is pointed at it by other means."
  type = object({
    identities = optional(map(object({         # Verified domains and addresses whose notifications go to the topic, by themselves: `"example.com" = {}`.
      create           = optional(bool, false) # Whether to create the identity, which is then protected from being destroyed; otherwise it must exist.
      delivery         = optional(bool, true)  # Whether deliveries are reported besides bounces and complaints.
      original_headers = optional(bool, false) # Whether notifications hold the mail's headers.
      email_forwarding = optional(bool)        # Whether bounces and complaints are also forwarded by email; null: stays as it is, which is on for a new identity.
    })), {})
    configuration_sets = optional(map(object({ # Configuration sets whose events go to the topic, by name.
      create       = optional(bool, false)     # Whether to create the set, which is then protected from being destroyed; otherwise it must exist.
      delivery     = optional(bool, true)      # Whether deliveries are reported besides bounces and complaints.
      subscription = optional(bool, true)      # Whether recipients' subscription preferences are reported.
    })), {})
  })
  default = null
}

variable "lookup" {
  description = "The API over the table (module lookup); null: no API, `{}`: the API with its defaults."
  type = object({
    function = optional(object({                          # The Lambda function.
      memory_megabytes        = optional(number, 512)     # Memory, 128 to 10240; CPU grows with it.
      timeout_seconds         = optional(number, 15)      # How long a call may take, 3 to 29, as long as API Gateway waits.
      reserved_concurrency    = optional(number)          # Concurrency reserved for the function; null: none.
      architecture            = optional(string, "arm64") # Processor: `arm64` or `x86_64`.
      log_level               = optional(string, "INFO")  # The least severe level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
      log_retention_days      = optional(number, 30)      # How many days logs are kept, a number that CloudWatch Logs offers; 0: forever.
      permissions_boundary    = optional(string)          # ARN of the policy that bounds what the role may do; null: none.
      role_path               = optional(string, "/")     # Path of the role, which begins and ends with a slash. A change replaces the role.
      code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null: none.
      tracing                 = optional(bool, false)     # Whether AWS X-Ray records traces of calls.
      vpc = optional(object({                             # The VPC that the function connects to, which needs an endpoint for DynamoDB (see README); null: none.
        subnet_ids         = set(string)                  # The subnets' IDs.
        security_group_ids = set(string)                  # The security groups' IDs.
      }))
    }), {})
    throttling = optional(object({                # How many requests there may be before API Gateway answers 429.
      requests_per_second = optional(number, 100) # Most requests a second, over all callers.
      burst               = optional(number, 200) # How many requests may come at once beyond that.
    }), {})
    callers     = optional(set(string), []) # IAM principals of other accounts that may call every operation, as ARNs.
    access_logs = optional(bool, false)     # Whether each request is logged, which needs a role in the account: see the module's README.
  })
  default = null
}

variable "changes" {
  description = "Events for each change of state (module changes), and the table's stream that they are made of; null: none, `{}`: with their defaults."
  type = object({
    bus = optional(object({          # The EventBridge bus that gets the events; by default the account's default bus.
      arn    = optional(string)      # ARN of a bus of this region that exists already, also of another account that lets this one put events; null: not such a one.
      create = optional(bool, false) # Whether to create a bus for these events alone.
    }), {})
    new_deliveries = optional(bool, false)                 # Whether a new address that may be mailed is an event too. Nearly all new addresses are such.
    stream = optional(object({                             # How the function reads the table's stream. Each setting changes in place.
      enabled                    = optional(bool, true)    # Whether the function reads the stream; false lets changes wait there, up to 24 hours, while you work on what gets the events.
      batch_size                 = optional(number, 100)   # Most changes in one call, 1 to 10000.
      batching_window_seconds    = optional(number, 0)     # How long to gather changes for a call, 0 to 300. More means fewer calls and later events.
      parallelization_factor     = optional(number, 1)     # How many calls at a time read one shard, 1 to 10; changes of one address stay in order.
      maximum_record_age_seconds = optional(number, 21600) # For how long a change is tried before its place in the stream goes to the dead-letter queue, 60 to 72000. The rest of the stream's 24 hours is what you have to bring it back.
      maximum_retry_attempts     = optional(number, -1)    # How often at most it is tried again within that time, 0 to 10000; -1: as often as Lambda does.
    }), {})
    function = optional(object({                          # The Lambda function.
      memory_megabytes        = optional(number, 256)     # Memory, 128 to 10240; CPU grows with it.
      timeout_seconds         = optional(number, 60)      # How long a call may take, 3 to 900.
      reserved_concurrency    = optional(number)          # Concurrency reserved for the function; null: none.
      architecture            = optional(string, "arm64") # Processor: `arm64` or `x86_64`.
      log_level               = optional(string, "INFO")  # The least severe level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
      log_retention_days      = optional(number, 30)      # How many days logs are kept, a number that CloudWatch Logs offers; 0: forever.
      permissions_boundary    = optional(string)          # ARN of the policy that bounds what the role may do; null: none.
      role_path               = optional(string, "/")     # Path of the role, which begins and ends with a slash. A change replaces the role.
      code_signing_config_arn = optional(string)          # ARN of the code signing configuration that the zip must satisfy; null: none.
      tracing                 = optional(bool, false)     # Whether AWS X-Ray records traces of calls.
      vpc = optional(object({                             # The VPC that the function connects to, which needs endpoints for EventBridge and SQS (see README); null: none.
        subnet_ids         = set(string)                  # The subnets' IDs.
        security_group_ids = set(string)                  # The security groups' IDs.
      }))
    }), {})
  })
  default = null
}

variable "monitoring" {
  description = "Alarms and a dashboard (module monitoring); null: none, `{}`: with their defaults."
  type = object({
    alarm_topic_arn        = optional(string)     # ARN of the SNS topic that alarms tell; null: alarms only show.
    urgent_alarm_topic_arn = optional(string)     # ARN of the SNS topic that urgent alarms tell instead; null: the same as the others.
    rates = optional(object({                     # Rates of a day above which an alarm goes off.
      bounce_percent     = optional(number, 5)    # Permanent bounces, in per cent of a day's recipients; 0: no such alarm.
      complaint_percent  = optional(number, 0.1)  # Complaints, in per cent of a day's recipients; 0: no such alarm.
      minimum_recipients = optional(number, 1000) # How many recipients a day must have for its rates to count.
      reputation         = optional(bool, true)   # Whether alarms watch the rates by which SES reviews the whole account in this region; one copy in a region is enough.
    }), {})
    silence_hours     = optional(number, 24)  # Hours without any feedback after which an alarm goes off; 0: no such alarm.
    queue_age_seconds = optional(number, 900) # Age of the oldest message in the queue, and of the oldest change in the table's stream, above which an alarm goes off.
  })
  default = null
}

variable "tags" {
  description = "Tags for everything that can have them, beside the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
