locals {
  # From outside, by the public endpoints.
  plain = merge(local.environment, {
    SLS_ENDPOINT = "${var.sls.region}.log.aliyuncs.com"
    STATE_URL    = module.function.state_url
    RUN_TIMEOUT  = "${var.run_timeout_seconds}s"
  })
}

output "next_steps" {
  description = "What to do after the first apply."
  value       = <<-EOT
    1. Have everything checked that a run needs, with a key of your own in SLS_AK_ID and SLS_AK_KEY that may read the logstore and the state, and the token in HEC_TOKEN:
         terraform output -raw doctor_env > slshec.env
         go run ./scripts/siemfeed doctor slshec --env-file slshec.env
    2. Look for the records "run finished":
         ${module.function.logs_url}
    3. In Splunk: index=${var.splunk.index == "" ? "…" : var.splunk.index} sls_logstore=${var.sls.logstore} | stats count by sls_shard
    4. ${var.alerts == null ? "Nobody is told when it breaks: set alerts." : "Set up who is told: Log Service, Alerts, action policies ${join(" and ", distinct([var.alerts.page, var.alerts.ticket]))}; and the dashboard: ${module.function.dashboard_url}"}
    5. ${var.verify == null ? "No proof comes by itself: set verify, or run the output verify_command once a day." : "The proof comes every day; at once with the output verify_command."}
  EOT
}

output "doctor_env" {
  description = "The function's variables, without its secret, for --env-file."
  value       = join("", [for k, v in local.plain : "${k}=${v}\n"])
}

output "logs_url" {
  description = "The function's log."
  value       = module.function.logs_url
}

output "dashboard_url" {
  description = "The dashboard; null without alerts."
  value       = module.function.dashboard_url
}

output "verify_command" {
  description = "Asks for the proof at once, from a checkout, with a key of your own in SLS_AK_ID and SLS_AK_KEY, and the token in HEC_TOKEN: every gap by name."
  value       = "terraform output -raw doctor_env > slshec.env && go run ./scripts/siemfeed verify slshec --env-file slshec.env"
}
