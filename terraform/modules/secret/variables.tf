variable "project" {
  description = "Project of the secret."
  type        = string
}

variable "name" {
  description = "Id of the secret."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.name))
    error_message = "name is 1 to 255 letters, digits, hyphens and underscores."
  }
}

variable "value" {
  description = "The secret itself. It is written to Secret Manager and to no state or plan. Not used with outside_version."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true
}

variable "value_version" {
  description = "Raise it by one whenever value is another one: a write-only value has no other way to tell."
  type        = number
  default     = 1

  validation {
    condition     = var.value_version >= 1 && floor(var.value_version) == var.value_version
    error_message = "value_version is a whole number from 1 on."
  }
}

variable "outside_version" {
  description = "Number of the version to use, where the value is put in outside of Terraform: gcloud secrets versions add NAME --data-file=-. Null: the value is given here."
  type        = number
  default     = null

  validation {
    condition     = var.outside_version == null ? true : var.outside_version >= 1 && floor(var.outside_version) == var.outside_version
    error_message = "outside_version is the number of a version: a function started with \"latest\" could not tell which it has."
  }
  validation {
    condition     = var.outside_version != null || var.value != null
    error_message = "value or outside_version says where the secret comes from."
  }
}

variable "accessors" {
  description = "Service accounts that may read this secret and no other, by any name: their e-mails."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for email in values(var.accessors) : can(regex("^[^:@ ]+@[^:@ ]+$", email))])
    error_message = "accessors are e-mails of service accounts, without \"serviceAccount:\" before them."
  }
}

variable "labels" {
  description = "Labels of the secret."
  type        = map(string)
  default     = {}
}
