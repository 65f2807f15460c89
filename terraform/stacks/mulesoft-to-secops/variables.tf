variable "project" {
  description = "Id of the Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is the id of a project: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the function and its buckets, such as europe-west3."
  type        = string
}

variable "name" {
  description = "Name of the function; what belongs to it is named after it. Another one makes a second pipeline."
  type        = string
  default     = "muleaudit"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "name is 2 to 24 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "bucket_prefix" {
  description = "What the names of the buckets begin with, before -feed and -state; null: project and name."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_prefix == null ? true : can(regex("^[a-z0-9][a-z0-9._-]{1,56}$", var.bucket_prefix))
    error_message = "bucket_prefix is 2 to 57 lower-case letters, digits, hyphens, underscores and dots: with -state behind it, it is a name of 63 at most."
  }
}

variable "source_archive" {
  description = "The packaged function; null: dist/muleaudit.zip of this checkout, which make deploy writes."
  type        = string
  default     = null
}

variable "anypoint" {
  description = "What is exported: organisations (business groups), and the connected app that may read their audit logs."
  type = object({
    org_ids         = list(string)
    include_suborgs = optional(bool, false)
    client_id       = string
    control_plane   = optional(string, "us")
  })

  validation {
    condition     = length(var.anypoint.org_ids) > 0 && alltrue([for id in var.anypoint.org_ids : can(regex("^[A-Za-z0-9_-]{1,64}$", id))])
    error_message = "anypoint.org_ids names one organisation at least, each by its id: letters, digits, hyphens and underscores."
  }
  validation {
    condition     = contains(["us", "eu", "gov", "ca", "jp"], var.anypoint.control_plane)
    error_message = "anypoint.control_plane is us, eu, gov, ca or jp."
  }
}

variable "client_secret" {
  description = "Secret of the connected app; best given as TF_VAR_client_secret. It is in no state and no plan. Not used with client_secret_outside_version."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true
}

variable "client_secret_version" {
  description = "Raise it by one whenever client_secret is another one."
  type        = number
  default     = 1
}

variable "client_secret_outside_version" {
  description = "Number of the secret's version, where its value is put in by other means than Terraform."
  type        = number
  default     = null
}

variable "settings" {
  description = "Further variables of muleaudit, as its README has them."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setsubtract(keys(var.settings), [
      "LOG_LEVEL",
      "MAX_RECORD_BYTES",
      "MULE_BASE_URL",
      "MULE_CONCURRENCY",
      "MULE_INSECURE",
      "MULE_LOOKBACK",
      "MULE_OVERLAP",
      "MULE_PAGE_SIZE",
      "MULE_RATE_PER_MIN",
      "MULE_SETTLE",
      "MULE_SLICE",
      "QUARANTINE_URL",
    ])) == 0
    error_message = "settings has a variable that muleaudit does not know, or that another variable of this stack sets: see its README."
  }
}

variable "secops" {
  description = "Google SecOps: the instance that reads the logs, and the service account its feeds read with (Settings, Feeds, Add, Google Cloud Storage V2, Get a service account). Null: the bucket is there and nobody reads it. With deletes the feed deletes what it has read."
  type = object({
    project           = optional(string)
    location          = string
    instance          = string
    service_account   = string
    log_type          = optional(string, "MULESOFT")
    deletes           = optional(bool, false)
    max_lookback_days = optional(number, 180)
  })
  default = null

  validation {
    condition     = var.secops == null ? true : can(regex("^[^:@ ]+@[^:@ ]+$", var.secops.service_account))
    error_message = "secops.service_account is an e-mail, without \"serviceAccount:\" before it."
  }
  validation {
    condition     = var.secops == null ? true : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.secops.instance))
    error_message = "secops.instance is the customer id: Settings, Profile."
  }
  validation {
    condition     = var.secops == null ? true : can(regex("^[A-Z0-9_]+$", var.secops.log_type))
    error_message = "secops.log_type is the label of a log type, such as MULESOFT."
  }
  validation {
    condition     = var.secops == null ? true : var.secops.max_lookback_days >= 1 && var.secops.max_lookback_days <= 180
    error_message = "secops.max_lookback_days is 1 to 180."
  }
  validation {
    condition     = var.secops == null || var.retention == null ? true : !var.secops.deletes
    error_message = "secops.deletes and retention exclude each other: what is retained cannot be deleted."
  }
}

variable "expire_days" {
  description = "Logs are deleted from the bucket at this age; null keeps them."
  type        = number
  default     = 400
}

variable "retention" {
  description = "Logs cannot be deleted before they are days old; locked cannot be undone."
  type = object({
    days   = number
    locked = optional(bool, false)
  })
  default = null
}

variable "receipt_days" {
  description = "How long receipts are kept: verify can prove no time before."
  type        = number
  default     = 400
}

variable "interval_minutes" {
  description = "Minutes from one run to the next; has to divide an hour."
  type        = number
  default     = 10
}

variable "run_timeout_seconds" {
  description = "Budget of a run."
  type        = number
  default     = 480

  validation {
    condition     = var.run_timeout_seconds >= 30 && var.run_timeout_seconds <= 540
    error_message = "run_timeout_seconds is 30 to 540: Pub/Sub waits for an answer for ten minutes at most, and the time-outs around a run take the last one of them."
  }
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
  default     = "512Mi"
}

variable "verify" {
  description = "When the daily proof runs, as a schedule in UTC; null leaves it out."
  type = object({
    schedule = optional(string, "17 5 * * *")
  })
  default = {}
}

variable "alerts" {
  description = "Who is told of what: notification channels for what cannot wait (page) and for what can (ticket), and from which lag or silence on. retention_hours is how long Anypoint keeps audit logs. Each of the three may be 0: never. Null: no alerts and no dashboard."
  type = object({
    page            = optional(list(string), [])
    ticket          = optional(list(string), [])
    lag_minutes     = optional(number, 60)
    silent_hours    = optional(number, 23)
    retention_hours = optional(number, 720)
  })
  default = {}
}

variable "enable_apis" {
  description = "Whether to turn on the APIs of the project that this needs."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels of all that can have some."
  type        = map(string)
  default     = {}
}
