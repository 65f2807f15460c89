output "dashboard_url" {
  description = "The dashboard."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${element(split("/", google_monitoring_dashboard.this.id), -1)}?project=${var.project}"
}

output "logs_url" {
  description = "The function's log."
  value       = local.logs_url
}

output "alerts" {
  description = "Names of the alerts that there are."
  value       = sort(concat(keys(google_monitoring_alert_policy.query), keys(google_monitoring_alert_policy.record), [for p in google_monitoring_alert_policy.dead_letters : "dead-letters"]))
}

output "absence_window_seconds" {
  description = "From the last success until somebody is woken."
  value       = local.window
}
