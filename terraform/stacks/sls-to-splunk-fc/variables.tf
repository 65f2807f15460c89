variable "sls" {
  description = "What is read: a logstore of Alibaba Cloud, by a consumer group of its own; the function runs in the same account and region. ttl_days is how long the logstore keeps logs: what is not read by then is lost, and at half of it somebody is woken."
  type = object({
    account_id     = string
    region         = string
    project        = string
    logstore       = string
    consumer_group = optional(string, "siemfeed")
    ttl_days       = number
  })

  validation {
    condition     = can(regex("^[0-9]{10,20}$", var.sls.account_id))
    error_message = "sls.account_id is the digits of an account's id."
  }
  validation {
    condition     = can(regex("^[a-z]+(-[a-z0-9]+)+$", var.sls.region))
    error_message = "sls.region is a region of Alibaba Cloud, such as cn-hangzhou."
  }
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.sls.project)) && can(regex("^[a-z0-9][a-z0-9_-]{0,61}[a-z0-9]$", var.sls.logstore))
    error_message = "sls.project and sls.logstore are names of 63 characters at most: lower-case letters, digits and hyphens, the logstore's underscores too."
  }
  validation {
    condition     = can(regex("^[0-9a-z]([0-9a-z_-]{0,30}[0-9a-z])?$", var.sls.consumer_group))
    error_message = "sls.consumer_group is 1 to 32 lower-case letters, digits, hyphens and underscores. Its name is the project's: no other logstore may have one of that name."
  }
  validation {
    condition     = var.sls.ttl_days >= 1 && var.sls.ttl_days <= 3650
    error_message = "sls.ttl_days is 1 to 3650."
  }
}

variable "splunk" {
  description = "Where it goes: base URLs of HTTP Event Collectors, and what events are given; placeholders as in slshec's README."
  type = object({
    urls       = list(string)
    index      = optional(string, "")
    sourcetype = optional(string, "")
    source     = optional(string, "")
    host       = optional(string, "")
    json_keys  = optional(list(string), [])
    fields     = optional(map(string), {})
    ack        = optional(bool, false)
  })

  validation {
    condition     = length(var.splunk.urls) > 0 && alltrue([for u in var.splunk.urls : can(regex("^https://[^/,]+(/[^,]*)?$", u))])
    error_message = "splunk.urls names one URL at least, each https://…"
  }
}

variable "hec_token" {
  description = "HEC's token; best given as TF_VAR_hec_token. It is in the state, and in the function's environment: Function Compute knows no other place, see the README."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.hec_token) > 0
    error_message = "hec_token is the token of an HTTP Event Collector."
  }
}

variable "name" {
  description = "Name of the function; what belongs to it is named after it. Another one makes a second pipeline."
  type        = string
  default     = "slshec"
}

variable "bucket_prefix" {
  description = "What the names of the two OSS buckets begin with, before -state and -code; all of OSS shares one space of names."
  type        = string
}

variable "log_project" {
  description = "Project of the Log Service, in the same region, in which the function's own log is kept, as logstore NAME-log; null: that of the source."
  type        = string
  default     = null
}

variable "settings" {
  description = "Further variables of slshec, as its README has them."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setsubtract(keys(var.settings), [
      "HEC_ACK_POLL",
      "HEC_ACK_TIMEOUT",
      "HEC_BATCH_BYTES",
      "HEC_CONCURRENCY",
      "HEC_GZIP",
      "HEC_INSECURE",
      "HEC_TIMEOUT",
      "LOG_LEVEL",
      "QUARANTINE_URL",
      "SLS_CONSUMER",
      "SLS_GROUP_TIMEOUT",
      "SLS_HEARTBEAT",
      "SLS_INSECURE",
      "SLS_ON_INVALID_CURSOR",
      "SLS_PROCESSOR",
      "SLS_QUERY",
      "SLS_REGION",
      "SLS_START",
      "SLS_TOPICS",
    ])) == 0
    error_message = "settings has a variable that slshec does not know, that is not used here, or that another variable of this stack sets: see its README."
  }
}

variable "archive" {
  description = "The packaged function; null: dist/slshec-fc.zip of this checkout, which make deploy writes."
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
  description = "Whether a destroy is refused, as it would delete the function's log with what is in it: set it to false and apply, before it goes."
  type        = bool
  default     = true
  nullable    = false
}
