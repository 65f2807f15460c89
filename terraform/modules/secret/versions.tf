terraform {
  # 1.11 is the first with write-only arguments, which keep the value out of the
  # state.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.45, < 8"
    }
  }
}
