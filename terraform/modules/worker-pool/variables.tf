variable "project" {
  description = "Id of the project."
  type        = string
}

variable "region" {
  description = "Region of the pool, such as europe-west3."
  type        = string
}

variable "name" {
  description = "Name of the pool; what belongs to it is named after it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,23}[a-z0-9]$", var.name))
    error_message = "name is 2 to 25 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen: with -push behind it, it is the id of a service account, of 30 characters at most."
  }
}

variable "image" {
  description = "Container image by its digest: go run ./scripts/package -format oci FUNCTION writes dist/FUNCTION-oci.tar, and skopeo copy --all pushes it."
  type        = string

  validation {
    condition     = can(regex("^[^@ ]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image is named by its digest, as REGISTRY/NAME@sha256:…: a tag is another image tomorrow."
  }
}

variable "instances" {
  description = "Instances that are always on; they share the shards of the source among them."
  type        = number
  default     = 1

  validation {
    condition     = var.instances >= 1 && var.instances <= 100
    error_message = "instances is 1 to 100."
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
    error_message = "cpu is 1, 2, 4, 6 or 8."
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
  description = "RUN_TIMEOUT of the proof: how long it may take. A pool itself has no end."
  type        = number
  default     = 480

  validation {
    condition     = var.run_timeout_seconds >= 30 && var.run_timeout_seconds <= 1620
    error_message = "run_timeout_seconds is 30 to 1620: Cloud Scheduler waits for an answer for half an hour at most, and a tenth of it is left to say what was found."
  }
}

variable "environment" {
  description = "Environment variables, besides MODE and RUN_TIMEOUT. Nothing secret: whoever may look at the pool sees them."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.environment), concat(["MODE", "RUN_TIMEOUT", "PORT", "GOOGLE_CLOUD_PROJECT"], keys(var.secrets)))) == 0
    error_message = "MODE, RUN_TIMEOUT, PORT and GOOGLE_CLOUD_PROJECT are set here, and a variable is in environment or in secrets, not in both."
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
    error_message = "secrets are pinned to the number of a version."
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
