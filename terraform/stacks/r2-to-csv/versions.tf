terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = ">= 5.22, < 6"
    }
    google = {
      source  = "hashicorp/google"
      version = ">= 7.45, < 8"
    }
  }
}
