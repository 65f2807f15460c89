output "name" {
  description = "Name of the pool."
  value       = google_cloud_run_v2_worker_pool.this.name
}

output "verifier" {
  description = "Name of the service that makes the proof; null without one."
  value       = one(google_cloud_run_v2_service.verify[*].name)
}

output "run_account" {
  description = "E-mail of the account that the pool runs as: what buckets and secrets are granted to."
  value       = local.account.email
}

output "run_account_id" {
  description = "The account's number, by which another cloud knows it: the subject of its identity tokens."
  value       = local.account.number
}
