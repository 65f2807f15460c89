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

resource "cloudflare_account_token" "logpush" {
  count = var.logpush == null ? 0 : 1

  account_id = var.account_id
  name       = "${var.name}: logpush"
  policies   = local.policies.logpush
  depends_on = [cloudflare_r2_bucket.this]

  lifecycle {
    precondition {
      condition     = length(local.unknown) == 0
      error_message = local.unknown_message
    }
  }
}

resource "cloudflare_account_token" "function" {
  account_id = var.account_id
  name       = "${var.name}: function"
  policies   = local.policies.function
  depends_on = [cloudflare_r2_bucket.this]

  lifecycle {
    precondition {
      condition     = length(local.unknown) == 0
      error_message = local.unknown_message
    }
  }
}

resource "cloudflare_account_token" "siem" {
  account_id = var.account_id
  name       = "${var.name}: siem"
  policies   = local.policies.siem
  depends_on = [cloudflare_r2_bucket.this]
}

resource "cloudflare_account_token" "queue" {
  count = var.push == null ? 1 : 0

  account_id = var.account_id
  name       = "${var.name}: queue"
  policies   = local.policies.queue
}

locals {
  policies = { for k, policies in local.tokens : k => [for p in policies : {
    effect            = "allow"
    permission_groups = [for name in p.groups : { id = lookup(local.group, name, "unknown") }]
    resources         = jsonencode({ for on in p.on : on => "*" })
  }] }

  unknown         = setsubtract(flatten([for policies in values(local.tokens) : [for p in policies : p.groups]]), keys(local.group))
  unknown_message = "Cloudflare knows no permission group of the name ${join(", ", local.unknown)}."
}
