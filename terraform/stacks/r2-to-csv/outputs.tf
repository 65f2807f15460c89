locals {
  plain  = merge(local.environment, { RUN_TIMEOUT = "${var.run_timeout_seconds}s" })
  access = "gcloud secrets versions access --project=${var.project} --secret"
  # What an operator needs: to call the function is not among it.
  with_secrets = join(" ", concat(
    ["R2_SECRET_ACCESS_KEY=\"$(${local.access}=${module.r2_secret.name} ${module.r2_secret.reference.version})\""],
    [for token in module.queue_token : "CF_API_TOKEN=\"$(${local.access}=${token.name} ${token.reference.version})\""],
  ))
  logs_url = "https://console.cloud.google.com/logs/query;query=${replace(urlencode("resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${module.function.name}\""), "+", "%20")}?project=${var.project}"
}

output "next_steps" {
  description = "What to do after the first apply."
  value       = <<-EOT
    1. ${var.logpush == null ? "Let Logpush write to the bucket ${module.logs.buckets.logs}, folder \"${var.prefix}\"." : "Logpush writes ${var.logpush.dataset} to ${module.logs.buckets.logs}: the first object comes within ${var.logpush.max_interval_seconds} s of traffic."}
    2. Have everything checked that a run needs (you need the right to read its secrets):
         terraform output -raw doctor_env > gunzipcsv.env
         ${local.with_secrets} go run ./scripts/siemfeed doctor gunzipcsv --env-file gunzipcsv.env
    3. Look for the records "run finished"${var.push == null ? "" : ", and where there are none for \"batch forwarded\" in the log of the Worker ${var.name}-push on Cloudflare"}:
         ${local.logs_url}
    4. Convert what was there before:
         ${var.backfill == null ? "${local.with_secrets} go run ./scripts/siemfeed backfill gunzipcsv --env-file gunzipcsv.env" : module.backfill[0].run_command}
    5. Mount ${module.logs.buckets.csv} read-only on the server of the SIEM, with the key that this shows (functions/gunzipcsv/README.md, "The last step"):
         terraform output -json siem_key
    6. ${var.alerts == null ? "Nobody is told when it breaks: set alerts." : length(concat(var.alerts.page, var.alerts.ticket)) == 0 ? "Nobody is told when it breaks: give alerts notification channels." : "Look at the dashboard: ${module.alerts[0].dashboard_url}"}
  EOT
}

output "doctor_env" {
  description = "The function's variables, without its secrets, for --env-file."
  value       = join("", [for k, v in local.plain : "${k}=${v}\n"])
}

output "logs_url" {
  description = "The function's log."
  value       = local.logs_url
}

output "dashboard_url" {
  description = "The dashboard; null without alerts."
  value       = try(module.alerts[0].dashboard_url, null)
}

output "verify_command" {
  description = "Asks for the proof at once, from a checkout: every gap by name."
  value       = "terraform output -raw doctor_env > gunzipcsv.env && ${local.with_secrets} go run ./scripts/siemfeed verify gunzipcsv --env-file gunzipcsv.env"
}

output "siem_key" {
  description = "Key with which the SIEM reads the CSV bucket, and nothing else."
  value       = module.logs.siem_key
  sensitive   = true
}
