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
  description = "Region or multi-region of the bucket; that of the function costs least."
  type        = string
}

variable "functions" {
  description = "Functions that keep their state here; their receipts are removed after receipt_days."
  type        = list(string)

  validation {
    condition     = length(var.functions) > 0 && alltrue([for f in var.functions : can(regex("^[a-z0-9]+$", f))])
    error_message = "functions are names as in functions/: lower-case letters and digits."
  }
}

variable "receipt_days" {
  description = "How long receipts and the outcomes of verifications are kept. verify can prove no time whose receipts are gone."
  type        = number
  default     = 400

  validation {
    condition     = var.receipt_days >= 7
    error_message = "receipt_days is 7 or more: the daily proof looks back two days, and somebody has to be there to read it."
  }
}

variable "writers" {
  description = "Service accounts of the functions, by any name: their e-mails. They read, write and delete objects of this bucket."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.writers) : can(regex("^[^:@ ]+@[^:@ ]+$", email))])
    error_message = "writers are e-mails of service accounts, without \"serviceAccount:\" before them."
  }
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
}
