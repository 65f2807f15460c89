variable "project" {
  description = "Id of the project."
  type        = string
}

variable "project_number" {
  description = "The project's number: Pub/Sub's own account is named after it."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number is the number of the project, not its id: gcloud projects describe PROJECT --format='value(projectNumber)'."
  }
}

variable "region" {
  description = "Region of the function, its schedule and its sources, such as europe-west3."
  type        = string
}

variable "name" {
  description = "Name of the function; what belongs to it is named after it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "name is 2 to 24 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen: with -build behind it, it is the id of a service account, of 30 characters at most."
  }
}

variable "function" {
  description = "Which function it is, as in functions/: the entry point of the source archive."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*$", var.function))
    error_message = "function is the name of a folder of functions/, such as muleaudit."
  }
}

variable "source_archive" {
  description = "Path of the source archive: go run ./scripts/package FUNCTION writes dist/FUNCTION.zip. It is named by its content, so that another one, and only that, builds the function anew."
  type        = string
}

variable "runtime" {
  description = "Runtime of Cloud Run functions."
  type        = string
  default     = "go126"

  validation {
    condition     = can(regex("^go[0-9]{3}$", var.runtime))
    error_message = "runtime is a Go runtime, such as go126."
  }
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
  default     = "512Mi"

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.memory))
    error_message = "memory is a number of Mi or Gi, such as 512Mi."
  }
}

variable "cpu" {
  description = "Processors of an instance."
  type        = string
  default     = "1"

  validation {
    condition     = contains(["1", "2", "4", "6", "8"], var.cpu)
    error_message = "cpu is 1, 2, 4, 6 or 8: less than one leaves a run none while it waits."
  }
}

variable "max_instances" {
  description = "Most instances, each with one run or verification at a time."
  type        = number
  default     = 3

  validation {
    condition     = var.max_instances >= 2 && var.max_instances <= 100
    error_message = "max_instances is 2 to 100: with one, a verification would keep runs waiting."
  }
}

variable "interval_minutes" {
  description = "Minutes from one run to the next; has to divide an hour."
  type        = number
  default     = 10

  validation {
    condition     = contains([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60], var.interval_minutes)
    error_message = "interval_minutes divides an hour evenly: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60."
  }
  validation {
    condition     = var.interval_minutes * 60 >= var.lease_ttl_seconds
    error_message = "interval_minutes is no shorter than lease_ttl_seconds: after a kill every tick would find the lease of the one before."
  }
}

variable "verify" {
  description = "When the daily proof runs, as a schedule in UTC; null leaves it out."
  type = object({
    schedule = optional(string, "17 5 * * *")
  })
  default = {}

  validation {
    condition     = var.verify == null ? true : can(regex("^[0-9]{1,2} [0-9]{1,2} \\* \\* \\*$", var.verify.schedule))
    error_message = "verify.schedule is once a day, as MINUTE HOUR * * *: what watches over it expects one a day."
  }
}

variable "run_timeout_seconds" {
  description = "RUN_TIMEOUT: the budget of a run."
  type        = number
  default     = 480

  validation {
    condition     = var.run_timeout_seconds >= 30
    error_message = "run_timeout_seconds is 30 or more."
  }
  validation {
    condition     = var.run_timeout_seconds <= var.timeout_seconds - 30
    error_message = "run_timeout_seconds is at least 30 less than timeout_seconds: a run needs its last words."
  }
}

variable "timeout_seconds" {
  description = "When the platform gives a request up."
  type        = number
  default     = 540

  validation {
    condition     = var.timeout_seconds >= 60 && var.timeout_seconds <= 3600
    error_message = "timeout_seconds is 60 to 3600."
  }
  validation {
    condition     = var.timeout_seconds - 30 <= var.ack_deadline_seconds
    error_message = "timeout_seconds is at most 30 more than ack_deadline_seconds: Pub/Sub gives a request up then, and delivers again what still runs."
  }
}

variable "ack_deadline_seconds" {
  description = "How long Pub/Sub waits for the answer to a request."
  type        = number
  default     = 600

  validation {
    condition     = var.ack_deadline_seconds >= 10 && var.ack_deadline_seconds <= 600
    error_message = "ack_deadline_seconds is 10 to 600."
  }
}

variable "lease_ttl_seconds" {
  description = "LEASE_TTL of the function, or its default: how long a killed run keeps the next one waiting."
  type        = number
  default     = 60

  validation {
    condition     = var.lease_ttl_seconds >= 1
    error_message = "lease_ttl_seconds is 1 or more."
  }
}

variable "max_delivery_attempts" {
  description = "After so many failed deliveries a message goes to the dead letters."
  type        = number
  default     = 20

  validation {
    condition     = var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100
    error_message = "max_delivery_attempts is 5 to 100."
  }
}

variable "environment" {
  description = "Environment variables of the function, besides RUN_TIMEOUT. Nothing secret: whoever may look at the function sees them."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.environment), ["RUN_TIMEOUT", "PORT", "GOOGLE_CLOUD_PROJECT", "FUNCTION_TARGET"])) == 0
    error_message = "RUN_TIMEOUT is run_timeout_seconds; PORT, GOOGLE_CLOUD_PROJECT and FUNCTION_TARGET are set here or by the platform."
  }
  validation {
    condition     = length(setintersection(keys(var.environment), keys(var.secrets))) == 0
    error_message = "a variable is in environment or in secrets, not in both."
  }
}

variable "secrets" {
  description = "Environment variables whose values are in Secret Manager, by name: the output reference of module secret."
  type = map(object({
    project = string
    secret  = string
    version = string
  }))
  default = {}

  validation {
    condition     = alltrue([for s in values(var.secrets) : s.version != "latest"])
    error_message = "secrets are pinned to the number of a version: what is read at an instance's start would differ from instance to instance."
  }
}

variable "open" {
  description = "Whether callers outside of Google Cloud trigger the function, such as a Cloudflare Worker, in place of the schedule. Then the internet reaches it, everybody may invoke it, and FUNCTION_TOKEN, which secrets has to have, is all that protects it; there is neither schedule nor topic, and verify only says that the caller asks for the proof."
  type        = bool
  default     = false

  validation {
    condition     = !var.open || contains(keys(var.secrets), "FUNCTION_TOKEN")
    error_message = "open needs FUNCTION_TOKEN among secrets: without it everybody could trigger the function."
  }
  validation {
    condition     = var.open || !contains(keys(var.secrets), "FUNCTION_TOKEN")
    error_message = "FUNCTION_TOKEN is for open: Pub/Sub bears a token of Google's, and would be refused."
  }
}

variable "account" {
  description = "Service account to run as, where it is made elsewhere: its e-mail and its number (unique_id). Null: one is made here."
  type = object({
    email  = string
    number = string
  })
  default = null

  validation {
    condition     = var.account == null ? true : can(regex("^[^:@ ]+@[^:@ ]+$", var.account.email))
    error_message = "account.email is an e-mail, without \"serviceAccount:\" before it."
  }
}

variable "labels" {
  description = "Labels of all that can have some."
  type        = map(string)
  default     = {}
}
