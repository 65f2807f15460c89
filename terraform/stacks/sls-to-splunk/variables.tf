variable "project" {
  description = "Id of the Google Cloud project that the function runs in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is the id of a project: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Google Cloud region of the function and its state, such as asia-southeast1: near the logstore."
  type        = string
}

variable "name" {
  description = "Name of the function; what belongs to it is named after it. Another one makes a second pipeline."
  type        = string
  default     = "slshec"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "name is 2 to 24 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "sls" {
  description = "What is read: a logstore of Alibaba Cloud, by a consumer group of its own. ttl_days is how long the logstore keeps logs: what is not read by then is lost, and at half of it somebody is woken."
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
  description = "HEC's token; best given as TF_VAR_hec_token. It is in no state and no plan. Not used with hec_token_outside_version."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true
}

variable "hec_token_version" {
  description = "Raise it by one whenever hec_token is another one."
  type        = number
  default     = 1
}

variable "hec_token_outside_version" {
  description = "Number of the secret's version, where its value is put in by other means than Terraform."
  type        = number
  default     = null
}

variable "google_fingerprints" {
  description = "SHA-1 fingerprints of the certificates that accounts.google.com is signed by, 1 to 5 of 40 lower-case hexadecimal digits; see module google-to-alibaba."
  type        = list(string)
}

variable "run" {
  description = "How it runs: on a schedule, or always on, as a worker pool of instances from an image by its digest."
  type = object({
    on        = optional(string, "schedule")
    image     = optional(string)
    instances = optional(number, 1)
  })
  default = {}

  validation {
    condition     = contains(["schedule", "worker_pool"], var.run.on)
    error_message = "run.on is schedule or worker_pool."
  }
  validation {
    condition     = (var.run.on == "worker_pool") == (var.run.image != null)
    error_message = "run.image is for a worker pool, and it needs one."
  }
}

variable "settings" {
  description = "Further variables of slshec, as its README has them."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setsubtract(keys(var.settings), [
      "GCE_METADATA_HOST",
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
      "STS_ENDPOINT",
    ])) == 0
    error_message = "settings has a variable that slshec does not know, that is not used here, or that another variable of this stack sets: see its README."
  }
}

variable "source_archive" {
  description = "The packaged function; null: dist/slshec.zip of this checkout, which make deploy writes."
  type        = string
  default     = null
}

variable "interval_minutes" {
  description = "Minutes from one run to the next; has to divide an hour."
  type        = number
  default     = 5
}

variable "lease_ttl_seconds" {
  description = "How long a killed run keeps the next one waiting; no longer than the interval."
  type        = number
  default     = 60
}

variable "run_timeout_seconds" {
  description = "Budget of a run, and of a proof."
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

variable "receipt_days" {
  description = "How long receipts are kept: verify can prove no time before."
  type        = number
  default     = 400
}

variable "verify" {
  description = "When the daily proof runs, as a schedule in UTC; null leaves it out. That of a worker pool is made by a service beside it."
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
