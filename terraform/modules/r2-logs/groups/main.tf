# The ids of Cloudflare's permission groups by their names. It is apart because a
# mock cannot have a list of objects, while what a module gives can be set.

terraform {
  required_providers {
    cloudflare = {
      source = "cloudflare/cloudflare"
    }
  }
}

variable "account_id" {
  description = "Cloudflare account."
  type        = string
}

data "cloudflare_account_api_token_permission_groups_list" "this" {
  account_id = var.account_id
}

output "ids" {
  description = "Id of each group, by its name."
  value       = { for name, ids in { for g in data.cloudflare_account_api_token_permission_groups_list.this.result : g.name => g.id... } : name => ids[0] }
}
