variable "region" {
  description = "Region of the buckets and the function, such as eu-central-1."
  type        = string
}

variable "name" {
  description = "Name of the function; what belongs to it is named after it. Another one makes a second pipeline."
  type        = string
  default     = "gunzipcsv"
}

variable "source_bucket" {
  description = "Where the logs are: a bucket that is made here, or one that is there (exists), for which EventBridge has to be turned on. prefix is a folder, such as cloudflare/, and suffix what the keys of logs end in. expire_days is for a bucket that is made here; without it all is kept."
  type = object({
    name        = string
    exists      = optional(bool, false)
    prefix      = optional(string, "")
    suffix      = optional(string, ".gz")
    expire_days = optional(number)
  })
}

variable "bucket_prefix" {
  description = "What the names of the two buckets made here begin with, before -csv and -state."
  type        = string
}

variable "csv" {
  description = "What becomes of NDJSON: columns and their order, and whether they are a first line. Logs that are CSV already go through as they are."
  type = object({
    columns = optional(list(string), [])
    header  = optional(bool, false)
  })
  default = {}

  validation {
    condition     = !var.csv.header || length(var.csv.columns) > 0
    error_message = "csv.header needs csv.columns: logs that are CSV have no names of their own."
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
      "CONCURRENCY",
      "CSV_FORMULA_GUARD",
      "LOG_LEVEL",
      "MAX_OUTPUT_BYTES",
      "MAX_RATIO",
      "MAX_RECORD_BYTES",
      "QUARANTINE_URL",
      "SOURCE_BUCKET",
    ])) == 0
    error_message = "settings has a variable that gunzipcsv does not know, that is not used on AWS, or that another variable of this stack sets: see its README."
  }
}

variable "archive" {
  description = "The packaged function; null: dist/gunzipcsv-lambda-arm64.zip of this checkout, which make deploy writes."
  type        = string
  default     = null
}

variable "memory_mb" {
  description = "Memory of the function; its share of a processor grows with it, and is a whole one at 1769."
  type        = number
  default     = 1792
}

variable "timeout_seconds" {
  description = "When Lambda gives an invocation up; 900 is its most. It has to fit the largest object."
  type        = number
  default     = 900
}

variable "max_concurrency" {
  description = "Most invocations side by side."
  type        = number
  default     = 5
}

variable "csv_expire_days" {
  description = "CSV objects are deleted at this age; null keeps them."
  type        = number
  default     = 90
}

variable "receipt_days" {
  description = "How long receipts are kept: verify can prove no time before."
  type        = number
  default     = 400
}

variable "kms_key_arns" {
  description = "Keys that objects are encrypted with, where it is not S3's own."
  type        = list(string)
  default     = []
}

variable "verify" {
  description = "When the daily proof runs, as a cron expression of EventBridge in UTC; null leaves it out."
  type = object({
    schedule = optional(string, "cron(17 5 * * ? *)")
  })
  default = {}
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
}

variable "tags" {
  description = "Tags of all that can have some."
  type        = map(string)
  default     = {}
}
