variable "account_id" {
  description = "Cloudflare account of the buckets, the queue and the Logpush job."
  type        = string
}

variable "project" {
  description = "Id of the Google Cloud project that the function runs in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is the id of a project: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the function, such as europe-west3."
  type        = string
}

variable "name" {
  description = "Name of the function, and what buckets and queues are named after. Another one makes a second pipeline."
  type        = string
  default     = "gunzipcsv"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name is 3 to 24 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "jurisdiction" {
  description = "Where R2 keeps the buckets: default, eu or fedramp."
  type        = string
  default     = "default"
}

variable "prefix" {
  description = "Folder of the logs in their bucket, such as gateway/; empty: the whole bucket."
  type        = string
  default     = ""
}

variable "expire_days" {
  description = "Age at which objects are deleted, in days, by bucket: logs, and csv; 0 keeps them. Receipts in the state go after receipts."
  type = object({
    logs     = optional(number, 30)
    csv      = optional(number, 90)
    receipts = optional(number, 400)
  })
  default = {}
}

variable "logpush" {
  description = "The Logpush job that writes the logs; null: it is made by other means. fields are the columns in the order the SIEM expects. zone_id for datasets of a zone, else the account's."
  type = object({
    dataset              = string
    fields               = list(string)
    zone_id              = optional(string)
    output_type          = optional(string, "csv")
    timestamp_format     = optional(string, "rfc3339")
    filter               = optional(string, "")
    max_interval_seconds = optional(number, 60)
  })
  default = null
}

variable "csv" {
  description = "What becomes of NDJSON: columns and their order, else those of logpush; and whether they are a first line. Logs that are CSV already go through as they are."
  type = object({
    columns = optional(list(string), [])
    header  = optional(bool, false)
  })
  default = {}

  validation {
    condition     = !var.csv.header || length(var.csv.columns) > 0 || var.logpush != null
    error_message = "csv.header needs csv.columns or logpush: logs that are CSV have no names of their own."
  }
  validation {
    condition     = alltrue([for c in var.csv.columns : c != "" && !strcontains(c, ",")])
    error_message = "csv.columns are names without commas."
  }
}

variable "settings" {
  description = "Further variables of gunzipcsv, as its README has them."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setsubtract(keys(var.settings), [
      "CF_API_BASE_URL",
      "CF_API_INSECURE",
      "CF_RETRY_DELAY",
      "CONCURRENCY",
      "CSV_FORMULA_GUARD",
      "LOG_LEVEL",
      "MAX_OUTPUT_BYTES",
      "MAX_RATIO",
      "MAX_RECORD_BYTES",
      "QUARANTINE_URL",
      "SOURCE_BUCKET",
    ])) == 0
    error_message = "settings has a variable that gunzipcsv does not know, or that another variable of this stack sets: see its README."
  }
}

variable "source_archive" {
  description = "The packaged function; null: dist/gunzipcsv.zip of this checkout, which make deploy writes."
  type        = string
  default     = null
}

variable "interval_minutes" {
  description = "Minutes from one pull of the queue to the next; has to divide an hour. With push nothing is pulled."
  type        = number
  default     = 1
}

variable "push" {
  description = "The pushing Worker in place of the pull, for seconds instead of a minute: batch_size notices at once, waited for wait_seconds at most, concurrency batches at a time; and quiet_minutes, the longest time in which no logs usually come: after three of them without a run somebody is woken. The internet reaches the function then, see the README. Null: the function pulls."
  type = object({
    batch_size    = optional(number, 20)
    wait_seconds  = optional(number, 5)
    concurrency   = optional(number, 2)
    quiet_minutes = optional(number, 30)
  })
  default = null

  validation {
    condition     = var.push == null ? true : var.push.concurrency < var.max_instances
    error_message = "push.concurrency is less than max_instances: an instance has one request at a time, and one is for the proof."
  }
}

variable "push_token" {
  description = "FUNCTION_TOKEN, which the Worker bears and the function asks for, with push: 32 random characters or more, best given as TF_VAR_push_token. It is in the state on Cloudflare's side, see the README."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.push == null ? true : can(regex("^[!-~]{32,}$", var.push_token))
    error_message = "push needs push_token, of 32 visible ASCII characters or more, such as openssl rand -hex 32 gives: it is all that protects a function that the internet reaches."
  }
}

variable "run_timeout_seconds" {
  description = "Budget of a run. It has to fit the largest object."
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

variable "max_instances" {
  description = "Most instances, each with one run or verification at a time; ticks may overlap, and each pulls what the others have not."
  type        = number
  default     = 5
}

variable "verify" {
  description = "When the daily proof runs, as a schedule in UTC; null leaves it out."
  type = object({
    schedule = optional(string, "17 5 * * *")
  })
  default = {}
}

variable "alerts" {
  description = "Who is told of what: notification channels for what cannot wait (page) and for what can (ticket), and from which lag or silence on; 0: never. Null: no alerts and no dashboard."
  type = object({
    page         = optional(list(string), [])
    ticket       = optional(list(string), [])
    lag_minutes  = optional(number, 60)
    silent_hours = optional(number, 23)
  })
  default = {}
}

variable "backfill" {
  description = "A job of many tasks for what was there before, beyond what one machine takes: the image of the operator's command by its digest, and how many tasks. Null: there is none."
  type = object({
    image = string
    tasks = optional(number, 8)
  })
  default = null
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
