output "name" {
  description = "Name of the function, and of the Cloud Run service that it is."
  value       = google_cloudfunctions2_function.this.name
}

output "run_account" {
  description = "E-mail of the account that the function runs as: what buckets and secrets are granted to."
  value       = local.account.email
}

output "run_account_id" {
  description = "The account's number, by which another cloud knows it: the subject of its identity tokens."
  value       = local.account.number
}

output "topic" {
  description = "Topic that triggers the function: a message of {} is a run; null with open."
  value       = one(google_pubsub_topic.trigger[*].name)
}

output "dead_subscription" {
  description = "Subscription that dead letters wait in; null with open, as they wait where the caller has them."
  value       = one(google_pubsub_subscription.dead[*].name)
}

output "uri" {
  description = "The function's address; only Pub/Sub of this project reaches it, and with open whoever bears FUNCTION_TOKEN."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}

output "interval_minutes" {
  description = "Minutes from one run to the next, for what watches over them."
  value       = var.interval_minutes
}

output "run_timeout_seconds" {
  description = "Budget of a run, for what watches over it."
  value       = var.run_timeout_seconds
}

output "verifies" {
  description = "Whether there is a daily proof, for what watches over it; with open the caller asks for it."
  value       = var.verify != null
}
