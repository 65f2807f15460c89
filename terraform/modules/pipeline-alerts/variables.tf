variable "project" {
  description = "Id of the project that the logs are in."
  type        = string
}

variable "name" {
  description = "Name of the pipeline, for metrics, alerts and dashboard: that of the function it watches."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}$", var.name))
    error_message = "name is 1 to 63 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "resource" {
  description = "What writes the records: a service (functions are services too), a worker pool or a job of Cloud Run, and its name."
  type = object({
    kind = string
    name = string
  })

  validation {
    condition     = contains(["service", "worker_pool", "job"], var.resource.kind)
    error_message = "resource.kind is service, worker_pool or job."
  }
}

variable "verifier" {
  description = "Name of the service of Cloud Run that makes the daily proof, where it is another than what runs: the output verifier of module worker-pool. Null: what runs makes it."
  type        = string
  default     = null
}

variable "interval_minutes" {
  description = "Minutes from one run to the next."
  type        = number

  validation {
    condition     = var.interval_minutes >= 1
    error_message = "interval_minutes is 1 or more."
  }
}

variable "run_timeout_seconds" {
  description = "RUN_TIMEOUT of the function."
  type        = number

  validation {
    condition     = var.run_timeout_seconds >= 30 && var.run_timeout_seconds <= 3600
    error_message = "run_timeout_seconds is 30 to 3600."
  }
}

variable "missed_runs" {
  description = "After how many runs without success somebody is woken."
  type        = number
  default     = 3

  validation {
    condition     = contains([2, 3], var.missed_runs)
    error_message = "missed_runs is 2 or 3: one may fail, and four are long."
  }
  validation {
    condition     = var.missed_runs * var.interval_minutes * 60 + var.run_timeout_seconds <= 84600
    error_message = "missed_runs times interval_minutes and run_timeout_seconds are 23.5 hours together at most: Cloud Monitoring looks no further back."
  }
  validation {
    condition     = (var.missed_runs + 1) * var.interval_minutes * 60 + var.run_timeout_seconds <= 90000
    error_message = "missed_runs and one more, times interval_minutes, and run_timeout_seconds are 25 hours together at most: so long Cloud Monitoring looks back and holds, together."
  }
}

variable "lag_minutes" {
  description = "Lag of the oldest checkpoint from which on somebody is told; null: never."
  type        = number
  default     = 60

  validation {
    condition     = var.lag_minutes == null ? true : var.lag_minutes * 60 > var.interval_minutes * 60 + var.run_timeout_seconds
    error_message = "lag_minutes is more than an interval and a run take together: a healthy pipeline lags as much."
  }
}

variable "retention_hours" {
  description = "How long the source keeps what was not read: the TTL of a logstore, the retention of a queue or of an audit log. At half of it somebody is woken, since what is lost then is lost for good. Null: the source keeps all."
  type        = number
  default     = null

  validation {
    condition     = var.retention_hours == null || var.lag_minutes == null ? true : var.retention_hours * 30 > var.lag_minutes
    error_message = "half of retention_hours is more than lag_minutes: first one is told, then woken."
  }
}

variable "silent_hours" {
  description = "Hours in which the source gave nothing, after which somebody is told; null: never. Choose what is unusual for this source."
  type        = number
  default     = 23

  validation {
    condition     = var.silent_hours == null ? true : var.silent_hours >= 1 && var.silent_hours <= 23.5
    error_message = "silent_hours is 1 to 23.5: Cloud Monitoring looks no further back."
  }
}

variable "dead_subscription" {
  description = "Subscription in which dead letters wait; null: there is none."
  type        = string
  default     = null
}

variable "verifies" {
  description = "Whether the daily proof is scheduled, so that its absence is an alarm."
  type        = bool
  default     = true
}

variable "channels" {
  description = "Notification channels: page for what cannot wait for the morning, ticket for the rest. Each is projects/PROJECT/notificationChannels/NUMBER."
  type = object({
    page   = optional(list(string), [])
    ticket = optional(list(string), [])
  })
  default = {}

  validation {
    condition     = alltrue([for c in concat(var.channels.page, var.channels.ticket) : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", c))])
    error_message = "channels are projects/PROJECT/notificationChannels/NUMBER: gcloud beta monitoring channels list --format='value(name)'."
  }
}

variable "tiles" {
  description = "Further tiles of the dashboard, each an object of the API's MosaicLayout with xPos, yPos, width, height and widget, as JSON. The module's own fill rows 0 to 23."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for t in var.tiles : can(jsondecode(t).widget)])
    error_message = "tiles are JSON objects with a widget."
  }
}
