output "state_url" {
  description = "STATE_URL from outside of Alibaba Cloud, for the operator's command."
  value       = "oss://${alicloud_oss_bucket.state.bucket}?region=${var.region}"
}

output "function_name" {
  description = "Name of the function."
  value       = alicloud_fcv3_function.this.function_name
}

output "run_role_arn" {
  description = "RAM role that the function runs as, for rights elsewhere."
  value       = alicloud_ram_role.run.arn
}

output "logs_url" {
  description = "The function's log."
  value       = "https://sls.console.aliyun.com/lognext/project/${var.log_project}/logsearch/${alicloud_log_store.own.logstore_name}"
}

output "dashboard_url" {
  description = "The dashboard; null without alerts."
  value       = var.alerts == null ? null : "https://sls.console.aliyun.com/lognext/project/${var.log_project}/dashboard/siemfeed-${var.name}"
}

output "alerts" {
  description = "Names of the alerts that there are."
  value       = sort(keys(alicloud_sls_alert.this))
}

output "absence_window_seconds" {
  description = "From the last success until somebody is woken."
  value       = local.window_seconds
}

output "triggers" {
  description = "What wakes the function, by name: timer or log."
  value       = merge({ run = alicloud_fcv3_trigger.run.trigger_type }, { for t in alicloud_fcv3_trigger.verify : t.trigger_name => t.trigger_type })
}

output "protected" {
  description = "Logstores that a destroy does not delete, each as PROJECT/LOGSTORE."
  value       = module.protection.protected
}
