variable "project" {
  description = "Project of the bucket."
  type        = string
}

variable "name" {
  description = "The bucket's name; all of Google Cloud shares one space of names."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", var.name))
    error_message = "name is 3 to 63 lower-case letters, digits, hyphens, underscores and dots, with a letter or digit at both ends."
  }
}

variable "location" {
  description = "Region or multi-region of the bucket."
  type        = string
}

variable "expire_days" {
  description = "Objects are deleted at this age; null keeps them for ever. The SIEM has to have read them by then."
  type        = number
  default     = 400

  validation {
    condition     = var.expire_days == null ? true : var.expire_days >= 7
    error_message = "expire_days is 7 or more: a SIEM that is down over a long weekend would find nothing, and the daily proof looks back two days."
  }
}

variable "retention" {
  description = "Objects cannot be deleted or replaced before they are days old. locked cannot be undone, by anyone: the bucket then stays until the last object has aged."
  type = object({
    days   = number
    locked = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.retention == null ? true : var.retention.days >= 1 && var.retention.days <= 36500
    error_message = "retention.days is 1 to 36500."
  }
  validation {
    condition     = var.retention == null || var.expire_days == null ? true : var.retention.days <= var.expire_days
    error_message = "retention.days is at most expire_days: no lifecycle rule deletes what is retained."
  }
}

variable "writers" {
  description = "Service accounts that create objects here, by any name: their e-mails. They can read objects too, but not change or delete any."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.writers) : can(regex("^[^:@ ]+@[^:@ ]+$", email))])
    error_message = "writers are e-mails of service accounts, without \"serviceAccount:\" before them."
  }
}

variable "readers" {
  description = "Service accounts of SIEMs that read the bucket, by any name. With deletes they also delete what they have read."
  type = map(object({
    email   = string
    deletes = optional(bool, false)
  }))
  default = {}

  validation {
    condition     = alltrue([for r in values(var.readers) : can(regex("^[^:@ ]+@[^:@ ]+$", r.email))])
    error_message = "readers have the e-mail of a service account, without \"serviceAccount:\" before it."
  }
  validation {
    condition     = var.retention == null || !anytrue([for r in values(var.readers) : r.deletes])
    error_message = "a reader that deletes what it has read cannot do so while retention keeps it: set one of them."
  }
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
}
