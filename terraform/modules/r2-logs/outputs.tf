locals {
  parameters = "?account_id=${var.account_id}"

  environment = merge({
    SOURCE_URL       = "r2://${cloudflare_r2_bucket.this["logs"].name}${local.parameters}${var.prefix == "" ? "" : "&prefix=${var.prefix}"}"
    DEST_URL         = "r2://${cloudflare_r2_bucket.this["csv"].name}${local.parameters}"
    STATE_URL        = "r2://${cloudflare_r2_bucket.this["state"].name}${local.parameters}"
    R2_ACCOUNT_ID    = var.account_id
    R2_ACCESS_KEY_ID = cloudflare_account_token.function.id
    }, var.push != null ? {} : { # without a queue to pull from
    CF_ACCOUNT_ID         = var.account_id
    CF_QUEUE_ID           = cloudflare_queue.notices.queue_id
    CF_DEAD_QUEUE_ID      = cloudflare_queue.dead.queue_id
    CF_VISIBILITY_TIMEOUT = "${local.visibility_seconds}s"
    }, var.jurisdiction == "default" ? {} : {
    R2_ENDPOINT = "https://${var.account_id}.${var.jurisdiction}.r2.cloudflarestorage.com"
  })
}

output "environment" {
  description = "The function's variables that are no secret: buckets, key id and, where it pulls, the queue."
  value       = local.environment
}

output "secrets" {
  description = "The function's variables that are secrets: the key of the buckets and, where it pulls, the queue's token."
  sensitive   = true
  value = merge({
    R2_SECRET_ACCESS_KEY = sha256(cloudflare_account_token.function.value)
  }, { for token in cloudflare_account_token.queue : "CF_API_TOKEN" => token.value })
}

output "secret_versions" {
  description = "Of each secret a number that changes with it."
  value = { for name, id in merge({ R2_SECRET_ACCESS_KEY = cloudflare_account_token.function.id }, { for token in cloudflare_account_token.queue : "CF_API_TOKEN" => token.id }) :
    name => 1 + parseint(substr(sha256(id), 0, 8), 16)
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

output "worker" {
  description = "The Worker that pushes: its name, where to, and when it asks for the daily proof; null without push."
  value = var.push == null ? null : {
    script          = cloudflare_workers_script.push[0].script_name
    url             = var.function_url
    verify_schedule = one([for trigger in cloudflare_workers_cron_trigger.verify : trigger.schedules[0].cron])
  }
}
