variable "account_id" {
  description = "Id of the Alibaba Cloud account that the function runs in."
  type        = string
}

variable "region" {
  description = "Region of source, target and function, such as cn-hangzhou."
  type        = string
}

variable "name" {
  description = "Name of the function; what belongs to it is named after it. Another one makes a second pipeline."
  type        = string
  default     = "trailtags"
}

variable "bucket_prefix" {
  description = "What the names of the two OSS buckets begin with, before -state and -code; all of OSS shares one space of names."
  type        = string
}

variable "source_logstore" {
  description = "Where a trail of ActionTrail delivers, read by a consumer group of its own. ttl_days is how long it keeps events: what is not read by then is lost, and at half of it somebody is woken; without it nobody is."
  type = object({
    project        = string
    logstore       = string
    consumer_group = optional(string, "siemfeed-trailtags")
    ttl_days       = optional(number)
  })

  validation {
    condition     = can(regex("^[0-9a-z]([0-9a-z_-]{0,30}[0-9a-z])?$", var.source_logstore.consumer_group))
    error_message = "source_logstore.consumer_group is 1 to 32 lower-case letters, digits, hyphens and underscores. Its name is the project's: no other logstore may have one of that name."
  }
  validation {
    condition     = var.source_logstore.ttl_days == null ? true : var.source_logstore.ttl_days >= 1 && var.source_logstore.ttl_days <= 3650
    error_message = "source_logstore.ttl_days is 1 to 3650."
  }
}

variable "target" {
  description = "Logstore that is made for the events with their tags, in a project that is there. tags are the keys of tags to be searched; all are delivered."
  type = object({
    project        = string
    logstore       = string
    retention_days = optional(number, 180)
    shards         = optional(number, 2)
    tags           = optional(list(string), [])
  })
}

variable "admin" {
  description = "Management account of the resource directory, the id of its read-only key, and the role that is assumed in member accounts: better one of your own that may only list tags than the default, which may do everything."
  type = object({
    account_id = string
    key_id     = string
    role       = optional(string, "ResourceDirectoryAccountAccessRole")
  })

  validation {
    condition     = can(regex("^[0-9]{10,20}$", var.admin.account_id))
    error_message = "admin.account_id is the digits of an account's id."
  }
}

variable "admin_key" {
  description = "Secret of that key; best given as TF_VAR_admin_key. It is in the state, and in the function's environment: Function Compute knows no other place, see the README."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.admin_key) > 0
    error_message = "admin_key is the secret of admin.key_id."
  }
}

variable "settings" {
  description = "Further variables of trailtags, as its documentation has them."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setsubtract(keys(var.settings), [
      "ECS_ENDPOINT",
      "LOG_LEVEL",
      "LOOKUP_BUDGET",
      "ONLY_WRITES",
      "QUARANTINE_URL",
      "SERVICES",
      "SLB_ENDPOINT",
      "SLS_CONSUMER",
      "SLS_GROUP_TIMEOUT",
      "SLS_HEARTBEAT",
      "SLS_INSECURE",
      "SLS_ON_INVALID_CURSOR",
      "SLS_PROCESSOR",
      "SLS_QUERY",
      "SLS_REGION",
      "SLS_START",
      "SLS_TARGET_ENDPOINT",
      "SLS_TARGET_REGION",
      "SLS_TOPICS",
      "STS_ENDPOINT",
      "TAG_CACHE_SIZE",
      "TAG_ENDPOINT",
      "TAG_PREFIX",
      "TAG_SYSTEM",
      "TAG_TTL",
    ])) == 0
    error_message = "settings has a variable that trailtags does not know, that is not used here, or that another variable of this stack sets."
  }
}

variable "archive" {
  description = "The packaged function; null: dist/trailtags-fc.zip of this checkout, which make deploy writes."
  type        = string
  default     = null
}

variable "trigger" {
  description = "What wakes the function: a timer, as often as minutes says, or the logstore itself (log), which hands on ranges every seconds, and may pass over one that failed max_retries times."
  type = object({
    kind        = optional(string, "timer")
    minutes     = optional(number, 5)
    seconds     = optional(number, 60)
    max_retries = optional(number, 100)
  })
  default = {}
}

variable "run_timeout_seconds" {
  description = "Budget of a run."
  type        = number
  default     = 480
}

variable "memory_mb" {
  description = "Memory of an instance."
  type        = number
  default     = 512
}

variable "receipt_days" {
  description = "How long receipts are kept: verify can prove no time before."
  type        = number
  default     = 400
}

variable "verify" {
  description = "When the daily proof runs, as MINUTE HOUR in UTC; null leaves it out."
  type = object({
    minute = optional(number, 17)
    hour   = optional(number, 5)
  })
  default = {}
}

variable "alerts" {
  description = "Who is told: an action policy of the Log Service for what cannot wait (page) and for what can (ticket), and from which lag or silence on; 0: never. Null: no alerts and no dashboard."
  type = object({
    page         = optional(string, "sls.builtin")
    ticket       = optional(string, "sls.builtin")
    lag_minutes  = optional(number, 60)
    silent_hours = optional(number, 23)
  })
  default = {}
}

variable "protect" {
  description = "Whether a destroy is refused, as it would delete the target and the function's log with what is in them: set it to false and apply, before they go."
  type        = bool
  default     = true
  nullable    = false
}
