locals {
  parameters = "?account_id=${var.account_id}"

  environment = merge({
    SOURCE_URL            = "r2://${cloudflare_r2_bucket.this["logs"].name}${local.parameters}${var.prefix == "" ? "" : "&prefix=${var.prefix}"}"
    DEST_URL              = "r2://${cloudflare_r2_bucket.this["csv"].name}${local.parameters}"
    STATE_URL             = "r2://${cloudflare_r2_bucket.this["state"].name}${local.parameters}"
    R2_ACCOUNT_ID         = var.account_id
    R2_ACCESS_KEY_ID      = cloudflare_account_token.function.id
    CF_ACCOUNT_ID         = var.account_id
    CF_QUEUE_ID           = cloudflare_queue.notices.queue_id
    CF_VISIBILITY_TIMEOUT = "${local.visibility_seconds}s"
    }, var.jurisdiction == "default" ? {} : {
    R2_ENDPOINT = "https://${var.account_id}.${var.jurisdiction}.r2.cloudflarestorage.com"
  })
}

output "environment" {
  description = "The function's variables that are no secret: buckets, queue and key id."
  value       = local.environment
}

output "secrets" {
  description = "The function's variables that are secrets, and of each a number that changes with it."
  sensitive   = true
  value = {
    R2_SECRET_ACCESS_KEY = sha256(cloudflare_account_token.function.value)
    CF_API_TOKEN         = cloudflare_account_token.queue.value
  }
}

output "secret_versions" {
  description = "Of each secret a number that changes with it."
  value = { for name, token in { R2_SECRET_ACCESS_KEY = cloudflare_account_token.function, CF_API_TOKEN = cloudflare_account_token.queue } :
    name => 1 + parseint(substr(sha256(token.id), 0, 8), 16)
  }
}

output "siem_key" {
  description = "Key with which the SIEM reads the CSV bucket, and nothing else."
  sensitive   = true
  value = {
    access_key_id     = cloudflare_account_token.siem.id
    secret_access_key = sha256(cloudflare_account_token.siem.value)
    endpoint          = "https://${var.account_id}${var.jurisdiction == "default" ? "" : ".${var.jurisdiction}"}.r2.cloudflarestorage.com"
    bucket            = cloudflare_r2_bucket.this["csv"].name
  }
}

output "buckets" {
  description = "Names of the buckets: logs, csv and state."
  value       = { for k, b in cloudflare_r2_bucket.this : k => b.name }
}

output "dead_queue" {
  description = "Queue in which dead letters wait."
  value       = cloudflare_queue.dead.queue_name
}

output "retention_hours" {
  description = "How long the queue keeps a notice, for what watches over the lag."
  value       = local.retention_seconds / 3600
}
