terraform {
  required_version = ">= 1.11"

  required_providers {
    # Earlier releases of 5 replace queue consumers in every apply, and cannot apply
    # bucket notifications twice.
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = ">= 5.22, < 6"
    }
  }
}
