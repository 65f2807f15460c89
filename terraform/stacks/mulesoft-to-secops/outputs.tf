locals {
  plain       = merge(local.environment, { RUN_TIMEOUT = "${var.run_timeout_seconds}s" })
  with_secret = "CLIENT_SECRET=\"$(gcloud secrets versions access ${module.client_secret.reference.version} --secret=${module.client_secret.name} --project=${var.project})\""
}

output "next_steps" {
  description = "What to do after the first apply."
  value       = <<-EOT
    1. Trigger a run and look at it:
         gcloud pubsub topics publish ${module.function.topic} --project=${var.project} --message='{}'
         ${local.logs_url}
    2. Have everything checked that a run needs (you need the rights to read the secret and both buckets):
         terraform output -raw doctor_env > muleaudit.env
         ${local.with_secret} go run ./scripts/siemfeed doctor muleaudit --env-file muleaudit.env
    3. ${var.secops == null ? "Let a SIEM read ${module.feed.feed_uri}: set secops, or add a feed of the kind Google Cloud Storage V2 yourself." : "Look whether the feed reads: SIEM Settings, Feeds, MuleSoft audit logs (${var.name})."}
    4. Export what is older than the first run's 24 hours:
         gcloud pubsub topics publish ${module.function.topic} --project=${var.project} --message='{"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z"}'
    5. ${var.alerts == null ? "Nobody is told when it breaks: set alerts." : length(concat(var.alerts.page, var.alerts.ticket)) == 0 ? "Nobody is told when it breaks: give alerts notification channels." : "Look at the dashboard: ${module.alerts[0].dashboard_url}"}
  EOT
}

output "doctor_env" {
  description = "The function's variables, without its secret, for --env-file."
  value       = join("", [for k, v in local.plain : "${k}=${v}\n"])
}

locals {
  logs_url = "https://console.cloud.google.com/logs/query;query=${replace(urlencode("resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${module.function.name}\""), "+", "%20")}?project=${var.project}"
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
  value       = "terraform output -raw doctor_env > muleaudit.env && ${local.with_secret} go run ./scripts/siemfeed verify muleaudit --env-file muleaudit.env"
}

output "feed_uri" {
  description = "Where the logs are, for a SIEM's feed."
  value       = module.feed.feed_uri
}
