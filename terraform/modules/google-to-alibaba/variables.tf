variable "account_id" {
  description = "Id of the Alibaba Cloud account."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{10,20}$", var.account_id))
    error_message = "account_id is the digits of an account's id."
  }
}

variable "name" {
  description = "What provider, role and policy are named after."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,62}[A-Za-z0-9]$", var.name))
    error_message = "name is 2 to 64 letters, digits and hyphens, with a letter or digit at both ends."
  }
}

variable "subject" {
  description = "Number of the one Google service account that may be the role: the output run_account_id of a function."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{10,30}$", var.subject))
    error_message = "subject is the number of a service account (unique_id), not its e-mail: that is what identity tokens have as subject."
  }
}

variable "audience" {
  description = "What tokens are made out to: ALIBABA_OIDC_AUDIENCE of the function."
  type        = string
  default     = "siemfeed"

  validation {
    condition     = can(regex("^[A-Za-z0-9._:/-]{1,64}$", var.audience))
    error_message = "audience is 1 to 64 letters, digits and . _ : / -"
  }
}

variable "fingerprints" {
  description = "SHA-1 fingerprints of the certificates that accounts.google.com is signed by, in hexadecimal, 1 to 5. Google changes them: give those to come too. openssl s_client -connect accounts.google.com:443 -showcerts </dev/null, and openssl x509 -noout -fingerprint -sha1 of the last one."
  type        = list(string)

  validation {
    condition     = length(var.fingerprints) >= 1 && length(var.fingerprints) <= 5 && alltrue([for f in var.fingerprints : can(regex("^[0-9a-f]{40}$", f))])
    error_message = "fingerprints are 1 to 5 of 40 lower-case hexadecimal digits, without colons."
  }
}

variable "grants" {
  description = "What the role may do: actions, and the resources they are granted on."
  type = list(object({
    actions   = list(string)
    resources = list(string)
  }))

  validation {
    condition     = length(var.grants) > 0 && alltrue(flatten([for g in var.grants : [for a in g.actions : can(regex("^[a-z]+:[A-Za-z]+$", a))]]))
    error_message = "grants name each action, such as log:ListShards: a wildcard grants what is yet to come."
  }
  validation {
    condition     = alltrue(flatten([for g in var.grants : [for r in g.resources : can(regex("^acs:[a-z]+:[^:]*:[^:]*:.*[^*:/].*$", r))]]))
    error_message = "grants name resources, such as acs:log:cn-hangzhou:123456789012:project/p/logstore/l, and not whole services."
  }
}
