variable "region" {
  description = "Region of the buckets and the function: that of the provider."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is a region of AWS, such as eu-central-1."
  }
}

variable "name" {
  description = "Name of the function; what belongs to it is named after it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name))
    error_message = "name is 2 to 40 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen: with what is put behind it, it has to fit into 64 characters."
  }
}

variable "source_bucket" {
  description = "Where the logs are: a bucket that is made here, or one that is there. prefix is a folder, such as cloudflare/, and suffix what the keys of logs end in. expire_days is for a bucket that is made here; without it all is kept."
  type = object({
    name        = string
    exists      = optional(bool, false)
    prefix      = optional(string, "")
    suffix      = optional(string, ".gz")
    expire_days = optional(number)
  })

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.source_bucket.name))
    error_message = "source_bucket.name is 3 to 63 lower-case letters, digits, hyphens and dots."
  }
  validation {
    condition     = var.source_bucket.prefix == "" || can(regex("^[^/*?].*/$", var.source_bucket.prefix))
    error_message = "source_bucket.prefix is a folder: it ends in a slash and does not begin with one."
  }
  validation {
    condition     = var.source_bucket.expire_days == null ? true : var.source_bucket.expire_days >= 7
    error_message = "source_bucket.expire_days is 7 or more: a backlog of a long weekend would be gone, and the daily proof looks back two days."
  }
}

variable "bucket_prefix" {
  description = "What the names of the two buckets made here begin with, before -csv and -state."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,56}$", var.bucket_prefix))
    error_message = "bucket_prefix is 2 to 57 lower-case letters, digits, hyphens and dots."
  }
  validation {
    condition     = !contains(["${var.bucket_prefix}-csv", "${var.bucket_prefix}-state"], var.source_bucket.name)
    error_message = "the source bucket is another than those made here: what is written would be notified of, and read again."
  }
}

variable "csv_expire_days" {
  description = "CSV objects are deleted at this age; null keeps them. The SIEM has to have read them by then."
  type        = number
  default     = 90

  validation {
    condition     = var.csv_expire_days == null ? true : var.csv_expire_days >= 7
    error_message = "csv_expire_days is 7 or more."
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

variable "archive" {
  description = "Path of the packaged function: go run ./scripts/package -format lambda gunzipcsv writes dist/gunzipcsv-lambda-arm64.zip. Another content, and only that, deploys the function anew."
  type        = string
}

variable "memory_mb" {
  description = "Memory of the function; its share of a processor grows with it, and is a whole one at 1769."
  type        = number
  default     = 1792

  validation {
    condition     = var.memory_mb >= 256 && var.memory_mb <= 10240
    error_message = "memory_mb is 256 to 10240."
  }
}

variable "timeout_seconds" {
  description = "When Lambda gives an invocation up. RUN_TIMEOUT is a minute less. It has to fit the largest object."
  type        = number
  default     = 900

  validation {
    condition     = var.timeout_seconds >= 120 && var.timeout_seconds <= 900
    error_message = "timeout_seconds is 120 to 900, Lambda's most."
  }
}

variable "batch_size" {
  description = "Most notices an invocation is given."
  type        = number
  default     = 10

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10
    error_message = "batch_size is 1 to 10: more would need a window, and keep objects waiting."
  }
}

variable "max_concurrency" {
  description = "Most invocations side by side."
  type        = number
  default     = 5

  validation {
    condition     = var.max_concurrency >= 2 && var.max_concurrency <= 1000
    error_message = "max_concurrency is 2 to 1000: that is what SQS's trigger takes."
  }
}

variable "max_receives" {
  description = "After so many failed deliveries a notice goes to the dead letters."
  type        = number
  default     = 10

  validation {
    condition     = var.max_receives >= 5 && var.max_receives <= 100
    error_message = "max_receives is 5 to 100: throttling alone may take some."
  }
}

variable "environment" {
  description = "Further environment variables of the function. Nothing secret: this function needs nothing secret on AWS."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.environment), ["SOURCE_URL", "DEST_URL", "STATE_URL", "RUN_TIMEOUT"])) == 0
    error_message = "SOURCE_URL, DEST_URL, STATE_URL and RUN_TIMEOUT are set here."
  }
}

variable "kms_key_arns" {
  description = "Keys that objects are encrypted with, where it is not S3's own: the function may use them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.kms_key_arns : can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", arn))])
    error_message = "kms_key_arns are ARNs of keys: an alias names another key tomorrow."
  }
}

variable "verify" {
  description = "When the daily proof runs, as a cron expression of EventBridge in UTC; null leaves it out."
  type = object({
    schedule = optional(string, "cron(17 5 * * ? *)")
  })
  default = {}

  validation {
    condition     = var.verify == null ? true : can(regex("^cron\\([0-9]{1,2} [0-9]{1,2} \\* \\* \\? \\*\\)$", var.verify.schedule))
    error_message = "verify.schedule is once a day: cron(MINUTE HOUR * * ? *)."
  }
}

variable "alarms" {
  description = "SNS topics that are told what cannot wait (page) and what can (ticket), and from when on; silent_hours = 0: never. Null: no alarms and no dashboard."
  type = object({
    page           = optional(list(string), [])
    ticket         = optional(list(string), [])
    oldest_minutes = optional(number, 120)
    silent_hours   = optional(number, 24)
  })
  default = {}

  validation {
    condition     = var.alarms == null ? true : alltrue([for arn in concat(var.alarms.page, var.alarms.ticket) : can(regex("^arn:[^:]+:sns:", arn))])
    error_message = "alarms.page and alarms.ticket are ARNs of SNS topics."
  }
  validation {
    condition     = var.alarms == null ? true : var.alarms.oldest_minutes * 60 > var.timeout_seconds * 6
    error_message = "alarms.oldest_minutes is more than six times timeout_seconds: so long one failed delivery alone keeps a notice back."
  }
  validation {
    condition     = var.alarms == null ? true : var.alarms.silent_hours >= 0 && var.alarms.silent_hours <= 168
    error_message = "alarms.silent_hours is 0 to 168: CloudWatch looks back a week."
  }
}

variable "log_days" {
  description = "How long the function's log is kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653], var.log_days)
    error_message = "log_days is one of the numbers that CloudWatch takes: 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827 or 3653."
  }
}
