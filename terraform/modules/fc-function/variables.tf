variable "account_id" {
  description = "Id of the Alibaba Cloud account."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{10,20}$", var.account_id))
    error_message = "account_id is the digits of an account's id."
  }
}

variable "region" {
  description = "Region of the function and its state, such as cn-hangzhou: that of the source, and of the provider."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+(-[a-z0-9]+)+$", var.region))
    error_message = "region is a region of Alibaba Cloud, such as cn-hangzhou."
  }
}

variable "name" {
  description = "Name of the function; what belongs to it is named after it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name))
    error_message = "name is 2 to 40 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "function" {
  description = "Which function it is, as in functions/: its receipts are removed from the state by age."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*$", var.function))
    error_message = "function is the name of a folder of functions/, such as trailtags."
  }
}

variable "archive" {
  description = "Path of the packaged function: go run ./scripts/package -format fc FUNCTION writes dist/FUNCTION-fc.zip. It is named by its content: Function Compute's own state cannot tell that code has changed."
  type        = string
}

variable "bucket_prefix" {
  description = "What the names of the two OSS buckets begin with, before -state and -code; all of OSS shares one space of names."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,55}[a-z0-9]$", var.bucket_prefix))
    error_message = "bucket_prefix is 3 to 57 lower-case letters, digits and hyphens, with a letter or digit at both ends."
  }
}

variable "source_logstore" {
  description = "What the function reads."
  type = object({
    project  = string
    logstore = string
  })
}

variable "retention_hours" {
  description = "How long the source keeps what was not read: the TTL of its logstore. At half of it somebody is woken, since what is lost then is lost for good. Null: nobody is."
  type        = number
  default     = null

  validation {
    condition     = var.retention_hours == null ? true : var.retention_hours * 30 > (var.alerts == null ? 0 : var.alerts.lag_minutes) && var.retention_hours > 0
    error_message = "half of retention_hours is more than alerts.lag_minutes: first one is told, then woken."
  }
}

variable "log_project" {
  description = "Project of the Log Service in which the function's own log is kept, as logstore NAME-log."
  type        = string

  validation {
    condition     = "${var.log_project}/${var.name}-log" != "${var.source_logstore.project}/${var.source_logstore.logstore}"
    error_message = "The source is the function's own log: it would read what it writes, for ever."
  }
}

variable "target" {
  description = "Logstore that is made for what the function writes: its fields are indexed as text. Null: it writes elsewhere, or into one that is there."
  type = object({
    project        = string
    logstore       = string
    retention_days = optional(number, 180)
    shards         = optional(number, 2)
    fields         = list(string)
  })
  default = null

  validation {
    condition     = var.target == null ? true : "${var.target.project}/${var.target.logstore}" != "${var.source_logstore.project}/${var.source_logstore.logstore}"
    error_message = "target is another logstore than the source: the function would read what it writes, for ever."
  }
  validation {
    condition     = var.target == null ? true : var.target.retention_days >= 3 && var.target.retention_days <= 3650
    error_message = "target.retention_days is 3 to 3650: the daily proof looks back two days."
  }
  validation {
    condition     = var.target == null ? true : var.target.shards >= 1 && var.target.shards <= 64 && length(var.target.fields) > 0
    error_message = "target.shards is 1 to 64, and target.fields names one field at least."
  }
}

variable "grants" {
  description = "What the function may do besides reading its source by a consumer group, keeping its state and writing its log: actions, and the resources they are granted on."
  type = list(object({
    actions   = list(string)
    resources = list(string)
  }))
  default = []

  validation {
    condition     = alltrue(flatten([for g in var.grants : [for a in g.actions : can(regex("^[a-z]+:[A-Za-z]+$", a))]]))
    error_message = "grants name each action: a wildcard grants what is yet to come."
  }
  validation {
    condition     = alltrue(flatten([for g in var.grants : [for r in g.resources : can(regex("^acs:[a-z]+:[^:]*:[^:]*:.*[^*:/].*$", r))]]))
    error_message = "grants name resources, and not whole services."
  }
}

variable "trigger" {
  description = "What wakes the function: a timer, as often as minutes says, or the logstore itself (log), which hands on ranges every seconds. With log a range that failed max_retries times has to wait, or is passed over: alerts tell of it before, and the daily proof names what is missing."
  type = object({
    kind        = optional(string, "timer")
    minutes     = optional(number, 5)
    seconds     = optional(number, 60)
    max_retries = optional(number, 100)
  })
  default = {}

  validation {
    condition     = contains(["timer", "log"], var.trigger.kind)
    error_message = "trigger.kind is timer or log."
  }
  validation {
    condition     = var.trigger.minutes >= 1 && var.trigger.minutes <= 60 && floor(var.trigger.minutes) == var.trigger.minutes && var.trigger.minutes * 60 >= var.lease_ttl_seconds
    error_message = "trigger.minutes is 1 to 60, whole, and no shorter than lease_ttl_seconds."
  }
  validation {
    condition     = var.trigger.seconds >= 3 && var.trigger.seconds <= 600
    error_message = "trigger.seconds is 3 to 600."
  }
  validation {
    condition     = var.trigger.max_retries >= 10 && var.trigger.max_retries <= 100 && floor(var.trigger.max_retries) == var.trigger.max_retries
    error_message = "trigger.max_retries is 10 to 100, whole: more Function Compute does not take, and with less a short outage is more than a range can wait for."
  }
}

variable "verify" {
  description = "When the daily proof runs, as MINUTE HOUR in UTC; null leaves it out."
  type = object({
    minute = optional(number, 17)
    hour   = optional(number, 5)
  })
  default = {}

  validation {
    condition     = var.verify == null ? true : contains(range(60), var.verify.minute) && contains(range(24), var.verify.hour)
    error_message = "verify.minute is 0 to 59, and verify.hour 0 to 23."
  }
}

variable "run_timeout_seconds" {
  description = "RUN_TIMEOUT: the budget of a run. The function's own time-out is half a minute longer."
  type        = number
  default     = 480

  validation {
    condition     = var.run_timeout_seconds >= 30 && var.run_timeout_seconds <= 3600
    error_message = "run_timeout_seconds is 30 to 3600."
  }
}

variable "lease_ttl_seconds" {
  description = "LEASE_TTL: how long a killed run keeps the next one waiting."
  type        = number
  default     = 60

  validation {
    condition     = var.lease_ttl_seconds >= 1
    error_message = "lease_ttl_seconds is 1 or more."
  }
}

variable "memory_mb" {
  description = "Memory of an instance, in steps of 64, with half a processor for each half a GB."
  type        = number
  default     = 512

  validation {
    condition     = contains([512, 1024, 2048, 4096], var.memory_mb)
    error_message = "memory_mb is 512, 1024, 2048 or 4096."
  }
}

variable "environment" {
  description = "Environment variables of the function, those that are secret too: Function Compute knows no other place for them, see the README."
  type        = map(string)
  sensitive   = true

  validation {
    condition     = length(setintersection(keys(var.environment), ["RUN_TIMEOUT", "LEASE_TTL", "STATE_URL", "FUNCTION_TOKEN"])) == 0
    error_message = "RUN_TIMEOUT, LEASE_TTL and STATE_URL are set here, and triggers bear no FUNCTION_TOKEN."
  }
}

variable "receipt_days" {
  description = "How long receipts are kept: verify can prove no time before."
  type        = number
  default     = 400

  validation {
    condition     = var.receipt_days >= 7
    error_message = "receipt_days is 7 or more: the daily proof looks back two days."
  }
}

variable "log_days" {
  description = "How long the function's log is kept."
  type        = number
  default     = 90

  validation {
    condition     = var.log_days >= 3 && var.log_days <= 3650
    error_message = "log_days is 3 to 3650: what is looked for in it lies up to two days back."
  }
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

  validation {
    condition     = var.alerts == null ? true : !contains([var.alerts.page, var.alerts.ticket], "sls.builtin.dynamic")
    error_message = "alerts.page and alerts.ticket are action policies: sls.builtin.dynamic is an alert policy, and tells nobody."
  }
  validation {
    condition     = var.alerts == null ? true : var.alerts.lag_minutes >= 0 && var.alerts.silent_hours >= 0 && var.alerts.silent_hours <= 24
    error_message = "alerts.lag_minutes is 0 or more, and alerts.silent_hours 0 to 24: no query of an alert looks back on more than a day."
  }
}

variable "protect" {
  description = "Whether a destroy, or another name for a logstore, is refused, as it would delete the function's log and the target with what is in them: set it to false and apply, before they go."
  type        = bool
  default     = true
  nullable    = false
}
