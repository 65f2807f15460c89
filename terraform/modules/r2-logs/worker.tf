# The Worker that pushes: it forwards what the queue has to the function, and asks
# it for the daily proof.
resource "cloudflare_workers_script" "push" {
  count = var.push == null ? 0 : 1

  account_id         = var.account_id
  script_name        = "${var.name}-push"
  main_module        = "worker.js"
  content_file       = local.worker
  content_sha256     = filesha256(local.worker)
  compatibility_date = "2025-01-01"

  # By name, as Cloudflare lists them. It has no reference to a secret store that
  # Google's side could read as well: the token is in the state.
  bindings = [
    { name = "FUNCTION_TOKEN", type = "secret_text", text = var.function_token },
    { name = "FUNCTION_URL", type = "plain_text", text = var.function_url },
    { name = "RETRY_DELAY_SECONDS", type = "plain_text", text = tostring(local.retry_seconds) },
    # As long as the platform lets a run of the function take.
    { name = "TIMEOUT_SECONDS", type = "plain_text", text = tostring(local.visibility_seconds) },
  ]

  observability = { enabled = true }
}

resource "cloudflare_workers_cron_trigger" "verify" {
  count = var.push == null ? 0 : var.push.verify_schedule == null ? 0 : 1

  account_id  = var.account_id
  script_name = cloudflare_workers_script.push[0].script_name
  schedules   = [{ cron = var.push.verify_schedule }]
}

locals {
  worker = "${path.module}/../../../functions/gunzipcsv/worker/worker.js"
}
