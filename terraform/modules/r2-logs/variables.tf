variable "account_id" {
  description = "Cloudflare account."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.account_id))
    error_message = "account_id is 32 hexadecimal digits: it stands in the dashboard's address."
  }
}

variable "name" {
  description = "What buckets, queues and tokens are named after."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$", var.name))
    error_message = "name is 3 to 50 lower-case letters, digits and hyphens, with a letter or digit at both ends: with what is put behind it, it has to fit into 63 characters."
  }
}

variable "jurisdiction" {
  description = "Where R2 keeps the buckets: default, eu or fedramp."
  type        = string
  default     = "default"

  validation {
    condition     = contains(["default", "eu", "fedramp"], var.jurisdiction)
    error_message = "jurisdiction is default, eu or fedramp."
  }
}

variable "prefix" {
  description = "Folder of the logs in their bucket, such as gateway/; empty: the whole bucket."
  type        = string
  default     = ""

  validation {
    condition     = var.prefix == "" || can(regex("^[^/].*/$", var.prefix))
    error_message = "prefix is a folder: it ends in a slash and does not begin with one."
  }
}

variable "suffix" {
  description = "What the keys of logs end in. Logpush's ownership challenge is a .txt."
  type        = string
  default     = ".log.gz"

  validation {
    condition     = endswith(var.suffix, ".gz")
    error_message = "suffix ends in .gz."
  }
}

variable "expire_days" {
  description = "Age at which objects are deleted, in days, by bucket: logs, and csv; 0 keeps them. Receipts in the state go after receipts."
  type = object({
    logs     = optional(number, 30)
    csv      = optional(number, 90)
    receipts = optional(number, 400)
  })
  default = {}

  validation {
    condition     = alltrue([for d in [var.expire_days.logs, var.expire_days.csv] : d == 0 || d >= 7]) && var.expire_days.receipts >= 7
    error_message = "expire_days are 7 or more, and receipts always go: the daily proof looks back two days, and a backlog of a long weekend would be gone."
  }
}

variable "run_timeout_seconds" {
  description = "RUN_TIMEOUT of the function: a message that it pulled is hidden a minute longer, and the Worker waits as long for its answer."
  type        = number

  validation {
    condition     = var.run_timeout_seconds >= 30 && var.run_timeout_seconds <= 3600
    error_message = "run_timeout_seconds is 30 to 3600."
  }
}

variable "max_retries" {
  description = "After so many failed deliveries a notice goes to the dead letters."
  type        = number
  default     = 50

  validation {
    condition     = var.max_retries >= 5 && var.max_retries <= 100
    error_message = "max_retries is 5 to 100."
  }
}

variable "push" {
  description = "A Worker that pushes to the function what the queue has, within seconds, in place of a function that pulls: how many notices at once, how long it waits for them in seconds, how many batches at a time, and when it asks for the daily proof, as a schedule in UTC; null: never. Null: the function pulls."
  type = object({
    batch_size      = optional(number, 20)
    wait_seconds    = optional(number, 5)
    concurrency     = optional(number, 2)
    verify_schedule = optional(string)
  })
  default = null

  validation {
    condition     = var.push == null ? true : var.push.batch_size >= 1 && var.push.batch_size <= 100
    error_message = "push.batch_size is 1 to 100: what the function converts well within run_timeout_seconds."
  }
  validation {
    condition     = var.push == null ? true : var.push.wait_seconds >= 0 && var.push.wait_seconds <= 60
    error_message = "push.wait_seconds is 0 to 60."
  }
  validation {
    condition     = var.push == null ? true : var.push.concurrency >= 1 && var.push.concurrency <= 250
    error_message = "push.concurrency is 1 to 250."
  }
  validation {
    condition     = var.push == null ? true : var.push.verify_schedule == null ? true : can(regex("^[0-9]{1,2} [0-9]{1,2} \\* \\* \\*$", var.push.verify_schedule))
    error_message = "push.verify_schedule is once a day, as MINUTE HOUR * * *: what watches over it expects one a day."
  }
  validation {
    condition     = var.push == null || var.run_timeout_seconds <= 840
    error_message = "with push, run_timeout_seconds is 840 at most: a Worker has 15 minutes for a batch."
  }
}

variable "function_url" {
  description = "Where the Worker reaches the function; with push only."
  type        = string
  default     = null

  validation {
    condition     = var.push == null ? true : can(regex("^https://", var.function_url))
    error_message = "push needs function_url, of https: the token goes there."
  }
}

variable "function_token" {
  description = "FUNCTION_TOKEN of the function, which the Worker bears; with push only."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.push == null ? true : can(regex("^[!-~]{32,}$", var.function_token))
    error_message = "push needs function_token, of 32 visible ASCII characters or more: it is all that protects a function that the internet reaches."
  }
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

  validation {
    condition     = var.logpush == null ? true : length(var.logpush.fields) > 0
    error_message = "logpush.fields names one field at least: without it Logpush chooses, and columns shift when it chooses anew."
  }
  validation {
    condition     = var.logpush == null ? true : contains(["csv", "ndjson"], var.logpush.output_type)
    error_message = "logpush.output_type is csv or ndjson."
  }
  validation {
    condition     = var.logpush == null ? true : contains(["rfc3339", "unix", "unixnano"], var.logpush.timestamp_format)
    error_message = "logpush.timestamp_format is rfc3339, unix or unixnano."
  }
  validation {
    condition     = var.logpush == null ? true : var.logpush.max_interval_seconds >= 30 && var.logpush.max_interval_seconds <= 300
    error_message = "logpush.max_interval_seconds is 30 to 300."
  }
}
