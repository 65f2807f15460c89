output "environment" {
  description = "The function's variables; none is secret."
  value       = local.environment
}

output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "csv_bucket" {
  description = "Bucket of the CSV objects, for the SIEM."
  value       = aws_s3_bucket.this["csv"].bucket
}

output "state_bucket" {
  description = "Bucket of the state; no SIEM may read it."
  value       = aws_s3_bucket.this["state"].bucket
}

output "dead_queue_url" {
  description = "Queue in which dead letters wait."
  value       = aws_sqs_queue.dead.url
}

output "logs_url" {
  description = "The function's log."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#logsV2:log-groups/log-group/${replace(aws_cloudwatch_log_group.this.name, "/", "$252F")}"
}

output "dashboard_url" {
  description = "The dashboard; null without alarms."
  value       = var.alarms == null ? null : "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/siemfeed-${var.name}"
}
