variable "project" {
  description = "Id of the project."
  type        = string
}

variable "region" {
  description = "Region of the job, such as europe-west3."
  type        = string
}

variable "name" {
  description = "Name of the job."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.name))
    error_message = "name is 2 to 63 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "image" {
  description = "Container image of the operator's command by its digest: go run ./scripts/package -format oci siemfeed writes dist/siemfeed-oci.tar, and skopeo copy --all pushes it."
  type        = string

  validation {
    condition     = can(regex("^[^@ ]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image is named by its digest, as REGISTRY/NAME@sha256:…: a tag is another image tomorrow."
  }
}

variable "account" {
  description = "E-mail of the service account that the job runs as: the function's own, which has the rights already."
  type        = string

  validation {
    condition     = can(regex("^[^:@ ]+@[^:@ ]+$", var.account))
    error_message = "account is the e-mail of a service account, without \"serviceAccount:\" before it."
  }
}

variable "arguments" {
  description = "What the operator's command is told: backfill or verify, the function, and its options."
  type        = list(string)

  validation {
    condition     = length(var.arguments) >= 2 && contains(["backfill", "verify"], try(var.arguments[0], ""))
    error_message = "arguments begin with backfill or verify, and the function."
  }
  validation {
    condition     = !anytrue([for a in var.arguments : startswith(a, "--shard")])
    error_message = "arguments leave --shard out: each task takes its share by CLOUD_RUN_TASK_INDEX and _COUNT."
  }
}

variable "tasks" {
  description = "Tasks that share the work; only gunzipcsv's can be shared."
  type        = number
  default     = 1

  validation {
    condition     = var.tasks >= 1 && var.tasks <= 1000 && (var.tasks == 1 || try(var.arguments[1], "") == "gunzipcsv")
    error_message = "tasks is 1 to 1000, and more than one for gunzipcsv only: of the others each task would do it all."
  }
}

variable "parallelism" {
  description = "Tasks side by side; null: as many as Cloud Run starts."
  type        = number
  default     = null

  validation {
    condition     = var.parallelism == null ? true : var.parallelism >= 1 && var.parallelism <= var.tasks
    error_message = "parallelism is 1 to tasks."
  }
}

variable "timeout_seconds" {
  description = "How long a task may take. Killed, it is repeated and goes on from where it was."
  type        = number
  default     = 86400

  validation {
    condition     = var.timeout_seconds >= 60 && var.timeout_seconds <= 604800
    error_message = "timeout_seconds is 60 to 604800, a week."
  }
}

variable "memory" {
  description = "Memory of a task."
  type        = string
  default     = "512Mi"

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.memory))
    error_message = "memory is a number of Mi or Gi, such as 512Mi."
  }
}

variable "environment" {
  description = "The function's environment variables. Nothing secret."
  type        = map(string)
  default     = {}

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
    error_message = "secrets are pinned to the number of a version."
  }
}

variable "labels" {
  description = "Labels of the job."
  type        = map(string)
  default     = {}
}
