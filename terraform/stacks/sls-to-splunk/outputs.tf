locals {
  plain       = merge(local.environment, { RUN_TIMEOUT = "${var.run_timeout_seconds}s" })
  of_google   = ["ALIBABA_ROLE_ARN", "ALIBABA_OIDC_PROVIDER_ARN", "ALIBABA_OIDC_AUDIENCE"]
  with_secret = "HEC_TOKEN=\"$(gcloud secrets versions access ${module.hec_token.reference.version} --secret=${module.hec_token.name} --project=${var.project})\""
  # A pool's proof is in the log of the service that makes it.
  of_service = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name"
  of_pool    = "resource.type=\"cloud_run_worker_pool\" AND resource.labels.worker_pool_name=\"${var.name}\""
  filter     = local.scheduled ? "${local.of_service}=\"${var.name}\"" : join(" OR ", [for f in [local.of_pool, try("${local.of_service}=\"${module.pool[0].verifier}\"", "")] : "(${f})" if f != ""])
  logs_url   = "https://console.cloud.google.com/logs/query;query=${replace(urlencode(local.filter), "+", "%20")}?project=${var.project}"
}

output "next_steps" {
  description = "What to do after the first apply."
  value       = <<-EOT
    1. ${local.scheduled ? "Trigger a run and look at it:\n     gcloud pubsub topics publish ${var.name} --project=${var.project} --message='{}'" : "Look at the pool's log: a record \"interval finished\" comes every five minutes."}
         ${local.logs_url}
    2. Have everything checked that a run needs, with a key of your own that may read the logstore (SLS_AK_ID, SLS_AK_KEY): the function's role is Google's to give.
         terraform output -raw doctor_env > slshec.env
         ${local.with_secret} go run ./scripts/siemfeed doctor slshec --env-file slshec.env
    3. In Splunk: index=${var.splunk.index == "" ? "…" : var.splunk.index} sls_logstore=${var.sls.logstore} | stats count by sls_shard
    4. ${var.alerts == null ? "Nobody is told when it breaks: set alerts." : length(concat(var.alerts.page, var.alerts.ticket)) == 0 ? "Nobody is told when it breaks: give alerts notification channels." : "Look at the dashboard: ${module.alerts[0].dashboard_url}"}
    5. ${var.verify == null ? "No proof comes by itself: set verify, or run the output verify_command once a day." : "The proof comes every day; at once with the output verify_command."}
  EOT
}

output "doctor_env" {
  description = "The function's variables, without its secret and the role that only Google gives, for --env-file."
  value       = join("", [for k, v in local.plain : "${k}=${v}\n" if !contains(local.of_google, k)])
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
  description = "Asks for the proof at once, from a checkout, with a key of your own in SLS_AK_ID and SLS_AK_KEY: every gap by name."
  value       = "terraform output -raw doctor_env > slshec.env && ${local.with_secret} go run ./scripts/siemfeed verify slshec --env-file slshec.env"
}
