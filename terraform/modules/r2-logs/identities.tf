module "groups" {
  source = "./groups"

  account_id = var.account_id
}

locals {
  group = module.groups.ids

  bucket  = { for k, name in local.buckets : k => "com.cloudflare.edge.r2.bucket.${var.account_id}_${var.jurisdiction}_${name}" }
  account = "com.cloudflare.api.account.${var.account_id}"

  # Who may do what where. A queue cannot be named: its rights are the account's.
  tokens = {
    logpush  = [{ groups = ["Workers R2 Storage Bucket Item Write"], on = [local.bucket.logs] }]
    function = [{ groups = ["Workers R2 Storage Bucket Item Read"], on = [local.bucket.logs] }, { groups = ["Workers R2 Storage Bucket Item Read", "Workers R2 Storage Bucket Item Write"], on = [local.bucket.csv, local.bucket.state] }]
    siem     = [{ groups = ["Workers R2 Storage Bucket Item Read"], on = [local.bucket.csv] }]
    queue    = [{ groups = ["Queues Read", "Queues Write"], on = [local.account] }]
  }
}

# R2 takes a token's id as access key, and the SHA-256 of its value as the secret.
resource "cloudflare_account_token" "this" {
  for_each = { for k, policies in local.tokens : k => policies if k != "logpush" || var.logpush != null }

  account_id = var.account_id
  name       = "${var.name}: ${each.key}"

  policies = [for p in each.value : {
    effect            = "allow"
    permission_groups = [for name in p.groups : { id = lookup(local.group, name, "unknown") }]
    resources         = jsonencode({ for on in p.on : on => "*" })
  }]

  lifecycle {
    precondition {
      condition     = alltrue([for p in each.value : alltrue([for name in p.groups : contains(keys(local.group), name)])])
      error_message = "Cloudflare knows no permission group of the name that token ${each.key} needs: ${join(", ", flatten([for p in each.value : p.groups]))}."
    }
  }

  depends_on = [cloudflare_r2_bucket.this]
}
